/** Messages with a lifetime (RFC 3758, RFC 7496), from and to usrsctp, over bad wires. */
import assert from "node:assert/strict";
import { ChunkType, count, countTo } from "./lab/capture.ts";
import { blocksOf, writePayload } from "./lab/payload.ts";
import { reportOf, shimkitCommand } from "./lab/shimkit.ts";
import { PeerExit } from "./lab/usrsctp.ts";
import {
  bothFinish,
  ourAddresses,
  peerTest,
  PORT,
  type Stage,
  startTransfer,
  theirAddresses,
} from "./lab/usrsctp_stage.ts";

/** Messages of a few chunks each: none of them arrives in part. */
const MESSAGE = 4000;
const MESSAGES = 750;

/** Packets in a thousand that are lost: what is lost is given up, by either policy. */
const LOST = 30;
/** Megabits a second at which a message waits longer than its lifetime before it is sent. */
const NARROW = 8;

function lose({ wires }: Stage): Promise<unknown> {
  return Promise.all(wires.map((wire) => wire.lose(LOST)));
}

function narrow({ wires }: Stage): Promise<unknown> {
  return Promise.all(wires.map((wire) => wire.limit(NARROW)));
}

/** What came is whole messages in their order, and what did not was given up. */
async function checkOutput({ lab }: Stage, abandoned: number): Promise<void> {
  const blocks = await blocksOf(lab.path("input"), lab.path("output"), MESSAGE);
  assert.ok(!blocks.includes(-1), "each message came whole and in order");
  const missing = MESSAGES - blocks.length;
  assert.ok(missing > 0, "some were given up");
  assert.ok(missing <= abandoned, `${missing} are missing, ${abandoned} were given up`);
}

function abandonedIn(lines: readonly string[]): number[] {
  const numbers = lines.map((line) => /^abandoned (\d+) (\d+)(?:, told (\d+))?$/.exec(line));
  return numbers.find((found) => found)?.slice(1).filter((one) => one).map(Number) ?? [];
}

peerTest(
  "what we send with a lifetime arrives in whole messages, or is given up",
  async (stage) => {
    const { lab, peer, capture } = stage;
    await writePayload(lab.path("input"), MESSAGE * MESSAGES, 31);
    await narrow(stage);
    const theirs = await peer.start(stage.theirs, {
      port: PORT,
      local: theirAddresses(stage),
      receive: lab.path("output"),
    });
    const script = new URL("lab/unreliable_sender.ts", import.meta.url).pathname;
    const place = [theirAddresses(stage)[0], PORT, lab.path("input"), MESSAGE];
    const [deno, ...words] = shimkitCommand([]).slice(0, -1);
    const ours = stage.ours.spawn(
      [deno, ...words, script, ...place.map(String), "ttl", "30"],
    );
    const { lines } = await ours.succeeded();
    assert.equal((await theirs.finished()).code, PeerExit.shutdown, theirs.lines.join("\n"));
    const [unsent, sent, told] = abandonedIn(lines);
    assert.equal(told, unsent + sent, "the user is told of each");
    await checkOutput(stage, unsent + sent);
    const packets = await capture.assertClean();
    assert.equal(count(packets, ChunkType.abort), 0, "nobody aborts");
    const skips = theirAddresses(stage).map((to) => countTo(packets, to, ChunkType.forwardTsn));
    assert.equal(skips.some((chunks) => chunks > 0), sent > 0, "it is told what to skip");
  },
);

peerTest("what it sends with a lifetime comes in whole messages, or is given up", async (stage) => {
  const { lab, capture } = stage;
  await writePayload(lab.path("input"), MESSAGE * MESSAGES, 32);
  await lose(stage);
  const { ours, theirs } = await startTransfer(stage, {
    carrier: "raw IP",
    family: "v4",
    sender: "theirs",
    initiator: "theirs",
    sysctls: ["rto_initial=300", "rto_min=200", "rto_max=600"],
    theirOptions: { pr: "ttl:5", messageSize: MESSAGE },
  });
  await bothFinish(ours, theirs);
  const { association, endpoint } = reportOf(ours);
  assert.ok(association.extensions.includes(3758));
  assert.equal(endpoint.dropped["absurd-forward-tsn"], 0);
  await checkOutput(stage, MESSAGES);
  const packets = await capture.assertClean();
  assert.equal(count(packets, ChunkType.abort), 0, "nobody aborts");
  const skips = ourAddresses(stage).map((to) => countTo(packets, to, ChunkType.forwardTsn));
  assert.ok(skips.some((chunks) => chunks > 0), "it tells us what to skip");
});
