/** FORWARD TSN and I-FORWARD-TSN that skip what they must not (RFC 3758, sections 3.6 and 7). */
import assert from "node:assert/strict";
import { tsn } from "../base/serial.ts";
import { data, forwardTsn, iData, iForwardTsn } from "../testing/chunks.ts";
import { connectedInterleaved } from "../testing/interleaved_puppet.ts";
import { connectedPartial } from "../testing/partial_puppet.ts";
import type { Puppet } from "../testing/puppet.ts";
import { namesOf } from "../testing/sent_packet.ts";

function drops({ subject }: Puppet) {
  return subject.endpoint.metrics.dropped;
}

Deno.test("a skip beyond all that could be on its way is not believed, each time, and counted", () => {
  const puppet = connectedPartial();
  const targets = [1000 + 70_000, 1000 + 2 ** 30, 1000 + 2 ** 31 - 2];
  for (const target of targets) {
    assert.deepEqual(namesOf(puppet.send(forwardTsn(target))), ["SACK"]);
  }
  assert.equal(drops(puppet)["absurd-forward-tsn"], targets.length);
  assert.equal(puppet.association.rx?.tracker.cumulative, 999);
});

Deno.test("a skip of streams that do not exist is counted, and makes none", () => {
  const puppet = connectedPartial({ listen: { parameters: { inboundStreams: 10 } } });
  for (let i = 0; i < 100; i++) {
    puppet.send(forwardTsn(1000 + i, [[10, 0], [65_535, 0]]));
  }
  assert.equal(drops(puppet)["absurd-forward-tsn"], 100);
  assert.equal(puppet.association.inboundStreams, 10);
  assert.equal(puppet.association.heldBytes, 0);
});

Deno.test("interleaved: a skip of streams that do not exist is counted, and makes none", () => {
  const puppet = connectedInterleaved({ listen: { parameters: { inboundStreams: 10 } } });
  for (let i = 0; i < 100; i++) puppet.send(iForwardTsn(1000 + i, [[10, 5], [65_535, 5, "U"]]));
  assert.equal(drops(puppet)["absurd-forward-tsn"], 100);
  assert.equal(puppet.association.heldBytes, 0);
});

Deno.test("a replayed skip takes nothing that came after it", () => {
  const puppet = connectedPartial();
  const captured = forwardTsn(1000, [[0, 0]]);
  puppet.send(captured);
  puppet.send(data(1001, { ssn: 1 }), data(1003, { ssn: 3 }));
  for (let i = 0; i < 100; i++) puppet.send(captured);
  assert.equal(drops(puppet)["old-forward-tsn"], 100);
  puppet.send(data(1002, { ssn: 2 }));
  const read = [1, 2, 3].map(() => puppet.read().info.ssn);
  assert.deepEqual(read, [1, 2, 3]);
});

Deno.test("skips with what waits far ahead: the work is paid for by what was received, the rest is postponed", () => {
  const puppet = connectedPartial();
  const entries = Array.from({ length: 10 }, (_, stream) => [stream, 6500] as const);
  let next = 1000;
  for (let i = 0; i < 2000; i++) {
    next = tsn(next + 65_535);
    const waits = data(next - 20, { stream: 9, ssn: (i * 6501 + 20_000) & 0xffff });
    puppet.send(waits, forwardTsn(next - 1, entries));
  }
  assert.ok(drops(puppet)["postponed-forward-tsn"] > 0);
  assert.equal(puppet.association.state, "ESTABLISHED");
});

Deno.test("interleaved: what never becomes whole is bounded by the receive buffer, and a skip frees it", () => {
  const puppet = connectedInterleaved({ parameters: { receiveBuffer: 50_000 } });
  const { rx } = puppet.association;
  for (let i = 0; i < 2000; i++) {
    puppet.send(iData(1000 + i, { stream: i % 10, mid: i, fsn: 3, marks: "", payload: 1000 }));
  }
  assert.ok(rx && rx.heldBytes <= 52_000, `${rx?.heldBytes} bytes`);
  assert.ok(drops(puppet)["no-room"] + drops(puppet)["beyond-window"] > 1000);
});
