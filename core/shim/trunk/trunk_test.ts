/** Connections on the streams of a trunk, as their applications see them. */
import assert from "node:assert/strict";
import { SeededRandom } from "../../sctp/base/random.ts";
import { type StreamEnd, type TrunkSide, TrunkWire } from "../testing/trunk_wire.ts";

/** A text whose every part is different from every other. */
function pattern(length: number, seed = 0): string {
  const numbers: string[] = [];
  for (let i = seed, size = 0; size < length; size += numbers.at(-1)!.length) {
    numbers.push(`${i++},`);
  }
  return numbers.join("").slice(0, length);
}

/** Hands a long text over in the pieces in which a bridge reads. */
function sends(end: StreamEnd, words: string): void {
  const pieces: string[] = [];
  for (let at = 0; at < words.length; at += 65_536) pieces.push(words.slice(at, at + 65_536));
  end.does(...pieces);
}

const outcomes = (ends: readonly StreamEnd[]) => ends.map(({ bridge }) => bridge.outcome?.clean);
const closings = (ends: readonly StreamEnd[]) => ends.map(({ socket }) => socket.closed);

Deno.test("connections share an association, and each has its own bytes", () => {
  const wire = new TrunkWire();
  wire.setUp();
  const pairs = Array.from({ length: 20 }, () => wire.connect());
  for (const [i, [client, server]] of pairs.entries()) {
    client.does(`to ${i}`);
    server.does(`from ${i}`);
  }
  wire.run(100);
  for (const [i, [client, server]] of pairs.entries()) {
    assert.deepEqual([server.socket.written, client.socket.written], [`to ${i}`, `from ${i}`]);
  }
  assert.equal(wire.pair.a.associations.length, 1);
});

Deno.test("each direction ends by itself, whichever is first, and both ends are clean", () => {
  const wire = new TrunkWire();
  wire.setUp();
  for (const swapped of [false, true]) {
    const pair = wire.connect();
    const [early, late] = swapped ? [pair[1], pair[0]] : pair;
    early.does("question", "end");
    wire.run(100);
    assert.deepEqual([late.socket.written, late.socket.ended], ["question", true]);
    assert.deepEqual(closings(pair), ["no", "no"]);
    late.does("answer", "end");
    wire.run(500);
    assert.deepEqual([early.socket.written, early.socket.ended], ["answer", true]);
    assert.deepEqual(closings(pair), ["close", "close"]);
    assert.deepEqual(outcomes(pair), [true, true]);
  }
});

Deno.test("a reset comes behind the bytes that were sent before it, and breaks the other end", () => {
  const wire = new TrunkWire();
  wire.setUp();
  const bystanders = wire.connect();
  for (const swapped of [false, true]) {
    const pair = wire.connect();
    const [breaks, suffers] = swapped ? [pair[1], pair[0]] : pair;
    breaks.does("last words");
    breaks.does("reset");
    wire.run(500);
    assert.deepEqual([suffers.socket.written, suffers.socket.closed], ["last words", "reset"]);
    assert.deepEqual(outcomes(pair), [false, false]);
    assert.match(suffers.bridge.outcome!.reason, /the application reset the connection/);
  }
  bystanders[0].does("still here");
  wire.run(100);
  assert.equal(bystanders[1].socket.written, "still here");
});

Deno.test("both ends may reset at once", () => {
  const wire = new TrunkWire();
  wire.setUp();
  const pair = wire.connect();
  for (const end of pair) end.does("reset");
  wire.run(500);
  assert.deepEqual(outcomes(pair), [false, false]);
  assert.deepEqual(wire.connect()[0].link.status("HIDDEN").stream, 1, "the stream is free again");
});

Deno.test("urgent bytes keep their mark, also behind others that are not read yet", () => {
  const wire = new TrunkWire();
  wire.setUp();
  const [client, server] = wire.connect();
  client.does("ab", { urgent: "c" }, "de");
  wire.run(100);
  assert.equal(server.socket.written, "ab[c]de");
  server.socket.room = 0;
  server.socket.written = "";
  client.does("fg", { urgent: "h" }, { urgent: "i" }, "jk");
  wire.run(100);
  server.makesRoom(100);
  assert.equal(server.socket.written, "fg[h][i]jk");
});

