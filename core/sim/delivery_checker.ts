/**
 * Judges what arrives of a workload: exactly once, in order, intact. Messages that may be given up may
 * also not arrive, if their sender has been told.
 */
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

/** What a sender is told of a message that was given up; the engine's `SendFailure`. */
export interface FailureInfo {
  readonly ppid: number;
  readonly wasSent: boolean;
  readonly data: Uint8Array;
}

/** A message of which a part was read. */
interface OpenMessage {
  readonly message: PlannedMessage;
  readonly content: Content;
  bytes: number;
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
  /** Messages that have to arrive and have not. */
  #due: number;
  /** 1 for each message that was given up before it was sent, 2 after. */
  readonly #failed: Uint8Array;
  /** Per stream: position of the last ordered message that was received, and its SSN. */
  readonly #ordered = new Map<number, { sequence: number; ssn: number }>();
  readonly #faults: string[] = [];
  #faultCount = 0;
  readonly #target: Uint8Array;
  readonly #info = { stream: 0, ssn: 0, ppid: 0, unordered: false, endOfMessage: false };
  /** The messages of which a part was read, by stream; one at most without interleaving. */
  readonly #open = new Map<number, OpenMessage>();

  /**
   * @param readSize bytes asked for at a time; a small one has messages come in parts.
   * @param mayFail false if the association is reliable whatever the workload wants.
   * @param interleaves true if parts of other streams may come between those of a message.
   */
  constructor(
    readonly workload: Workload,
    readSize = READ_SIZE,
    private readonly mayFail = true,
    private readonly interleaves = false,
  ) {
    this.#failed = new Uint8Array(workload.messages.length);
    this.#due = workload.messages.filter((message) => this.#mustArrive(message)).length;
    this.#arrived = new Uint8Array(workload.messages.length);
    this.#target = new Uint8Array(readSize);
  }

  /** True once all that has to arrive has. */
  get isComplete(): boolean {
    return this.#due === 0;
  }

  #mustArrive({ reliability }: PlannedMessage): boolean {
    return reliability === undefined || !this.mayFail;
  }

  /** The sender was told that a message was given up. */
  fail({ ppid, wasSent, data }: FailureInfo): void {
    const index = ppid - this.workload.firstPpid;
    const message = this.workload.messages[index];
    if (message === undefined || this.#mustArrive(message) || this.#failed[index] > 0) {
      return this.#fault(`message ${index} was given up`);
    }
    this.#failed[index] = wasSent ? 2 : 1;
    const content = new Uint8Array(message.size);
    this.#contentOf(message).write(content, 0, message.size);
    const given = content.subarray(message.size - data.length);
    const isSame = data.length <= message.size && data.every((byte, i) => byte === given[i]);
    if (!isSame) this.#fault(`${this.#name(index)} was given back with another content`);
  }

  /** The reader was told that the message of which it has a part will not be completed. */
  abort({ stream, ppid }: { readonly stream: number; readonly ppid: number }): void {
    const message = this.#open.get(stream)?.message;
    const index = ppid - this.workload.firstPpid;
    if (message?.index !== index || this.#mustArrive(message)) {
      return this.#fault(`message ${index} was aborted`);
    }
    this.#arrived[index]--;
    this.#open.delete(stream);
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
    const open = this.#open.get(info.stream) ?? this.#begin(info);
    this.bytes += length;
    if (open === undefined) return;
    this.#checkPart(open, part, length, info);
    if (info.endOfMessage) this.#end(open);
  }

  /** Whether all of the workload arrived as it should. */
  complete(): Verdict {
    const { messages } = this.workload;
    const missing = messages.find(({ index }) =>
      this.#arrived[index] === 0 && this.#failed[index] === 0
    );
    const ghost = messages.find(({ index }) =>
      this.#arrived[index] > 0 && this.#failed[index] === 1
    );
    const faults: string[] = [];
    if (missing) faults.push(`${this.#name(missing.index)} is missing`);
    if (ghost) faults.push(`${this.#name(ghost.index)} was never sent, and came`);
    return this.#verdict(faults);
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

  #begin(info: PartInfo): OpenMessage | undefined {
    const message = this.workload.messages[info.ppid - this.workload.firstPpid];
    if (message === undefined) {
      this.#fault(`a message with PPID ${info.ppid} was never sent`);
      return undefined;
    }
    if (this.#arrived[message.index]++ > 0) this.#fault(`${this.#name(message.index)} came twice`);
    if (!message.unordered) this.#checkOrder(message, info.ssn);
    const [other] = this.interleaves ? [] : this.#open.values();
    if (other) {
      this.#fault(`${this.#name(message.index)} came within message ${other.message.index}`);
    }
    const open = { message, bytes: 0, content: this.#contentOf(message) };
    this.#open.set(info.stream, open);
    return open;
  }

  #contentOf(message: PlannedMessage): Content {
    const content = new Content();
    content.start(contentSeed(this.workload, message), message.stream, message.sequence);
    return content;
  }

  /** Those between it and the last one must be ones that may be given up; those not sent have no SSN. */
  #checkOrder(message: PlannedMessage, ssn: number): void {
    const { stream, sequence } = message;
    const last = this.#ordered.get(stream) ?? { sequence: -1, ssn: -1 };
    const ahead = sequence - last.sequence;
    const due = ahead === 1 ? sequence : this.#nextDue(stream, last.sequence);
    if (ahead < 1 || sequence > due) {
      this.#fault(`${this.#name(message.index)} came where number ${due} of its stream was due`);
    }
    const step = (ssn - last.ssn) & 0xffff;
    if (step < 1 || step > ahead) this.#fault(`${this.#name(message.index)} came with SSN ${ssn}`);
    this.#ordered.set(stream, { sequence, ssn });
  }

  /** Position of the next ordered message of a stream, behind another one, that has to arrive. */
  #nextDue(stream: number, behind: number): number {
    const due = this.workload.messages.find((one) =>
      one.stream === stream && !one.unordered && one.sequence > behind && this.#mustArrive(one)
    );
    return due?.sequence ?? Infinity;
  }

  #checkPart(open: OpenMessage, part: Uint8Array, length: number, info: PartInfo): void {
    const { message } = open;
    const index = info.ppid - this.workload.firstPpid;
    if (index !== message.index) {
      this.#fault(`a part of message ${index} came inside ${this.#name(message.index)}`);
    }
    if (info.stream !== message.stream || info.unordered !== message.unordered) {
      const claim = `on stream ${info.stream}, ${info.unordered ? "unordered" : "ordered"}`;
      this.#fault(`${this.#name(message.index)} came ${claim}`);
    }
    const wrong = open.content.compare(part, 0, length);
    if (wrong >= 0) {
      this.#fault(`${this.#name(message.index)} differs at byte ${open.bytes + wrong}`);
    }
    open.bytes += length;
  }

  #end({ message, bytes }: OpenMessage): void {
    if (bytes !== message.size) {
      this.#fault(`${this.#name(message.index)} came with ${bytes} bytes`);
    }
    this.received++;
    if (this.#mustArrive(message)) this.#due--;
    this.#open.delete(message.stream);
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
