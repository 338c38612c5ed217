/** How packets travel: their size (RFC 8899), UDP (RFC 6951), congestion (RFC 3168). */
import assert from "node:assert/strict";
import { ChunkType } from "../lab/capture.ts";
import { until } from "../lab/process.ts";
import type { Link } from "./link.ts";
import { type Chapter, chunks, parameters } from "./scene.ts";

/** What passes, in bytes; the interfaces say 1500. */
const NARROW = 1400;

async function findTheWidth(link: Link): Promise<void> {
  await link.host.narrow(NARROW);
  try {
    await link.exchange(1, { count: 10, size: 20_000 });
    await until("the width is found", () => link.ours.paths[0].pmtu === NARROW);
  } finally {
    await link.host.narrow(undefined);
  }
}

export const PATH_MTU: Chapter = {
  rfc: "RFC 8899",
  title: "Path MTU by probes",
  scenes: [{
    name: "our probes, HEARTBEAT with PAD (RFC 4820), find what passes a silent black hole",
    setting: () => ({}),
    use: findTheWidth,
    seen: [...chunks("ours", ChunkType.pad), ...chunks("theirs", ChunkType.heartbeatAck)],
  }],
};

export const ENCAPSULATION: Chapter = {
  rfc: "RFC 6951",
  title: "SCTP in UDP",
  scenes: [{
    name: "messages pass both ways in UDP",
    setting: () => ({ carrier: "UDP" }),
    use: (link) => link.exchange(1, { count: 20 }),
    seen: chunks("both", ChunkType.data),
  }],
};

const CONGESTED = 4;

export const CONGESTION: Chapter = {
  rfc: "RFC 3168",
  title: "ECN",
  scenes: [{
    name: "a router marks what we send, the peer echoes it, and we slow down",
    setting: () => ({}),
    async use(link) {
      await link.host.mark(true);
      try {
        await link.exchange(1, { count: CONGESTED, size: 10_000 });
        await until("an echo comes", () => link.ours.info.metrics.ecnEchoesReceived > 0);
      } finally {
        await link.host.mark(false);
      }
      await link.exchange(1);
    },
    seen: [
      ...parameters("both", 0x8000),
      ...chunks("theirs", ChunkType.ecne),
      ...chunks("ours", ChunkType.cwr),
    ],
  }],
};

export const ADAPTATION: Chapter = {
  rfc: "RFC 5061, section 4.2.6",
  title: "Adaptation indication",
  scenes: [{
    name: "each side is told what the other says",
    setting: () => ({ ours: { adaptationIndication: 1234 }, words: ["adaptation=4321"] }),
    async use(link) {
      assert.equal(link.ours.peerAdaptationIndication, 4321);
      await link.theirs.line(/^adaptation 1234$/);
    },
    seen: parameters("both", 0xc006),
  }],
};
