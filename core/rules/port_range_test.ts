import assert from "node:assert/strict";
import { Fault } from "./fault.ts";
import { parsePort, parsePortRange } from "./port_range.ts";

Deno.test("a port is a range of one, and a range has both its ends", () => {
  assert.deepEqual(parsePort("1"), { low: 1, high: 1 });
  assert.deepEqual(parsePort("65535"), { low: 65_535, high: 65_535 });
  assert.deepEqual(parsePortRange("1:1024"), { low: 1, high: 1024 });
  assert.deepEqual(parsePortRange("80:80"), { low: 80, high: 80 });
});

const FAULTS: [read: typeof parsePort, text: string, code: string, words: RegExp][] = [
  [parsePort, "0", "port-zero", /port 0 .* 1 is the lowest/],
  [parsePort, "65536", "port-too-large", /port 65536 is above 65535/],
  [parsePort, "http", "bad-port", /"http" is no port/],
  [parsePort, "-1", "bad-port", /"-1" is no port/],
  [parsePort, "", "bad-port", /"" is no port/],
  [parsePort, "1:1024", "range-in-port", /write -r 1:1024/],
  [parsePort, "1-1024", "range-in-port", /write -r 1:1024/],
  [parsePortRange, "1024:1", "reversed-range", /reversed: did you mean 1:1024\?/],
  [parsePortRange, "0:1024", "port-zero", /port 0/],
  [parsePortRange, "1:70000", "port-too-large", /port 70000 is above/],
  [parsePortRange, "80", "bad-range", /one port is given as -s 80/],
  [parsePortRange, "1-1024", "bad-range", /did you mean 1:1024\?/],
  [parsePortRange, "1:2:3", "bad-range", /two ports with a colon between them/],
  [parsePortRange, "1:", "bad-port", /"" is no port/],
];

for (const [read, text, code, words] of FAULTS) {
  Deno.test(`"${text}" as a ${read === parsePort ? "port" : "range"} is ${code}`, () => {
    const fault = read(text);
    assert.ok(fault instanceof Fault);
    assert.equal(fault.code, code);
    assert.match(fault.message, words);
  });
}
