/**
 * Every extension against usrsctp and against the Linux kernel's SCTP, in both roles: negotiated, used,
 * and seen in a capture that tshark decodes without a fault. One lab for each peer.
 */
import assert from "node:assert/strict";
import { needs } from "../../../core/net/testing/requirements.ts";
import { Capture, type CaptureReport, type PortReport } from "../lab/capture.ts";
import {
  FAR_REQUIREMENTS,
  type FarHost,
  openFarHost,
  type PeerName,
  PEERS,
} from "../lab/far_hosts.ts";
import { Lab } from "../lab/lab.ts";
import { type Initiator, Link } from "./link.ts";
import { MATRIX } from "./matrix.ts";
import type { Chapter, Scene, Sight } from "./scene.ts";

const REQUIREMENTS = [
  "linux",
  "root",
  "netns",
  "nft",
  "raw-sockets",
  "ffi",
  "tcpdump",
  "tshark",
] as const;
/** SCTP port of the first scene; each has its own, by which its packets are told from the others'. */
const FIRST_PORT = 7100;

/** A scene with a peer, in one of the two roles. */
interface Trial {
  readonly peer: PeerName;
  readonly chapter: Chapter;
  readonly scene: Scene;
  readonly initiator: Initiator;
  readonly port: number;
}

const INITIATORS = ["ours", "theirs"] as const;
const TRIALS: readonly Trial[] = PEERS.flatMap((peer) =>
  MATRIX.flatMap((chapter) =>
    chapter.scenes.flatMap((scene) =>
      INITIATORS.map((initiator) => ({ peer, chapter, scene, initiator }))
    )
  )
).map((trial, i) => ({ ...trial, port: FIRST_PORT + i }));

/** A far host, and what has been captured since it came up. */
interface Stage {
  readonly lab: Lab;
  readonly host: FarHost;
  readonly capture: Capture;
}

/** The peers' stages, opened by the first scene that runs, and what was tried so far. */
const stages = new Map<PeerName, Promise<Stage>>();
const tried: Trial[] = [];

async function openStage(peer: PeerName): Promise<Stage> {
  const lab = Lab.open();
  try {
    const host = await openFarHost(lab, peer);
    return { lab, host, capture: await Capture.start(host.ours, lab.path("capture.pcap")) };
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
}

function stageOf(peer: PeerName): Promise<Stage> {
  const stage = stages.get(peer) ?? openStage(peer);
  stages.set(peer, stage);
  return stage;
}

Deno.test.afterAll(async () => {
  for (const stage of stages.values()) await (await stage).lab[Symbol.asyncDispose]();
});

async function play({ peer, scene, initiator, port }: Trial): Promise<void> {
  const { lab, host } = await stageOf(peer);
  const survivors = lab.processes;
  try {
    const opening = Link.open(host, port, initiator, scene.setting(peer));
    const { use } = scene.except?.[peer] ?? scene;
    if (use === "refused") return await assert.rejects(opening, /authenticate|refused/);
    await using link = await opening;
    await use(link);
    if (!link.isOver) await link.close();
  } finally {
    await lab.killAllBut(survivors);
  }
}

/** Registers a test that outlives nothing but the stage that the first one opens. */
function test(peer: PeerName, name: string, body: () => Promise<void>): void {
  const requirements = [...REQUIREMENTS, ...FAR_REQUIREMENTS[peer]];
  const options = { sanitizeOps: false, sanitizeResources: false };
  Deno.test(needs(requirements, `${peer}: ${name}`, body, options));
}

function titleOf({ chapter, scene, initiator }: Trial): string {
  return `${initiator === "ours" ? "we connect" : "it connects"}, ${chapter.rfc}: ${scene.name}`;
}

for (const peer of PEERS) {
  for (const trial of TRIALS.filter((one) => one.peer === peer)) {
    test(peer, titleOf(trial), async () => {
      await play(trial);
      tried.push(trial);
    });
  }
  test(peer, "what was done is seen in the capture, and nothing is wrong with it", async () => {
    const { host, capture } = await stageOf(peer);
    const report = await capture.assertClean();
    for (const trial of tried.filter((one) => one.peer === peer)) assertSeen(host, report, trial);
  });
}

function assertSeen(host: FarHost, report: CaptureReport, trial: Trial): void {
  const { scene, port } = trial;
  const title = titleOf(trial);
  const packets = report.ports.get(port);
  assert.ok(packets, `${title}: no packet`);
  const { seen, unseen } = scene.except?.[host.peer] ?? scene;
  const words = (sights: readonly Sight[]) => sights.map((sight) => JSON.stringify(sight));
  const missing = (seen ?? []).filter((sight) => occurrences(host, packets, sight) === 0);
  assert.deepEqual(words(missing), [], `${title}: not seen`);
  const found = (unseen ?? []).filter((sight) => occurrences(host, packets, sight) > 0);
  assert.deepEqual(words(found), [], `${title}: seen`);
  const isUdp = scene.setting(host.peer).carrier === "UDP";
  assert.equal(packets.encapsulated, isUdp ? packets.packets : 0, title);
}

function occurrences({ wires }: FarHost, packets: PortReport, sight: Sight): number {
  const receivers = wires.map(({ a, b }) => (sight.from === "ours" ? b : a).v4);
  const { chunk, parameter } = sight;
  const count = (counts: PortReport["chunksTo"], type: number) =>
    receivers.reduce((sum, receiver) => sum + (counts.get(`${receiver} ${type}`) ?? 0), 0);
  if (chunk !== undefined) return count(packets.chunksTo, chunk);
  return parameter === undefined ? 0 : count(packets.parametersTo, parameter);
}
