/** The receiving half of an association: from DATA chunks in a packet to messages that can be read. */
import type { SlabPool } from "../base/slab_pool.ts";
import { type Tsn, tsnAdd, tsnDistance, tsnLess } from "../base/serial.ts";
import type { Instant } from "../base/time.ts";
import { Extension, isPartiallyReliable } from "../extensions.ts";
import type { Parameters } from "../parameters.ts";
import type { TimerTable } from "../timer/timer_table.ts";
import { chunkFlags, chunkLength } from "../wire/chunk.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import {
  DATA_HEADER_LENGTH,
  DataFlag,
  dataPpid,
  dataSsn,
  dataStream,
  dataTsn,
} from "../wire/data.ts";
import { forwardTsnCumulative, skippedStreamCount } from "../wire/forward_tsn.ts";
import { I_DATA_HEADER_LENGTH, iDataMid, iDataPpidOrFsn } from "../wire/idata.ts";
import { AckPolicy } from "./ack_policy.ts";
import { ChunkStore } from "./chunk_store.ts";
import { InterleavedReassembly } from "./interleaved_reassembly.ts";
import {
  type AbortedMessage,
  CHUNK_FLAGS,
  ChunkFate,
  Reassembly,
  type ReceiveInfo,
} from "./reassembly.ts";
import type { NextMessage } from "./next_message.ts";
import { dropIncomplete, ForwardVerdict, skipInterleaved, skipMessages } from "./skipping.ts";
import { MAX_GAP_OFFSET, TsnTracker, TsnVerdict } from "./tsn_tracker.ts";

/**
 * The window closes when received data occupies this many times the receive buffer: small chunks cost
 * more memory than payload.
 */
const MEMORY_FACTOR = 4;
/** Chunks that fill gaps are taken with the window closed, as long as they stay below this factor. */
const GAP_FACTOR = MEMORY_FACTOR + 1;
/** The chunk that the user waits for is taken up to this factor: it is what frees all others. */
const LAST_FACTOR = GAP_FACTOR + 1;
/** A smaller window is announced as none (silly window avoidance, RFC 1122, section 4.2.3.3). */
const SMALLEST_WINDOW = 1500;

/** What a DATA chunk turned out to be. */
export const DataVerdict = {
  Accepted: 0,
  Duplicate: 1,
  /** No room: dropped, and not to be acknowledged. */
  NoRoom: 2,
  /** Outside what a SACK could report: dropped. */
  BeyondWindow: 3,
  /** Acknowledged but not kept: the stream does not exist (section 6.5). */
  InvalidStream: 4,
  /** Acknowledged but not kept: its Stream Sequence Number was used before. */
  Useless: 5,
  /** The peer broke the rules of fragmentation (section 6.9). */
  Contradiction: 6,
  /** Behind a reset of its stream that is not carried out yet: dropped, to be sent again. */
  BehindReset: 7,
} as const;
export type DataVerdict = (typeof DataVerdict)[keyof typeof DataVerdict];

export class Reception {
  tracker: TsnTracker;
  readonly acks: AckPolicy;
  readonly #store: ChunkStore;
  readonly #reassembly: Reassembly | InterleavedReassembly;
  /** Bytes in front of the user data of a chunk. */
  readonly headerLength: number;
  #parameters: Parameters;
  /** Acknowledges by NR-SACK. */
  readonly #isFirm: boolean;
  /** Streams on which the peer may send. */
  inboundStreams: number;
  /** A reset of streams (empty: all) that waits until everything up to a TSN has arrived. */
  #deferral: { readonly lastTsn: Tsn; readonly streams: readonly number[] } | undefined;
  #announcedWindow: number;
  #newDataInPacket = false;
  #duplicateInPacket = false;
  #skippedInPacket = false;
  #hadGaps = false;

