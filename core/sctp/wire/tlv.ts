/**
 * The Type-Length-Value form that parameters (RFC 9260, section 3.2.1) and error causes
 * (section 3.3.10) share: a 16-bit type, a 16-bit length of the whole without its padding, a value.
 */
import { padded, readU16, writeU16 } from "../base/bytes.ts";

/** Bytes of type and length. */
export const TLV_HEADER_LENGTH = 4;

/** Type of the item at `offset`. */
export function tlvType(bytes: Uint8Array, offset: number): number {
  return readU16(bytes, offset);
}

/** Length field of the item at `offset`: header included, padding not. */
export function tlvLength(bytes: Uint8Array, offset: number): number {
  return readU16(bytes, offset + 2);
}

/**
 * True if nothing more follows at `offset`: less than a header is left, which a robust receiver
 * takes for final padding that was counted in the chunk's length (section 3.2).
 */
export function tlvsEnd(offset: number, end: number): boolean {
  return offset + TLV_HEADER_LENGTH > end;
}

/** True if the item at `offset`, whose header lies before `end`, has a length that can be. */
export function tlvIsWhole(bytes: Uint8Array, offset: number, end: number): boolean {
  const length = tlvLength(bytes, offset);
  return length >= TLV_HEADER_LENGTH && offset + length <= end;
}

/** Offset behind the whole item at `offset` and its padding. */
export function nextTlv(bytes: Uint8Array, offset: number): number {
  return offset + padded(tlvLength(bytes, offset));
}

/** A copy of the value of the whole item at `offset`. */
export function tlvValue(bytes: Uint8Array, offset: number): Uint8Array {
  return bytes.slice(offset + TLV_HEADER_LENGTH, offset + tlvLength(bytes, offset));
}

/** A copy of the whole item at `offset`, without its padding. */
export function tlvBytes(bytes: Uint8Array, offset: number): Uint8Array {
  return bytes.slice(offset, offset + tlvLength(bytes, offset));
}

/**
 * A new item, without padding.
 * @throws RangeError if the value is longer than 65,531 bytes.
 */
export function newTlv(type: number, value: Uint8Array): Uint8Array {
  const length = TLV_HEADER_LENGTH + value.length;
  if (length > 0xffff) {
    throw new RangeError(
      `a value of ${value.length} bytes does not fit into an item of type ${type}`,
    );
  }
  const item = new Uint8Array(length);
  writeU16(item, 0, type);
  writeU16(item, 2, length);
  item.set(value, TLV_HEADER_LENGTH);
  return item;
}

/**
 * Items one behind the other, each padded but the last: as they stand in a chunk, whose length
 * does not count the padding of its last item (section 3.2).
 */
export function joinTlvs(items: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const item of items) length = padded(length) + item.length;
  const joined = new Uint8Array(length);
  let offset = 0;
  for (const item of items) {
    joined.set(item, offset);
    offset += padded(item.length);
  }
  return joined;
}
