/** A shutdown with data still under way: it neither stalls nor lasts (RFC 9260, section 9.2). */
import assert from "node:assert/strict";
import { tsn } from "../base/serial.ts";
import { data } from "../testing/chunks.ts";
import { Puppet } from "../testing/puppet.ts";
import { chunkOfType, namesOf, tsnsOf } from "../testing/sent_packet.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { sackCumulativeTsn, sackWindow } from "../wire/sack.ts";
import { encodeShutdown } from "../wire/shutdown.ts";

Deno.test("a peer that acknowledges by SHUTDOWN alone gets all data, whatever its window was", () => {
  const puppet = new Puppet({ init: { receiverWindow: 20_000 } });
  puppet.connect();
  let sent = puppet.submit(200_000);
  let last = puppet.subjectTsn - 1;
  while (puppet.association.state !== "SHUTDOWN-ACK-SENT") {
    const tsns = tsnsOf(sent);
    // Nothing may wait for a window probe.
    assert.ok(tsns.length > 0, `${puppet.association.bufferedBytes} bytes are stuck`);
    last = Math.max(last, ...tsns);
    sent = puppet.send(encodeShutdown(tsn(last)));
  }
  assert.equal(puppet.association.bufferedBytes, 0);
  assert.deepEqual(namesOf(sent), ["SHUTDOWN ACK"]);
});

Deno.test("DATA in SHUTDOWN-SENT is answered with SHUTDOWN and a SACK that tells the window", () => {
  const puppet = new Puppet();
  puppet.bring("SHUTDOWN-SENT");
  const answer = puppet.data({ payload: 1000 });
  chunkOfType(answer, ChunkType.Shutdown);
  const sack = chunkOfType(answer, ChunkType.Sack);
  assert.equal(sackCumulativeTsn(sack, 0), puppet.nextTsn - 1);
  assert.ok(sackWindow(sack, 0) < puppet.association.parameters.receiveBuffer);
});

/** In SHUTDOWN-SENT, with a guard of 10 s. */
function closing(): Puppet {
  const puppet = new Puppet({ parameters: { rtoMax: 2000 } });
  puppet.connect();
  puppet.data();
  puppet.shutdown();
  return puppet;
}

Deno.test("duplicates do not put off the end by T5-shutdown-guard", () => {
  const puppet = closing();
  for (let second = 1; second < 10; second++) {
    puppet.wait(1000);
    puppet.send(data(puppet.nextTsn - 1));
    assert.equal(puppet.association.state, "SHUTDOWN-SENT");
  }
  assert.match(namesOf(puppet.wait(1100)).join(), /ABORT/);
  assert.ok(puppet.subject.eventKinds.includes("communication-lost"));
});

Deno.test("data that still arrives puts off T5-shutdown-guard", () => {
  const puppet = closing();
  for (let second = 1; second < 30; second++) {
    puppet.wait(1000);
    puppet.data();
  }
  assert.equal(puppet.association.state, "SHUTDOWN-SENT");
  puppet.acknowledgeShutdown();
  assert.deepEqual(puppet.subject.eventKinds.slice(-1), ["shutdown-complete"]);
});
