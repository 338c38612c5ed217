import assert from "node:assert/strict";
import { formatMessage } from "@optique/core/message";
import type { ValueParser } from "@optique/core/valueparser";
import { duration, forward, hostPort, ipAddress, ipAddresses, port, size } from "./options.ts";

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

Deno.test("an address is read, a name is not", () => {
  assert.equal(read(ipAddress(), "2001:DB8::1").text, "2001:db8::1");
  assert.match(faultOf(ipAddress(), "localhost"), /such as 192\.0\.2\.1/);
});

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

Deno.test("host and port are told apart, IPv6 in brackets", () => {
  assert.deepEqual(read(hostPort(), "server:22"), { host: "server", port: 22 });
  assert.deepEqual(read(hostPort(), "[fd00::1]:22"), { host: "fd00::1", port: 22 });
  for (const text of ["server", ":22", "fd00::1:22", "a b:1"]) {
    assert.match(faultOf(hostPort(), text), /HOST:PORT/);
  }
  assert.match(formatted(hostPort(), "server:"), /port from 1 to 65535/);
  assert.match(formatted(hostPort(), "[server]:22"), /IPv4 or IPv6 address/);
});

function formatted<T>(parser: ValueParser<"sync", T>, text: string): string {
  const result = parser.parse(text);
  assert.ok(!result.success, `${text} was taken`);
  return formatMessage(result.error);
}

Deno.test("a forward has a front and a target", () => {
  const value = read(forward(), "127.0.0.1:2222=server:22");
  assert.deepEqual(value.front, { host: "127.0.0.1", port: 2222 });
  assert.deepEqual(value.target, { host: "server", port: 22 });
  assert.match(faultOf(forward(), "127.0.0.1:2222"), /FRONT=TARGET/);
  assert.match(faultOf(forward(), "a:1=b:2=c:3"), /FRONT=TARGET/);
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
  const addressed = { host: "fd00::1", port: 22 };
  assert.deepEqual(read(hostPort(), hostPort().format(addressed)), addressed);
});
