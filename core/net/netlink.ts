/**
 * Netlink messages (netlink(7)): a header, a fixed part that belongs to the type, attributes.
 *
 * ```text
 *  0                   4         6         8                  12                  16
 * +-------------------+---------+---------+-------------------+-------------------+---- - -
 * | length with header| type    | flags   | sequence number   | port              | payload
 * +-------------------+---------+---------+-------------------+-------------------+---- - -
 * attribute: length with header (2), type (2), data; each starts on a multiple of four
 * ```
 *
 * Headers are in the machine's order, which is little-endian; payloads may be in network order.
 * Reading is total: a length that leaves the buffer ends the iteration.
 */
import { nativeBytes } from "./native_memory.ts";
import { readHostU16, readHostU32, writeHostU16, writeHostU32 } from "./sockaddr.ts";

export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;

export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_DUMP_INTR = 0x10;
export const NLM_F_DUMP = 0x300;

const HEADER_BYTES = 16;
const ATTRIBUTE_HEADER_BYTES = 4;
/** Nested and byte-order flags share the field with the type. */
const ATTRIBUTE_TYPE_MASK = 0x3fff;
const NESTED = 0x8000;

function aligned(length: number): number {
  return (length + 3) & ~3;
}

/** Builds one message at a time in memory that it keeps. */
export class NetlinkWriter {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Bytes of the message so far. */
  length = 0;

  /** @param capacity bytes of the longest message. */
  constructor(capacity: number) {
    this.bytes = nativeBytes(capacity);
  }

  /** Starts a message. */
  begin(type: number, flags: number, sequence: number): void {
    this.length = 0;
    this.reserve(HEADER_BYTES);
    writeHostU16(this.bytes, 4, type);
    writeHostU16(this.bytes, 6, flags);
    writeHostU32(this.bytes, 8, sequence);
  }

  /**
   * Appends zeroed bytes, and returns where they start.
   * @throws RangeError if the message gets longer than the capacity.
   */
  reserve(length: number): number {
    const start = this.length;
    const end = start + aligned(length);
    if (end > this.bytes.length) {
      throw new RangeError(`netlink message of ${end} bytes where ${this.bytes.length} fit`);
    }
    this.bytes.fill(0, start, end);
    this.length = end;
    writeHostU32(this.bytes, 0, end);
    return start;
  }

  /** Appends an attribute with zeroed data, and returns where its data starts. */
  attribute(type: number, length: number): number {
    const start = this.reserve(ATTRIBUTE_HEADER_BYTES + length);
    writeHostU16(this.bytes, start, ATTRIBUTE_HEADER_BYTES + length);
    writeHostU16(this.bytes, start + 2, type);
    return start + ATTRIBUTE_HEADER_BYTES;
  }

  /** Appends an attribute that consists of those that `fill` appends. */
  nest(type: number, fill: () => void): void {
    const start = this.attribute(type | NESTED, 0) - ATTRIBUTE_HEADER_BYTES;
    fill();
    writeHostU16(this.bytes, start, this.length - start);
  }
}

/** Walks over the messages of a datagram. */
export class NetlinkReader {
  /** Of the message that {@link next} found: */
  type = 0;
  flags = 0;
  sequence = 0;
  /** Where its payload starts and ends. */
  start = 0;
  end = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #limit = 0;

  /** Goes to the start of a datagram of `length` bytes at `offset`. */
  reset(bytes: Uint8Array, offset: number, length: number): void {
    this.#bytes = bytes;
    this.#at = offset;
    this.#limit = Math.min(offset + length, bytes.length);
  }

  /** Goes to the next message; false if there is none. */
  next(): boolean {
    const [bytes, at] = [this.#bytes, this.#at];
    if (at + HEADER_BYTES > this.#limit) return false;
    const length = readHostU32(bytes, at);
    if (length < HEADER_BYTES || length > this.#limit - at) return false;
    this.type = readHostU16(bytes, at + 4);
    this.flags = readHostU16(bytes, at + 6);
    this.sequence = readHostU32(bytes, at + 8);
    this.start = at + HEADER_BYTES;
    this.end = at + length;
    this.#at = at + aligned(length);
    return true;
  }

  /** The errno of an NLMSG_ERROR message: 0 for an acknowledgement. */
  get error(): number {
    return this.end - this.start < 4 ? 0 : -(readHostU32(this.#bytes, this.start) | 0);
  }
}

/** Walks over the attributes of a message. */
export class AttributeReader {
  /** Of the attribute that {@link next} found: */
  type = 0;
  /** Where its data starts, and how many bytes of it there are. */
  start = 0;
  length = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;

  /** Goes to the attributes that lie from `start` to `end`. */
  reset(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = Math.min(end, bytes.length);
  }

  /** Goes to the next attribute of a type; false if there is none. */
  find(type: number): boolean {
    while (this.next()) if (this.type === type) return true;
    return false;
  }

  /** Goes to the first attribute of a type among those that the one found last consists of. */
  enter(type: number): boolean {
    this.reset(this.#bytes, this.start, this.start + this.length);
    return this.find(type);
  }

  /** Goes to the next attribute; false if there is none. */
  next(): boolean {
    const [bytes, at] = [this.#bytes, this.#at];
    if (at + ATTRIBUTE_HEADER_BYTES > this.#end) return false;
    const length = readHostU16(bytes, at);
    if (length < ATTRIBUTE_HEADER_BYTES || length > this.#end - at) return false;
    this.type = readHostU16(bytes, at + 2) & ATTRIBUTE_TYPE_MASK;
    this.start = at + ATTRIBUTE_HEADER_BYTES;
    this.length = length - ATTRIBUTE_HEADER_BYTES;
    this.#at = at + aligned(length);
    return true;
  }
}
