/** What is sent in a simulation: messages whose every byte the receiving side can predict. */
import { SeededRandom, uniform } from "../sctp/base/random.ts";
import type { Instant } from "../sctp/base/time.ts";
import type { PartialReliability } from "../sctp/tx/partial_reliability.ts";
import type { SendOptions } from "../sctp/tx/send_queue.ts";
import { Content } from "./content.ts";

/** One message to send. */
export interface PlannedMessage {
  /** Position in the workload; it travels in the PPID, so that an unordered message can be told. */
  readonly index: number;
  readonly stream: number;
  /** Position among the messages of its stream with the same ordering. */
  readonly sequence: number;
  /** Bytes. */
  readonly size: number;
  readonly unordered: boolean;
  /** When it may be given up; never if `undefined`. */
  readonly reliability: PartialReliability | undefined;
}

/** The shape of a workload. */
export interface WorkloadOptions {
  readonly seed: number;
  /** Streams to spread messages over, from stream 0 on. */
  readonly streams: number;
  readonly messages: number;
  /** Bytes of the smallest message; default 1. */
  readonly minimumSize?: number;
  /** Bytes of the largest message; default 200 KiB. Small sizes are as likely as large ones: log-uniform. */
  readonly maximumSize?: number;
  /** Bytes of all messages together; once they are used up, all that follow have the smallest size. */
  readonly totalBytes?: number;
  /** Share of unordered messages, 0 .. 1; default 0. */
  readonly unorderedShare?: number;
  /** Share of messages that may be given up, by policies of all kinds, 0 .. 1; default 0. */
  readonly partialShare?: number;
  /** PPID of the first message; default 0. Keeps the workloads of several associations apart. */
  readonly firstPpid?: number;
}

/** The sending half of an association, as a workload needs it. */
export interface MessageSink {
  send(now: Instant, data: Uint8Array, options: SendOptions): boolean;
}

/** A planned sequence of messages. */
export class Workload {
  readonly seed: number;
  readonly firstPpid: number;
  readonly messages: readonly PlannedMessage[];
  /** Bytes of all messages. */
  readonly bytes: number;

  constructor(options: WorkloadOptions) {
    this.seed = options.seed;
    this.firstPpid = options.firstPpid ?? 0;
    this.messages = planMessages(options);
    this.bytes = this.messages.reduce((sum, message) => sum + message.size, 0);
  }

  /** A sender that starts with the first message. */
  sender(): WorkloadSender {
    return new WorkloadSender(this);
  }
}

function planMessages(options: WorkloadOptions): PlannedMessage[] {
  const { seed, streams, messages, unorderedShare = 0, partialShare = 0 } = options;
  const { minimumSize = 1, maximumSize = 200 * 1024, totalBytes = Infinity } = options;
  const random = new SeededRandom(seed);
  const policies = new SeededRandom(seed ^ 0x0f0f_0f0f);
  const sequences = new Map<number, number>();
  let budget = Math.floor(totalBytes);
  return Array.from({ length: messages }, (_, index) => {
    const stream = Math.floor(uniform(random) * streams);
    const unordered = uniform(random) < unorderedShare;
    const wish = Math.floor(minimumSize * Math.pow(maximumSize / minimumSize, uniform(random)));
    const size = Math.max(minimumSize, Math.min(wish, budget));
    budget -= size;
    const lane = 2 * stream + (unordered ? 1 : 0);
    const sequence = sequences.get(lane) ?? 0;
    sequences.set(lane, sequence + 1);
    const reliability = uniform(policies) < partialShare ? planPolicy(policies) : undefined;
    return { index, stream, sequence, size, unordered, reliability };
  });
}

/** Lifetimes from a millisecond to a minute, short ones as likely as long ones; small numbers else. */
function planPolicy(random: SeededRandom): PartialReliability {
  const draw = uniform(random);
  const small = Math.floor(4 * uniform(random));
  if (draw < 0.5) return { policy: "ttl", value: Math.round(60_000 ** uniform(random)) };
  if (draw < 0.75) return { policy: "rtx", value: small };
  return { policy: "prio", value: small };
}

/** The seed of a message's content: ordered and unordered ones of a stream count apart. */
export function contentSeed(workload: Workload, message: PlannedMessage): number {
  return workload.seed ^ (message.unordered ? 0x5555_5555 : 0);
}

/** Sends a workload bit by bit, as the association takes it. */
export class WorkloadSender {
  /** Messages accepted so far. */
  sent = 0;
  readonly #content = new Content();
  readonly #options: SendOptions = { stream: 0, ppid: 0, unordered: false, immediate: false };
  #buffer = new Uint8Array(4096);
  /** Bytes of the message in the buffer that was refused; 0 if there is none. */
  #prepared = 0;

  constructor(readonly workload: Workload) {}

  get isDone(): boolean {
    return this.sent === this.workload.messages.length;
  }

  /** Sends until all is sent or the association has no room; call again when it is writable. */
  pump(now: Instant, sink: MessageSink): void {
    while (!this.isDone && this.sendOne(now, sink));
  }

  /** Sends the next message; false if the association has no room for it. */
  sendOne(now: Instant, sink: MessageSink): boolean {
    const message = this.workload.messages[this.sent];
    if (this.#prepared === 0) this.#prepare(message);
    const options = this.#options;
    options.stream = message.stream;
    options.ppid = this.workload.firstPpid + message.index;
    options.unordered = message.unordered;
    options.reliability = message.reliability;
    if (!sink.send(now, this.#buffer.subarray(0, message.size), options)) return false;
    this.#prepared = 0;
    this.sent++;
    return true;
  }

  #prepare(message: PlannedMessage): void {
    if (this.#buffer.length < message.size) this.#buffer = new Uint8Array(message.size);
    this.#content.start(contentSeed(this.workload, message), message.stream, message.sequence);
    this.#content.write(this.#buffer, 0, message.size);
    this.#prepared = message.size;
  }
}
