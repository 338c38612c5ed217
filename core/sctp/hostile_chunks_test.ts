/**
 * Every chunk in every state with every length: nothing throws, nothing loops, nothing leaks, and the
 * association stays what the state table says.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { SeededRandom } from "./base/random.ts";
import type { AssociationState } from "./phase.ts";
import { STATE_TABLE, STATES } from "./states.ts";
import { data, init, initAck, parameter, rawChunk, sack } from "./testing/chunks.ts";
import { Puppet } from "./testing/puppet.ts";
import { address } from "./testing/test_endpoint.ts";
import { ChunkType } from "./wire/chunk_type.ts";
import { encodeCookieEcho } from "./wire/cookie.ts";
import { encodeError } from "./wire/error.ts";
import { CauseCode } from "./wire/error_cause.ts";
import { encodeHeartbeat, encodeHeartbeatAck } from "./wire/heartbeat.ts";

/** Packets that one packet may provoke. */
const MAX_ANSWERS = 8;
/** The longest chunk that is tried at every length. */
const MAX_LENGTH = 48;

const TYPES = [
  ...Array.from({ length: 17 }, (_, i) => i),
  0x3f,
  0x40,
  0x7f,
  0x80,
  0xbf,
  0xc0,
  0xff,
];

/** A subject in a state; made anew only when the last one has left that state. */
class Supply {
  #puppet: Puppet | undefined;

  constructor(readonly state: AssociationState) {}

  get puppet(): Puppet {
    if (!this.#puppet || !this.#isFit(this.#puppet)) {
      this.#puppet = new Puppet();
      this.#puppet.bring(this.state);
    }
    return this.#puppet;
  }

  #isFit({ subject }: Puppet): boolean {
    const [association] = subject.associations;
    return (association?.state ?? "CLOSED") === this.state;
  }
}

/** States that one packet may lead to, by the table; with nothing outstanding a shutdown goes on. */
function nextStates(state: AssociationState): Set<AssociationState> {
  const rows = STATE_TABLE.filter((row) => row.state === state);
  const first = new Set<AssociationState>([
    state,
    "CLOSED",
    ...rows.map((row) => row.next ?? state),
  ]);
  const goesOn = STATE_TABLE.filter((row) =>
    row.event === "all acknowledged" && first.has(row.state)
  );
  return new Set([...first, ...goesOn.map((row) => row.next ?? row.state)]);
}

function stateOf({ subject }: Puppet): AssociationState {
  const states = subject.associations.map(({ state }) => state);
  assert.ok(states.length <= 1, "one peer, one association");
  return states[0] ?? "CLOSED";
}

/** Memory that is left when an association is over. */
function assertNothingLeft(puppet: Puppet): void {
  if (stateOf(puppet) !== "CLOSED") return;
  for (const event of puppet.subject.events) {
    if ("association" in event) event.association.discardReceived();
  }
  assert.equal(puppet.subject.endpoint.pool.liveBytes, 0);
  assert.equal(puppet.subject.nextTimeout, Infinity);
}

/** The tag that a packet with this chunk needs to be looked at (RFC 9260, section 8.5.1, A). */
function envelopeOf(chunk: Uint8Array): { tag?: number } {
  return chunk[0] === ChunkType.Init ? { tag: 0 } : {};
}

function chunkOf(type: number, flags: number, length: number, fill: (i: number) => number) {
  return rawChunk(type, flags, Uint8Array.from({ length }, (_, i) => fill(i)));
}

for (const state of STATES) {
  Deno.test(`every chunk of every length in ${state}: no exception, bounded answers, a state of the table`, () => {
    const supply = new Supply(state);
    const allowed = nextStates(state);
    const fills: ((i: number) => number)[] = [() => 0, () => 0xff, (i) => i];
    for (const type of TYPES) {
      for (let length = 0; length <= MAX_LENGTH; length++) {
        for (const [k, fill] of fills.entries()) {
          const { puppet } = supply;
          const chunk = chunkOf(type, k === 1 ? 0xff : 0x03, length, fill);
          const packets = puppet.sendIn(envelopeOf(chunk), chunk);
          assert.ok(packets.length <= MAX_ANSWERS, `type ${type}, length ${length}`);
          assert.ok(allowed.has(stateOf(puppet)), `type ${type} leads to ${stateOf(puppet)}`);
          assertNothingLeft(puppet);
        }
      }
    }
  });
}

