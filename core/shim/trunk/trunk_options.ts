/** How trunks are wished for and set up. */
import type { Parameters } from "../../sctp/parameters.ts";

/** What the numbers of the setting `multiplex` mean. */
export const Multiplex = {
  /** Every connection has an association of its own. */
  Off: 0,
  /** Trunks of peers are taken. */
  Accept: 1,
  /** Trunks are set up as well. */
  On: 2,
} as const;

/** Streams of a trunk at its start, and how many its peer may want in the end. */
const TRUNK_STREAMS = 128;
const MOST_TRUNK_STREAMS = 4096;

/** What a trunk has and other associations have not. */
export const TRUNK_PARAMETERS: Partial<Parameters> = {
  interleaving: 1,
  fragmentInterleave: 2,
  streamReconfiguration: 1,
  acceptStreamReset: 1,
  acceptStreamAddition: 1,
  // Nothing that a stream carries may be skipped.
  partialReliability: 0,
  // A connection's bytes must not wait for the acknowledgement of another one's.
  noDelay: 1,
  outboundStreams: TRUNK_STREAMS,
  inboundStreams: MOST_TRUNK_STREAMS,
};
