/**
 * Partial reliability (RFC 3758) and message interleaving (RFC 8260) with the Linux kernel's SCTP, both
 * ways.
 */
import assert from "node:assert/strict";
import { type Capture, ChunkType, count } from "./lab/capture.ts";
import { kernelTest, PORT, type Stage } from "./lab/kernel_stage.ts";
import { blocksOf, writePayload } from "./lab/payload.ts";
import { run } from "./lab/process.ts";
import { shimkitCommand } from "./lab/shimkit.ts";
import { SHARED_FOLDER } from "./lab/uml.ts";

const SOURCE = new URL("lab/c/kernel_streams.c", import.meta.url).pathname;
/** The program for the guest, and files, as it sees them. */
const PROGRAM = `${SHARED_FOLDER}/kernel_streams`;
const [GUEST_INPUT, GUEST_OUTPUT] = [`${SHARED_FOLDER}/input`, `${SHARED_FOLDER}/output`];

interface Messages {
  readonly size: number;
  readonly count: number;
  readonly streams: number;
  /** When they are given up: "none 0" or "rtx 0". */
  readonly policy: string;
  readonly interleaved: boolean;
}

/**
 * With interleaving no message is cut: this kernel numbers the fragments from 0 behind the first one,
 * which RFC 8260, section 2.1, has as number 0.
 */
const WHOLE: Messages = {
  size: 1200,
  count: 1000,
  streams: 4,
  policy: "none 0",
  interleaved: true,
};

async function prepare({ lab, guest }: Stage, messages: Messages): Promise<void> {
  await run([
    "gcc",
    "-O2",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-o",
    lab.path("kernel_streams"),
    SOURCE,
  ]);
  await writePayload(lab.path("input"), messages.size * messages.count, 51);
  for (let i = 0; i < messages.streams; i++) {
    await Deno.remove(lab.path(`output.${i}`)).catch(() => {});
  }
  await guest.sysctl({ intl_enable: Number(messages.interleaved), rto_initial: 300, rto_min: 200 });
}

function startOurs(
  { guest }: Stage,
  { interleaved }: Messages,
  words: readonly (string | number)[],
) {
  const script = new URL("lab/streams_peer.ts", import.meta.url).pathname;
  const [deno, ...flags] = shimkitCommand([]).slice(0, -1);
  const all = [interleaved ? "interleaved" : "plain", ...words].map(String);
  return guest.host.spawn([deno, ...flags, script, ...all]);
}

/** Has one side send and the other receive; gives the numbers of the messages that came, by stream. */
async function pass(
  stage: Stage,
  sender: "ours" | "theirs",
  messages: Messages,
): Promise<number[][]> {
  const { lab, guest } = stage;
  const { size, streams, policy } = messages;
  const [{ a, b }] = guest.wires;
  const how = [size, streams, ...policy.split(" ")];
  if (sender === "ours") {
    const theirs = await guest.listen(PORT, `${PROGRAM} receive ${PORT} ${GUEST_OUTPUT}`);
    const place = [b.v4, PORT, lab.path("input")];
    await startOurs(stage, messages, ["send", ...place, ...how]).succeeded();
    assert.equal(await theirs.finished(), 0, theirs.lines.join("\n"));
  } else {
    const ours = startOurs(stage, messages, ["receive", PORT, lab.path("output")]);
    await ours.line(/^listening$/);
    const words = ["send", PORT, a.v4, GUEST_INPUT, ...how].join(" ");
    const theirs = await guest.start(`${PROGRAM} ${words}`);
    assert.equal(await theirs.finished(), 0, theirs.lines.join("\n"));
    await ours.succeeded();
  }
  const files = Array.from({ length: streams }, (_, i) => lab.path(`output.${i}`));
  return await Promise.all(files.map((file) => blocksOf(lab.path("input"), file, size)));
}

for (const sender of ["ours", "theirs"] as const) {
  const what = sender === "ours" ? "what we send" : "what it sends";
  kernelTest(`${what} on four streams travels in I-DATA`, async (stage, capture) => {
    await prepare(stage, WHOLE);
    const arrived = await pass(stage, sender, WHOLE);
    const { streams, count: all } = WHOLE;
    const expected = Array.from(
      { length: streams },
      (_, stream) => Array.from({ length: all / streams }, (_, i) => stream + i * streams),
    );
    assert.deepEqual(arrived, expected);
    const packets = await capture.assertClean();
    assert.equal(count(packets, ChunkType.data) + count(packets, ChunkType.abort), 0);
    assert.ok(count(packets, ChunkType.iData) >= all);
  });
}

kernelTest(
  "its fragments of interleaved messages are refused: they count otherwise",
  async (stage) => {
    const messages = { ...WHOLE, size: 10_000, count: 4 };
    await prepare(stage, messages);
    const ours = startOurs(stage, messages, ["receive", PORT, stage.lab.path("output")]);
    await ours.line(/^listening$/);
    const words = ["send", PORT, stage.guest.wires[0].a.v4, GUEST_INPUT, 10_000, 4, "none", 0];
    await stage.guest.start(`${PROGRAM} ${words.join(" ")}`);
    assert.notEqual((await ours.finished()).code, 0);
    assert.match(ours.lines.join("\n"), /fragments that contradict each other/);
  },
);

/** Packets in a thousand that are lost. */
const LOST = 30;

/** What is lost is given up; what comes is whole messages of each stream in their order. */
async function passSome(stage: Stage, capture: Capture, sender: "ours" | "theirs"): Promise<void> {
  const messages = { size: 4000, count: 700, streams: 2, policy: "rtx 0", interleaved: false };
  await prepare(stage, messages);
  for (const wire of stage.guest.wires) await wire.lose(LOST);
  const arrived = await pass(stage, sender, messages);
  for (const [stream, numbers] of arrived.entries()) {
    assert.ok(numbers.every((number) => number >= 0 && number % 2 === stream), numbers.join(" "));
  }
  const { length } = arrived.flat();
  assert.ok(length > 10 && length < messages.count, `${length} of ${messages.count} came`);
  const packets = await capture.assertClean();
  assert.ok(count(packets, ChunkType.forwardTsn) > 0);
  assert.equal(count(packets, ChunkType.abort), 0);
}

for (const sender of ["ours", "theirs"] as const) {
  const [what, whatever] = sender === "ours"
    ? ["what we give up", "we give nothing up"]
    : ["what it gives up", "it gives nothing up"];
  kernelTest(`${what} is skipped`, (stage, capture) => passSome(stage, capture, sender));

  kernelTest(`with interleaving ${whatever}: it has no I-FORWARD-TSN`, async (stage, capture) => {
    const messages = { ...WHOLE, policy: "rtx 0" };
    await prepare(stage, messages);
    for (const wire of stage.guest.wires) await wire.lose(LOST);
    const arrived = await pass(stage, sender, messages);
    assert.equal(arrived.flat().length, messages.count);
    const packets = await capture.assertClean();
    const { forwardTsn, iForwardTsn, abort } = ChunkType;
    for (const type of [forwardTsn, iForwardTsn, abort]) assert.equal(count(packets, type), 0);
  });
}
