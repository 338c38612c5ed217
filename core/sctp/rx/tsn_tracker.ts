/**
 * Which TSNs have arrived: the Cumulative TSN, the ranges above it and the duplicates to report
 * (RFC 9260, sections 3.3.4 and 6.7).
 */
import { type Tsn, tsnAdd, tsnDistance, tsnLessOrEqual } from "../base/serial.ts";
import { TsnRanges } from "../base/tsn_ranges.ts";
import { putBlock, putDuplicateTsn } from "../wire/gap_blocks.ts";
import { NR_SACK_HEADER_LENGTH, putNrSackHeader } from "../wire/nr_sack.ts";
import { putSackHeader, SACK_HEADER_LENGTH } from "../wire/sack.ts";

/** Gap Ack Blocks count from the Cumulative TSN with 16 bits: what lies beyond cannot be reported. */
export const MAX_GAP_OFFSET = 0xffff;
/** Ranges that are kept; a peer that tears more holes is answered as if the packets were lost. */
const MAX_RANGES = 4096;
const MAX_DUPLICATES = 32;

/** What a TSN is to the receiver. */
export const TsnVerdict = { New: 0, Duplicate: 1, BeyondWindow: 2 } as const;
export type TsnVerdict = (typeof TsnVerdict)[keyof typeof TsnVerdict];

export class TsnTracker {
  #cumulative: Tsn;
  #highest: Tsn;
  readonly #ranges = new TsnRanges();
  readonly #duplicates: Tsn[] = [];

  /**
   * @param initialTsn the peer's Initial TSN.
   * @param isFirm writes NR-SACKs: nothing that was accepted is ever dropped again.
   */
  constructor(initialTsn: Tsn, readonly isFirm = false) {
    this.#cumulative = tsnAdd(initialTsn, -1);
    this.#highest = this.#cumulative;
  }

  /** The Cumulative TSN to acknowledge. */
  get cumulative(): Tsn {
    return this.#cumulative;
  }

  /** The highest TSN that was accepted. */
  get highest(): Tsn {
    return this.#highest;
  }

  /** True if TSNs are missing below the highest one. */
  get hasGaps(): boolean {
    return this.#ranges.count > 0;
  }

  /** What arrived above the Cumulative TSN: to look at. */
  get ranges(): TsnRanges {
    return this.#ranges;
  }

  get hasDuplicates(): boolean {
    return this.#duplicates.length > 0;
  }

  /** Decides what a TSN is, without taking it. */
  classify(tsn: Tsn): TsnVerdict {
    const offset = tsnDistance(this.#cumulative, tsn);
    if (offset <= 0 || this.#ranges.has(tsn)) return TsnVerdict.Duplicate;
    if (offset > MAX_GAP_OFFSET) return TsnVerdict.BeyondWindow;
    if (this.#ranges.count >= MAX_RANGES && offset > 1) return TsnVerdict.BeyondWindow;
    return TsnVerdict.New;
  }

  /** Takes a TSN that is new. */
  accept(tsn: Tsn): void {
    if (!tsnLessOrEqual(tsn, this.#highest)) this.#highest = tsn;
    if (tsnDistance(this.#cumulative, tsn) !== 1) {
      this.#ranges.add(tsn);
      return;
    }
    this.#cumulative = tsn;
    if (this.#ranges.count > 0) this.#advance();
  }

  /** Counts everything up to a TSN above the Cumulative TSN as received (RFC 3758, section 3.6). */
  skipTo(tsn: Tsn): void {
    if (!tsnLessOrEqual(tsn, this.#highest)) this.#highest = tsn;
    this.#ranges.removeUpTo(tsn);
    this.#cumulative = tsn;
    if (this.#ranges.count > 0) this.#advance();
  }

  /** The Cumulative TSN takes in what directly follows it. */
  #advance(): void {
    if (tsnDistance(this.#cumulative, this.#ranges.firstOf(0)) !== 1) return;
    this.#cumulative = this.#ranges.lastOf(0);
    this.#ranges.removeUpTo(this.#cumulative);
  }

  /** Remembers a duplicate for the next SACK. */
  noteDuplicate(tsn: Tsn): void {
    if (this.#duplicates.length < MAX_DUPLICATES) this.#duplicates.push(tsn);
  }

  /** Bytes of a SACK that says nothing but the Cumulative TSN. */
  get sackHeaderLength(): number {
    return this.isFirm ? NR_SACK_HEADER_LENGTH : SACK_HEADER_LENGTH;
  }

  /** Bytes of a SACK that says everything, at most `room`. */
  sackLength(room: number): number {
    const spare = room - this.sackHeaderLength;
    const wanted = 4 * (this.#ranges.count + this.#duplicates.length);
    return this.sackHeaderLength + Math.min(wanted, Math.max(spare, 0) & ~3);
  }

  /**
   * Writes a SACK of `length` bytes, from {@link sackLength}: blocks from the lowest TSN up as far as
   * they fit, then duplicates (RFC 9260, section 6.7). The duplicates are then forgotten.
   */
  writeSack(target: Uint8Array, offset: number, length: number, window: number): void {
    const cumulative = this.#cumulative;
    const items = (length - this.sackHeaderLength) >>> 2;
    const gaps = Math.min(this.#ranges.count, items);
    const duplicates = Math.min(this.#duplicates.length, items - gaps);
    if (this.isFirm) putNrSackHeader(target, offset, cumulative, window, 0, gaps, duplicates);
    else putSackHeader(target, offset, cumulative, window, gaps, duplicates);
    const gapsAt = offset + this.sackHeaderLength;
    for (let i = 0; i < gaps; i++) {
      const first = tsnDistance(cumulative, this.#ranges.firstOf(i));
      const last = tsnDistance(cumulative, this.#ranges.lastOf(i));
      putBlock(target, gapsAt, i, first, last);
    }
    const duplicatesAt = gapsAt + 4 * gaps;
    for (let i = 0; i < duplicates; i++) {
      putDuplicateTsn(target, duplicatesAt, i, this.#duplicates[i]);
    }
    this.#duplicates.length = 0;
  }
}
