/**
 * What one direction of an association promises, as plain lists: each ordered message arrives once, in
 * the order of its stream; each unordered one arrives once; content and description are as sent.
 */
import type { ReceiveInfo } from "../rx/reassembly.ts";

/** A message; its number serves as PPID and decides its content. */
interface Message {
  readonly id: number;
  readonly length: number;
}

/** The content of message `id`. */
export function contentOf(id: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => id * 31 + i * 7 + (i >> 8));
}

export class ReferenceModel {
  #nextId = 1;
  readonly #ordered = new Map<number, Message[]>();
  readonly #unordered = new Map<number, Message>();
  #ssns = new Map<number, number>();
  /** The message of which parts were read so far. */
  #open: { readonly id: number; readonly parts: number[] } | undefined;

  /** The number for the next message. */
  get nextId(): number {
    return this.#nextId;
  }

  /** Messages that have not arrived. */
  get pending(): number {
    let count = this.#unordered.size;
    for (const queue of this.#ordered.values()) count += queue.length;
    return count;
  }

  /** A message with number {@link nextId} was accepted for sending. */
  sent(length: number, stream: number, unordered: boolean): void {
    const message = { id: this.#nextId++, length };
    if (unordered) this.#unordered.set(message.id, message);
    else this.#ordered.set(stream, [...this.#ordered.get(stream) ?? [], message]);
  }

  /** Something was read; throws if it breaks a promise. */
  read(bytes: Uint8Array, info: ReceiveInfo): void {
    const open = this.#open ?? { id: info.ppid, parts: [] };
    if (open.id !== info.ppid) throw new Error(`message ${info.ppid} within message ${open.id}`);
    open.parts.push(...bytes);
    this.#open = info.endOfMessage ? undefined : open;
    if (info.endOfMessage) this.#arrived(open.parts, info);
  }

  #arrived(content: readonly number[], info: ReceiveInfo): void {
    const message = info.unordered ? this.#takeUnordered(info) : this.#takeOrdered(info);
    if (!message) throw new Error(`message ${info.ppid} came twice, out of order or unsent`);
    const expected = contentOf(message.id, message.length);
    const isEqual = content.length === expected.length &&
      expected.every((byte, i) => byte === content[i]);
    if (!isEqual) throw new Error(`message ${info.ppid} has another content than was sent`);
  }

  #takeUnordered({ ppid }: ReceiveInfo): Message | undefined {
    const message = this.#unordered.get(ppid);
    this.#unordered.delete(ppid);
    return message;
  }

  #takeOrdered({ ppid, stream, ssn }: ReceiveInfo): Message | undefined {
    const expectedSsn = this.#ssns.get(stream) ?? 0;
    if (ssn !== expectedSsn) throw new Error(`stream ${stream}: SSN ${ssn}, not ${expectedSsn}`);
    this.#ssns.set(stream, (expectedSsn + 1) & 0xffff);
    const queue = this.#ordered.get(stream) ?? [];
    return queue[0]?.id === ppid ? queue.shift() : undefined;
  }
}
