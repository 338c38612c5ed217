/** For tests of message interleaving (RFC 8260): a peer that has it, and I-DATA in short words. */
import type { Parameters } from "../parameters.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { describeIForwardTsn } from "../wire/i_forward_tsn.ts";
import { describeIData } from "../wire/idata.ts";
import { Puppet, type PuppetOptions } from "./puppet.ts";
import { chunksOfType, type SentPacket } from "./sent_packet.ts";

/** What a user says who takes messages interleaved. */
export const INTERLEAVING: Partial<Parameters> = { interleaving: 1, fragmentInterleave: 2 };

/** A puppet that lists I-DATA and I-FORWARD-TSN, with a subject that offers them. */
export function interleavedPuppet({ init, parameters, ...rest }: PuppetOptions = {}): Puppet {
  return new Puppet({
    init: { supportedExtensions: [ChunkType.IData, ChunkType.IForwardTsn], ...init },
    parameters: { ...INTERLEAVING, noDelay: 1, sackDelay: 0, ...parameters },
    ...rest,
  });
}

/** The same, with an association. */
export function connectedInterleaved(options: PuppetOptions = {}): Puppet {
  const puppet = interleavedPuppet(options);
  puppet.connect();
  return puppet;
}

/** I-DATA chunks as "stream MID PPID flags bytes", or with FSN instead of PPID. */
export function iDataIn(packets: readonly SentPacket[]): string[] {
  return chunksOfType(packets, ChunkType.IData).map((chunk) =>
    describeIData(chunk, 0).replace(/^I-DATA TSN \d+ stream /, "")
      .replace("flags ", "").replace(" bytes", "")
  );
}

/** What I-FORWARD-TSNs skip, without their TSNs. */
export function iForwardsIn(packets: readonly SentPacket[]): string[] {
  return chunksOfType(packets, ChunkType.IForwardTsn).map((chunk) =>
    describeIForwardTsn(chunk, 0).replace(/^I-FORWARD-TSN to \d+ ?/, "")
  );
}
