import assert from "node:assert/strict";
import fc from "fast-check";
import { IpAddress } from "../../sctp/base/address.ts";
import { instant } from "../../sctp/base/time.ts";
import { Flow, type Place } from "./flow.ts";
import { FlowTable } from "./flow_table.ts";

const HOSTS = ["10.0.0.1", "10.0.0.2", "2001:db8::1"].map(IpAddress.parse);

function flow(local: Place, remote: Place): Flow {
  return new Flow(local, remote, { owner: undefined, isOurs: true }, instant(0));
}

function place(host: number, port: number): Place {
  return { address: HOSTS[host], port };
}

/** Few of them, so that the same one is often added and deleted. */
const ends = fc.tuple(fc.nat(2), fc.integer({ min: 1, max: 3 }), fc.nat(2), fc.nat(3));

Deno.test("the table holds what a list of all flows would", () => {
  const command = fc.tuple(fc.constantFrom("add", "delete"), ends);
  fc.assert(fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
    const table = new FlowTable(1000);
    const all = new Map<string, Flow>();
    for (const [what, [a, b, c, d]] of commands) {
      const known = all.get(`${a} ${b} ${c} ${d}`);
      assert.equal(table.find(HOSTS[a], b, HOSTS[c], d), known);
      if (what === "add" && !known) {
        const added = flow(place(a, b), place(c, d));
        table.add(added);
        all.set(`${a} ${b} ${c} ${d}`, added);
      } else if (what === "delete" && known) {
        table.delete(known);
        table.delete(known);
        all.delete(`${a} ${b} ${c} ${d}`);
      }
      assert.equal(table.count, all.size);
    }
    assert.deepEqual(new Set(table), new Set(all.values()));
  }));
});

Deno.test("a full table takes no more, and says so before", () => {
  const table = new FlowTable(2);
  const flows = [1, 2, 3].map((port) => flow(place(0, port), place(1, 53)));
  table.add(flows[0]);
  assert.ok(!table.isFull);
  table.add(flows[1]);
  assert.ok(table.isFull);
  assert.throws(() => table.add(flows[2]), RangeError);
  table.delete(flows[0]);
  table.add(flows[2]);
  assert.equal(table.find(HOSTS[0], 3, HOSTS[1], 53), flows[2]);
});

Deno.test("flows that share a place in the table are told apart", () => {
  const table = new FlowTable(1 << 16);
  for (let port = 1; port < 5000; port++) {
    table.add(flow(place(port % 3, port), place((port + 1) % 3, port * 7)));
  }
  for (let port = 1; port < 5000; port++) {
    const found = table.find(HOSTS[port % 3], port, HOSTS[(port + 1) % 3], port * 7);
    assert.equal(found?.local.port, port);
  }
});
