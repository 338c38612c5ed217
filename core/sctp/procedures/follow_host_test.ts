/** An association whose addresses follow those of its host (RFC 6458, section 8.1.23). */
import assert from "node:assert/strict";
import {
  acksIn,
  AsconfPuppet,
  asconfPuppet,
  asconfsIn,
  onlyAsconf,
  wordsOf,
} from "../testing/asconf.ts";
import type { AuthPuppetOptions } from "../testing/auth_puppet.ts";
import type { SentPacket } from "../testing/sent_packet.ts";
import { localAddresses } from "../testing/test_endpoint.ts";
import { CauseCode } from "../wire/error_cause.ts";

function followingPuppet(options: AuthPuppetOptions = {}): AsconfPuppet {
  const parameters = { followAddresses: 1, ...options.parameters };
  return asconfPuppet({ ...options, parameters });
}

function hostHas(puppet: AsconfPuppet, ...texts: string[]): SentPacket[] {
  puppet.subject.do((endpoint, now) => endpoint.handleNetworkChange(now, localAddresses(texts)));
  return puppet.subject.take();
}

function locals({ association }: AsconfPuppet): string[] {
  return association.paths.map(({ local }) => local.text);
}

Deno.test("an address that appears is added, one that goes is deleted", () => {
  const puppet = followingPuppet();
  const added = hostHas(puppet, "10.0.0.1", "10.0.0.11");
  assert.equal(wordsOf(onlyAsconf(added).asconf), "add 10.0.0.11");
  puppet.acknowledge(added);
  const removed = hostHas(puppet, "10.0.0.11");
  assert.equal(wordsOf(onlyAsconf(removed).asconf), "delete 10.0.0.1");
  puppet.acknowledge(removed);
  assert.deepEqual(locals(puppet), ["10.0.0.11"]);
});

Deno.test("the only address is exchanged by one ASCONF, and data goes on at once (section 5.3.2)", () => {
  const puppet = followingPuppet();
  hostHas(puppet);
  assert.deepEqual(puppet.offsets(puppet.submit(100)), [0], "from the address that is gone");
  const asked = hostHas(puppet, "10.0.0.11");
  const { asconf, packet } = onlyAsconf(asked);
  assert.equal(wordsOf(asconf), "add 10.0.0.11, delete 10.0.0.1");
  assert.deepEqual([packet.from, asconf.lookup.text], ["10.0.0.11", "10.0.0.1"]);
  const sent = puppet.acknowledge(asked).filter(({ names }) => names.includes("DATA"));
  assert.deepEqual(puppet.offsets(sent), [0]);
  assert.deepEqual(sent.map(({ from }) => from), ["10.0.0.11"]);
  assert.deepEqual(locals(puppet), ["10.0.0.11"]);
});

Deno.test("nothing is asked for unless the user wants it", () => {
  const puppet = asconfPuppet();
  assert.deepEqual(asconfsIn(hostHas(puppet, "10.0.0.1", "10.0.0.11")), []);
});

Deno.test("addresses of another scope stay out", () => {
  const puppet = followingPuppet();
  const others = ["127.0.0.1", "169.254.0.9", "fe80::1", "fd00::1"];
  assert.deepEqual(asconfsIn(hostHas(puppet, "10.0.0.1", ...others)), []);
});

Deno.test("an address that comes and goes while another request is under way costs nothing", () => {
  const puppet = followingPuppet();
  const asked = hostHas(puppet, "10.0.0.1", "10.0.0.11");
  for (let i = 0; i < 200; i++) {
    hostHas(puppet, "10.0.0.1", "10.0.0.11", "10.0.0.12");
    hostHas(puppet, "10.0.0.1", "10.0.0.11");
  }
  assert.deepEqual(asconfsIn(puppet.acknowledge(asked)), []);
  assert.deepEqual(locals(puppet), ["10.0.0.1", "10.0.0.11"]);
});

Deno.test("an address that is gone before the peer agreed is deleted again", () => {
  const puppet = followingPuppet();
  const asked = hostHas(puppet, "10.0.0.1", "10.0.0.11");
  assert.deepEqual(asconfsIn(hostHas(puppet, "10.0.0.1")), []);
  const then = puppet.acknowledge(asked);
  assert.equal(wordsOf(onlyAsconf(then).asconf), "delete 10.0.0.11");
  puppet.acknowledge(then);
  assert.deepEqual(locals(puppet), ["10.0.0.1"]);
});

Deno.test("what the peer refuses is not asked for again and again", () => {
  const puppet = followingPuppet();
  const asked = hostHas(puppet, "10.0.0.1", "10.0.0.11");
  const cause = { code: CauseCode.NoAuthorization, request: new Uint8Array(16) } as const;
  assert.deepEqual(asconfsIn(puppet.acknowledge(asked, { 0: cause })), []);
  assert.deepEqual(asconfsIn(puppet.wait(100_000)), []);
});

Deno.test("a private address is told to a public peer by the wildcard: a NAT is in between", () => {
  const puppet = followingPuppet({ addresses: ["192.168.0.2"], peers: ["198.51.100.1"] });
  const asked = hostHas(puppet, "192.168.0.2", "10.0.0.11");
  const { asconf, packet } = onlyAsconf(asked);
  assert.deepEqual([wordsOf(asconf), packet.from], ["add 0.0.0.0", "10.0.0.11"]);
});

Deno.test("an address that appeared during the setup is added once the association is up", () => {
  const puppet = asconfPuppetThatAsks();
  hostHas(puppet, "10.0.0.1", "10.0.0.11");
  puppet.answer();
  const sent = puppet.send(Uint8Array.of(11, 0, 0, 4));
  assert.equal(wordsOf(onlyAsconf(sent).asconf), "add 10.0.0.11");
  assert.deepEqual(acksIn(sent), []);
});

function asconfPuppetThatAsks(): AsconfPuppet {
  const puppet = new AsconfPuppet({ parameters: { followAddresses: 1 } });
  puppet.beAsked();
  return puppet;
}
