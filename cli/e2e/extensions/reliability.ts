/** RFC 3758 and RFC 7496, and the same with interleaving (RFC 8260). */
import assert from "node:assert/strict";
import { ChunkType } from "../lab/capture.ts";
import { until } from "../lab/process.ts";
import { interleaved } from "./interleaving.ts";
import { type Link, numbered, numberOf } from "./link.ts";
import { type Chapter, chunks, type Sight } from "./scene.ts";

/** Packets in a thousand that the wire loses. */
const LOST = 30;
const [COUNT, SIZE, STREAM] = [200, 4000, 1];
/** Bytes of a message that the kernel can interleave. */
const WHOLE = 1200;

/** Does something while the wire loses packets. */
export async function overBadWire(link: Link, use: () => Promise<void>): Promise<void> {
  const [wire] = link.host.wires;
  await wire.lose(LOST);
  try {
    await use();
  } finally {
    await wire.heal();
  }
}

/** What came is whole messages in their order. */
function assertInOrder(numbers: readonly number[]): void {
  const isBehind = (number: number, i: number) => number > (numbers[i - 1] ?? -1);
  assert.ok(numbers.every(isBehind), numbers.join(" "));
}

/** We send what is given up when it is lost; what arrives is sent back for good. */
async function weGiveUp(link: Link, size: number): Promise<void> {
  const { ours } = link;
  const prinfo = { policy: "rtx", value: 0 } as const;
  for (let n = 0; n < COUNT; n++) await ours.send(numbered(n, size), { stream: STREAM, prinfo });
  await until("nothing is outstanding", () => ours.info.bufferedBytes === 0);
  const { unsent, sent } = ours.reliability.abandoned();
  assertInOrder((await link.arrived(STREAM, COUNT - unsent - sent)).map(numberOf));
}

async function weGiveSomeUp(link: Link): Promise<void> {
  await overBadWire(link, () => weGiveUp(link, SIZE));
  const { sent } = link.ours.reliability.abandoned();
  assert.ok(sent > 0, "something was given up");
}

/** The peer sends what is given up when it is lost. */
async function theyGiveUp(link: Link, size: number): Promise<readonly number[]> {
  await link.command(`send ${STREAM} ${size} ${COUNT} rtx 0`);
  await link.command(`send ${STREAM + 1} 100 1 none 0`);
  await link.arrived(STREAM + 1, 1);
  await link.close();
  const arrived = link.messages.filter(({ stream }) => stream === STREAM).map(numberOf);
  assertInOrder(arrived);
  return arrived;
}

function theyGiveSomeUp(link: Link): Promise<void> {
  return overBadWire(link, async () => {
    const { length } = await theyGiveUp(link, SIZE);
    assert.ok(length > 0 && length < COUNT, `${length} of ${COUNT} arrived`);
  });
}

async function nobodyGivesUp(link: Link): Promise<void> {
  assert.equal(link.ours.reliability.isSupported, false);
  await overBadWire(link, async () => {
    await weGiveUp(link, WHOLE);
    assert.deepEqual(link.ours.reliability.abandoned(), { unsent: 0, sent: 0 });
    await link.arrived(STREAM, COUNT);
  });
}

const SKIPS: readonly Sight[] = chunks("both", ChunkType.forwardTsn, ChunkType.iForwardTsn);
const NO_SKIP = {
  why: "the kernel has no I-FORWARD-TSN: with interleaving nothing is given up",
  use: nobodyGivesUp,
  seen: chunks("both", ChunkType.iData),
  unseen: SKIPS,
};

export const RELIABILITY: Chapter = {
  rfc: "RFC 3758",
  title: "Messages that may be given up",
  scenes: [
    {
      name: "we give up what is lost",
      setting: () => ({}),
      use: weGiveSomeUp,
      seen: chunks("ours", ChunkType.forwardTsn),
      unseen: chunks("both", ChunkType.abort),
    },
    {
      name: "the peer gives up what is lost",
      setting: () => ({}),
      use: theyGiveSomeUp,
      seen: chunks("theirs", ChunkType.forwardTsn),
      unseen: chunks("both", ChunkType.abort),
    },
    {
      name: "we give up interleaved messages (RFC 8260)",
      setting: interleaved,
      use: weGiveSomeUp,
      seen: chunks("ours", ChunkType.iForwardTsn),
      unseen: chunks("both", ChunkType.forwardTsn, ChunkType.abort),
      except: { kernel: NO_SKIP },
    },
    {
      name: "the peer gives up interleaved messages (RFC 8260)",
      setting: interleaved,
      use: theyGiveSomeUp,
      seen: chunks("theirs", ChunkType.iForwardTsn),
      unseen: chunks("both", ChunkType.forwardTsn, ChunkType.abort),
      except: { kernel: NO_SKIP },
    },
  ],
};
