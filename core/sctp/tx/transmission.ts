/**
 * The sending half of an association: state that sending, acknowledging and retransmitting share.
 * The rules are beside it: `data_sender.ts`, `sack_processing.ts`, `retransmission.ts`.
 */
import { PagedCounters } from "../base/paged_counters.ts";
import { type Tsn, tsnAdd } from "../base/serial.ts";
import { type Instant, NEVER } from "../base/time.ts";
import type { SlabPool } from "../base/slab_pool.ts";
import { TsnRanges } from "../base/tsn_ranges.ts";
import type { Parameters } from "../parameters.ts";
import type { Path } from "../path/path.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { DATA_HEADER_LENGTH } from "../wire/data.ts";
import { I_DATA_HEADER_LENGTH } from "../wire/idata.ts";
import type { FirmBlocks } from "./firm_blocks.ts";
import type { ForwardPoint } from "./forward_point.ts";
import { ChunkMark, Outstanding } from "./outstanding.ts";
import { PartialMessages } from "./partial_messages.ts";
import type { AbandonedMessages } from "./partial_reliability.ts";
import type { SendFailure } from "./send_failure.ts";
import { type SendOptions, SendQueue } from "./send_queue.ts";

/** Memory that a queued message is charged for next to its bytes. */
export const MESSAGE_COST = 64;

/**
 * TSNs that may be outstanding: Gap Ack Blocks reach 65,535 beyond the Cumulative TSN Ack, and half
 * of that leaves the receiver's ranges room.
 */
export const MAX_OUTSTANDING = 32_768;

/** What fits every IPv6 link with encapsulation to spare: used while there is no path. */
const SMALLEST_CHUNK_PAYLOAD = 1200;

export class Transmission {
  parameters: Parameters;
  readonly pool: SlabPool;
  readonly queue: SendQueue;
  outstanding: Outstanding;
  /** The association's paths, by index. */
  readonly paths: readonly Path[];
  /** TSNs above the Cumulative TSN Ack Point that the last SACK reported. */
  gapAcked = new TsnRanges();
  /** The ranges of the SACK at hand, exchanged with {@link gapAcked} after each SACK. */
  reported = new TsnRanges();
  /** What is kept between NR-SACKs, once there was one. */
  firmBlocks: FirmBlocks | undefined;
  /** Number of the next ordered message of each stream: its SSN or, with interleaving, its MID. */
  readonly nextSsn = new PagedCounters(32);
  /** MID of the next unordered message of each stream, with interleaving. */
  #nextUnordered: PagedCounters | undefined;
  /** I-DATA is sent, not DATA (RFC 8260): chunks of other streams may come between those of a message. */
  interleaves = false;
  /** What user data is sent in, and the bytes in front of it there. */
  chunkType: ChunkType = ChunkType.Data;
  headerLength = DATA_HEADER_LENGTH;

  /** a_rwnd as the peer announced it last. */
  announcedWindow = 0;
  /** Bytes of payload in flight on all paths. */
  bytesInFlight = 0;
  /** Bytes of payload accepted from the user and not yet acknowledged for good. */
  bufferedBytes = 0;
  /** What {@link bufferedBytes} costs in memory. */
  bufferedCost = 0;

  /**
   * Both sides have partial reliability (RFC 3758): messages with a policy may be given up. Undefined
   * while the peer has not said.
   */
  abandons: boolean | undefined;
  /** The partially reliable messages, once there is one. */
  partial: PartialMessages | undefined;
  /** How far the peer is to be moved, once a chunk was given up. */
  forward: ForwardPoint | undefined;
  /** What was given up, once something was. */
  abandoned: AbandonedMessages | undefined;
  /** Messages that were given up and not told yet; for a user who wants to know. */
  failures: SendFailure[] | undefined;
  /** Chunks of partially reliable messages that are marked for retransmission. */
  partialMarked = 0;

  /** Chunks marked for retransmission, and a TSN at or before the first of them. */
  markedCount = 0;
  markedFrom: Tsn;

