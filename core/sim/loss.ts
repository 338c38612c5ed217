/** Models of packet loss on a link. */
import { type RandomSource, uniform } from "../sctp/base/random.ts";
import type { InboundPacket } from "../sctp/packet.ts";

/** Decides which packets a link loses. A model with memory serves one link only. */
export interface LossModel {
  /** True if this packet is lost. Called once for each packet, in order. */
  loses(random: RandomSource, packet: InboundPacket): boolean;
}

/** Every packet arrives. */
export const NO_LOSS: LossModel = { loses: () => false };

/**
 * Each packet is lost with the same probability, independent of the others.
 * @throws RangeError if `probability` is not in 0 .. 1.
 */
export function uniformLoss(probability: number): LossModel {
  checkProbability("loss", probability);
  return { loses: (random) => uniform(random) < probability };
}

/** Loses the packets of these positions, the first packet being 0; for tests of one exact case. */
export function lossOf(...positions: readonly number[]): LossModel {
  const lost = new Set(positions);
  let position = 0;
  return { loses: () => lost.has(position++) };
}

/** Probabilities of a {@link GilbertElliott} model, each 0 .. 1. */
export interface GilbertElliottSettings {
  /** From good to bad, before each packet ("p"). */
  readonly toBad: number;
  /** From bad to good, before each packet ("r"). */
  readonly toGood: number;
  /** Loss while in the good state ("1 - k"); 0 if absent. */
  readonly lossInGood?: number;
  /** Loss while in the bad state ("1 - h"); 1 if absent. */
  readonly lossInBad?: number;
}

/**
 * Loss in bursts: two states, each with a loss probability of its own (Gilbert 1960, Elliott 1963).
 * The mean loss is `(toGood * lossInGood + toBad * lossInBad) / (toGood + toBad)`, the mean length of
 * a bad period `1 / toGood` packets.
 */
export class GilbertElliott implements LossModel {
  readonly #settings: Required<GilbertElliottSettings>;
  #bad = false;

  /** @throws RangeError if a probability is not in 0 .. 1. */
  constructor(settings: GilbertElliottSettings) {
    this.#settings = { lossInGood: 0, lossInBad: 1, ...settings };
    for (const [name, value] of Object.entries(this.#settings)) checkProbability(name, value);
  }

  loses(random: RandomSource): boolean {
    const { toBad, toGood, lossInGood, lossInBad } = this.#settings;
    if (uniform(random) < (this.#bad ? toGood : toBad)) this.#bad = !this.#bad;
    return uniform(random) < (this.#bad ? lossInBad : lossInGood);
  }
}

/**
 * Refuses what is no probability.
 * @throws RangeError if `value` is not in 0 .. 1.
 */
export function checkProbability(name: string, value: number): void {
  if (!(value >= 0 && value <= 1)) {
    throw new RangeError(`${name} takes a probability from 0 to 1, not ${value}`);
  }
}
