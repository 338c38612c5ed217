/**
 * Which stream's turn it is (RFC 8260, section 3): a closed table of schedulers. Each is a rule for
 * the key by which streams with something to send are ordered; the lowest key is served.
 */

/** What a scheduler knows of a stream; one object serves every question. */
export interface StreamTurn {
  /** When the stream's first message was queued: a count of messages. */
  arrival: number;
  /** The next turn: a count of turns. */
  turn: number;
  /** Priority or weight that the user gave the stream. */
  value: number;
  /** Virtual time until which the stream has used its share. */
  used: number;
}

/** When another stream may be served, without interleaving of messages. */
export type Switching =
  /** After each message, and with interleaving after each chunk. */
  | "message"
  /** When a packet is begun. */
  | "packet";

/** One way of choosing. */
export interface StreamScheduler {
  readonly switching: Switching;
  /** Section of RFC 8260. */
  readonly section: string;
  /** Lower is earlier. */
  key(turn: StreamTurn): number;
  /** How many bytes of virtual time a byte of the stream takes. */
  cost(value: number): number;
}

/** More turns than an association will ever have: a turn never outweighs a priority. */
const TURNS = 2 ** 36;

const free = () => 0;
const byTurn = ({ turn }: StreamTurn) => turn;
const byUse = ({ used }: StreamTurn) => used;

/** Every scheduler, by the name that RFC 8260, section 4.3.2, gives it. */
export const STREAM_SCHEDULERS = {
  /** First come, first served. */
  fcfs: { switching: "message", section: "3.1", key: ({ arrival }) => arrival, cost: free },
  /** Round robin, by message or, with interleaving, by chunk. */
  rr: { switching: "message", section: "3.2", key: byTurn, cost: free },
  /** Round robin, one stream a packet. */
  "rr-pkt": { switching: "packet", section: "3.3", key: byTurn, cost: free },
  /** Strict priority, 0 first; streams of one priority take turns. */
  prio: {
    switching: "message",
    section: "3.4",
    key: ({ value, turn }) => value * TURNS + turn,
    cost: free,
  },
  /** Fair bandwidth: each stream gets the same capacity. */
  fb: { switching: "message", section: "3.5", key: byUse, cost: () => 1 },
  /** Weighted fair queueing: capacity by weight; a stream without a weight has 1. */
  wfq: { switching: "message", section: "3.6", key: byUse, cost: (value) => 1 / (value || 1) },
} as const satisfies Record<string, StreamScheduler>;

/** Name of a scheduler. */
export type StreamSchedulerName = keyof typeof STREAM_SCHEDULERS;

/** The scheduler of an association whose user has not chosen another one. */
export const DEFAULT_STREAM_SCHEDULER: StreamSchedulerName = "fcfs";
