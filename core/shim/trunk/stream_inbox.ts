/**
 * What has come on a stream of a trunk and waits for its reader: bytes with the marks of urgent ones, and
 * the end behind them; no more than was granted to the peer.
 */
import type { ReceiveInfo } from "../../sctp/rx/reassembly.ts";
import { CONTROL_STREAM, DATA_STREAM, URGENT_PPID } from "../control_message.ts";
import type { BufferPool } from "../transfer_buffers.ts";
import { ByteQueue } from "./byte_queue.ts";

/** Marks of urgent data that are kept apart; TCP itself has one (RFC 9293, section 3.8.5). */
const MARKS_KEPT = 16;

export class StreamInbox {
  readonly #bytes: ByteQueue;
  readonly #window: number;
  /** Bytes that the peer may send. */
  #allowance = 0;
  /** Bytes of the window that are free and not granted. */
  #ungranted: number;
  /** Bytes read so far, and where on that scale the urgent ones end. */
  #taken = 0;
  readonly #marks: number[] = [];
  /** The peer's HALF-CLOSE, until it is read. */
  #end: Uint8Array | undefined;
  /** The peer sends no more bytes. */
  hasEnded = false;

  /** @param window bytes that may be held. */
  constructor(pool: BufferPool, window: number) {
    this.#bytes = new ByteQueue(pool);
    this.#window = window;
    this.#ungranted = window;
  }

  /** True if no byte waits. */
  get isEmpty(): boolean {
    return this.#bytes.length === 0;
  }

  /** Bytes that {@link read} returns, those of the end included. */
  get readableBytes(): number {
    return this.#bytes.length + (this.#end?.length ?? 0);
  }

  /** Bytes to be granted now: none while little has been read. */
  get due(): number {
    return this.hasEnded || this.#ungranted < this.#window / 2 ? 0 : this.#ungranted;
  }

  /** The peer has been told what is {@link due}. */
  grant(): void {
    this.#allowance += this.#ungranted;
    this.#ungranted = 0;
  }

  /** Takes bytes, the last of them urgent or not; false if the peer had no right to send them. */
  add(bytes: Uint8Array, count: number, isUrgent: boolean): boolean {
    if (!this.drop(count)) return false;
    this.#bytes.append(bytes, count);
    if (isUrgent) this.#mark(this.#taken + this.#bytes.length);
    return true;
  }

  /** As {@link add}, for bytes that nobody will read. */
  drop(count: number): boolean {
    if (this.hasEnded || count > this.#allowance) return false;
    this.#allowance -= count;
    return true;
  }

  /** Takes the HALF-CLOSE behind all bytes; false if there was an end already. */
  addEnd(message: Uint8Array): boolean {
    if (this.hasEnded) return false;
    this.hasEnded = true;
    this.#end = message.slice();
    return true;
  }

  /** As an association's `read`: bytes up to the next mark, or the end as a control message. */
  read(target: Uint8Array, info: ReceiveInfo): number {
    info.endOfMessage = true;
    if (this.isEmpty) return this.#readEnd(target, info);
    const [mark] = this.#marks;
    const toMark = mark === undefined ? Infinity : mark - this.#taken;
    const count = this.#bytes.take(target, Math.min(target.length, toMark));
    info.stream = DATA_STREAM;
    info.ppid = count === toMark ? URGENT_PPID : 0;
    if (count === toMark) this.#marks.shift();
    this.#taken += count;
    this.#ungranted += count;
    return count;
  }

  /** Forgets what was not read. */
  clear(): void {
    this.#bytes.clear();
    this.#end = undefined;
  }

  #readEnd(target: Uint8Array, info: ReceiveInfo): number {
    const end = this.#end;
    if (!end) return 0;
    this.#end = undefined;
    target.set(end);
    info.stream = CONTROL_STREAM;
    info.ppid = 0;
    return end.length;
  }

  /** Like TCP, which has one mark, forgets the last one where there are too many. */
  #mark(position: number): void {
    if (this.#marks.length === MARKS_KEPT) this.#marks.pop();
    this.#marks.push(position);
  }
}
