/** A simulation as a timed script: what happens when, and until when it runs. */
import { type Instant, instant } from "../sctp/base/time.ts";
import type { Network } from "./network.ts";

/** Bounds of a run. */
export interface ScenarioBounds {
  /** Occurrences after which a run is taken for endless. Default 10 million. */
  readonly steps?: number;
  /** Virtual milliseconds after which {@link Scenario.runUntil} gives up. Default one hour. */
  readonly time?: number;
}

/**
 * Why a run failed. "quiet": nothing more can happen and the condition does not hold; "time" and
 * "steps": a bound was reached; "action": an action of the script threw.
 */
export type ScenarioFailure = "quiet" | "time" | "steps" | "action";

/** A run that did not get where it was to get. The message says seed, time, and what was waited for. */
export class ScenarioError extends Error {
  override readonly name = "ScenarioError";

  constructor(
    readonly failure: ScenarioFailure,
    message: string,
    readonly seed: number,
    readonly at: Instant,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}

const DEFAULT_STEPS = 10_000_000;
const HOUR = 3_600_000;

/** Runs a network by a script. Times of the script count from the start of the simulation. */
export class Scenario {
  readonly #steps: number;
  readonly #time: number;
  #lastAction = "none";
  #actionsToCome = 0;

  constructor(readonly network: Network, bounds: ScenarioBounds = {}) {
    this.#steps = bounds.steps ?? DEFAULT_STEPS;
    this.#time = bounds.time ?? HOUR;
  }

  /**
   * Puts an action into the script.
   * @param milliseconds since the start; what is past happens with the next step.
   * @param what it does, for messages: "cut the first link".
   */
  at(milliseconds: number, what: string, action: (now: Instant) => void): this {
    this.#actionsToCome++;
    this.network.clock.at(instant(milliseconds), (now) => {
      this.#actionsToCome--;
      this.#lastAction = `${what} at ${formatTime(now)}`;
      try {
        action(now);
      } catch (cause) {
        throw this.#failed("action", `"${what}" threw: ${cause}`, cause);
      }
    });
    return this;
  }

  /**
   * Runs for a while, whatever happens.
   * @throws ScenarioError if the bound of steps is reached or an action throws.
   */
  runFor(milliseconds: number): void {
    const { clock } = this.network;
    const end = instant(clock.now + milliseconds);
    while (clock.next <= end) this.#step(`${formatTime(end)} on the clock`);
    clock.advanceTo(end);
  }

  /**
   * Runs until a condition holds; it is looked at after each occurrence.
   * @param waitingFor what the condition means, for messages: "the last message".
   * @throws ScenarioError if it can no longer come true, a bound is reached or an action throws.
   */
  runUntil(condition: () => boolean, waitingFor: string): void {
    const { clock } = this.network;
    while (!condition()) {
      if (clock.pending === 0) {
        throw this.#failed("quiet", `nothing more happens while waiting for ${waitingFor}`);
      }
      if (clock.next > this.#time) {
        const bound = `the bound of ${formatTime(this.#time)} is hit`;
        throw this.#failed("time", `${bound} while waiting for ${waitingFor}`);
      }
      this.#step(waitingFor);
    }
  }

  /**
   * Runs until nothing more is scheduled.
   * @throws ScenarioError if a bound is reached or an action throws.
   */
  runUntilQuiet(): void {
    this.runUntil(() => this.network.clock.pending === 0, "quiet");
  }

  #step(waitingFor: string): void {
    const { clock } = this.network;
    if (clock.steps >= this.#steps) {
      const problem = `the bound of ${this.#steps} steps is hit while waiting for ${waitingFor}`;
      throw this.#failed("steps", problem);
    }
    clock.step();
  }

  #failed(failure: ScenarioFailure, problem: string, cause?: unknown): ScenarioError {
    const { clock, seed } = this.network;
    const where = `seed ${seed}, virtual time ${formatTime(clock.now)}, step ${clock.steps}`;
    const script = `last action: ${this.#lastAction}, ${this.#actionsToCome} more to come`;
    const message = `${where}: ${problem} (${script})`;
    return new ScenarioError(failure, message, seed, clock.now, cause);
  }
}

/** A virtual time in words: `12.345 s`. */
export function formatTime(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(3)} s`;
}