  /** Last TSN of the last packet that was not full. */
  smallPacketTsn: Tsn;

  /** Fast Recovery lasts until this TSN is acknowledged cumulatively (section 7.2.4, 6). */
  inFastRecovery = false;
  recoveryExit: Tsn;

  /** The last SACK acknowledged something that no SACK had before. */
  progress = false;
  /** The next packet may carry one chunk although the peer's window is closed (section 6.1, A). */
  windowProbeDue = false;
  /** A SACK arrived since T3-rtx last expired: an unanswered window probe is no error. */
  sackSinceTimeout = false;
  /** Congestion was last answered with CWR for data up to this TSN (RFC 3168). */
  ecnReducedUpTo: Tsn;

  /** AMDCS as payload: user data in the largest chunk that fits every path (section 7.3, 2). */
  chunkPayload: number;
  /** What the user allows of that (SCTP_MAXSEG). */
  maximumPayload = Infinity;

  /** Bytes of the largest packet that a path has ever allowed: chunks are not cut again (section 6.9). */
  largestPacket = 0;

  /** Consecutive errors of the peer as a whole (section 8.1). */
  errorCount = 0;

  constructor(
    parameters: Parameters,
    pool: SlabPool,
    paths: readonly Path[],
    readonly initialTsn: Tsn,
  ) {
    this.parameters = parameters;
    this.pool = pool;
    this.paths = paths;
    this.queue = new SendQueue(pool);
    this.outstanding = new Outstanding(initialTsn);
    this.chunkPayload = SMALLEST_CHUNK_PAYLOAD;
    this.markedFrom = initialTsn;
    this.recoveryExit = initialTsn;
    this.smallPacketTsn = tsnAdd(initialTsn, -1);
    this.ecnReducedUpTo = this.smallPacketTsn;
  }

  /**
   * rwnd: bytes of payload that the peer has room for, by our reckoning (section 6.2.1, B to D). Negative
   * if more is in flight than it has room for: marking that for retransmission makes no room.
   */
  get peerWindow(): number {
    return this.announcedWindow - this.bytesInFlight;
  }

  /** Said when the peer is known. */
  setInterleaving(interleaves: boolean): void {
    this.interleaves = interleaves;
    this.chunkType = interleaves ? ChunkType.IData : ChunkType.Data;
    this.headerLength = interleaves ? I_DATA_HEADER_LENGTH : DATA_HEADER_LENGTH;
    this.queue.interleaves = interleaves;
    this.#nextUnordered = interleaves ? new PagedCounters(32) : undefined;
  }

  /** The number that chunks of a stream's next, or current, message carry. */
  numberOf(stream: number, unordered: boolean): number {
    return this.#counters(unordered).get(stream);
  }

  /** The message with this number has all its chunks; without interleaving only ordered ones are counted. */
  countMessage(stream: number, unordered: boolean, number: number): void {
    if (unordered && !this.interleaves) return;
    this.#counters(unordered).set(stream, number + 1);
  }

