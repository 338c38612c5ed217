/** Builds one packet in place, at the end of a batch (RFC 9260, section 6.10). */
import type { Authentication } from "../auth/authentication.ts";
import { padded } from "../base/bytes.ts";
import type { Crc32c, PacketBatch, Route } from "../packet.ts";
import { COMMON_HEADER_LENGTH, putCommonHeader, sealChecksum } from "../wire/common_header.ts";
import { putPadding } from "../wire/chunk.ts";
import { needsChecksum } from "../wire/chunk_type.ts";

const NO_BATCH_YET: Uint8Array = new Uint8Array(0);

export class PacketWriter {
  readonly #crc32c: Crc32c;
  /** The memory of the batch; chunks are written straight into it. */
  memory = NO_BATCH_YET;
  #start = 0;
  /** Where the first chunk but AUTH goes. */
  #first = 0;
  #end = 0;
  #limit = 0;
  /** Who authenticates the chunks from {@link #auth} on. */
  #authentication: Authentication | undefined;
  #auth = 0;
  #omitsChecksum = false;
  /** Key that a message in the packet asks for. */
  #key: number | undefined;
  /** Whether a message is in the packet. */
  #hasMessage = false;

  constructor(crc32c: Crc32c) {
    this.#crc32c = crc32c;
  }

  /**
   * Opens a packet of at most `maximum` bytes; the batch has room for it.
   * @param omitsChecksum the peer takes packets with a checksum of zero (RFC 9653).
   */
  begin(
    batch: PacketBatch,
    maximum: number,
    sourcePort: number,
    destinationPort: number,
    tag: number,
    omitsChecksum = false,
  ): void {
    this.memory = batch.memory;
    this.#omitsChecksum = omitsChecksum;
    this.#start = batch.used;
    this.#end = this.#start + COMMON_HEADER_LENGTH;
    this.#first = this.#end;
    this.#authentication = undefined;
    this.#key = undefined;
    this.#hasMessage = false;
    this.#limit = this.#start + maximum;
    putCommonHeader(this.memory, this.#start, sourcePort, destinationPort, tag);
  }

  /** Bytes that still fit. */
  get room(): number {
    return this.#limit - this.#end;
  }

  /** True until the first chunk but AUTH is in. */
  get isEmpty(): boolean {
    return this.#end === this.#first;
  }

  /** True if chunks that are added now are authenticated. */
  get isAuthenticating(): boolean {
    return this.#authentication !== undefined;
  }

  /** Adds an AUTH chunk for all that follows (RFC 4895, section 6.2); there is at most one. */
  authenticate(authentication: Authentication): void {
    const wasEmpty = this.isEmpty;
    this.#authentication = authentication;
    this.#auth = this.reserve(authentication.chunkLength);
    if (wasEmpty) this.#first = this.#end;
    authentication.place(this.memory, this.#auth);
  }

  /**
   * A message that asks for this key, or for none, may share the packet (RFC 6458, section 5.3.8): no other
   * message is in it, or all ask for the same. It is authenticated with the key.
   */
  admits(key: number | undefined): boolean {
    if (this.#hasMessage && key !== this.#key) return false;
    this.#hasMessage = true;
    this.#key = key;
    return true;
  }

  /** Takes an AUTH chunk back behind which nothing came. */
  dropIdleAuth(): void {
    if (!this.#authentication || this.#end > this.#auth + this.#authentication.chunkLength) return;
    if (this.isEmpty) this.#first = this.#auth;
    this.#end = this.#auth;
    this.#authentication = undefined;
  }

  /** Bytes of the packet so far. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** Copies a whole, padded chunk in; the caller has checked {@link room}. */
  append(chunk: Uint8Array): void {
    if (needsChecksum(chunk[0])) this.#omitsChecksum = false;
    this.memory.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** Makes room for a chunk of `length` bytes and its padding; returns where it starts. */
  reserve(length: number): number {
    const offset = this.#end;
    putPadding(this.memory, offset, length);
    this.#end += padded(length);
    return offset;
  }

  /** Seals the packet and adds it to the batch; returns its length. */
  finish(batch: PacketBatch, route: Route): number {
    const length = this.length;
    if (this.#key !== undefined) {
      this.#authentication?.place(this.memory, this.#auth, this.#key);
    }
    this.#authentication?.seal(this.memory, this.#auth, this.#end);
    // The header has a checksum of zero from the start.
    if (!this.#omitsChecksum) sealChecksum(this.#crc32c, this.memory, this.#start, length);
    batch.commit(length, route);
    return length;
  }
}
