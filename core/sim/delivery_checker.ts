/** Judges what arrives of a workload: exactly once, in order, intact. */
import type { Instant } from "../sctp/base/time.ts";
import { Content } from "./content.ts";
import { contentSeed, type PlannedMessage, type Workload } from "./workload.ts";

/** What is said about a part of a message; the engine's `ReceiveInfo`. */
export interface PartInfo {
  stream: number;
  ssn: number;
  ppid: number;
  unordered: boolean;
  endOfMessage: boolean;
}

/** The receiving half of an association, as the check needs it. */
export interface MessageSource {
  /** Bytes copied into `target`; 0 if nothing is readable. */
  read(now: Instant, target: Uint8Array, info: PartInfo): number;
}

/** The outcome in words. */
export interface Verdict {
  /** True if nothing wrong was seen. */
  readonly ok: boolean;
  readonly text: string;
}

/** Faults that a verdict spells out. */
const FAULTS_SHOWN = 5;
const READ_SIZE = 65_536;

/** Reads an association and compares it with the workload that its peer sends. */
export class DeliveryChecker {
  /** Messages received whole. */
  received = 0;
  /** Bytes received, those of unfinished messages included. */
  bytes = 0;
  readonly #arrived: Uint8Array;
  /** Per stream: how many ordered messages were received. */
  readonly #ordered = new Map<number, number>();
  readonly #faults: string[] = [];
  #faultCount = 0;
  readonly #content = new Content();
  readonly #target: Uint8Array;
  readonly #info = { stream: 0, ssn: 0, ppid: 0, unordered: false, endOfMessage: false };
  #current: PlannedMessage | undefined;
  #currentBytes = 0;

  /** @param readSize bytes asked for at a time; a small one has messages come in parts. */
  constructor(readonly workload: Workload, readSize = READ_SIZE) {
    this.#arrived = new Uint8Array(workload.messages.length);
    this.#target = new Uint8Array(readSize);
  }

  get isComplete(): boolean {
    return this.received === this.workload.messages.length;
  }

  /** Reads and checks all that is readable now. */
  pull(now: Instant, source: MessageSource): void {
    for (;;) {
      const length = source.read(now, this.#target, this.#info);
      if (length === 0) return;
      this.take(this.#target, length, this.#info);
    }
  }

  /** Checks one part of a message. */
  take(part: Uint8Array, length: number, info: PartInfo): void {
    const message = this.#current ?? this.#begin(info);
    this.bytes += length;
    if (message === undefined) return;
    this.#checkPart(message, part, length, info);
    if (info.endOfMessage) this.#end(message);
  }

  /** Whether all of the workload arrived as it should. */
  complete(): Verdict {
    const missing = this.#arrived.findIndex((count) => count === 0);
    return this.#verdict(missing < 0 ? [] : [`${this.#name(missing)} is missing`]);
  }

  /** Whether what has arrived so far is right; used where an association ended early. */
  partial(): Verdict {
    return this.#verdict([]);
  }

  #verdict(more: readonly string[]): Verdict {
    const { messages, seed } = this.workload;
    const count = `${this.received} of ${messages.length} messages, ${this.bytes} bytes`;
    const faults = [...this.#faults, ...more];
    if (faults.length === 0) return { ok: true, text: `${count}: each once, in order, intact` };
    const rest = this.#faultCount > FAULTS_SHOWN ? `; ${this.#faultCount} faults in all` : "";
    return { ok: false, text: `seed ${seed}: ${count}: ${faults.join("; ")}${rest}` };
  }

  #begin(info: PartInfo): PlannedMessage | undefined {
    const message = this.workload.messages[info.ppid - this.workload.firstPpid];
    if (message === undefined) {
      this.#fault(`a message with PPID ${info.ppid} was never sent`);
      return undefined;
    }
    if (this.#arrived[message.index]++ > 0) this.#fault(`${this.#name(message.index)} came twice`);
    if (!message.unordered) this.#checkOrder(message, info.ssn);
    this.#content.start(contentSeed(this.workload, message), message.stream, message.sequence);
    this.#current = message;
    this.#currentBytes = 0;
    return message;
  }

  #checkOrder(message: PlannedMessage, ssn: number): void {
    const expected = this.#ordered.get(message.stream) ?? 0;
    if (message.sequence !== expected) {
      const place = `came where number ${expected} of its stream was due`;
      this.#fault(`${this.#name(message.index)} ${place}`);
    }
    if (ssn !== (message.sequence & 0xffff)) {
      this.#fault(`${this.#name(message.index)} came with SSN ${ssn}`);
    }
    this.#ordered.set(message.stream, message.sequence + 1);
  }

  #checkPart(message: PlannedMessage, part: Uint8Array, length: number, info: PartInfo): void {
    const index = info.ppid - this.workload.firstPpid;
    if (index !== message.index) {
      this.#fault(`a part of message ${index} came inside ${this.#name(message.index)}`);
    }
    if (info.stream !== message.stream || info.unordered !== message.unordered) {
      const claim = `on stream ${info.stream}, ${info.unordered ? "unordered" : "ordered"}`;
      this.#fault(`${this.#name(message.index)} came ${claim}`);
    }
    const wrong = this.#content.compare(part, 0, length);
    if (wrong >= 0) {
      this.#fault(`${this.#name(message.index)} differs at byte ${this.#currentBytes + wrong}`);
    }
    this.#currentBytes += length;
  }

  #end(message: PlannedMessage): void {
    if (this.#currentBytes !== message.size) {
      this.#fault(`${this.#name(message.index)} came with ${this.#currentBytes} bytes`);
    }
    this.received++;
    this.#current = undefined;
  }

  #name(index: number): string {
    const { stream, sequence, size, unordered } = this.workload.messages[index];
    const order = unordered ? "unordered" : "ordered";
    return `message ${index} (stream ${stream}, ${order} ${sequence}, ${size} bytes)`;
  }

  #fault(text: string): void {
    this.#faultCount++;
    if (this.#faults.length < FAULTS_SHOWN) this.#faults.push(text);
  }
}
