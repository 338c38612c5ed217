import assert from "node:assert/strict";
import fc from "fast-check";
import { IpAddress } from "../sctp/base/address.ts";
import { readChange } from "./change_data.ts";
import { Configuration } from "./configuration.ts";
import { Fault } from "./fault.ts";
import { readSnapshot, snapshotOf } from "./snapshot.ts";

function configured(...rules: readonly string[]): Configuration {
  const configuration = new Configuration();
  for (const rule of rules) {
    const change = readChange({ kind: "add", rule });
    assert.ok(!(change instanceof Fault));
    assert.equal(configuration.apply(change), undefined);
  }
  return configuration;
}

Deno.test("a snapshot keeps rules, settings and the hits of each rule", () => {
  const configuration = configured("-c remote -p enable -s 22", "-c local -p enable -s 80");
  configuration.apply({ kind: "set", key: "headStart", value: 7 });
  configuration.table.match("remote", IpAddress.parse("10.0.0.1"), 22);
  const copy = readSnapshot(JSON.parse(JSON.stringify(snapshotOf(configuration))));
  assert.ok(!(copy instanceof Fault));
  assert.equal(copy.settings.headStart, 7);
  assert.equal(copy.table.chain("remote", "enable").entries[0].hits, 1);
  assert.equal(copy.table.chain("local", "enable").entries[0].hits, 0);
});

Deno.test("whatever is read as a snapshot, nothing is thrown", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => void readSnapshot(value)));
  for (const wrong of [undefined, {}, { text: "", hits: 1 }, { text: "]", hits: [] }]) {
    assert.ok(readSnapshot(wrong) instanceof Fault);
  }
});
