/** Shared keys that come, change and go while an association is in use (RFC 6458, 6.1.8 and 8.3). */
import assert from "node:assert/strict";
import type { AuthenticationOptions } from "../auth/options.ts";
import type { Association } from "../association.ts";
import type { SctpEvent } from "../events.ts";
import { AuthPuppet } from "../testing/auth_puppet.ts";
import { data, init } from "../testing/chunks.ts";
import { PLAIN, Puppet } from "../testing/puppet.ts";
import { type SideName, WirePair } from "../testing/wire_pair.ts";
import { LISTABLE_CHUNKS } from "../wire/auth_parameters.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { encodeCookieEcho } from "../wire/cookie.ts";

const secretOf = (id: number) => new Uint8Array(24).fill(id);
const keyOf = (id: number) => ({ id, secret: secretOf(id) });

/** An INIT with the puppet's tag and what it says about authentication. */
function initOf({ tag, spoken }: AuthPuppet): Uint8Array {
  return init({ initiateTag: tag, auth: spoken });
}

/** What was told about keys, as `new-key 2`. */
function told(events: readonly SctpEvent[]): string[] {
  return events.flatMap((event) => {
    if (event.kind !== "authentication") return [];
    return ["key" in event ? `${event.indication} ${event.key}` : event.indication];
  });
}

// One side.

const DATA_WANTED = { chunks: [ChunkType.Data], keys: [keyOf(1)] };

function connected(authentication: AuthenticationOptions = DATA_WANTED): AuthPuppet {
  const wants = [ChunkType.Data];
  const puppet = new AuthPuppet({ authentication, wants, parameters: { noDelay: 1 } });
  puppet.connect();
  return puppet;
}

Deno.test("the peer's first use of another key is told, once", () => {
  const puppet = connected();
  puppet.association.keys.set(2, secretOf(2));
  puppet.sendSealed({ keyId: 1, secret: secretOf(1) }, {}, data(1000));
  assert.deepEqual(told(puppet.subject.events), []);
  for (const sequence of [1001, 1002]) {
    puppet.sendSealed(
      { keyId: 2, secret: secretOf(2) },
      {},
      data(sequence, { ssn: sequence - 1000 }),
    );
  }
  assert.deepEqual(told(puppet.subject.events), ["new-key 2"]);
  puppet.sendSealed({ keyId: 2, secret: secretOf(9) }, {}, data(1003));
  assert.deepEqual(told(puppet.subject.events), ["new-key 2"], "a forgery tells nothing");
});

Deno.test("a key is used from its activation on, also for what is sent again", () => {
  const puppet = connected();
  const [first] = puppet.submit(100);
  assert.equal(puppet.check(first, secretOf(1)).keyId, 1);
  puppet.association.keys.set(2, secretOf(2));
  puppet.association.keys.activate(2);
  const [again] = puppet.wait(1000).filter(({ names }) => names.includes("DATA"));
  assert.equal(puppet.check(again, secretOf(2)).keyId, 2);
});

Deno.test("a deactivated key is free when nothing in flight was sent with it, and still good to receive", () => {
  const puppet = connected();
  const { association } = puppet;
  puppet.submit(100);
  puppet.submit(100);
  association.keys.set(2, secretOf(2));
  association.keys.activate(2);
  association.deactivateSharedKey(1);
  assert.throws(() => association.keys.delete(1), /in flight/);
  puppet.submit(100);
  puppet.ack(1);
  assert.deepEqual(told(puppet.subject.events), []);
  puppet.ack(2);
  assert.deepEqual(told(puppet.subject.events), ["free-key 1"]);
  const seal = { keyId: 1, secret: secretOf(1) };
  puppet.sendSealed(seal, {}, data(1000));
  assert.equal(association.readableBytes, 10);
  association.keys.delete(1);
  puppet.sendSealed(seal, {}, data(1001, { ssn: 1 }));
  assert.equal(association.readableBytes, 10);
  assert.equal(puppet.subject.endpoint.metrics.dropped["unknown-key"], 1);
});

Deno.test("with nothing in flight a deactivated key is free at once", () => {
  const puppet = connected();
  puppet.association.keys.set(2, secretOf(2));
  puppet.association.keys.activate(2);
  puppet.subject.do(() => puppet.association.deactivateSharedKey(1));
  assert.deepEqual(told(puppet.subject.events), ["free-key 1"]);
});

Deno.test("a key that is set anew has new association keys", () => {
  const puppet = connected();
  puppet.submit(10);
  puppet.association.keys.set(1, secretOf(8));
  const [packet] = puppet.submit(2000);
  assert.equal(puppet.check(packet, secretOf(8)).keyId, 1);
  puppet.sendSealed({ keyId: 1, secret: secretOf(1) }, {}, data(1000));
  assert.equal(puppet.association.readableBytes, 0);
  puppet.sendSealed({ keyId: 1, secret: secretOf(8) }, {}, data(1000));
  assert.equal(puppet.association.readableBytes, 10);
});

Deno.test("keys of one association are no other's", () => {
  const puppet = new AuthPuppet({ authentication: DATA_WANTED });
  puppet.connect();
  const first = puppet.association;
  first.keys.set(2, secretOf(2));
  const other = { sourcePort: 6001, tag: 0 };
  puppet.tag = 77;
  puppet.learn(puppet.sendIn(other, initOf(puppet)));
  puppet.sendIn({ sourcePort: 6001 }, encodeCookieEcho(puppet.cookie));
  const [second] = puppet.subject.associations.filter((one) => one !== first);
  assert.deepEqual(second.keys.ids, [1]);
});

