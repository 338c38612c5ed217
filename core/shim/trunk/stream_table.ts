/**
 * The streams of a trunk by their numbers: which are in use, which are to be reset, and which are free
 * again (RFC 6525). Pure.
 *
 * ```text
 *          add                retire             takeDue              concludeReset
 * free ----------> in use ------------> due ------------> asked ---------------------> done
 *   ^                                                                                   |
 *   +------------------------- and the peer has reset its direction --------------------+
 * ```
 */
import { MAX_LISTED_STREAMS } from "../../sctp/wire/reconfig.ts";

/** Where this side's direction of a stream stands. */
type Stage = "in use" | "due" | "asked" | "done";

/** One stream, from its first message to its reset by both sides. */
interface Entry<Stream> {
  readonly id: number;
  readonly stream: Stream;
  stage: Stage;
  /** The peer has reset its direction. */
  isPeerDone: boolean;
}

export class StreamTable<Stream> {
  readonly #entries = new Map<number, Entry<Stream>>();
  readonly #free: number[] = [];
  /** Streams from this one on were never used; 0 carries no connection. */
  #fresh = 1;
  #due: Entry<Stream>[] = [];
  #asked: Entry<Stream>[] = [];
  #inUse = 0;

  /** Streams that carry a connection. */
  get inUse(): number {
    return this.#inUse;
  }

  /** The stream with this number, until both sides have reset it. */
  find(id: number): Stream | undefined {
    return this.#entries.get(id)?.stream;
  }

  /** Streams that carry a connection, or whose reset is not over. */
  *[Symbol.iterator](): Iterator<Stream> {
    for (const { stream } of this.#entries.values()) yield stream;
  }

  /** A number that is free, if there are so many streams with that of {@link CREDIT_STREAM}. */
  takeFree(streams: number): number | undefined {
    return this.#free.pop() ?? (this.#fresh < streams ? this.#fresh++ : undefined);
  }

  /**
   * True if the peer may use a number: it has seen both resets, of which this side may not have seen
   * the answer to its own.
   */
  isFreeForPeer(id: number): boolean {
    const entry = this.#entries.get(id);
    return !entry || (entry.isPeerDone && entry.stage === "asked");
  }

  /** Puts a stream into use under a number that is free. */
  add(id: number, stream: Stream): void {
    this.#entries.set(id, { id, stream, stage: "in use", isPeerDone: false });
    this.#inUse++;
  }

  /** This side sends nothing more on a stream. */
  retire(id: number): void {
    const entry = this.#entries.get(id);
    if (entry?.stage !== "in use") return;
    entry.stage = "due";
    this.#inUse--;
    this.#due.push(entry);
  }

  /** Numbers of the streams to be reset now; none while a reset is under way. */
  takeDue(): number[] {
    if (this.#asked.length > 0) return [];
    this.#asked = this.#due.splice(0, MAX_LISTED_STREAMS);
    for (const entry of this.#asked) entry.stage = "asked";
    return this.#asked.map(({ id }) => id);
  }

  /** The reset is over: its streams. */
  concludeReset(): Stream[] {
    const done = this.#asked;
    this.#asked = [];
    for (const entry of done) {
      entry.stage = "done";
      this.#releaseIfDone(entry);
    }
    return done.map(({ stream }) => stream);
  }

  /** The reset has to be asked for again. */
  repeatReset(): void {
    for (const entry of this.#asked) entry.stage = "due";
    this.#due.unshift(...this.#asked);
    this.#asked = [];
  }

  /**
   * The peer has reset its direction of streams, all for an empty list; returns those that still carry a
   * connection.
   */
  handlePeerReset(ids: readonly number[]): Stream[] {
    const inUse: Stream[] = [];
    for (const id of ids.length > 0 ? ids : [...this.#entries.keys()]) {
      const entry = this.#entries.get(id);
      if (!entry) continue;
      entry.isPeerDone = true;
      if (entry.stage === "in use") inUse.push(entry.stream);
      this.#releaseIfDone(entry);
    }
    return inUse;
  }

  #releaseIfDone(entry: Entry<Stream>): void {
    if (entry.stage !== "done" || !entry.isPeerDone) return;
    // The peer may have put the number into use already: see isFreeForPeer.
    if (this.#entries.get(entry.id) !== entry) return;
    this.#entries.delete(entry.id);
    this.#free.push(entry.id);
  }
}
