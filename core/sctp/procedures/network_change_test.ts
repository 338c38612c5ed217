/** The host loses addresses and gets them back. */
import assert from "node:assert/strict";
import { Puppet, type PuppetOptions } from "../testing/puppet.ts";
import { namesOf, type SentPacket } from "../testing/sent_packet.ts";
import { address, localAddresses } from "../testing/test_endpoint.ts";

const TWO = { addresses: ["10.0.0.1", "10.0.1.1"], peers: ["10.0.0.2", "10.0.1.2"] };

function multihomed(options: PuppetOptions = {}): Puppet {
  const puppet = new Puppet({ ...TWO, parameters: { noDelay: 1 }, ...options });
  puppet.accept();
  return puppet;
}

/** The host has these addresses now; what leaves at once. */
function change(puppet: Puppet, ...addresses: string[]): SentPacket[] {
  puppet.subject.do((endpoint, now) =>
    endpoint.handleNetworkChange(now, localAddresses(addresses))
  );
  return puppet.subject.take();
}

function sources(packets: readonly SentPacket[]): Set<string> {
  return new Set(packets.map(({ from }) => from));
}

Deno.test("what was in flight from an address that is gone leaves by the other one at once", () => {
  const puppet = multihomed();
  assert.equal(puppet.submit(3000)[0].from, "10.0.0.1");
  const again = change(puppet, "10.0.1.1");
  assert.deepEqual([...sources(again)], ["10.0.1.1"]);
  assert.deepEqual(puppet.offsets(again), [0, 1, 2]);
});

Deno.test("nothing leaves from an address that is gone while another one is there", () => {
  const puppet = multihomed();
  change(puppet, "10.0.1.1");
  const packets = [...puppet.submit(5000), ...puppet.wait(60_000)];
  assert.deepEqual([...sources(packets)], ["10.0.1.1"]);
});

Deno.test("an address that is back is probed, and data returns to its path with fresh congestion state", () => {
  const puppet = multihomed();
  const [first] = puppet.association.paths;
  first.congestion.onTimeout();
  change(puppet, "10.0.1.1");
  assert.equal(puppet.submit(100)[0].from, "10.0.1.1");
  puppet.ack(1);
  const packets = [...change(puppet, ...TWO.addresses), ...puppet.wait(10)];
  assert.ok(packets.some(({ from, names }) => from === "10.0.0.1" && names === "HEARTBEAT"));
  assert.equal(first.cwnd, 4404);
  assert.equal(puppet.submit(100)[0].from, "10.0.0.1");
});

Deno.test("with all addresses gone nothing is lost; data leaves again when one is back", () => {
  const puppet = multihomed();
  puppet.submit(1000);
  change(puppet);
  puppet.submit(1000);
  puppet.wait(500);
  const packets = change(puppet, "10.0.1.1");
  assert.deepEqual([...new Set(puppet.offsets([...packets, ...puppet.wait(3000)]))].sort(), [0, 1]);
  puppet.ack(2);
  assert.equal(puppet.association.bufferedBytes, 0);
});

Deno.test("an acknowledgement does not leave from an address that is gone", () => {
  const puppet = multihomed();
  puppet.data();
  puppet.data({ ssn: 1 });
  change(puppet, "10.0.1.1");
  const [sack] = puppet.wait(300);
  assert.deepEqual([sack.names, sack.from], ["SACK", "10.0.1.1"]);
});

Deno.test("a change that concerns no path of the association changes nothing", () => {
  const puppet = multihomed();
  const before = puppet.association.paths.map(({ cwnd }) => cwnd);
  assert.deepEqual(namesOf(change(puppet, ...TWO.addresses, "192.0.2.1")), []);
  assert.deepEqual(puppet.association.paths.map(({ cwnd }) => cwnd), before);
});

Deno.test("behind an address that is back the path MTU is that of its interface again", () => {
  const puppet = multihomed({ parameters: { noDelay: 1, pathMtuDiscovery: 0 } });
  const [{ from, to, bytes }] = puppet.submit(1400);
  puppet.subject.do((endpoint, now) =>
    endpoint.handleIcmp(now, {
      kind: "packet-too-big",
      local: address(from),
      remote: address(to),
      mtu: 1300,
      quoted: bytes.subarray(0, 28),
    })
  );
  assert.equal(puppet.association.paths[0].pmtu, 1300);
  change(puppet, "10.0.1.1");
  change(puppet, ...TWO.addresses);
  assert.equal(puppet.association.paths[0].pmtu, 1500);
});
