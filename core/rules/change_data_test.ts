import assert from "node:assert/strict";
import fc from "fast-check";
import { type ChangeData, changeData, readChange } from "./change_data.ts";
import { Fault } from "./fault.ts";

const CHANGES: ChangeData[] = [
  { kind: "add", rule: "-c remote -p enable -n 10.1.2.0/24 -s 22" },
  { kind: "delete", rule: "-c local -p disable -h ::1 -r 1:1024" },
  { kind: "flush" },
  { kind: "flush", chain: "local", policy: "enable" },
  { kind: "set", name: "net.inet.sctp.shim.init_rtx_max", value: "3" },
  { kind: "set", name: "net.inet.sctp.shim.log_level", value: "debug" },
];

Deno.test("a change survives a round trip through its plain form", () => {
  for (const data of CHANGES) {
    const change = readChange(JSON.parse(JSON.stringify(data)));
    assert.ok(!(change instanceof Fault), JSON.stringify(data));
    assert.deepEqual(JSON.parse(JSON.stringify(changeData(change))), data);
  }
});

Deno.test("what is wrong with a change is said by the code of its part", () => {
  const wrong: [unknown, string][] = [
    [{ kind: "add", rule: "-c remote -p enable -s 0" }, "port-zero"],
    [{ kind: "delete", rule: "" }, "bad-option"],
    [{ kind: "flush", chain: "forward" }, "bad-chain"],
    [{ kind: "flush", policy: "maybe" }, "bad-policy"],
    [{ kind: "set", name: "mtu", value: "1" }, "unknown-setting"],
    [{ kind: "set", name: "init_rtx_max", value: "-1" }, "out-of-range"],
    [{ kind: "set", name: "init_rtx_max", value: 1 }, "bad-change"],
    [{ kind: "add" }, "bad-change"],
    [{ kind: "flush", chain: 1 }, "bad-change"],
    [undefined, "bad-change"],
  ];
  for (const [data, code] of wrong) {
    const fault = readChange(data);
    assert.ok(fault instanceof Fault);
    assert.equal(fault.code, code);
  }
});

Deno.test("whatever is read as a change, nothing is thrown", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => void readChange(value)));
});
