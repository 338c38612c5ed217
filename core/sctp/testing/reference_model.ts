/**
 * What one direction of an association promises, as plain lists: each ordered message arrives once, in
 * the order of its stream; each unordered one arrives once; content and description are as sent. A
 * message that may be given up arrives so or not at all, and then its sender has been told.
 */
import type { AbortedMessage, ReceiveInfo } from "../rx/reassembly.ts";
import type { SendFailure } from "../tx/send_failure.ts";

/** A message; its number serves as PPID and decides its content. */
interface Message {
  readonly id: number;
  readonly length: number;
  readonly stream: number;
  readonly unordered: boolean;
  /** It need not arrive. */
  readonly partial: boolean;
}

/** The content of message `id`. */
export function contentOf(id: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => id * 31 + i * 7 + (i >> 8));
}

export class ReferenceModel {
  #nextId = 1;
  readonly #ordered = new Map<number, Message[]>();
  readonly #unordered = new Map<number, Message>();
  /** Stream Sequence Number of the last message, by stream. */
  readonly #ssns = new Map<number, number>();
  /** Messages that were given up, by number, and whether a part of them was sent. */
  readonly #failed = new Map<number, boolean>();
  /** Messages that need not arrive. */
  readonly #partial = new Map<number, Message>();
  /** Those of them that have. */
  readonly #arrivals = new Set<number>();
  /** The messages of which parts were read so far, by stream; one at most without interleaving. */
  readonly #open = new Map<number, { readonly id: number; readonly parts: number[] }>();

  /** @param interleaves says whether parts of other streams may come between those of a message. */
  constructor(private readonly interleaves = () => false) {}

  /** The number for the next message. */
  get nextId(): number {
    return this.#nextId;
  }

  /** Messages that have to arrive and have not. */
  get pending(): number {
    const all = [...this.#unordered.values(), ...[...this.#ordered.values()].flat()];
    return all.filter(({ partial }) => !partial).length;
  }

  /** A message with number {@link nextId} was accepted for sending. */
  sent(length: number, stream: number, unordered: boolean, partial = false): void {
    const message = { id: this.#nextId++, length, stream, unordered, partial };
    if (partial) this.#partial.set(message.id, message);
    if (unordered) this.#unordered.set(message.id, message);
    else this.#ordered.set(stream, [...this.#ordered.get(stream) ?? [], message]);
  }

  /** The sender was told that a message was given up. */
  failed({ ppid, stream, unordered, wasSent, isWhole, data }: SendFailure): void {
    const message = this.#partial.get(ppid);
    const isSame = message?.stream === stream && message.unordered === unordered;
    if (!message || !isSame || this.#failed.has(ppid)) {
      throw new Error(`message ${ppid} cannot fail`);
    }
    const content = contentOf(message.id, message.length);
    if (isWhole && data.length !== content.length) throw new Error(`message ${ppid} is not whole`);
    checkContent(ppid, data, content.subarray(content.length - data.length));
    this.#failed.set(ppid, wasSent);
  }

  /** The reader was told that the message of which it has a part will not be completed. */
  aborted({ ppid, stream, unordered }: AbortedMessage): void {
    const open = this.#open.get(stream);
    const message = this.#partial.get(ppid);
    if (open?.id !== ppid || message?.stream !== stream || message.unordered !== unordered) {
      throw new Error(`message ${ppid} was aborted, message ${open?.id} is open`);
    }
    this.#open.delete(stream);
  }

  /** All is over: what has not arrived must have failed, and what was never sent not have arrived. */
  checkFailures(): void {
    for (const id of this.#partial.keys()) {
      const hasArrived = this.#arrivals.has(id);
      const wasSent = this.#failed.get(id);
      if (!hasArrived && wasSent === undefined) {
        throw new Error(`message ${id} is gone without a word`);
      }
      if (hasArrived && wasSent === false) throw new Error(`message ${id} was not sent, and came`);
    }
  }

  /** Something was read; throws if it breaks a promise. */
  read(bytes: Uint8Array, info: ReceiveInfo): void {
    const { stream, ppid } = info;
    const open = this.#open.get(stream) ?? { id: ppid, parts: [] };
    const mixes = this.#open.size > 0 && !this.#open.has(stream) && !this.interleaves();
    if (open.id !== ppid || mixes) throw new Error(`message ${ppid} within another one`);
    open.parts.push(...bytes);
    if (!info.endOfMessage) return void this.#open.set(stream, open);
    this.#open.delete(stream);
    this.#arrived(open.parts, info);
  }

  #arrived(content: readonly number[], info: ReceiveInfo): void {
    const message = info.unordered ? this.#takeUnordered(info) : this.#takeOrdered(info);
    if (!message) throw new Error(`message ${info.ppid} came twice, out of order or unsent`);
    this.#arrivals.add(message.id);
    checkContent(info.ppid, content, contentOf(message.id, message.length));
  }

  #takeUnordered({ ppid }: ReceiveInfo): Message | undefined {
    const message = this.#unordered.get(ppid);
    this.#unordered.delete(ppid);
    return message;
  }

  #takeOrdered({ ppid, stream, ssn }: ReceiveInfo): Message | undefined {
    const queue = this.#ordered.get(stream) ?? [];
    let skipped = 0;
    while (skipped < queue.length && queue[skipped].partial && queue[skipped].id !== ppid) {
      skipped++;
    }
    if (queue[skipped]?.id !== ppid) return undefined;
    // What was given up without having been sent has no Stream Sequence Number.
    const ahead = (ssn - (this.#ssns.get(stream) ?? -1)) & 0xffff;
    if (ahead < 1 || ahead > skipped + 1) throw new Error(`stream ${stream}: SSN ${ssn}`);
    this.#ssns.set(stream, ssn);
    return queue.splice(0, skipped + 1)[skipped];
  }
}

function checkContent(id: number, content: ArrayLike<number>, expected: Uint8Array): void {
  const isEqual = content.length === expected.length &&
    expected.every((byte, i) => byte === content[i]);
  if (!isEqual) throw new Error(`message ${id} has another content than was sent`);
}
