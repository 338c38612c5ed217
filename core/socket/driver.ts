/**
 * Runs an endpoint on the main thread: between two rounds the event loop gets its turn, and when
 * nothing is to be done the transport waits for packets until the next timer is due.
 */
import { setImmediate } from "node:timers";
import { after, type Instant, NEVER } from "../sctp/base/time.ts";
import type { PacketIo } from "../net/packet_io.ts";
import { type EventHandler, Pump, type PumpedEndpoint } from "./pump.ts";

/** A monotonic clock. */
export type Clock = () => Instant;

/** What a driver is made of. */
export interface DriverOptions {
  readonly endpoint: PumpedEndpoint;
  readonly io: PacketIo;
  readonly clock: Clock;
  /** Called for every notification of the engine, never within a command. */
  readonly handleEvent: EventHandler;
  /** Memory for outgoing packets; see {@link Pump}. */
  readonly memory?: Uint8Array;
}

export class Driver {
  readonly #pump: Pump;
  readonly #clock: Clock;
  readonly #io: PacketIo;
  #closed = false;
  /** A flush is on its way. */
  #scheduled = false;
  /** A flush has run in this turn of the event loop: the next one waits for the turn's end. */
  #flushed = false;
  /** The last reading of the clock. */
  #time: Instant = NEVER;
  /** When the wait under way ends by itself. */
  #waitingUntil: Instant | undefined;
  readonly #failure = Promise.withResolvers<never>();

  constructor(options: DriverOptions) {
    this.#clock = options.clock;
    this.#io = options.io;
    this.#pump = new Pump(options.endpoint, options.io, options.handleEvent, options.memory);
  }

  /**
   * The time to pass to the engine's commands. While a flush is on its way it is the time of the
   * command that asked for it: a clock reading costs as much as a small message.
   */
  now(): Instant {
    return this.#scheduled ? this.#time : this.#readClock();
  }

  /**
   * Runs until {@link close}. Rejects if a round throws, which only a broken transport or a fault
   * of the engine can cause.
   */
  run(): Promise<void> {
    return Promise.race([this.#loop(), this.#failure.promise]);
  }

  /**
   * Call after each command or read: sends what has become ready. The first flush in a turn of the
   * event loop runs as soon as the caller yields, so that a single message leaves at once; the
   * following ones run together at the end of the turn, so that many messages share packets.
   */
  flush(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    if (!this.#flushed) queueMicrotask(this.#flushNow);
  }

  /** Sends what is ready and ends {@link run}. */
  close(): void {
    if (this.#closed) return;
    try {
      this.#pump.flush(this.#readClock());
    } finally {
      this.#stop();
    }
  }

  #stop(): void {
    this.#closed = true;
    this.#io.wake();
  }

  #readClock(): Instant {
    return this.#time = this.#clock();
  }

  async #loop(): Promise<void> {
    while (!this.#closed) {
      const now = this.#readClock();
      const timeout = this.#pump.round(now) ? 0 : this.#pump.nextTimeout(now);
      if (timeout === 0) await endOfTurn();
      else await this.#wait(now, timeout);
    }
  }

  async #wait(now: Instant, timeout: number): Promise<void> {
    this.#waitingUntil = after(now, timeout);
    await this.#io.wait(timeout);
    this.#waitingUntil = undefined;
  }

  readonly #flushNow = (): void => {
    this.#scheduled = false;
    if (this.#closed) return;
    if (!this.#flushed) {
      this.#flushed = true;
      setImmediate(this.#startTurn);
    }
    try {
      const now = this.#readClock();
      this.#pump.flush(now);
      this.#shortenWait(now);
    } catch (error) {
      this.#failure.reject(error);
      this.#stop();
    }
  };

  readonly #startTurn = (): void => {
    this.#flushed = false;
    if (this.#scheduled) this.#flushNow();
  };

  /** Wakes the loop if a timer is now due before the wait would end. */
  #shortenWait(now: Instant): void {
    if (this.#waitingUntil === undefined) return;
    if (after(now, this.#pump.nextTimeout(now)) < this.#waitingUntil) {
      this.#waitingUntil = undefined;
      this.#io.wake();
    }
  }
}

/** Lets timers, promises and I/O of the rest of the program run; a fraction of what setTimeout costs. */
function endOfTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
