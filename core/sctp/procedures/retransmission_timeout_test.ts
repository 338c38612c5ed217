/** T3-rtx and SACKs of a peer with a closed window (RFC 9260, sections 6.1, 6.2, 6.3.3 and 7.2.3). */
import assert from "node:assert/strict";
import { sack } from "../testing/chunks.ts";
import { Puppet } from "../testing/puppet.ts";
import { tsnsOf } from "../testing/sent_packet.ts";

Deno.test("after T3-rtx there is one packet at a time, until an acknowledgement (section 7.2.3)", () => {
  const puppet = new Puppet();
  puppet.connect();
  // Two of these chunks do not fit one packet, but one of them is less than PMDCS, and so than cwnd.
  for (let i = 0; i < 4; i++) puppet.submit(1000);
  assert.deepEqual(puppet.offsets(puppet.wait(1100)), [0]);
  assert.deepEqual(puppet.offsets(puppet.wait(1000)), []);
  assert.deepEqual(puppet.offsets(puppet.wait(1000)), [0]);
  assert.deepEqual(puppet.offsets(puppet.ack(1)), [1, 2]);
});

Deno.test("new data too waits for the acknowledgement of the one packet (section 7.2.3)", () => {
  const puppet = new Puppet({ parameters: { noDelay: 1 } });
  puppet.connect();
  puppet.submit(100);
  assert.deepEqual(puppet.offsets(puppet.wait(1100)), [0]);
  assert.deepEqual(puppet.offsets(puppet.submit(100)), []);
  assert.deepEqual(puppet.offsets(puppet.ack(1)), [1]);
});

Deno.test("a SACK that acknowledges nothing new lets nothing leave beside the one packet (section 7.2.3)", () => {
  const puppet = new Puppet({ parameters: { noDelay: 1 } });
  puppet.connect();
  puppet.submit(100);
  assert.deepEqual(puppet.offsets(puppet.wait(1100)), [0]);
  assert.deepEqual(puppet.offsets(puppet.submit(100)), []);
  assert.deepEqual(
    puppet.offsets(puppet.ack(0)),
    [],
    "cwnd has room, but what was lost is not known yet",
  );
  assert.deepEqual(puppet.offsets(puppet.ack(1)), [1]);
});

/** Ten chunks, of which the peer takes the first and closes its window. */
function withClosedWindow(): Puppet {
  const puppet = new Puppet({ init: { receiverWindow: 20_000 } });
  puppet.connect();
  for (let i = 0; i < 10; i++) puppet.submit(1400);
  puppet.ack(1, { window: 0 });
  assert.ok(puppet.association.tx.outstanding.count > 1);
  return puppet;
}

Deno.test("with several chunks outstanding a closed window excuses no loss: cwnd collapses (section 6.3.3, E1)", () => {
  const puppet = withClosedWindow();
  const [path] = puppet.association.paths;
  const { cwnd } = path;
  puppet.wait(1100);
  assert.equal(puppet.association.metrics.timeouts, 1);
  assert.ok(path.cwnd < 1500 && path.cwnd < cwnd);
});

Deno.test("a closed window is no error as long as the peer answers (section 6.1, A)", () => {
  const puppet = withClosedWindow();
  const { association, subject } = puppet;
  while (association.metrics.timeouts < 20) {
    subject.fireNext();
    const sent = subject.take();
    puppet.answerHeartbeats(sent);
    if (tsnsOf(sent).length > 0) puppet.ack(1, { window: 0 });
    assert.deepEqual([association.tx.errorCount, association.paths[0].errorCount], [0, 0]);
  }
  assert.equal(association.state, "ESTABLISHED");
});

Deno.test("a peer that closed its window and fell silent is given up (sections 6.1, A and 8.1)", () => {
  const puppet = withClosedWindow();
  puppet.wait(3_600_000);
  assert.ok(puppet.subject.eventKinds.includes("communication-lost"));
});

Deno.test("of several SACKs in a packet the first counts (section 6.2)", () => {
  const puppet = new Puppet();
  puppet.connect();
  for (let i = 0; i < 3; i++) puppet.submit(1000);
  const first = puppet.subjectTsn;
  puppet.send(sack(first), sack(first + 1), sack(first + 2));
  assert.equal(puppet.association.bufferedBytes, 2000);
  assert.equal(puppet.association.metrics.sacksReceived, 1);
  puppet.send(sack(first + 2));
  assert.equal(puppet.association.bufferedBytes, 0);
});
