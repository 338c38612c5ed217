/** Packets that belong to no association (RFC 9260, section 8.4). */
import assert from "node:assert/strict";
import { tsn } from "../base/serial.ts";
import { data, init, initAck, rawChunk, sack } from "../testing/chunks.ts";
import { Puppet } from "../testing/puppet.ts";
import { namesOf } from "../testing/sent_packet.ts";
import { encodeAbort } from "../wire/abort.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { encodeCookieAck, encodeCookieEcho } from "../wire/cookie.ts";
import { encodeError } from "../wire/error.ts";
import { CauseCode } from "../wire/error_cause.ts";
import { encodeHeartbeat, encodeHeartbeatAck } from "../wire/heartbeat.ts";
import { encodeShutdown, encodeShutdownAck, encodeShutdownComplete } from "../wire/shutdown.ts";

const TAG = 0x1234_5678;
const STALE = encodeError([{ code: CauseCode.StaleCookie, staleness: 9 }]);

/** What comes back for these chunks where no association is. */
function answerTo(...chunks: Uint8Array[]) {
  const puppet = new Puppet();
  puppet.bring("CLOSED");
  const packets = puppet.sendIn({ tag: TAG }, ...chunks);
  assert.equal(puppet.subject.associations.length, 0);
  assert.equal(puppet.subject.nextTimeout, Infinity);
  return packets;
}

Deno.test("a packet with an ABORT is dropped silently, wherever the ABORT stands (RFC 9260, section 8.4, 2)", () => {
  assert.deepEqual(answerTo(encodeAbort(false, [])), []);
  assert.deepEqual(answerTo(encodeAbort(true, [])), []);
  assert.deepEqual(answerTo(data(1), encodeAbort(false, [])), []);
  assert.deepEqual(answerTo(encodeShutdownAck(), encodeAbort(false, [])), []);
});

Deno.test("an INIT that finds no listener gets an ABORT with its Initiate Tag and no T bit (8.4, 3)", () => {
  const puppet = new Puppet();
  const packets = puppet.sendIn({ tag: 0 }, init({ initiateTag: 77 }));
  assert.deepEqual(namesOf(packets), ["ABORT"]);
  assert.equal(packets[0].tag, 77);
  assert.equal(packets[0].chunks[0][1], 0);
});

Deno.test("a COOKIE ECHO that is not ours is dropped silently (8.4, 4 and 5.1.5, 2)", () => {
  assert.deepEqual(answerTo(encodeCookieEcho(new Uint8Array(120).fill(1)), data(1)), []);
});

Deno.test("a SHUTDOWN ACK gets a SHUTDOWN COMPLETE with the T bit and the tag it came with (8.4, 5)", () => {
  const packets = answerTo(encodeShutdownAck());
  assert.deepEqual(namesOf(packets), ["SHUTDOWN COMPLETE"]);
  assert.equal(packets[0].tag, TAG);
  assert.equal(packets[0].chunks[0][1], 1);
});

Deno.test("a SHUTDOWN COMPLETE is dropped silently (8.4, 6)", () => {
  assert.deepEqual(answerTo(encodeShutdownComplete(false)), []);
  assert.deepEqual(answerTo(encodeShutdownComplete(true)), []);
});

Deno.test("a COOKIE ACK and an ERROR about a stale cookie are dropped silently (8.4, 7)", () => {
  assert.deepEqual(answerTo(encodeCookieAck()), []);
  assert.deepEqual(answerTo(STALE), []);
  assert.deepEqual(answerTo(encodeHeartbeat(new Uint8Array(4)), STALE), []);
});

Deno.test("anything else gets an ABORT with the T bit and the tag it came with (8.4, 8)", () => {
  const others: Uint8Array[] = [
    data(1),
    initAck(),
    sack(1),
    encodeHeartbeat(new Uint8Array(4)),
    encodeHeartbeatAck(new Uint8Array(8)),
    encodeShutdown(tsn(1)),
    encodeError([{ code: CauseCode.OutOfResource }]),
    rawChunk(ChunkType.Ecne, 0, new Uint8Array(4)),
    rawChunk(ChunkType.Cwr, 0, new Uint8Array(4)),
    rawChunk(0x77),
    rawChunk(0xff),
  ];
  for (const chunk of others) {
    const packets = answerTo(chunk);
    assert.deepEqual(namesOf(packets), ["ABORT"], String(chunk[0]));
    assert.equal(packets[0].tag, TAG);
    assert.equal(packets[0].chunks[0][1], 1);
  }
});

Deno.test("a packet that is not well formed gets no answer", () => {
  const broken = rawChunk(ChunkType.Data, 3, new Uint8Array(20));
  broken[3] = 255;
  assert.deepEqual(answerTo(broken), []);
  broken[2] = broken[3] = 0;
  assert.deepEqual(answerTo(broken), []);
});

Deno.test("the answer leaves from the address and port that were spoken to", () => {
  const puppet = new Puppet();
  const envelope = { tag: TAG, from: "10.9.9.9", to: "10.0.0.1", encapsulationPort: 33 };
  const [packet] = puppet.sendIn(envelope, data(1));
  assert.deepEqual(
    [packet.from, packet.to, packet.encapsulationPort],
    ["10.0.0.1", "10.9.9.9", 33],
  );
  const view = new DataView(packet.bytes.buffer);
  assert.deepEqual([view.getUint16(0), view.getUint16(2)], [5000, 6000]);
});
