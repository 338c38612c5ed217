/** The streams of a connection: how they take turns, and changes of them while it lives. */
import type { Association } from "../sctp/association.ts";
import { ReconfigurationError, type StreamReset } from "../sctp/procedures/stream_changes.ts";
import type { StreamSchedulerName } from "../sctp/tx/stream_scheduler.ts";
import { SctpError, type SctpErrorCode } from "./errors.ts";

const CODES = {
  "not-supported": "ERR_SCTP_NOT_SUPPORTED_BY_PEER",
  "not-established": "ERR_SCTP_CLOSED",
  "too-many": "ERR_SCTP_BUSY",
} as const satisfies Record<ReconfigurationError["code"], SctpErrorCode>;

/** Comes from {@link SctpConnection.streams}. */
export class StreamControl {
  readonly #association: () => Association;
  readonly #flush: () => void;

  /**
   * @param association the one behind the connection.
   * @param flush sends what a command has made ready.
   */
  constructor(association: () => Association, flush: () => void) {
    this.#association = association;
    this.#flush = flush;
  }

  /** Streams on which this side may send. */
  get outbound(): number {
    return this.#association().outboundStreams;
  }

  /** Streams on which the peer may send. */
  get inbound(): number {
    return this.#association().inboundStreams;
  }

  /**
   * SCTP_INTERLEAVING_SUPPORTED of an association (RFC 8260, section 4.3.1): long messages let those of
   * other streams in between. The parameters `interleaving` and `fragmentInterleave` switch it on.
   */
  get interleaved(): boolean {
    return this.#association().interleaves;
  }

  /** How the outbound streams take turns (RFC 8260, section 3); "fcfs" at first. */
  get scheduler(): StreamSchedulerName {
    return this.#association().streamScheduler;
  }

  /** Another scheduler, from the next message on (RFC 8260, section 4.3.2). */
  set scheduler(name: StreamSchedulerName) {
    this.#association().setStreamScheduler(name);
  }

  /**
   * Gives an outbound stream what its scheduler asks for (RFC 8260, section 4.3.3): with "prio" its
   * priority, 0 being served first, with "wfq" its weight.
   * @throws RangeError unless both are whole numbers from 0 to 65,535.
   */
  setValue(stream: number, value: number): void {
    this.#association().setStreamValue(stream, value);
  }

  /**
   * Has streams start again, as new ones would (RFC 6525): messages of before are delivered before.
   * A "streams-reset" event tells what came of it, for each direction.
   * @throws SctpError `ERR_SCTP_NOT_SUPPORTED_BY_PEER`, `ERR_SCTP_CLOSED`, or `ERR_SCTP_BUSY` while
   * sixteen changes wait.
   * @throws RangeError for streams that do not exist, TypeError if no direction is named.
   */
  reset(streams: StreamReset): void {
    this.#command((association) => association.resetStreams(streams));
  }

  /**
   * Has all numbers of the association start again (RFC 6525), at most every 30 seconds. An
   * "association-reset" event follows.
   * @throws SctpError as {@link reset}.
   */
  resetAll(): void {
    this.#command((association) => association.resetAssociation());
  }

  /**
   * Asks for more streams (RFC 6525). "streams-changed" events follow.
   * @throws SctpError as {@link reset}.
   * @throws RangeError if there would be more than 65,535, or none is asked for.
   */
  add(outbound: number, inbound = 0): void {
    this.#command((association) => association.addStreams(outbound, inbound));
  }

  #command(command: (association: Association) => void): void {
    try {
      command(this.#association());
    } catch (cause) {
      if (!(cause instanceof ReconfigurationError)) throw cause;
      throw new SctpError(CODES[cause.code], cause.message, { cause });
    }
    this.#flush();
  }
}