  #counters(unordered: boolean): PagedCounters {
    return unordered && this.#nextUnordered ? this.#nextUnordered : this.nextSsn;
  }

  get #allCounters(): readonly PagedCounters[] {
    return this.#nextUnordered ? [this.nextSsn, this.#nextUnordered] : [this.nextSsn];
  }

  /** Called when a path or its PMTU has changed. */
  updateChunkPayload(): void {
    let smallest = Infinity;
    for (const path of this.paths) {
      smallest = Math.min(smallest, path.maximumPayload);
      this.largestPacket = Math.max(this.largestPacket, path.maximumPacket);
    }
    this.chunkPayload = Math.min(smallest, this.maximumPayload);
  }

  /**
   * True if a message of this length can be accepted now.
   * @param bytes that would be given up for it.
   * @param cost of those bytes.
   */
  hasRoomFor(length: number, bytes = 0, cost = 0): boolean {
    if (this.bufferedBytes === bytes) return true;
    return this.bufferedCost - cost + this.costOf(length) <= 2 * this.parameters.sendBuffer &&
      this.bufferedBytes - bytes + length <= this.parameters.sendBuffer && !this.pool.isFull;
  }

  /** Queues a message that {@link hasRoomFor} has room for. */
  push(now: Instant, data: Uint8Array, options: SendOptions): void {
    const { reliability, stream } = options;
    this.bufferedBytes += data.length;
    this.bufferedCost += this.costOf(data.length);
    if (!reliability || this.abandons === false) {
      this.queue.push(data, options, this.chunkPayload);
      return;
    }
    this.partial ??= new PartialMessages();
    const message = this.partial.add(now, reliability, stream);
    const segment = this.queue.push(data, options, this.chunkPayload, message);
    this.partial.setQueued(message, segment);
  }

  /** Goes on for a peer that has restarted, as this one did: only what the user has set remains. */
  continueLike(other: Transmission): void {
    this.queue.scheduleLike(other.queue);
    this.abandoned = other.abandoned;
    this.failures = other.failures;
    this.maximumPayload = other.maximumPayload;
  }

  costOf(length: number): number {
    return length + MESSAGE_COST;
  }

  /** True if a window of this size has no room for the first outstanding chunk (section 6.1, A). */
  isClosed(window: number): boolean {
    const { outstanding } = this;
    return outstanding.count > 0 &&
      window < outstanding.length[outstanding.slotOf(outstanding.firstTsn)];
  }

  /** True when nothing is queued, in flight or waiting to be sent again. */
  get isEmpty(): boolean {
    return this.queue.unsentBytes === 0 && this.outstanding.count === 0;
  }

  /** The last TSN that was assigned. */
  get lastAssignedTsn(): Tsn {
    return tsnAdd(this.outstanding.nextTsn, -1);
  }

  /** True if these streams, or all for an empty list, have Stream Sequence Number 0 next. */
  isFresh(streams: readonly number[]): boolean {
    const counters = this.#allCounters;
    if (streams.length === 0) return counters.every(({ isZero }) => isZero);
    return streams.every((stream) => counters.every((each) => each.get(stream) === 0));
  }

  /** Stream Sequence Numbers of these streams, or of all for an empty list, start again (RFC 6525). */
  resetStreams(streams: readonly number[]): void {
    for (const counters of this.#allCounters) {
      if (streams.length === 0) counters.clear();
      for (const stream of streams) counters.set(stream, 0);
    }
    if (this.partial) this.#renumber(streams);
  }

  /** What the peer has of these streams must not be skipped by numbers that start again. */
  #renumber(streams: readonly number[]): void {
    const { outstanding } = this;
    for (let tsn = outstanding.firstTsn; tsn !== outstanding.nextTsn; tsn = tsnAdd(tsn, 1)) {
      const slot = outstanding.slotOf(tsn);
      const isReset = streams.length === 0 || streams.includes(outstanding.stream[slot]);
      if (isReset) outstanding.marks[slot] |= ChunkMark.Renumbered;
    }
  }

  /** TSNs go on from here, Stream Sequence Numbers from 0; nothing is outstanding (RFC 6525, H5). */
  restartAt(next: Tsn): void {
    this.outstanding = new Outstanding(next);
    this.forward = undefined;
    this.gapAcked.clear();
    this.markedFrom = next;
    this.recoveryExit = next;
    this.inFastRecovery = false;
    this.smallPacketTsn = tsnAdd(next, -1);
    this.ecnReducedUpTo = this.smallPacketTsn;
    for (const path of this.paths) path.rttSentAt = NEVER;
    this.resetStreams([]);
  }

  /** Releases all memory. */
  clear(): void {
    this.queue.clear();
    this.outstanding.clear();
    this.partial?.clear();
    this.forward = undefined;
    this.partialMarked = 0;
    this.bufferedBytes = 0;
    this.bufferedCost = 0;
  }
}
