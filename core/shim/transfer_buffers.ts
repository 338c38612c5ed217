/**
 * The memory that bytes pass through between TCP and SCTP, shared by all connections of a data
 * plane: a connection holds a buffer only while the other side refuses what is in it.
 */

/** Bytes read from TCP at once, and so of the longest message that a shim sends. */
const OUTBOUND_BYTES = 64 * 1024;

/** Bytes of received messages that are collected for one write to TCP. */
const INBOUND_BYTES = 256 * 1024;

/** Buffers of one size that are used again and again. */
export class BufferPool {
  readonly #free: Uint8Array[] = [];

  /**
   * @param size bytes of each buffer.
   * @param allocate where their memory comes from.
   */
  constructor(readonly size: number, readonly allocate: (length: number) => Uint8Array) {}

  /** A buffer with unspecified content. */
  take(): Uint8Array {
    return this.#free.pop() ?? this.allocate(this.size);
  }

  /** Takes a buffer back. */
  give(buffer: Uint8Array): void {
    this.#free.push(buffer);
  }
}

/** The pools of both directions. */
export class TransferBuffers {
  readonly outbound: BufferPool;
  readonly inbound: BufferPool;

  /**
   * @param sendBuffer bytes of an association's send buffer: two messages fit into it.
   * @param allocate where the buffers' memory comes from; by default the heap.
   */
  constructor(
    sendBuffer: number,
    allocate: BufferPool["allocate"] = (length) => new Uint8Array(length),
  ) {
    this.outbound = new BufferPool(Math.min(OUTBOUND_BYTES, sendBuffer >> 1), allocate);
    this.inbound = new BufferPool(INBOUND_BYTES, allocate);
  }
}
