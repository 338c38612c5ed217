/** The lists of a SACK and of an NR-SACK: Gap Ack Blocks and Duplicate TSNs, four bytes an item. */
import { readU16, readU32, writeU16, writeU32 } from "../base/bytes.ts";
import { type Tsn, tsn } from "../base/serial.ts";
import { listItems } from "./text.ts";

/** First TSN of block `index` of the list at `at`, as a distance from the Cumulative TSN Ack. */
export function blockStart(bytes: Uint8Array, at: number, index: number): number {
  return readU16(bytes, at + 4 * index);
}

/** Last TSN of that block, likewise. */
export function blockEnd(bytes: Uint8Array, at: number, index: number): number {
  return readU16(bytes, at + 4 * index + 2);
}

/** Writes block `index` of the list at `at`. */
export function putBlock(
  bytes: Uint8Array,
  at: number,
  index: number,
  start: number,
  end: number,
): void {
  writeU16(bytes, at + 4 * index, start);
  writeU16(bytes, at + 4 * index + 2, end);
}

/** Duplicate TSN `index` of the list at `at`. */
export function duplicateTsn(bytes: Uint8Array, at: number, index: number): Tsn {
  return tsn(readU32(bytes, at + 4 * index));
}

/** Writes Duplicate TSN `index` of the list at `at`. */
export function putDuplicateTsn(bytes: Uint8Array, at: number, index: number, value: Tsn): void {
  writeU32(bytes, at + 4 * index, value);
}

/** A list of blocks in words, behind its name; nothing if it is empty. */
export function describeBlocks(
  name: string,
  bytes: Uint8Array,
  at: number,
  count: number,
): string {
  const words = listItems(
    indices(count),
    (i) => `${blockStart(bytes, at, i)}-${blockEnd(bytes, at, i)}`,
  );
  return words && ` ${name} ${words}`;
}

/** The Duplicate TSNs in words; nothing if there are none. */
export function describeDuplicates(bytes: Uint8Array, at: number, count: number): string {
  const words = listItems(indices(count), (i) => String(duplicateTsn(bytes, at, i)));
  return words && ` duplicates ${words}`;
}

function indices(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
