/** NR-SACK (draft-natarajan-tsvwg-sctp-nrsack). */
import { ChunkType } from "../lab/capture.ts";
import type { Link } from "./link.ts";
import { overBadWire } from "./reliability.ts";
import { type Chapter, chunks } from "./scene.ts";

function talk(link: Link): Promise<void> {
  return overBadWire(link, () => link.exchange(1, { count: 150, size: 4000 }));
}

export const ACKNOWLEDGEMENTS: Chapter = {
  rfc: "draft-natarajan-tsvwg-sctp-nrsack",
  title: "Acknowledgements for good",
  scenes: [{
    name: "what arrives behind a gap is acknowledged for good, both ways",
    setting: () => ({ ours: { parameters: { nonRenegableSack: 1 } }, words: ["nrsack"] }),
    use: talk,
    seen: chunks("both", ChunkType.nrSack),
    unseen: chunks("both", ChunkType.sack),
    except: {
      kernel: {
        why: "the kernel has no NR-SACK: both sides send SACKs",
        use: talk,
        seen: chunks("both", ChunkType.sack),
        unseen: chunks("both", ChunkType.nrSack),
      },
    },
  }],
};
