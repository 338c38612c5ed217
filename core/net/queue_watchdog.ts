/**
 * Gets a hung data plane out of the applications' way.
 *
 * A process that dies loses its queue by itself; one that hangs keeps SYNs held for ever. So the
 * thread that answers them beats, another thread of the process watches, and takes the queue away
 * if the beat stays out: the kernel then drops what is held, and lets everything else pass.
 */
import { EFD_CLOEXEC, O_CLOEXEC } from "./constants.ts";
import { check, libc } from "./libc.ts";

/** Beats of one thread that others can see. */
export class Heartbeat {
  readonly #count: Int32Array<SharedArrayBuffer>;

  /** @param memory four bytes that the threads share: give {@link memory} to the other thread. */
  constructor(readonly memory: SharedArrayBuffer = new SharedArrayBuffer(4)) {
    this.#count = new Int32Array(memory);
  }

  /** To be called each round of the loop, and at least several times per patience of the watchdog. */
  beat(): void {
    Atomics.add(this.#count, 0, 1);
  }

  /** Changes with each beat. */
  get value(): number {
    return Atomics.load(this.#count, 0);
  }
}

/** Options of {@link QueueWatchdog}. */
export interface WatchdogOptions {
  readonly heartbeat: Heartbeat;
  /** Milliseconds without a beat after which the thread counts as hung. */
  readonly patience: number;
  /** Takes the queue away; called once a hang. */
  readonly release: () => void;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

/**
 * The longest step of the clock between two looks that is taken for watching, in patiences. After a
 * longer one (the machine slept, the whole process was stopped) the other thread gets its time anew.
 */
const LONGEST_STEP = 0.5;

/** Watches one thread. */
export class QueueWatchdog {
  readonly #options: WatchdogOptions;
  #timer: ReturnType<typeof setInterval> | undefined;
  #lastValue: number;
  #silence = 0;
  #lookedAt: number;
  #released = false;

  constructor(options: WatchdogOptions) {
    this.#options = options;
    this.#lastValue = options.heartbeat.value;
    this.#lookedAt = options.now();
  }

  /** True from a release until the thread beats again. */
  get released(): boolean {
    return this.#released;
  }

  /** Looks by a timer of the calling thread, until {@link stop}. */
  start(): void {
    this.#timer ??= setInterval(() => this.look(), this.#options.patience / 4);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Looks once. */
  look(): void {
    const { heartbeat, patience, now, release } = this.#options;
    const [value, at] = [heartbeat.value, now()];
    const step = at - this.#lookedAt;
    this.#lookedAt = at;
    if (value !== this.#lastValue) {
      this.#lastValue = value;
      this.#silence = 0;
      this.#released = false;
      return;
    }
    if (step <= patience * LONGEST_STEP) this.#silence += step;
    if (this.#silence < patience || this.#released) return;
    this.#released = true;
    release();
  }
}

/**
 * Closes a descriptor that another thread may be using: the number then stands for an eventfd, so
 * that the other thread gets ENOTSOCK and can never meet a file opened under the same number later.
 * It stays the other thread's to close.
 * @throws SystemError if it is not open, or there are no descriptors left.
 */
export function takeAway(descriptor: number): void {
  const placeholder = check(libc().eventfd(0, EFD_CLOEXEC), "create an eventfd");
  try {
    const result = libc().dup3(placeholder, descriptor, O_CLOEXEC);
    check(result, `replace descriptor ${descriptor}`);
  } finally {
    libc().close(placeholder);
  }
}
