/**
 * The timers of an association: a closed table of deadlines, no callbacks.
 *
 * Which timers may run in which state is part of the state table (`states.ts`); each path adds its
 * own rows ({@link PathTimer}).
 */
import { type Instant, isDue, NEVER } from "../base/time.ts";

/** Timers of the association as a whole. */
export const AssociationTimer = {
  /** Retransmits INIT (RFC 9260, section 5.1, A). */
  T1Init: 0,
  /** Retransmits COOKIE ECHO (RFC 9260, section 5.1, C). */
  T1Cookie: 1,
  /** Retransmits SHUTDOWN and SHUTDOWN ACK (RFC 9260, section 9.2). */
  T2Shutdown: 2,
  /** Bounds the whole shutdown (RFC 9260, section 9.2). */
  T5ShutdownGuard: 3,
  /** Sends a SACK that was delayed (RFC 9260, section 6.2). */
  SackDelay: 4,
  /** Retransmits a request of RE-CONFIG (RFC 6525, section 5.1.1). */
  Reconfiguration: 5,
  /** Gives up a queued message whose lifetime is over (RFC 3758, section 4.1). */
  Lifetime: 6,
  /** Retransmits ASCONF (RFC 5061, section 5.1, A4). */
  T4Asconf: 7,
} as const;
export type AssociationTimer = (typeof AssociationTimer)[keyof typeof AssociationTimer];

/** Timers of one path. */
export const PathTimer = {
  /** Retransmits DATA (RFC 9260, section 6.3.2). */
  T3Rtx: 0,
  /** Sends the next HEARTBEAT (RFC 9260, section 8.3). */
  Heartbeat: 1,
  /** Counts a HEARTBEAT that was not answered within one RTO (RFC 9260, section 8.3). */
  HeartbeatTimeout: 2,
  /** PROBE_TIMER, or PMTU_RAISE_TIMER while nothing is probed (RFC 8899, section 5.1.1). */
  MtuSearch: 3,
} as const;
export type PathTimer = (typeof PathTimer)[keyof typeof PathTimer];

/** Deadlines of a fixed set of timers. */
export class TimerTable {
  readonly #deadlines: Instant[];

  constructor(size: number) {
    this.#deadlines = Array.from({ length: size }, () => NEVER);
  }

  /** Starts or restarts a timer. */
  start(timer: number, deadline: Instant): void {
    this.#deadlines[timer] = deadline;
  }

  stop(timer: number): void {
    this.#deadlines[timer] = NEVER;
  }

  stopAll(): void {
    this.#deadlines.fill(NEVER);
  }

  isRunning(timer: number): boolean {
    return this.#deadlines[timer] !== NEVER;
  }

  deadlineOf(timer: number): Instant {
    return this.#deadlines[timer];
  }

  /** Stops the timer and returns true if it was due. */
  takeIfDue(timer: number, now: Instant): boolean {
    if (!isDue(this.deadlineOf(timer), now)) return false;
    this.stop(timer);
    return true;
  }

  /** The earliest deadline, or NEVER. */
  get earliest(): Instant {
    let earliest: number = NEVER;
    for (let i = 0; i < this.#deadlines.length; i++) {
      if (this.#deadlines[i] < earliest) earliest = this.#deadlines[i];
    }
    return earliest as Instant;
  }
}