Deno.test("who has shared keys is told of a peer without authentication", () => {
  const puppet = new Puppet({ authentication: { keys: [keyOf(1)] } });
  puppet.connect();
  assert.deepEqual(told(puppet.subject.events), ["no-authentication"]);
  const careless = new Puppet();
  careless.connect();
  assert.deepEqual(told(careless.subject.events), []);
});

Deno.test("a restart frees the keys that were retiring", () => {
  const puppet = connected();
  puppet.submit(100);
  puppet.association.keys.set(2, secretOf(2));
  puppet.association.keys.activate(2);
  puppet.association.deactivateSharedKey(1);
  puppet.tag = 0x0dd_ba11;
  puppet.learn(puppet.sendIn({ tag: 0 }, initOf(puppet)));
  puppet.send(encodeCookieEcho(puppet.cookie));
  assert.ok(puppet.subject.eventKinds.includes("restart"));
  assert.deepEqual(told(puppet.subject.events), ["free-key 1"]);
});

// Both sides, all chunks, a bad wire.

/** Sends on while a wire loses, delays and doubles packets; every message must arrive. */
class KeyedPair {
  readonly pair: WirePair;
  readonly sides: Record<SideName, Association>;
  #sent = 0;

  constructor(authentication: AuthenticationOptions, loss: number) {
    let turn = 0;
    this.pair = new WirePair({
      a: { authentication },
      b: { authentication },
      script: () => {
        turn = (turn * 31 + 17) % 1009;
        if (turn % 100 < loss) return [];
        return turn % 7 === 0 ? [5, 250] : [5 + turn % 40];
      },
    });
    const a = this.pair.associate(["10.0.0.2"]);
    this.pair.runUntil(
      () => a.state === "ESTABLISHED" && this.pair.b.associations[0]?.state === "ESTABLISHED",
      60_000,
      "setup",
    );
    this.sides = { a, b: this.pair.b.associations[0] };
  }

  send(count: number): void {
    for (const name of ["a", "b"] as const) {
      this.pair[name].do((_, now) => {
        for (let i = 0; i < count; i++) this.sides[name].send(now, new Uint8Array(800), PLAIN);
      });
    }
    this.#sent += 800 * count;
    this.pair.collect();
  }

  everythingArrives(): void {
    const arrived = () =>
      this.sides.a.readableBytes === this.#sent && this.sides.b.readableBytes === this.#sent;
    this.pair.runUntil(arrived, 300_000, "all messages");
  }

  told(name: SideName): string[] {
    return told(this.pair[name].events);
  }
}

for (const loss of [0, 20]) {
  Deno.test(`both sides change keys in the midst of ${loss} % loss, and lose nothing`, () => {
    const keyed = new KeyedPair({ chunks: LISTABLE_CHUNKS, keys: [keyOf(1)] }, loss);
    const { a, b } = keyed.sides;
    keyed.send(50);
    keyed.pair.run(20);
    for (const side of [a, b]) side.keys.set(2, secretOf(2));
    a.keys.activate(2);
    keyed.send(50);
    keyed.pair.run(100);
    b.keys.activate(2);
    keyed.send(50);
    for (const side of [a, b]) side.deactivateSharedKey(1);
    keyed.everythingArrives();
    keyed.pair.run(1000);
    for (const name of ["a", "b"] as const) {
      assert.deepEqual(keyed.told(name).sort(), ["free-key 1", "new-key 2"]);
      keyed.sides[name].keys.delete(1);
      assert.equal(keyed.pair[name].endpoint.metrics.dropped["unauthenticated-chunk"], 0);
    }
    keyed.send(50);
    keyed.everythingArrives();
  });
}

Deno.test("a key that only one side has activates nothing: data waits until the other has it, too", () => {
  const keyed = new KeyedPair({ chunks: LISTABLE_CHUNKS, keys: [keyOf(1)] }, 0);
  const { a, b } = keyed.sides;
  a.keys.set(2, secretOf(2));
  a.keys.activate(2);
  keyed.send(5);
  keyed.pair.run(2000);
  assert.equal(b.readableBytes, 0);
  assert.ok(keyed.pair.b.endpoint.metrics.dropped["unknown-key"] > 0);
  b.keys.set(2, secretOf(2));
  keyed.everythingArrives();
});

Deno.test("other secrets under one id: nothing is set up, and the attempt ends as unanswered", () => {
  const authentication = { chunks: LISTABLE_CHUNKS };
  const pair = new WirePair({
    a: { authentication: { ...authentication, keys: [keyOf(1)] } },
    b: { authentication: { ...authentication, keys: [{ id: 1, secret: secretOf(2) }] } },
  });
  pair.associate(["10.0.0.2"], { parameters: { maxInitRetransmits: 2 } });
  pair.run(60_000);
  assert.deepEqual(pair.b.events, []);
  const [event] = pair.a.events;
  assert.ok(event.kind === "communication-lost");
  assert.deepEqual(event.reason, { kind: "unreachable", during: "setup" });
});