Deno.test("a reader that is slow stops its own connection and no other, and loses nothing", () => {
  const wire = new TrunkWire();
  wire.setUp();
  const [fills, slow] = wire.connect();
  const [client, server] = wire.connect();
  const words = pattern(5_000_000);
  slow.socket.room = 0;
  sends(fills, words);
  wire.run(5000);
  assert.ok(fills.bridge.bytesOut <= 3 << 20, `${fills.bridge.bytesOut} bytes went out unread`);
  const pool = wire.pair.b.endpoint.pool.liveBytes;
  assert.ok(pool < 1 << 20, `the association holds ${pool} bytes`);
  const others = pattern(3_000_000, 7);
  sends(client, others);
  wire.run(5000);
  assert.equal(server.socket.written, others);
  for (let i = 0; i < 60 && slow.socket.written.length < words.length; i++) {
    slow.makesRoom(100_000);
    wire.run(200);
  }
  assert.equal(slow.socket.written, words);
});

Deno.test("a small message does not wait for the bulk that was sent before it", () => {
  const wire = new TrunkWire();
  wire.setUp();
  // More than the send buffer takes.
  const bulk = Array.from({ length: 12 }, () => wire.connect());
  const [client, server] = wire.connect();
  const words = pattern(1_000_000);
  for (const [from] of bulk) sends(from, words);
  const isFull = ([{ bridge }]: (typeof bulk)[0]) => /waiting/.test(bridge.activity);
  assert.ok(bulk.some(isFull), "some of the bulk has no room");
  const questions = pattern(80_000, 9);
  for (let at = 0; at < questions.length; at += 4000) client.does(questions.slice(at, at + 4000));
  assert.equal(client.bridge.bytesOut, questions.length, "small messages have");
  wire.run(200);
  assert.equal(server.socket.written, questions);
  const arrived = bulk.reduce((sum, [, to]) => sum + to.socket.written.length, 0);
  assert.ok(arrived < bulk.length * words.length / 2, "the bulk is still on its way");
  wire.run(20_000);
  for (const [, to] of bulk) assert.equal(to.socket.written, words);
});

Deno.test("a port that is not served is refused, as is what was not reached, and others go on", () => {
  const wire = new TrunkWire({
    b: { addresses: ["10.0.0.2", "10.0.9.9"] },
    script: ({ to }) => to === "10.0.9.9" ? [] : [10],
  });
  wire.setUp();
  const refused = wire.open(wire.wish(4))!;
  wire.run(100);
  assert.deepEqual(refused.told, ["communication-lost"]);
  assert.match(refused.bridge.outcome!.reason, /nothing is reachable over SCTP at this port/);
  assert.equal(wire.open(wire.wish(undefined, "10.0.9.9")), undefined);
  assert.ok(wire.connect());
});

Deno.test("the server learns where the client comes from and wants to go", () => {
  const wire = new TrunkWire();
  wire.setUp();
  const wish = wire.wish();
  wire.open(wish);
  wire.run(100);
  const [{ remote }] = wire.server.accepted.map(({ link }) => link);
  assert.deepEqual([remote.address()?.text, remote.port], ["10.0.0.1", wish.localPort]);
  assert.deepEqual(wire.server.reached.map(String), ["10.0.0.2"]);
});

Deno.test("streams are taken again once both sides have reset them", () => {
  const wire = new TrunkWire({ parameters: { outboundStreams: 3, inboundStreams: 3 } });
  wire.setUp();
  const seen = new Set<number | undefined>();
  for (let i = 0; i < 50; i++) {
    const pair = wire.connect();
    seen.add(pair[0].link.status("HIDDEN").stream);
    pair[0].does(`${i}`, ...(i % 3 === 0 ? ["reset"] as const : ["end"] as const));
    pair[1].does("end");
    wire.run(100);
    assert.equal(pair[1].socket.written, `${i}`);
  }
  assert.deepEqual([...seen].sort(), [1, 2].slice(0, seen.size));
  assert.equal(wire.pair.a.associations.length, 1);
});

Deno.test("a stream is not taken again before the peer's reset", () => {
  const wire = new TrunkWire({ parameters: { outboundStreams: 2, inboundStreams: 2 } });
  wire.setUp();
  const [client, server] = wire.connect();
  assert.equal(wire.open(), undefined, "there is one stream");
  client.does("end");
  server.does("end");
  assert.equal(wire.open(), undefined, "its reset takes a round trip");
  wire.run(200);
  assert.ok(wire.open());
});

