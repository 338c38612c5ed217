/** RFC 8260. */
import assert from "node:assert/strict";
import { ChunkType } from "../lab/capture.ts";
import { type Link, numbered, numberOf } from "./link.ts";
import { type Chapter, chunks, type Setting } from "./scene.ts";

const STREAMS = [1, 2, 3] as const;
/** Bytes of a message of one chunk, and of one of many. */
const [WHOLE, LONG] = [1200, 100_000];

export function interleaved(): Setting {
  return {
    ours: { parameters: { interleaving: 1, fragmentInterleave: 2 } },
    words: ["interleave"],
    sysctls: { intl_enable: 1 },
  };
}

/** Messages on several streams at once, whose streams take turns; all come back whole. */
async function interleave(link: Link, size: number): Promise<void> {
  const { ours } = link;
  assert.ok(ours.streams.interleaved);
  ours.streams.scheduler = "rr";
  const numbers = [0, 1, 2, 3, 4, 5];
  for (const number of numbers) {
    for (const stream of STREAMS) await ours.send(numbered(number, size), { stream });
  }
  for (const stream of STREAMS) {
    const messages = await link.arrived(stream, numbers.length);
    assert.deepEqual(messages.map(numberOf), numbers, `stream ${stream}`);
  }
}

const WAY = [...chunks("both", ChunkType.iData)];
const OTHER_WAY = [...chunks("both", ChunkType.data)];

export const INTERLEAVING: Chapter = {
  rfc: "RFC 8260",
  title: "Interleaved messages",
  scenes: [
    {
      name: "messages of one chunk on several streams, both ways",
      setting: interleaved,
      use: (link) => interleave(link, WHOLE),
      seen: WAY,
      unseen: OTHER_WAY,
    },
    {
      name: "messages of many chunks on several streams, both ways",
      setting: interleaved,
      use: (link) => interleave(link, LONG),
      seen: WAY,
      unseen: OTHER_WAY,
      except: {
        kernel: {
          why:
            "the kernel's fault: it numbers the fragments from 0 behind the first one, which has " +
            "that number (section 2.1). We end the association when we see it",
          use: fragmentsContradict,
          seen: chunks("ours", ChunkType.abort),
        },
      },
    },
  ],
};

async function fragmentsContradict(link: Link): Promise<void> {
  await link.command("send 1 5000 1 none 0");
  const end = await link.ours.closed;
  assert.match(end.graceful ? "" : end.error.message, /fragments that contradict each other/);
}
