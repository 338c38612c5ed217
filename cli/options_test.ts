import assert from "node:assert/strict";
import { formatMessage } from "@optique/core/message";
import type { ValueParser } from "@optique/core/valueparser";
import { duration, ipAddresses, port, size } from "./options.ts";

function read<T>(parser: ValueParser<"sync", T>, text: string): T {
  const result = parser.parse(text);
  assert.ok(result.success, `${text} was refused`);
  return result.value;
}

function faultOf<T>(parser: ValueParser<"sync", T>, text: string): string {
  const result = parser.parse(text);
  assert.ok(!result.success, `${text} was taken`);
  const fault = formatMessage(result.error);
  assert.ok(fault.includes(text), `"${fault}" does not name ${text}`);
  return fault;
}

Deno.test("a list of addresses keeps its order and takes none twice", () => {
  const list = read(ipAddresses(), "10.0.0.1,fd00::1");
  assert.deepEqual(list.map(String), ["10.0.0.1", "fd00::1"]);
  faultOf(ipAddresses(), "10.0.0.1,");
  assert.match(faultOf(ipAddresses(), "::1,0::1"), /stands twice/);
});

Deno.test("a port is 1 to 65535", () => {
  assert.equal(read(port(), "65535"), 65_535);
  for (const text of ["0", "65536", "-1", "22x", "1e3", "0x16"]) faultOf(port(), text);
});

Deno.test("a duration needs its unit", () => {
  assert.equal(read(duration(), "250ms"), 250);
  assert.equal(read(duration(), "1.5s"), 1_500);
  assert.equal(read(duration(), "2m"), 120_000);
  for (const text of ["5", "s", "-1s", "1 s", "1d"]) faultOf(duration(), text);
});

Deno.test("sizes count by 1024 or by 1000 as their unit says", () => {
  assert.equal(read(size(), "1400"), 1_400);
  assert.equal(read(size(), "64KiB"), 65_536);
  assert.equal(read(size(), "64K"), 65_536);
  assert.equal(read(size(), "25MB"), 25_000_000);
  for (const text of ["1.5K", "KiB", "-1", "1XB", "1toString"]) faultOf(size(), text);
});

Deno.test("what is shown as a default is read back as the same value", () => {
  for (const value of [0, 250, 1_500, 60_000, 7_200_000]) {
    assert.equal(read(duration(), duration().format(value)), value);
  }
  for (const value of [0, 1_400, 65_536, 25_000_000, 1024 ** 3]) {
    assert.equal(read(size(), size().format(value)), value);
  }
});