Deno.test("streams are added when they run out, up to what the peer takes", () => {
  const wire = new TrunkWire({ parameters: { outboundStreams: 4, inboundStreams: 100 } });
  wire.setUp();
  for (let i = 0; i < 99; i++) {
    if (wire.open()) continue;
    wire.run(100);
    if (!wire.open()) break;
  }
  wire.run(100);
  const { outboundStreams, inboundStreams } = wire.pair.a.associations[0];
  assert.ok(wire.client.counters.multiplexed >= 3, `${outboundStreams} and ${inboundStreams}`);
  assert.equal(wire.server.counters.malformedTrunks, 0);
});

Deno.test("through loss, doubling and reordering every connection has its bytes and its end", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const random = new SeededRandom(seed);
    const wire = new TrunkWire({
      script: () => {
        const dice = random.uint32() % 100;
        if (dice < 5) return [];
        return dice < 8 ? [10, 15] : [5 + random.uint32() % 30];
      },
    });
    wire.setUp();
    const pairs = Array.from({ length: 12 }, () => wire.connect());
    for (const [i, [client, server]] of pairs.entries()) {
      sends(client, pattern(50_000, i));
      sends(server, pattern(50_000, i + 100));
      client.does("end");
      server.does("end");
    }
    wire.run(60_000);
    for (const [i, [client, server]] of pairs.entries()) {
      assert.equal(server.socket.written, pattern(50_000, i), `seed ${seed}`);
      assert.equal(client.socket.written, pattern(50_000, i + 100), `seed ${seed}`);
    }
    assert.deepEqual(outcomes(pairs.flat()), Array(24).fill(true), `seed ${seed}`);
  }
});

Deno.test("the end of a connection is found behind many messages of others", () => {
  const wire = new TrunkWire();
  wire.setUp();
  const pair = wire.connect();
  const [from, to] = wire.connect();
  pair[1].does("end");
  wire.run(100);
  // All of it comes in one batch: the chatter, the end, and the reset of its stream.
  wire.server.isAsleep = true;
  for (let i = 0; i < 500; i++) from.does("chatter");
  pair[0].does("last", "end");
  wire.run(100);
  wire.server.isAsleep = false;
  wire.turn();
  wire.run(1000);
  assert.equal(to.socket.written, "chatter".repeat(500));
  assert.equal(pair[1].socket.written, "last");
  assert.deepEqual(outcomes(pair), [true, true]);
});

/** Takes what a side has for windows, but for the smallest one if it is to have that. */
function exhaust({ windows }: TrunkSide, spared: number): void {
  while (windows.left > spared) {
    if (windows.take(windows.left - spared) === 0) break;
  }
}

Deno.test("without memory for another window a connection is not for a trunk, whichever side lacks it", () => {
  const wire = new TrunkWire();
  wire.setUp();
  const [first] = wire.connect();
  exhaust(wire.server, 0);
  const refused = wire.open();
  assert.ok(refused);
  wire.run(100);
  assert.equal(refused.told.at(-1), "communication-lost");
  assert.equal(wire.server.accepted.length, 1);
  exhaust(wire.client, 0);
  assert.equal(wire.open(), undefined);
  first.does("still here");
  wire.run(100);
  assert.equal(wire.server.accepted[0].socket.written, "still here");
});

Deno.test("a window is free again once its connection is over, however that was", () => {
  const wire = new TrunkWire();
  wire.setUp();
  const sides = [wire.client, wire.server];
  const before = sides.map(({ windows }) => windows.left);
  for (const last of ["end", "reset"] as const) {
    const [client, server] = wire.connect();
    assert.ok(sides.every(({ windows }, i) => windows.left < before[i]));
    client.does("words", last);
    server.does("end");
    wire.run(2000);
    assert.deepEqual(sides.map(({ windows }) => windows.left), before, last);
  }
  wire.connect();
  const [association] = wire.pair.a.associations;
  wire.pair.a.do((_, now) => association.abort(now));
  wire.run(1000);
  assert.deepEqual(sides.map(({ windows }) => windows.left), before, "the trunk is gone");
});
