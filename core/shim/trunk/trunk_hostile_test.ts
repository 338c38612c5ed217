/** Peers that do not keep to the rules of a trunk: counted, bounded, and taken down. */
import assert from "node:assert/strict";
import type { Association } from "../../sctp/association.ts";
import { SeededRandom } from "../../sctp/base/random.ts";
import { instant } from "../../sctp/base/time.ts";
import { address } from "../../sctp/testing/test_endpoint.ts";
import {
  encodeControlMessage,
  ResetReason,
  TRUNK_ADAPTATION,
  URGENT_PPID,
} from "../control_message.ts";
import { SERVED, TrunkWire } from "../testing/trunk_wire.ts";
import { TRUNK_PARAMETERS } from "./trunk_options.ts";
import { CONTROL_PPID, encodeCredit, encodeOpen, SMALLEST_WINDOW } from "./trunk_message.ts";

const CONNECTED = encodeControlMessage({ kind: "connected", takesTrunks: false });
const HALF_CLOSE = encodeControlMessage({ kind: "half-close", bytes: 0 });
const RESET = encodeControlMessage({ kind: "reset", reason: ResetReason.Application });

function open(port = SERVED, window = SMALLEST_WINDOW): Uint8Array {
  const destination = { address: address("10.0.0.2"), port };
  const source = { address: address("10.0.0.1"), port: 40_000 };
  return encodeOpen({ window, destination, source });
}

/** A side whose peer is the test: it sends what it likes on an association that counts as a trunk. */
class Hostile {
  readonly wire = new TrunkWire();
  readonly association: Association;

  /** @param side which one the test is. */
  constructor(readonly side: "a" | "b" = "a") {
    const { wire } = this;
    if (side === "a") {
      wire.pair.associate(["10.0.0.2"], {
        parameters: TRUNK_PARAMETERS,
        adaptationIndication: TRUNK_ADAPTATION,
      });
      wire.pair.runUntil(() => wire.server.counters.trunks === 1, 1000, "the trunk");
    } else {
      wire.server.trunks.accept = () => {};
      wire.want();
      wire.pair.runUntil(() => wire.client.counters.trunks === 1, 1000, "the trunk");
    }
    [this.association] = wire.pair[side].associations;
  }

  /** The other side, which is tested. */
  get subject() {
    return this.side === "a" ? this.wire.server : this.wire.client;
  }

  sends(stream: number, data: Uint8Array, ppid: number = CONTROL_PPID): this {
    const options = { stream, ppid, unordered: false, immediate: false };
    this.wire.pair[this.side].do((_, now) => this.association.send(now, data, options));
    this.wire.pair.collect();
    this.wire.run(50);
    return this;
  }

  /** That the trunk was taken down for this, with every connection. */
  assertBroken(what: string): void {
    assert.equal(this.subject.counters.malformedTrunks, 1, what);
    assert.equal(this.association.state, "CLOSED", what);
    for (const { socket } of this.subject.accepted) assert.equal(socket.closed, "reset", what);
  }
}

const bytes = (length: number) => new Uint8Array(length).fill(1);

Deno.test("a client that breaks the rules is thrown out with its trunk", () => {
  const faults: readonly [what: string, sends: (peer: Hostile) => void][] = [
    ["data on a stream that is not open", (peer) => peer.sends(7, bytes(1), 0)],
    ["data on the stream of CREDIT", (peer) => peer.sends(0, bytes(1), 0)],
    ["an OPEN on the stream of CREDIT", (peer) => peer.sends(0, open())],
    ["a second OPEN", (peer) => peer.sends(1, open())],
    ["a window of nothing", (peer) => peer.sends(2, open(SERVED, 0))],
    ["CONNECTED from a client", (peer) => peer.sends(1, CONNECTED)],
    ["CREDIT on another stream", (peer) => peer.sends(1, encodeCredit(1, 9))],
    ["HALF-CLOSE on a stream that is not open", (peer) => peer.sends(9, HALF_CLOSE)],
    ["a control message that is too long", (peer) => peer.sends(1, bytes(3000))],
    ["a control message that is none", (peer) => peer.sends(1, bytes(3))],
    ["data after HALF-CLOSE", (peer) => peer.sends(1, HALF_CLOSE).sends(1, bytes(1), 0)],
    ["two HALF-CLOSEs", (peer) => peer.sends(1, HALF_CLOSE).sends(1, HALF_CLOSE)],
  ];
  for (const [what, sends] of faults) {
    const peer = new Hostile();
    peer.sends(1, open());
    assert.equal(peer.wire.server.accepted.length, 1);
    sends(peer);
    peer.assertBroken(what);
  }
});

