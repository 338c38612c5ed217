/**
 * How far the peer is to be moved over what was given up: Advanced.Peer.Ack.Point and the FORWARD TSNs
 * that announce it (RFC 3758, section 3.5).
 */
import { type Tsn, tsnAdd, tsnLess, tsnLessOrEqual } from "../base/serial.ts";
import { after, elapsed, type Instant, instant } from "../base/time.ts";
import type { Path } from "../path/path.ts";
import { PathTimer } from "../timer/timer_table.ts";
import { DataFlag } from "../wire/data.ts";
import {
  FORWARD_TSN_HEADER_LENGTH,
  forwardTsnLength,
  putForwardTsnHeader,
  putSkippedStream,
  SKIPPED_STREAM_LENGTH,
} from "../wire/forward_tsn.ts";
import {
  iForwardTsnLength,
  putIForwardTsnHeader,
  putSkippedMessage,
  SKIPPED_MESSAGE_LENGTH,
} from "../wire/i_forward_tsn.ts";
import { ChunkMark, ChunkState } from "./outstanding.ts";
import type { PacketWriter } from "./packet_writer.ts";
import type { Transmission } from "./transmission.ts";

/** Bytes of a FORWARD TSN or I-FORWARD-TSN that has room for one stream. */
export const SHORTEST_FORWARD_TSN = Math.max(forwardTsnLength(1), iForwardTsnLength(1));

/** In the keys of what is skipped: unordered messages of a stream. */
const UNORDERED = 1 << 16;

export class ForwardPoint {
  /** Advanced.Peer.Ack.Point. */
  #advanced: Tsn;
  /** New Cumulative TSN of the FORWARD TSN that was sent last. */
  #announced: Tsn;
  /** The path where that one was sent: its T3-rtx waits for the answer. */
  #path: Path | undefined;
  #announcedAt: Instant = instant(0);
  /** It is not answered. */
  #isPending = false;
  /** FORWARD TSNs that are not answered were sent on several paths: the answer proves none of them. */
  #wasMoved = false;
  /** The streams did not fit into one packet: the rest waits for the answer (C4). */
  #isCut = false;
  /** A SACK came since. */
  #sackSeen = false;
  /** T3-rtx expired since; the next FORWARD TSN goes here. */
  #retryOn: Path | undefined;
  /** Highest number of a message that is skipped, by stream and, with interleaving, {@link UNORDERED}. */
  readonly #skipped = new Map<number, number>();

  /** @param ackPoint the Cumulative TSN Ack Point. */
  constructor(ackPoint: Tsn) {
    this.#advanced = ackPoint;
    this.#announced = ackPoint;
  }

  /** Advanced.Peer.Ack.Point (A1). */
  get advanced(): Tsn {
    return this.#advanced;
  }