  constructor(
    parameters: Parameters,
    timers: TimerTable,
    pool: SlabPool,
    /** The peer's Initial TSN. */
    readonly initialTsn: Tsn,
    inboundStreams: number,
    salt: number,
    /** Extensions that both sides have. */
    extensions = 0,
  ) {
    const interleaves = (extensions & Extension.Interleaving) !== 0;
    this.#isFirm = (extensions & Extension.NonRenegableSack) !== 0;
    this.#parameters = parameters;
    this.headerLength = interleaves ? I_DATA_HEADER_LENGTH : DATA_HEADER_LENGTH;
    this.inboundStreams = inboundStreams;
    this.tracker = new TsnTracker(initialTsn, this.#isFirm);
    this.acks = new AckPolicy(parameters, timers);
    this.#store = new ChunkStore(pool);
    this.#reassembly = interleaves
      ? new InterleavedReassembly(this.#store, salt, parameters.partialDeliveryPoint)
      : new Reassembly(this.#store, salt, isPartiallyReliable(extensions));
    this.#announcedWindow = parameters.receiveBuffer;
  }

  /** Goes by other parameters from the next chunk on. */
  retune(parameters: Parameters): void {
    this.#parameters = parameters;
    this.acks.retune(parameters);
    if (!(this.#reassembly instanceof Reassembly)) {
      this.#reassembly.longest = parameters.partialDeliveryPoint;
    }
  }

  get isReadable(): boolean {
    return this.#reassembly.isReadable;
  }

  get readableBytes(): number {
    return this.#reassembly.readyBytes;
  }

  /** Bytes of payload that are held, readable or not. */
  get heldBytes(): number {
    return this.#store.heldBytes;
  }

  /** Room for payload in bytes: what a_rwnd stands for, before silly window avoidance. */
  get window(): number {
    if (this.#store.isPoolFull) return 0;
    const { receiveBuffer } = this.#parameters;
    const byPayload = receiveBuffer - this.#store.heldBytes;
    const byMemory = receiveBuffer - this.#store.heldCost / MEMORY_FACTOR;
    return Math.max(0, Math.floor(Math.min(byPayload, byMemory)));
  }

  /** True if {@link window} is more than nothing. */
  get #isOpen(): boolean {
    const { heldBytes, heldCost, isPoolFull } = this.#store;
    const { receiveBuffer } = this.#parameters;
    return heldBytes < receiveBuffer && heldCost <= MEMORY_FACTOR * (receiveBuffer - 1) &&
      !isPoolFull;
  }

  /** Takes one DATA or I-DATA chunk at `offset`; its length and user data have been checked. */
  handleData(bytes: Uint8Array, offset: number): DataVerdict {
    const tsn = dataTsn(bytes, offset);
    switch (this.tracker.classify(tsn)) {
      case TsnVerdict.Duplicate:
        this.#duplicateInPacket = true;
        this.tracker.noteDuplicate(tsn);
        return DataVerdict.Duplicate;
      case TsnVerdict.BeyondWindow:
        this.acks.demand();
        return DataVerdict.BeyondWindow;
    }
    const stream = dataStream(bytes, offset);
    if (this.#deferral !== undefined && this.#isBehindReset(tsn, stream)) {
      this.acks.demand();
      return DataVerdict.BehindReset;
    }
    if (!this.#hasRoomFor(tsn)) {
      this.acks.demand();
      return DataVerdict.NoRoom;
    }
    this.#newDataInPacket = true;
    const flags = chunkFlags(bytes, offset);
    if ((flags & DataFlag.Immediate) !== 0) this.acks.demand();
    const reach = tsnDistance(this.tracker.cumulative, tsn);
    this.tracker.accept(tsn);
    if (stream >= this.inboundStreams) return DataVerdict.InvalidStream;
    const record = this.#store.take(
      bytes,
      offset + this.headerLength,
      chunkLength(bytes, offset) - this.headerLength,
    );
    this.#store.tsn[record] = tsn;
    this.#store.stream[record] = stream;
    this.#store.flags[record] = flags & CHUNK_FLAGS;
    return verdictOn(
      this.#reassembly instanceof Reassembly
        ? this.#addData(this.#reassembly, record, bytes, offset, reach, tsn)
        : this.#addIData(this.#reassembly, record, bytes, offset),
    );
  }

  /**
   * RFC 9260, section 6.2: with no window, nothing beyond the highest TSN is taken. What fills a gap
   * still is, up to a bound: it lets the messages behind it be read. The very next TSN has a bound of
   * its own while nothing can be read, or other gaps could take the room that it needs for good.
   * So received data never occupies more than {@link LAST_FACTOR} receive buffers and two chunks.
   */
  #hasRoomFor(tsn: Tsn): boolean {
    if (this.#isOpen) return true;
    if (!tsnLess(tsn, this.tracker.highest)) return false;
    const isAwaited = tsnDistance(this.tracker.cumulative, tsn) === 1 && !this.isReadable;
    // With the shared memory used up by data behind holes, only what fills these releases any of it.
    if (isAwaited ? this.#store.isPoolExhausted : this.#store.isPoolFull) return false;
    const { receiveBuffer } = this.#parameters;
    // The last chunk that was taken for a gap may have gone beyond its bound by all of its size.
    const limit = isAwaited
      ? LAST_FACTOR * receiveBuffer + this.#store.largestCost
      : GAP_FACTOR * receiveBuffer;
    return this.#store.heldCost < limit;
  }

  #addData(
    reassembly: Reassembly,
    record: number,
    bytes: Uint8Array,
    offset: number,
    reach: number,
    tsn: Tsn,
  ): ChunkFate {
    this.#store.ssn[record] = dataSsn(bytes, offset);
    this.#store.ppid[record] = dataPpid(bytes, offset);
    const ends = (this.#store.flags[record] & DataFlag.End) !== 0;
    return reassembly.add(record, reach, !ends && this.#isFollowed(tsn));
  }

  /** True if the TSN behind one that has arrived was received before. */
  #isFollowed(tsn: Tsn): boolean {
    const { cumulative, hasGaps, ranges } = this.tracker;
    return tsnLess(tsn, cumulative) || (hasGaps && ranges.has(tsnAdd(tsn, 1)));
  }

  #addIData(
    reassembly: InterleavedReassembly,
    record: number,
    bytes: Uint8Array,
    offset: number,
  ): ChunkFate {
    const store = this.#store;
    const begins = (chunkFlags(bytes, offset) & DataFlag.Begin) !== 0;
    const ppidOrFsn = iDataPpidOrFsn(bytes, offset);
    store.ssn[record] = iDataMid(bytes, offset);
    store.ppid[record] = begins ? ppidOrFsn : 0;
    store.fsn[record] = begins ? 0 : ppidOrFsn;
    return reassembly.add(record);
  }

  /** Takes one well-formed FORWARD TSN or I-FORWARD-TSN chunk at `offset` (RFC 3758, section 3.6). */
  handleForwardTsn(bytes: Uint8Array, offset: number): ForwardVerdict {
    // At once, which the rules for DATA allow: the sender's T3-rtx waits for it.
    this.acks.demand();
    const target = forwardTsnCumulative(bytes, offset);
    const reach = tsnDistance(this.tracker.cumulative, target);
    if (reach <= 0) return ForwardVerdict.OutOfDate;
    if (reach > MAX_GAP_OFFSET) return ForwardVerdict.BeyondWindow;
    const reassembly = this.#reassembly;
    const isPlain = reassembly instanceof Reassembly;
    const maySkip = isPlain
      ? reassembly.maySkip(reach, skippedStreamCount(bytes, offset))
      : reassembly.mayLookThrough();
    if (!maySkip) return ForwardVerdict.Postponed;
    this.#skippedInPacket = true;
    if (isPlain) dropIncomplete(reassembly, this.tracker, target);
    this.tracker.skipTo(target);
    return isPlain
      ? skipMessages(reassembly, bytes, offset, reach, this.inboundStreams)
      : skipInterleaved(reassembly, bytes, offset, this.inboundStreams);
  }

  /** A message of which the reader has a part and will get no more; told once. */
  takeAborted(): AbortedMessage | undefined {
    return this.#reassembly.takeAborted();
  }

  /** All chunks of a packet that carried DATA or FORWARD TSN have been taken: decides about acknowledging. */
  endOfPacket(now: Instant): void {
    if (this.#newDataInPacket || this.#skippedInPacket) this.#considerPartialDelivery();
    if (this.#newDataInPacket) {
      this.acks.onDataPacket(now);
      // RFC 9260, section 6.7: while there is a gap, and when one was filled, acknowledge each packet.
      if (this.tracker.hasGaps || this.#hadGaps) this.acks.demand();
    }
    if (this.#duplicateInPacket) this.acks.demand();
    this.#hadGaps = this.tracker.hasGaps;
    this.#newDataInPacket = false;
    this.#duplicateInPacket = false;
    this.#skippedInPacket = false;
  }

  /**
   * RFC 9260, section 6.9: a message that is too long, or for the rest of which there is no room and
   * nothing else to read that would make some, is handed over in parts.
   */
  #considerPartialDelivery(): void {
    const starved = !this.#reassembly.isReadable && this.window < SMALLEST_WINDOW;
    if (this.#reassembly instanceof Reassembly) {
      const { partialDeliveryPoint } = this.#parameters;
      const { cumulative } = this.tracker;
      this.#reassembly.startPartialDelivery(cumulative, starved ? 1 : partialDeliveryPoint);
    } else if (starved) {
      this.#reassembly.startPartialDelivery();
    }
  }

  /** Reads from the first message; asks for a window update when that opened the window a lot. */
  read(target: Uint8Array, info: ReceiveInfo): number {
    const copied = this.#reassembly.read(target, info);
    if (copied > 0 && !this.#reassembly.isReadable) this.#considerPartialDelivery();
    if (copied > 0) this.tellIfOpened();
    return copied;
  }

  /** Asks for a window update if the window grew by a quarter of the buffer (RFC 9260, section 6.2). */
  tellIfOpened(): void {
    const opened = this.#windowToAnnounce - this.#announcedWindow;
    if (opened >= this.#parameters.receiveBuffer / 4) this.acks.demand();
  }

  /** TSN of the first chunk that the last {@link read} copied from. */
  get lastReadTsn(): number {
    return this.#reassembly.lastRead >>> 0;
  }

  /** The message that {@link read} gives next, if there is one. */
  get nextMessage(): NextMessage | undefined {
    return this.#reassembly.next;
  }

  /** a_rwnd as the last SACK announced it. */
  get announcedWindow(): number {
    return this.#announcedWindow;
  }

  /** a_rwnd: a window that is too small to be of use is announced as none. */
  get #windowToAnnounce(): number {
    const { window } = this;
    return window < SMALLEST_WINDOW && this.#store.heldBytes > 0 ? 0 : window;
  }

  /** The chunk type by which it acknowledges. */
  get sackType(): ChunkType {
    return this.#isFirm ? ChunkType.NrSack : ChunkType.Sack;
  }

  /** Bytes of the SACK that would be written into `room` bytes. */
  sackLength(room: number): number {
    return this.tracker.sackLength(room);
  }

  /** Writes a SACK chunk of a length that {@link sackLength} gave. */
  writeSack(target: Uint8Array, offset: number, length: number): void {
    this.#announcedWindow = this.#windowToAnnounce;
    this.tracker.writeSack(target, offset, length, this.#announcedWindow);
    this.acks.onSackSent();
  }

  /** The TSN behind the Cumulative TSN. */
  get nextTsn(): Tsn {
    return tsnAdd(this.tracker.cumulative, 1);
  }

  /** Stream Sequence Numbers of these streams, or of all for an empty list, start again (RFC 6525). */
  resetStreams(streams: readonly number[]): void {
    this.#reassembly.resetStreams(streams);
  }

  /**
   * The peer resets streams behind a TSN that has not arrived (RFC 6525, section 5.2.2, E2).
   * Deviation: what it sends on them beyond that TSN is not held, but dropped and sent again; by A1 it
   * sends nothing there before the reset is carried out.
   */
  deferReset(lastTsn: Tsn, streams: readonly number[]): void {
    this.#deferral = { lastTsn, streams };
  }

  /** The deferred reset is carried out. */
  endDeferral(): void {
    this.#deferral = undefined;
  }

  #isBehindReset(tsn: Tsn, stream: number): boolean {
    const { lastTsn, streams } = this.#deferral!;
    return tsnLess(lastTsn, tsn) && (streams.length === 0 || streams.includes(stream));
  }

  /** The peer's TSNs go on from here, its Stream Sequence Numbers from 0 (RFC 6525, 5.2.4, G4). */
  restartAt(next: Tsn): void {
    this.tracker = new TsnTracker(next, this.#isFirm);
    this.#reassembly.clear(false);
    this.#reassembly.resetStreams([]);
    this.#hadGaps = false;
  }

  /** Drops what can never be read; with `everything`, also what could be. */
  clear(everything: boolean): void {
    this.#reassembly.clear(everything);
  }
}

function verdictOn(fate: ChunkFate): DataVerdict {
  switch (fate) {
    case ChunkFate.Kept:
      return DataVerdict.Accepted;
    case ChunkFate.Useless:
      return DataVerdict.Useless;
    case ChunkFate.Contradiction:
      return DataVerdict.Contradiction;
  }
}
