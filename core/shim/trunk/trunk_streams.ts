/** The streams of a trunk and their association: which numbers there are, more of them, and resets. */
import type { Association } from "../../sctp/association.ts";
import type { Instant } from "../../sctp/base/time.ts";
import { ReconfigResult } from "../../sctp/wire/reconfig.ts";
import { CREDIT_STREAM } from "./trunk_message.ts";
import { StreamTable } from "./stream_table.ts";
import type { TrunkStream } from "./trunk_stream.ts";

/** Streams that are added at once, when so few were never used, and how many there are at most. */
const STREAMS_ADDED = 256;
const STREAMS_SPARE = 32;
const MOST_STREAMS = 4096;

export class TrunkStreams {
  readonly #association: Association;
  readonly #table = new StreamTable<TrunkStream>();
  /** More streams were asked for, or the peer has refused that. */
  #isGrowing = false;

  constructor(association: Association) {
    this.#association = association;
  }

  /** Streams that carry a connection. */
  get inUse(): number {
    return this.#table.inUse;
  }

  /** The stream with this number, until both sides have reset it. */
  find(id: number): TrunkStream | undefined {
    return this.#table.find(id);
  }

  /** As of a {@link StreamTable}. */
  [Symbol.iterator](): Iterator<TrunkStream> {
    return this.#table[Symbol.iterator]();
  }

  /** A number for a connection of this side; `undefined` if none is free now, when more are asked for. */
  takeFree(): number | undefined {
    const { outboundStreams, inboundStreams } = this.#association;
    const streams = Math.min(outboundStreams, inboundStreams);
    const id = this.#table.takeFree(streams);
    if (id === undefined || id + STREAMS_SPARE >= streams) this.#grow(streams);
    return id;
  }

  /** True if the peer may open this stream: it has set up the trunk, and the number is free. */
  isFreeForPeer(id: number): boolean {
    const { incoming, outboundStreams } = this.#association;
    return incoming && id !== CREDIT_STREAM && id < outboundStreams &&
      this.#table.isFreeForPeer(id);
  }

  /** Puts a stream into use. */
  add(stream: TrunkStream): void {
    this.#table.add(stream.id, stream);
  }

  /** This side sends nothing more on a stream; {@link askForResets} is due. */
  retire(id: number): void {
    this.#table.retire(id);
  }

  /** Asks for the resets that are due, unless one is under way. */
  askForResets(): void {
    if (this.#association.state !== "ESTABLISHED") return;
    const outgoing = this.#table.takeDue();
    if (outgoing.length > 0) this.#association.resetStreams({ outgoing });
  }

  /** This side's resets are over. */
  handleReset(now: Instant, result: number): void {
    if (result === ReconfigResult.Busy) this.#table.repeatReset();
    else for (const stream of this.#table.concludeReset()) stream.finish(now);
    this.askForResets();
  }

  /** The peer has reset its direction of streams; what it sent before that was read. */
  handlePeerReset(now: Instant, ids: readonly number[]): void {
    for (const stream of this.#table.handlePeerReset(ids)) stream.handlePeerReset(now);
  }

  /** There are more streams, or `result` says why not. */
  handleGrowth(result: number): void {
    this.#isGrowing = result !== ReconfigResult.Performed;
  }

  #grow(streams: number): void {
    const added = Math.min(STREAMS_ADDED, MOST_STREAMS - streams);
    if (this.#isGrowing || added <= 0) return;
    this.#isGrowing = true;
    this.#association.addStreams(added, added);
  }
}