  /** C1 and C2: follows what the peer has acknowledged, then what was given up. */
  advance({ outstanding }: Transmission): void {
    const { ackPoint } = outstanding;
    if (tsnLess(this.#announced, ackPoint)) this.#announced = ackPoint;
    if (tsnLess(this.#advanced, ackPoint)) this.#advanced = ackPoint;
    for (let next = tsnAdd(this.#advanced, 1); outstanding.holds(next); next = tsnAdd(next, 1)) {
      if (outstanding.state[outstanding.slotOf(next)] !== ChunkState.Abandoned) break;
      this.#advanced = next;
    }
    if (this.#advanced === ackPoint) this.#retryOn = undefined;
  }

  /**
   * C3: true if a FORWARD TSN is to be sent now. One that says the same as the last follows a SACK,
   * but only after a round trip, or when T3-rtx has expired (A5).
   */
  isDue({ outstanding }: Transmission, now: Instant): boolean {
    if (!tsnLess(outstanding.ackPoint, this.#advanced)) return false;
    const path = this.#path;
    if (!path || !this.#isPending) return true;
    if (tsnLess(this.#announced, this.#advanced) && !this.#isCut) return true;
    if (this.#retryOn || !path.timers.isRunning(PathTimer.T3Rtx)) return true;
    return this.#sackSeen && elapsed(this.#announcedAt, now) >= (path.srtt || path.rto);
  }

  /** The path for the next FORWARD TSN, where new data would go to `dataPath`. */
  pathFor(dataPath: Path | undefined): Path | undefined {
    const retryOn = this.#retryOn;
    return retryOn?.isProven && retryOn.carriesData ? retryOn : dataPath;
  }

  /** True while T3-rtx of a path waits for the answer to a FORWARD TSN (C5). */
  isTimedOn(path: Path): boolean {
    return this.#isPending && path === this.#path;
  }

  /** T3-rtx of a path has expired (A5). */
  retryOn(target: Path): void {
    this.#retryOn = target;
  }

  /** A path is taken off the association: no answer is waited for there. */
  forgetPath(path: Path): void {
    if (this.#path === path) this.#path = undefined;
    if (this.#retryOn === path) this.#retryOn = undefined;
  }

  /** A SACK, or a SHUTDOWN with its acknowledgement, was taken. */
  noteAck(tx: Transmission, advanced: boolean): void {
    this.#sackSeen = true;
    if (!advanced) return;
    // The peer has moved, if only over what was given up: it is there (RFC 9260, section 8.1).
    tx.progress = true;
    if (!this.#isPending || tsnLess(tx.outstanding.ackPoint, this.#announced)) return;
    this.#isPending = false;
    if (this.#path && !this.#wasMoved) this.#path.answered = true;
  }

  /** Writes a FORWARD TSN into the open packet on `path`, with as many streams as it has room for. */
  write(tx: Transmission, now: Instant, path: Path, writer: PacketWriter): void {
    const each = tx.interleaves ? SKIPPED_MESSAGE_LENGTH : SKIPPED_STREAM_LENGTH;
    const room = Math.floor((writer.room - FORWARD_TSN_HEADER_LENGTH) / each);
    const target = this.#gather(tx, room);
    if (tx.interleaves) this.#putInterleaved(writer, target);
    else this.#put(writer, target);
    this.#wasMoved = this.#isPending && (this.#wasMoved || this.#path !== path);
    this.#isPending = true;
    this.#announced = target;
    this.#announcedAt = now;
    this.#path = path;
    this.#isCut = target !== this.#advanced;
    this.#sackSeen = false;
    this.#retryOn = undefined;
    if (path.timers.isRunning(PathTimer.T3Rtx)) return;
    path.timers.start(PathTimer.T3Rtx, after(now, path.rto));
  }

  #put(writer: PacketWriter, target: Tsn): void {
    const skipped = this.#skipped;
    const offset = writer.reserve(forwardTsnLength(skipped.size));
    putForwardTsnHeader(writer.memory, offset, target, skipped.size);
    let index = 0;
    for (const [stream, ssn] of skipped) {
      putSkippedStream(writer.memory, offset, index++, stream, ssn);
    }
  }

  /** RFC 8260, section 2.3.1. */
  #putInterleaved(writer: PacketWriter, target: Tsn): void {
    const skipped = this.#skipped;
    const offset = writer.reserve(iForwardTsnLength(skipped.size));
    putIForwardTsnHeader(writer.memory, offset, target, skipped.size);
    let index = 0;
    for (const [key, mid] of skipped) {
      const isUnordered = (key & UNORDERED) !== 0;
      putSkippedMessage(writer.memory, offset, index++, key & 0xffff, isUnordered, mid);
    }
  }

  /** C4: the streams up to the last TSN for which there is room; returns that TSN. */
  #gather({ outstanding, interleaves }: Transmission, room: number): Tsn {
    const skipped = this.#skipped;
    skipped.clear();
    let tsn = outstanding.firstTsn;
    for (; tsnLessOrEqual(tsn, this.#advanced); tsn = tsnAdd(tsn, 1)) {
      const slot = outstanding.slotOf(tsn);
      const isOrdered = (outstanding.flags[slot] & DataFlag.Unordered) === 0;
      const isListed = isOrdered || interleaves;
      if (!isListed || (outstanding.marks[slot] & ChunkMark.Renumbered) !== 0) continue;
      const key = outstanding.stream[slot] | (isOrdered ? 0 : UNORDERED);
      if (skipped.size === room && !skipped.has(key)) break;
      skipped.set(key, outstanding.ssn[slot]);
    }
    return tsnAdd(tsn, -1);
  }
}
