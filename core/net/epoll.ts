/** Waiting for many descriptors at once, and being woken by another thread. */
import {
  EAGAIN,
  EFD_CLOEXEC,
  EFD_NONBLOCK,
  EINTR,
  ENOSYS,
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLLIN,
} from "./constants.ts";
import { check, errno, type Libc, libc } from "./libc.ts";
import { nativeBytes } from "./native_memory.ts";
import { SystemError } from "./system_error.ts";

/** struct epoll_event is packed on x86-64 (12 bytes) and aligned elsewhere (16); in 32-bit words. */
const EVENT_WORDS = Deno.build.arch === "x86_64" ? 3 : 4;
const DATA_WORD = Deno.build.arch === "x86_64" ? 1 : 2;

/** The longest timeout that fits into the calls' 32 bits of milliseconds, about 24 days. */
const LONGEST_MILLISECONDS = 0x7fff_ffff;

/** A set of descriptors to wait for (epoll(7)), level-triggered unless EPOLLET is asked for. */
export class Epoll {
  readonly descriptor: number;
  readonly #libc: Libc = libc();
  readonly #capacity: number;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #words: Uint32Array;
  readonly #control = nativeBytes(16);
  readonly #controlWords = new Uint32Array(this.#control.buffer);
  readonly #timeout = nativeBytes(16);
  readonly #timeoutWords = new Uint32Array(this.#timeout.buffer);
  readonly #asyncEvent = nativeBytes(16);
  #nanoseconds: boolean;

  /**
   * @param capacity the most events that one {@link wait} takes.
   * @throws SystemError if the kernel gives no descriptor.
   */
  constructor(capacity = 64) {
    this.#capacity = capacity;
    this.#bytes = nativeBytes(capacity * EVENT_WORDS * 4);
    this.#words = new Uint32Array(this.#bytes.buffer);
    this.#nanoseconds = this.#libc.epoll_pwait2 !== null;
    this.descriptor = check(this.#libc.epoll_create1(EPOLL_CLOEXEC), "create an epoll set");
  }

  /**
   * Watches a descriptor.
   * @param events EPOLLIN, EPOLLOUT, ...
   * @param token what {@link token} gives back for it, 0 .. 2^32 - 1; the descriptor by default.
   * @throws SystemError if the descriptor is not open or is watched already.
   */
  add(descriptor: number, events: number = EPOLLIN, token: number = descriptor): void {
    this.#change(EPOLL_CTL_ADD, descriptor, events, token);
  }

  /** Changes what a watched descriptor is watched for. */
  modify(descriptor: number, events: number, token: number = descriptor): void {
    this.#change(EPOLL_CTL_MOD, descriptor, events, token);
  }

  /** Stops watching a descriptor. Closing it does the same, unless another process has the file too. */
  remove(descriptor: number): void {
    this.#change(EPOLL_CTL_DEL, descriptor, 0, 0);
  }

  /** As {@link remove}, and does nothing if the descriptor stands for another file by now. */
  removeIfThere(descriptor: number): void {
    this.#libc.epoll_ctl(this.descriptor, EPOLL_CTL_DEL, descriptor, this.#control);
  }

  /**
   * Blocks the thread until something is ready, and returns how many events {@link token} and
   * {@link events} now show: 0 after a timeout or a signal.
   * @param milliseconds fractions count where the kernel knows them; 0 polls, Infinity waits for ever.
   */
  wait(milliseconds: number): number {
    const count = this.#nanoseconds && milliseconds > 0 && milliseconds < LONGEST_MILLISECONDS
      ? this.#waitNanoseconds(milliseconds)
      : this.#libc.epoll_wait(
        this.descriptor,
        this.#bytes,
        this.#capacity,
        wholeMilliseconds(milliseconds),
      );
    if (count >= 0) return count;
    const error = errno();
    if (error === EINTR) return 0;
    throw new SystemError(error, "wait for descriptors");
  }

  /**
   * Resolves when a {@link wait} with 0 would find something, or after `milliseconds`; a thread of
   * the runtime's does the waiting, which costs 65 - 115 us a wake-up. One at a time.
   */
  async waitAsync(milliseconds: number): Promise<void> {
    const timeout = wholeMilliseconds(milliseconds);
    await this.#libc.epoll_wait_async(this.descriptor, this.#asyncEvent, 1, timeout);
  }

  /** The token of the event `index` of the last {@link wait}. */
  token(index: number): number {
    return this.#words[index * EVENT_WORDS + DATA_WORD];
  }

  /** The event bits (EPOLLIN, ...) of the event `index` of the last {@link wait}. */
  events(index: number): number {
    return this.#words[index * EVENT_WORDS];
  }

  /** Closes the set; the descriptors in it stay open. Not while a {@link waitAsync} is under way. */
  close(): void {
    this.#libc.close(this.descriptor);
  }

  #waitNanoseconds(milliseconds: number): number {
    const pwait2 = this.#libc.epoll_pwait2!;
    const seconds = Math.floor(milliseconds / 1000);
    this.#timeoutWords[0] = seconds;
    this.#timeoutWords[2] = Math.min(Math.ceil((milliseconds - seconds * 1000) * 1e6), 999_999_999);
    const count = pwait2(this.descriptor, this.#bytes, this.#capacity, this.#timeout, null);
    if (count >= 0 || errno() !== ENOSYS) return count;
    this.#nanoseconds = false;
    return this.#libc.epoll_wait(
      this.descriptor,
      this.#bytes,
      this.#capacity,
      wholeMilliseconds(milliseconds),
    );
  }

  #change(operation: number, descriptor: number, events: number, token: number): void {
    this.#controlWords[0] = events;
    this.#controlWords[DATA_WORD] = token;
    this.#controlWords[DATA_WORD + 1] = 0;
    const result = this.#libc.epoll_ctl(this.descriptor, operation, descriptor, this.#control);
    check(result, `watch descriptor ${descriptor}`);
  }
}

/** A timeout for epoll_wait: never early, -1 for ever. */
function wholeMilliseconds(milliseconds: number): number {
  if (milliseconds === Infinity) return -1;
  return Math.min(Math.max(Math.ceil(milliseconds), 0), LONGEST_MILLISECONDS);
}

/** A descriptor by which one thread wakes another's {@link Epoll} (eventfd(2)). */
export class Wakeup {
  readonly descriptor: number;
  readonly #libc: Libc = libc();
  readonly #count = nativeBytes(8);

  /** @param descriptor that of a `Wakeup` of another thread of this process; a new one by default. */
  constructor(descriptor?: number) {
    this.descriptor = descriptor ??
      check(this.#libc.eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "create an eventfd");
  }

  /** Makes the descriptor readable until {@link drain}. Signals that nobody drained count as one. */
  signal(): void {
    if (this.#libc.eventfd_write(this.descriptor, 1n) < 0 && errno() !== EAGAIN) {
      throw new SystemError(errno(), "signal an eventfd");
    }
  }

  /** Takes the signals that have come; true if there was one. */
  drain(): boolean {
    return this.#libc.eventfd_read(this.descriptor, this.#count) === 0;
  }

  /** Closes the descriptor, for every thread that uses it. */
  close(): void {
    this.#libc.close(this.descriptor);
  }
}
