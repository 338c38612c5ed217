/** Authenticated associations (RFC 4895) with usrsctp, with keys from files; and strangers. */
import assert from "node:assert/strict";
import { ChunkType, count } from "./lab/capture.ts";
import { hashFile, writePayload } from "./lab/payload.ts";
import { reportOf, startSctp } from "./lab/shimkit.ts";
import { PeerExit, type PeerOptions } from "./lab/usrsctp.ts";
import {
  bothFinish,
  ourAddresses,
  peerTest,
  PORT,
  type Stage,
  startTransfer,
  theirAddresses,
  type Transfer,
} from "./lab/usrsctp_stage.ts";

const SIZE = 3_000_000;
const KEYS = [{ id: 1, hex: "5a".repeat(20) }, { id: 2, hex: "a5".repeat(40) }] as const;
/** What usrsctp is told to take from us only behind AUTH: all that it may list of RFC 9260. */
const ALL_CHUNKS: readonly number[] = [0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13];
const KEYED: Partial<PeerOptions> = { keys: KEYS, authenticated: ALL_CHUNKS };

/** `--auth-key` for each key, in a file of its own. */
async function keyWords({ lab }: Stage, keys: readonly (typeof KEYS)[number][] = KEYS) {
  for (const { id, hex } of keys) {
    await Deno.writeTextFile(lab.path(`key${id}`), hex, { mode: 0o600 });
  }
  return keys.flatMap(({ id }) => ["--auth-key", `${id}:${lab.path(`key${id}`)}`]);
}

/** Both sides take nothing that is not authenticated; the file arrives, and nothing was refused. */
async function authenticatedTransfer(stage: Stage, transfer: Transfer): Promise<void> {
  const { lab, capture } = stage;
  const hash = await writePayload(lab.path("input"), SIZE, 11);
  const ourWords = await keyWords(stage);
  const { ours, theirs } = await startTransfer(stage, {
    ...transfer,
    ourWords,
    theirOptions: { ...KEYED, ...transfer.theirOptions },
  });
  await bothFinish(ours, theirs);
  assert.equal(await hashFile(lab.path("output")), hash);
  const { association, endpoint } = reportOf(ours);
  assert.ok(association.extensions.includes(4895));
  for (const reason of ["unauthenticated-chunk", "bad-auth", "unknown-key", "unsupported-hmac"]) {
    assert.equal(endpoint.dropped[reason], 0, reason);
  }
  const packets = await capture.assertClean();
  const senders = count(packets, ChunkType.auth);
  const bare = count(packets, ChunkType.init) + count(packets, ChunkType.initAck) +
    count(packets, ChunkType.shutdownComplete);
  assert.equal(senders + bare, packets.packets, "every packet that may have AUTH has one");
}

peerTest(
  "it connects over UDP and we receive 3 MB, every chunk authenticated",
  (stage) =>
    authenticatedTransfer(stage, {
      carrier: "UDP",
      family: "v4",
      sender: "theirs",
      initiator: "theirs",
    }),
);

/** Parameters by which an attempt that nobody answers is soon over. */
const HASTY = [
  "--param",
  "rtoInitial=300",
  "--param",
  "rtoMin=300",
  "--param",
  "maxInitRetransmits=2",
];

peerTest("without our key usrsctp is not accepted, and hears nothing of it", async (stage) => {
  const { peer, capture } = stage;
  const more = [...await keyWords(stage), "--echo"];
  const ours = await startSctp(stage.ours, { port: PORT, local: ourAddresses(stage), more });
  const sysctls = ["rto_initial=200", "rto_max=400", "rto_min=200", "init_rtx_max=2"];
  const strangers: Partial<PeerOptions>[] = [{}, { keys: [{ id: 1, hex: "00".repeat(20) }] }];
  for (const stranger of strangers) {
    const theirs = await peer.start(stage.theirs, {
      port: PORT,
      peer: ourAddresses(stage).slice(0, 1),
      sysctls,
      ...stranger,
    });
    assert.equal((await theirs.finished()).code, PeerExit.noAssociation, theirs.lines.join("\n"));
  }
  assert.ok(!ours.lines.some((line) => /is up/.test(line)), ours.lines.join("\n"));
  const packets = await capture.assertClean();
  assert.equal(count(packets, ChunkType.cookieAck), 0);
});

peerTest("without its key we are not accepted by usrsctp, and say so", async (stage) => {
  const { peer, capture } = stage;
  await peer.start(stage.theirs, { ...KEYED, port: PORT, local: theirAddresses(stage) });
  const ours = await startSctp(stage.ours, {
    port: PORT,
    peer: theirAddresses(stage).slice(0, 1),
    more: HASTY,
  });
  assert.equal((await ours.finished()).code, 1);
  assert.match(ours.lines.join("\n"), /did not answer/);
  assert.equal(count(await capture.assertClean(), ChunkType.cookieAck), 0);
});
