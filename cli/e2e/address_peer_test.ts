/** Our addresses change in mid-transfer (RFC 5061) with usrsctp on the other side. */
import assert from "node:assert/strict";
import { ChunkType, count, countTo } from "./lab/capture.ts";
import { fileSize, hashFile, writePayload } from "./lab/payload.ts";
import { until } from "./lab/process.ts";
import { reportOf } from "./lab/shimkit.ts";
import {
  bothFinish,
  type Carrier,
  CARRIERS,
  peerTest,
  type Stage,
  startTransfer,
  theirAddresses,
} from "./lab/usrsctp_stage.ts";

const SIZE = 12_000_000;
/** Mbit/s: the transfer lasts some seconds. */
const RATE = 30;

/** While we send, the address of our second wire comes, and that of the first one goes. */
async function moveToSecondWire(stage: Stage, carrier: Carrier): Promise<void> {
  const { lab, wires, capture } = stage;
  for (const wire of wires) await wire.limit(RATE);
  const [first, second] = wires.map(({ a }) => a);
  const change = (verb: "add" | "delete", { v4, device }: typeof first) =>
    stage.ours.ip("address", verb, `${v4}/24`, "dev", device);
  await change("delete", second);
  const hash = await writePayload(lab.path("input"), SIZE, 51);
  const { ours, theirs } = await startTransfer(stage, {
    carrier,
    family: "v4",
    sender: "ours",
    initiator: "ours",
    ourLocal: [],
    ourWords: ["--follow"],
  });
  const arrived = (share: number) =>
    until(
      `${share} of it arrives`,
      async () => await fileSize(lab.path("output")) >= share * SIZE,
    );
  await arrived(0.1);
  await change("add", second);
  await arrived(0.3);
  await change("delete", first);
  await bothFinish(ours, theirs);
  assert.equal(await hashFile(lab.path("output")), hash);
  assert.ok(reportOf(ours).association.extensions.includes(5061));
  const told = theirs.lines.join("\n");
  assert.ok(theirs.lines.includes(`path ${second.v4} added`), told);
  assert.ok(theirs.lines.includes(`path ${first.v4} removed`), told);
  const packets = await capture.assertClean();
  assert.ok(count(packets, ChunkType.asconfAck) >= 2, "both changes were answered");
  const [, other] = theirAddresses(stage);
  assert.ok(countTo(packets, other, ChunkType.data) > 100, "the new uplink was used");
  // What was on its way from the address that has gone is out of the blue (section 5.3.1).
  assert.equal(countTo(packets, second.v4, ChunkType.abort), 0, "nobody aborts");
}

for (const carrier of Object.keys(CARRIERS) as Carrier[]) {
  peerTest(
    `our uplink comes over ${carrier}, and the old one goes, while we send`,
    (stage) => moveToSecondWire(stage, carrier),
  );
}