Deno.test("every chunk whose length field lies, in every state", () => {
  for (const state of STATES) {
    const supply = new Supply(state);
    const allowed = nextStates(state);
    for (const type of TYPES) {
      for (const lie of [0, 1, 3, 4, 5, 15, 16, 17, 23, 24, 25, 100, 0x7fff, 0xffff]) {
        const { puppet } = supply;
        const chunk = chunkOf(type, 3, 20, () => 1);
        const bytes = puppet.packetOf({}, [chunk]);
        bytes[14] = lie >> 8;
        bytes[15] = lie;
        const resealed = puppet.packetOf(envelopeOf(chunk), [bytes.slice(12)]);
        assert.ok(puppet.sendBytes(resealed).length <= MAX_ANSWERS);
        assert.ok(allowed.has(stateOf(puppet)), `${state} type ${type} length ${lie}`);
        assertNothingLeft(puppet);
      }
    }
  }
});

/** Well-formed chunks that mean something, for truncation. */
function meaningfulChunks(puppet: Puppet): Uint8Array[] {
  return [
    init({ addresses: ["10.0.0.2", "fd00::2"].map(address), cookiePreservative: 5 }),
    data(1000),
    sack(puppet.subjectTsn - 1, { gaps: [[2, 3]], duplicates: [5] }),
    initAck({}, parameter(0xc123, new Uint8Array(5))),
    encodeHeartbeat(new Uint8Array(12)),
    encodeHeartbeatAck(parameter(1, new Uint8Array(12))),
    encodeError([{ code: CauseCode.StaleCookie, staleness: 5 }]),
    encodeError([{ code: CauseCode.UnrecognizedChunkType, chunk: rawChunk(0xc1) }]),
    rawChunk(ChunkType.Abort, 0, parameter(12, new Uint8Array(6))),
    encodeCookieEcho(puppet.cookie),
  ];
}

Deno.test("every meaningful chunk cut at every byte, in every state", () => {
  for (const state of STATES) {
    const supply = new Supply(state);
    const allowed = nextStates(state);
    const count = meaningfulChunks(supply.puppet).length;
    for (let which = 0; which < count; which++) {
      for (let cut = 4; cut < 140; cut++) {
        const { puppet } = supply;
        const whole = meaningfulChunks(puppet)[which];
        if (cut > whole.length) break;
        const chunk = rawChunk(whole[0], whole[1], whole.slice(4, cut));
        assert.ok(puppet.sendIn(envelopeOf(chunk), chunk).length <= MAX_ANSWERS);
        assert.ok(allowed.has(stateOf(puppet)), `${state}: chunk ${which} cut at ${cut}`);
        assertNothingLeft(puppet);
      }
    }
  }
});

Deno.test("packets of random chunks, with the right tag, in every state", () => {
  const chunk = fc.tuple(
    fc.oneof(fc.constantFrom(...TYPES), fc.nat(255)),
    fc.nat(255),
    fc.uint8Array({ maxLength: 60 }),
  ).map(([type, flags, value]) => rawChunk(type, flags, value));
  const packets = fc.array(fc.array(chunk, { minLength: 1, maxLength: 5 }), { maxLength: 12 });
  fc.assert(
    fc.property(fc.constantFrom(...STATES), packets, (state, list) => {
      const puppet = new Puppet();
      puppet.bring(state);
      for (const chunks of list) {
        assert.ok(puppet.send(...chunks).length <= 60);
        assertNothingLeft(puppet);
      }
      puppet.wait(200);
    }),
    { numRuns: 600 },
  );
});

Deno.test("random bytes behind a right header, tag and checksum", () => {
  const random = new SeededRandom(99);
  for (const state of STATES) {
    const supply = new Supply(state);
    for (let i = 0; i < 300; i++) {
      const { puppet } = supply;
      const rest = new Uint8Array(4 + random.uint32() % 300);
      random.fill(rest);
      puppet.sendBytes(puppet.packetOf({}, [rest]));
      assertNothingLeft(puppet);
    }
  }
});
