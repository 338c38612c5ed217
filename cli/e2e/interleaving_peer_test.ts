/** Message interleaving (RFC 8260) with usrsctp, both ways: streams take turns within their messages. */
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
