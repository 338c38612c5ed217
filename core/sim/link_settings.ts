/** What one direction of a link does to the packets that pass it. */
import { type RandomSource, uniform } from "../sctp/base/random.ts";
import { checkProbability, type LossModel, NO_LOSS, uniformLoss } from "./loss.ts";

/** Delay that differs from packet to packet. */
export interface Jitter {
  /**
   * "uniform": 0 .. `spread`; "normal": mean 0, standard deviation `spread`, the whole delay never below 0;
   * "exponential": mean `spread`.
   */
  readonly distribution: "uniform" | "normal" | "exponential";
  /** Milliseconds. */
  readonly spread: number;
  /** True if packets may overtake each other because of it; if not, order is kept as in a queue. */
  readonly reorders?: boolean;
}

/** Packets that fall behind: those that follow pass them. */
export interface Reordering {
  /** Share of the packets, 0 .. 1. */
  readonly probability: number;
  /** Such a packet comes 0 .. this many milliseconds later. */
  readonly extraDelay: number;
}

/** Settings of one direction; every one may be left out. */
export interface LinkSettings {
  /** Bits per second of IP packets; `Infinity` (default) for no limit. */
  readonly rate?: number;
  /** Propagation delay in milliseconds, default 0. */
  readonly delay?: number;
  readonly jitter?: Jitter | undefined;
  /** A loss model, or a probability for uniform loss. Default: none. */
  readonly loss?: LossModel | number;
  readonly reorder?: Reordering | undefined;
  /** Probability that a packet arrives twice. */
  readonly duplicate?: number;
  /** Probability that one bit of the SCTP packet is flipped. */
  readonly corrupt?: number;
  /** Packets that may wait for the line, the one on it included; more are dropped. Default 50, as Dummynet's. */
  readonly queuePackets?: number;
  /** A packet that finds this many in the queue is marked CE if it is ECN-capable; `Infinity` (default) for no marks. */
  readonly ecnThreshold?: number;
  /** Longest IP packet in bytes; longer ones are dropped. Default 65,535. */
  readonly mtu?: number;
  /** True if the sender of a packet that is too long is told by ICMP. Default true; false makes a black hole. */
  readonly packetTooBig?: boolean;
}

/** Settings with every one filled in. */
export type ResolvedSettings = Required<Omit<LinkSettings, "loss" | "jitter" | "reorder">> & {
  readonly loss: LossModel;
  readonly jitter: Jitter | undefined;
  readonly reorder: Reordering | undefined;
};

const DEFAULTS: ResolvedSettings = {
  rate: Infinity,
  delay: 0,
  jitter: undefined,
  loss: NO_LOSS,
  reorder: undefined,
  duplicate: 0,
  corrupt: 0,
  queuePackets: 50,
  ecnThreshold: Infinity,
  mtu: 65_535,
  packetTooBig: true,
};

/**
 * Settings with some values changed.
 * @throws RangeError if a value is out of its range.
 */
export function withSettings(
  changes: LinkSettings,
  base: ResolvedSettings = DEFAULTS,
): ResolvedSettings {
  const { loss, ...rest } = changes;
  const model = typeof loss === "number" ? uniformLoss(loss) : loss;
  const result: ResolvedSettings = { ...base, ...rest, loss: model ?? base.loss };
  if (!(result.rate > 0)) throw new RangeError(`rate must be above 0 bit/s, not ${result.rate}`);
  checkAbove("delay", result.delay, 0);
  checkAbove("queuePackets", result.queuePackets, 1);
  checkAbove("ecnThreshold", result.ecnThreshold, 0);
  checkAbove("mtu", result.mtu, 68);
  checkProbability("duplicate", result.duplicate);
  checkProbability("corrupt", result.corrupt);
  if (result.jitter) checkAbove("jitter.spread", result.jitter.spread, 0);
  if (result.reorder) {
    checkProbability("reorder.probability", result.reorder.probability);
    checkAbove("reorder.extraDelay", result.reorder.extraDelay, 0);
  }
  return result;
}

/** Milliseconds that jitter adds to one packet; may be negative for "normal". */
export function sampleJitter(jitter: Jitter, random: RandomSource): number {
  switch (jitter.distribution) {
    case "uniform":
      return uniform(random) * jitter.spread;
    case "exponential":
      return -Math.log(1 - uniform(random)) * jitter.spread;
    case "normal": {
      const radius = Math.sqrt(-2 * Math.log(1 - uniform(random)));
      return radius * Math.cos(2 * Math.PI * uniform(random)) * jitter.spread;
    }
  }
}

function checkAbove(name: string, value: number, minimum: number): void {
  if (!(value >= minimum)) throw new RangeError(`${name} must be ${minimum} or more, not ${value}`);
}
