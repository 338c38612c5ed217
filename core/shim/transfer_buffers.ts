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

  /** @param size bytes of each buffer. */
  constructor(readonly size: number) {}

  /** A buffer with unspecified content. */
  take(): Uint8Array {
    return this.#free.pop() ?? new Uint8Array(new ArrayBuffer(this.size));
  }

  /** Takes a buffer back. */
  give(buffer: Uint8Array): void {
    this.#free.push(buffer);
  }
}

/** The pools of both directions. */
export class TransferBuffers {
  readonly outbound: BufferPool;
  readonly inbound = new BufferPool(INBOUND_BYTES);

  /** @param sendBuffer bytes of an association's send buffer: two messages fit into it. */
  constructor(sendBuffer: number) {
    this.outbound = new BufferPool(Math.min(OUTBOUND_BYTES, sendBuffer >> 1));
  }
}