Deno.test("a server's side that breaks the rules is left, and so is one that opens streams", () => {
  for (const message of [open(), HALF_CLOSE, CONNECTED]) {
    const peer = new Hostile("b");
    peer.sends(3, message);
    peer.assertBroken(`${message[0]}`);
  }
});

Deno.test("nobody sends more than was granted, and what is sent is not held twice", () => {
  const peer = new Hostile();
  peer.sends(1, open());
  const [end] = peer.wire.server.accepted;
  end.socket.room = 0;
  let sent = 0;
  while (peer.association.state === "ESTABLISHED" && sent < 100 << 16) {
    peer.sends(1, bytes(1 << 16), 0);
    sent += 1 << 16;
  }
  peer.assertBroken("more than the window");
  assert.ok(sent <= 3 << 20, `${sent} bytes were taken`);
});

Deno.test("credit for streams that are not open means nothing", () => {
  const peer = new Hostile();
  peer.sends(1, open()).sends(0, encodeCredit(9, 100)).sends(0, encodeCredit(70_000, 100));
  assert.equal(peer.subject.counters.malformedTrunks, 0);
  assert.equal(peer.association.state, "ESTABLISHED");
});

Deno.test("a stream that the peer resets in the middle breaks its connection, and no other", () => {
  const peer = new Hostile();
  peer.sends(1, open()).sends(2, open());
  peer.wire.pair.a.do(() => peer.association.resetStreams({ outgoing: [1] }));
  peer.wire.pair.collect();
  peer.wire.run(200);
  assert.deepEqual(peer.subject.accepted.map(({ socket }) => socket.closed), ["reset", "no"]);
  assert.equal(peer.association.state, "ESTABLISHED");
});

Deno.test("messages of a later version are ignored", () => {
  const peer = new Hostile();
  peer.sends(1, Uint8Array.of(77, 0, 0, 4)).sends(0, Uint8Array.of(77, 0, 0, 4));
  assert.equal(peer.subject.counters.malformedTrunks, 0);
});

Deno.test("whatever comes in whatever order, nothing throws, and a broken trunk leaves nothing behind", () => {
  for (let seed = 1; seed <= 150; seed++) {
    const random = new SeededRandom(seed);
    const peer = new Hostile(seed % 3 === 0 ? "b" : "a");
    const { subject, association } = peer;
    const pick = <T>(items: readonly T[]) => items[random.uint32() % items.length];
    for (let i = 0; i < 40 && association.state === "ESTABLISHED"; i++) {
      const noise = bytes(1 + random.uint32() % 100);
      random.fill(noise);
      const credit = encodeCredit(random.uint32() % 4, 1 + random.uint32() % 1_000_000).slice();
      const message = pick([open(), open(4), open(), HALF_CLOSE, RESET, credit, noise, noise]);
      peer.sends(
        message === credit ? 0 : random.uint32() % 4,
        message,
        message === noise ? pick([0, 0, 0, URGENT_PPID, CONTROL_PPID]) : CONTROL_PPID,
      );
    }
    const isBroken = association.state === "CLOSED";
    assert.equal(subject.counters.malformedTrunks, isBroken ? 1 : 0, `seed ${seed}`);
    if (isBroken) {
      const open = subject.accepted.filter(({ over }) => !over);
      assert.deepEqual(open.length, 0, `seed ${seed}`);
    }
    subject.trunks.stop(instant(peer.wire.now));
  }
});
