/**
 * What is going on about an association's streams (RFC 6525): the changes that this side wants, the
 * one that is asked for, and what the peer asked last. Made when the first of these happens.
 */
import type { Instant } from "./base/time.ts";
import type { Path } from "./path/path.ts";
import type { ReconfigRequest, ReconfigResponse } from "./wire/reconfig.ts";

/** A change of streams that this side asks the peer for. Streams: empty for all. */
export type StreamChange =
  | {
    readonly kind: "reset-streams";
    /** Ours. */
    readonly outgoing: readonly number[] | undefined;
    /** The peer's. */
    readonly incoming: readonly number[] | undefined;
    /** Sequence number of the peer's request that asked for it. */
    readonly answers: number | undefined;
  }
  | { readonly kind: "reset-association" }
  | { readonly kind: "add-streams"; readonly outgoing: number; readonly incoming: number };

/** A change that the peer was asked for. */
export interface ChangeInFlight {
  readonly change: StreamChange;
  readonly chunk: Uint8Array;
  /** Requests that are not answered yet. */
  readonly requests: ReconfigRequest[];
  /** Where the chunk went last. */
  path: Path;
  /** The peer is at it: the next time-out is no error (RFC 6525, section 5.2.7, H2). */
  inProgress: boolean;
}

/** A request of the peer's that is carried out later. */
export type DeferredRequest = Extract<
  ReconfigRequest,
  { kind: "reset-outgoing" | "reset-association" }
>;

export class Reconfiguration {
  /** Changes that this side wants, in their order; the first may be in flight. */
  readonly wanted: StreamChange[] = [];
  inFlight: ChangeInFlight | undefined;
  deferred: DeferredRequest | undefined;
  /** First sequence number of the peer's last RE-CONFIG with requests. */
  lastSequence: number | undefined;
  /** What it was answered with; a request of ours is the answer to what has none here. */
  lastResponses: readonly ReconfigResponse[] = [];
  /** When the association as a whole was last asked to be reset by this side. */
  associationResetAt: Instant | undefined;

  /**
   * @param nextSequence of our next request: starts as our Initial TSN (RFC 6525, section 4.1).
   * @param expectedSequence of the peer's next one: starts as its Initial TSN.
   */
  constructor(public nextSequence: number, public expectedSequence: number) {}

  /** The next sequence number for a request of ours. */
  takeSequence(): number {
    const sequence = this.nextSequence;
    this.nextSequence = (sequence + 1) >>> 0;
    return sequence;
  }

  /** Response Sequence Number of a request that answers none (RFC 6525, section 4.1). */
  get lastReceived(): number {
    return (this.expectedSequence - 1) >>> 0;
  }
}
