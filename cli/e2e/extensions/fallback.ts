/** Where one side has an extension switched off: messages pass, and nothing of it is seen. */
import assert from "node:assert/strict";
import type { Parameters } from "../../../core/sctp/parameters.ts";
import type { SctpError } from "../../../core/socket/errors.ts";
import { ChunkType } from "../lab/capture.ts";
import type { PeerName } from "../lab/far_hosts.ts";
import { interleaved } from "./interleaving.ts";
import { type Link, ourAddress } from "./link.ts";
import { type Chapter, chunks, type Scene, type Setting } from "./scene.ts";

/** An extension and how it is switched off. */
interface Switch {
  readonly rfc: number;
  readonly title: string;
  readonly chunks: readonly number[];
  readonly ours: Partial<Parameters>;
  /** With usrsctp, in words; the kernel has it off unless a sysctl says otherwise. */
  readonly theirs: readonly string[];
  /** What switches it on, on both sides. */
  readonly on?: Setting;
  /** The kernel's switch where it is on by default. */
  readonly sysctls?: Readonly<Record<string, number>>;
  /** What our user does about it, which must fail in words. */
  readonly attempt?: (link: Link) => void;
}

const SWITCHES: readonly Switch[] = [
  {
    rfc: 4895,
    title: "authentication",
    chunks: [ChunkType.auth],
    ours: { authentication: 0 },
    theirs: ["off=asconf", "off=auth"],
    on: { sysctls: { auth_enable: 1 } },
  },
  {
    rfc: 5061,
    title: "changes of addresses",
    chunks: [ChunkType.asconf, ChunkType.asconfAck],
    ours: { addressReconfiguration: 0 },
    theirs: ["off=asconf"],
    on: { sysctls: { addip_enable: 1, auth_enable: 1 } },
    attempt: (link) => link.ours.addresses.add(ourAddress(link.host, 1)),
  },
  {
    rfc: 6525,
    title: "stream reconfiguration",
    chunks: [ChunkType.reConfig],
    ours: { streamReconfiguration: 0 },
    theirs: ["off=reconfig"],
    on: { sysctls: { reconf_enable: 1 } },
    attempt: (link) => link.ours.streams.reset({ outgoing: [1] }),
  },
  {
    rfc: 8260,
    title: "interleaving",
    chunks: [ChunkType.iData, ChunkType.iForwardTsn],
    ours: { interleaving: 0 },
    theirs: [],
    on: interleaved(),
  },
  {
    rfc: 3758,
    title: "partial reliability",
    chunks: [ChunkType.forwardTsn],
    ours: { partialReliability: 0 },
    theirs: ["off=pr"],
    sysctls: { prsctp_enable: 0 },
  },
];

function offAtPeer({ on, theirs, sysctls }: Switch, peer: PeerName): Setting {
  return { ours: on?.ours, words: peer === "usrsctp" ? theirs : [], sysctls };
}

function offHere({ on, ours }: Switch): Setting {
  return { ...on, ours: { parameters: { ...on?.ours?.parameters, ...ours } } };
}

function scene(one: Switch, name: string, setting: Scene["setting"]): Scene {
  return {
    name,
    setting,
    async use(link) {
      assert.ok(!link.ours.info.extensions.includes(one.rfc), `${link.ours.info.extensions}`);
      const { attempt } = one;
      if (attempt) {
        const isTold = (error: SctpError) => error.code === "ERR_SCTP_NOT_SUPPORTED_BY_PEER";
        assert.throws(() => attempt(link), isTold);
      }
      await link.exchange(1, { count: 10, size: 5000 });
    },
    unseen: chunks("both", ...one.chunks, ChunkType.abort, ChunkType.error),
  };
}

export const FALLBACK: Chapter = {
  rfc: "RFC 9260, section 3.2",
  title: "Without an extension",
  scenes: SWITCHES.flatMap((one) => [
    scene(one, `the peer has no ${one.title}`, (peer) => offAtPeer(one, peer)),
    scene(one, `we have no ${one.title}`, () => offHere(one)),
  ]),
};
