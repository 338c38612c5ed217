/** How far apart messages of one stream may be (RFC 9260, section 6.6). */
import assert from "node:assert/strict";
import { data } from "../testing/chunks.ts";
import { Puppet } from "../testing/puppet.ts";

/** Half the Stream Sequence Numbers and more, which comparing them modulo 2**16 would take for old. */
const COUNT = 40_000;
const PER_PACKET = 1000;

Deno.test("more than 32,768 messages behind one hole are all delivered, in order (section 6.6)", () => {
  const puppet = new Puppet();
  puppet.connect();
  const first = puppet.nextTsn;
  const message = (i: number) =>
    data(first + i, { ssn: i & 0xffff, payload: Uint8Array.of(i & 0xff) });
  for (let from = 1; from < COUNT; from += PER_PACKET) {
    const count = Math.min(PER_PACKET, COUNT - from);
    puppet.send(...Array.from({ length: count }, (_, i) => message(from + i)));
  }
  const { association } = puppet;
  assert.equal(association.readableBytes, 0);
  puppet.send(message(0));
  assert.equal(association.readableBytes, COUNT);
  const target = new Uint8Array(16);
  const info = { stream: -1, ssn: -1, ppid: -1, unordered: false, endOfMessage: false };
  for (let i = 0; i < COUNT; i++) {
    const length = puppet.subject.do((_, now) => association.read(now, target, info));
    if (length === 1 && info.ssn === (i & 0xffff) && target[0] === (i & 0xff)) continue;
    assert.fail(`message ${i} came as ${info.ssn} with ${length} bytes`);
  }
});

Deno.test("a message that claims to be further ahead than its TSN allows was delivered before", () => {
  const puppet = new Puppet();
  puppet.connect();
  puppet.data({ ssn: 0 });
  puppet.data({ ssn: 40_000 });
  assert.equal(puppet.subject.endpoint.metrics.dropped["useless-ssn"], 1);
  assert.equal(puppet.association.heldBytes, 10);
});
