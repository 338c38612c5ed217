import assert from "node:assert/strict";
import { datagramChain, type DatagramPlan } from "./datagram_rules.ts";
import { installScript } from "./iptables_rules.ts";
import { selection } from "./testing/held_syns.ts";

const HOLD = "-j NFQUEUE --queue-num 8 --queue-bypass";

const PLAN: DatagramPlan = {
  queue: 8,
  remote: [selection(true, "10.0.0.0/8", 53), selection(true, "fd09::/64")],
  local: [selection(true, undefined, 5000, 5010)],
  ownPorts: [9899],
};

Deno.test("datagrams to remote servers and from local ones come to the queue, after the exceptions", () => {
  assert.deepEqual(datagramChain(PLAN, 4), [
    "-p udp -m udp --sport 9899 -j RETURN",
    "-p udp -m udp --dport 9899 -j RETURN",
    "-d 169.254.0.0/16 -j RETURN",
    "-d 224.0.0.0/4 -j RETURN",
    "-d 255.255.255.255/32 -j RETURN",
    `-d 10.0.0.0/8 -p udp -m udp --dport 53:53 ${HOLD}`,
    `-p udp -m udp --sport 5000:5010 ${HOLD}`,
  ]);
  assert.deepEqual(datagramChain(PLAN, 6).slice(2), [
    "-d fe80::/10 -j RETURN",
    "-d ff00::/8 -j RETURN",
    `-d fd09::/64 ${HOLD}`,
    `-p udp -m udp --sport 5000:5010 ${HOLD}`,
  ]);
});

Deno.test("where nothing is selected there is no chain", () => {
  const plan = { ...PLAN, local: [], remote: [selection(true, "10.0.0.0/8")] };
  assert.deepEqual(datagramChain(plan, 6), []);
});

Deno.test("UDP that leaves the host, or would, passes the chain, but for a shim's own", () => {
  const script = installScript("SHIMKIT_0_udp", datagramChain(PLAN, 4), "", {
    linked: true,
    packets: "datagrams",
  });
  const match = "-p udp -m udp -m mark ! --mark 0x53484b00/0xffffff00";
  assert.ok(script.includes(`-A OUTPUT ! -o lo ${match} -j SHIMKIT_0_udp\n`));
  const foreign = "-m addrtype ! --dst-type LOCAL";
  assert.ok(script.includes(`-A OUTPUT -o lo ${match} ${foreign} -j SHIMKIT_0_udp\n`));
});
