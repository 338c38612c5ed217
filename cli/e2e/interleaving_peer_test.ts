/** Message interleaving (RFC 8260) with usrsctp: both ways, and with messages that are given up. */
import assert from "node:assert/strict";
import { ChunkType, count, valuesOf } from "./lab/capture.ts";
import { blocksOf, writePayload } from "./lab/payload.ts";
import { shimkitCommand } from "./lab/shimkit.ts";
import { PeerExit } from "./lab/usrsctp.ts";
import { ourAddresses, peerTest, PORT, type Stage, theirAddresses } from "./lab/usrsctp_stage.ts";

/** Messages of a hundred chunks and more. */
const LONG = 150_000;
const STREAMS = 4;
const MESSAGES = 24;

const SCRIPT = new URL("lab/streams_peer.ts", import.meta.url).pathname;

function startOurs({ ours }: Stage, words: readonly (string | number)[]) {
  const [deno, ...flags] = shimkitCommand([]).slice(0, -1);
  return ours.spawn([deno, ...flags, SCRIPT, "interleaved", ...words.map(String)]);
}

/** The numbers of the messages that came on each stream; -1 for what is none of them, or out of order. */
function arrivals({ lab }: Stage, streams: number, size: number): Promise<number[][]> {
  const files = Array.from({ length: streams }, (_, i) => lab.path(`output.${i}`));
  return Promise.all(files.map((file) => blocksOf(lab.path("input"), file, size)));
}

/** All messages came, each whole and on its stream. */
async function assertComplete(stage: Stage): Promise<void> {
  const expected = Array.from(
    { length: STREAMS },
    (_, stream) => Array.from({ length: MESSAGES / STREAMS }, (_, i) => stream + i * STREAMS),
  );
  assert.deepEqual(await arrivals(stage, STREAMS, LONG), expected);
}

/** I-DATA alone was used, and its streams took turns within their messages. */
async function assertInterleaved({ capture }: Stage, to: readonly string[]): Promise<void> {
  const packets = await capture.assertClean();
  assert.equal(count(packets, ChunkType.data), 0, "no DATA");
  assert.equal(count(packets, ChunkType.abort), 0, "nobody aborts");
  const streams = (await Promise.all(to.map((one) => valuesOf(capture, one, "sctp.data_sid"))))
    .flat();
  const turns = streams.filter((stream, i) => stream !== streams[i - 1]);
  assert.ok(turns.length > 10 * MESSAGES, `${turns.length} turns of ${streams.length} chunks`);
}

peerTest("long messages that we send on four streams at once arrive whole", async (stage) => {
  const { lab, peer } = stage;
  await writePayload(lab.path("input"), LONG * MESSAGES, 41);
  const theirs = await peer.start(stage.theirs, {
    port: PORT,
    local: theirAddresses(stage),
    receive: lab.path("output"),
    interleave: true,
  });
  const place = [theirAddresses(stage)[0], PORT, lab.path("input"), LONG, STREAMS];
  await startOurs(stage, ["send", ...place, "none", 0]).succeeded();
  assert.equal((await theirs.finished()).code, PeerExit.shutdown, theirs.lines.join("\n"));
  await assertComplete(stage);
  await assertInterleaved(stage, theirAddresses(stage));
});

peerTest("long messages that it sends on four streams at once come whole", async (stage) => {
  const { lab, peer } = stage;
  await writePayload(lab.path("input"), LONG * MESSAGES, 42);
  const ours = startOurs(stage, ["receive", PORT, lab.path("output")]);
  await ours.line(/^listening$/);
  const theirs = await peer.start(stage.theirs, {
    port: PORT,
    peer: ourAddresses(stage).slice(0, 1),
    send: lab.path("input"),
    messageSize: LONG,
    streams: STREAMS,
    interleave: true,
  });
  assert.equal((await theirs.finished()).code, PeerExit.shutdown, theirs.lines.join("\n"));
  await ours.succeeded();
  await assertComplete(stage);
  await assertInterleaved(stage, ourAddresses(stage));
});

/** Messages of a few chunks, on two streams, over wires that lose packets. */
const SHORT = 4000;
const MANY = 700;
const LOST = 30;

/** What came is whole messages of each stream in their order; how many did not. */
async function missing(stage: Stage): Promise<number> {
  const blocks = await arrivals(stage, 2, SHORT);
  for (const [stream, numbers] of blocks.entries()) {
    assert.ok(numbers.every((number) => number >= 0 && number % 2 === stream), numbers.join(" "));
  }
  return MANY - blocks.flat().length;
}

peerTest(
  "what we give up in the midst of other streams is skipped by I-FORWARD-TSN",
  async (stage) => {
    const { lab, peer, capture, wires } = stage;
    await writePayload(lab.path("input"), SHORT * MANY, 43);
    for (const wire of wires) await wire.lose(LOST);
    const theirs = await peer.start(stage.theirs, {
      port: PORT,
      local: theirAddresses(stage),
      receive: lab.path("output"),
      interleave: true,
    });
    const place = [theirAddresses(stage)[0], PORT, lab.path("input"), SHORT, 2];
    const { lines } = await startOurs(stage, ["send", ...place, "rtx", 0]).succeeded();
    assert.equal((await theirs.finished()).code, PeerExit.shutdown, theirs.lines.join("\n"));
    const [unsent, sent] = lines.at(-1)!.replace("abandoned ", "").split(" ").map(Number);
    const lost = await missing(stage);
    assert.ok(lost > 0 && lost <= unsent + sent, `${lost} are missing, ${unsent + sent} given up`);
    const packets = await capture.assertClean();
    assert.ok(count(packets, ChunkType.iForwardTsn) > 0);
    assert.equal(count(packets, ChunkType.forwardTsn) + count(packets, ChunkType.abort), 0);
  },
);

peerTest(
  "what it gives up in the midst of other streams is skipped by I-FORWARD-TSN",
  async (stage) => {
    const { lab, peer, capture, wires } = stage;
    await writePayload(lab.path("input"), SHORT * MANY, 44);
    for (const wire of wires) await wire.lose(LOST);
    const ours = startOurs(stage, ["receive", PORT, lab.path("output")]);
    await ours.line(/^listening$/);
    const theirs = await peer.start(stage.theirs, {
      port: PORT,
      peer: ourAddresses(stage).slice(0, 1),
      send: lab.path("input"),
      messageSize: SHORT,
      streams: 2,
      interleave: true,
      pr: "rtx:0",
      sysctls: ["rto_initial=300", "rto_min=200", "rto_max=600"],
    });
    assert.equal((await theirs.finished()).code, PeerExit.shutdown, theirs.lines.join("\n"));
    await ours.succeeded();
    assert.ok(await missing(stage) > 0, "some were given up");
    const packets = await capture.assertClean();
    assert.ok(count(packets, ChunkType.iForwardTsn) > 0);
    assert.equal(count(packets, ChunkType.forwardTsn) + count(packets, ChunkType.abort), 0);
  },
);
