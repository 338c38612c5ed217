/**
 * The streams that have something to send, each in a slot of its own: 65,536 streams cost nothing
 * until they are used.
 */
/** What {@link ActiveStreams.find} returns for an idle stream. */
export const IDLE = -1;

/** Columns are for reading and writing at a slot: this is a data structure, not an actor. */
export class ActiveStreams {
  readonly #free: number[] = [];
  /** Slot by stream, or {@link IDLE}; as long as the highest stream that was used, or sparse. */
  readonly #slots: number[] = [];

  /** Stream Identifier. */
  readonly stream: number[] = [];
  /** First and last segment. */
  readonly head: number[] = [];
  readonly tail: number[] = [];
  /** Last segment that may leave while the stream is held; 0 if it is not, or all of them have. */
  readonly last: number[] = [];
  /** Chunks that were cut from a message that is not over. */
  readonly chunks: number[] = [];
  /** The stream's next turn. */
  readonly turn: number[] = [];
  /** Virtual time until which the stream has used its share. */
  readonly used: number[] = [];

  /** Slots that were ever used: every slot is below it. */
  get count(): number {
    return this.stream.length;
  }

  /** No stream that was ever used is as high as this. */
  get width(): number {
    return this.#slots.length;
  }

  /** Slot of a stream, or {@link IDLE}. */
  find(stream: number): number {
    return this.#slots[stream] ?? IDLE;
  }

  /** Gives a stream that is idle a slot, without segments. */
  open(stream: number, turn: number, used: number): number {
    const slot = this.#free.pop() ?? this.count;
    this.#slots[stream] = slot;
    this.stream[slot] = stream;
    this.head[slot] = 0;
    this.tail[slot] = 0;
    this.last[slot] = 0;
    this.chunks[slot] = 0;
    this.turn[slot] = turn;
    this.used[slot] = used;
    return slot;
  }

  /** The stream is idle again. */
  close(slot: number): void {
    this.#slots[this.stream[slot]] = IDLE;
    this.#free.push(slot);
  }

  /** All streams are idle. */
  clear(): void {
    for (
      const column of [
        this.#free,
        this.#slots,
        this.stream,
        this.head,
        this.tail,
        this.turn,
        this.used,
      ]
    ) {
      column.length = 0;
    }
  }
}
