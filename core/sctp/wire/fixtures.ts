/** For tests of the wire format: chunks in places and at lengths that parsers must bear. */
import { writeU16 } from "../base/bytes.ts";
import { COMMON_HEADER_LENGTH, putCommonHeader } from "./common_header.ts";

/** A packet without a checksum around some chunks. */
export function packetOf(...chunks: readonly Uint8Array[]): Uint8Array {
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, COMMON_HEADER_LENGTH);
  const packet = new Uint8Array(length);
  putCommonHeader(packet, 0, 5001, 5000, 0x2a);
  let offset = COMMON_HEADER_LENGTH;
  for (const chunk of chunks) {
    packet.set(chunk, offset);
    offset += chunk.length;
  }
  return packet;
}

/** The chunk at an odd place in a buffer full of other bytes, so that stray reads show. */
export function embedded(chunk: Uint8Array, offset = 7): Uint8Array {
  const buffer = new Uint8Array(offset + chunk.length + 40).fill(0xee);
  buffer.set(chunk, offset);
  return buffer;
}

/** The chunk at every length from 4 up to its own, with a length field to match. */
export function* truncations(chunk: Uint8Array): Generator<Uint8Array> {
  for (let length = 4; length <= chunk.length; length++) {
    const shorter = chunk.slice(0, length);
    writeU16(shorter, 2, length);
    yield shorter;
  }
}

/** Bytes written in hexadecimal; spaces are for the reader. */
export function hex(text: string): Uint8Array {
  const digits = text.replaceAll(" ", "");
  return Uint8Array.from(
    { length: digits.length / 2 },
    (_, i) => parseInt(digits.slice(2 * i, 2 * i + 2), 16),
  );
}
