/** Memory for packets over which the checksum is computed where they lie, and its own way to copy. */
import { type CopyBytes, copyBytes } from "../base/copy.ts";
import type { Crc32c } from "../packet.ts";
import { copyModule } from "./copy_module.ts";
import { crc32cScalar } from "./scalar.ts";
import { crc32cModule, TABLES_END, writeTables } from "./simd_module.ts";

/** Memory that packets are received into and built in, and functions that are at home in it. */
export interface PacketMemory {
  /** All of the memory, the checksum's tables at its bottom included: write only what you allocated. */
  readonly bytes: Uint8Array;
  /**
   * A stretch of the memory that nobody else gets, starting at a multiple of 64.
   * @throws RangeError if the memory is used up, or `length` is not a whole number from 0 up.
   */
  allocate(length: number): Uint8Array;
  /** The same, or memory of its own if there is not so much left. */
  allocateIfFree(length: number): Uint8Array;
  /** Fast for bytes in this memory, right for any others. */
  readonly crc32c: Crc32c;
  /** Fast within this memory, right between any arrays. */
  readonly copy: CopyBytes;
}

/** How the checksum is computed. */
export type ChecksumKind = "relaxed-simd" | "simd" | "scalar";

/** Up to here the tables in JavaScript are faster than setting up the vectors. */
const SHORT = 128;

const PAGE = 0x1_0000;
const ALIGNMENT = 64;

/**
 * Makes a packet memory with room for `size` bytes of allocations.
 * @param size in bytes, up to about 4 GiB.
 * @param kind how to compute checksums; by default the fastest way that the machine has.
 * @throws RangeError if so much memory is not to be had.
 */
export function createPacketMemory(size: number, kind = bestChecksum()): PacketMemory {
  const pages = Math.ceil((align(TABLES_END) + size) / PAGE);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const home = memory.buffer;
  const crc32c = kind === "scalar" ? crc32cScalar : simdChecksum(memory, pages, kind);
  let used = align(TABLES_END);
  const allocate = (length: number) => {
    if (!Number.isInteger(length) || length < 0 || used + length > home.byteLength) {
      throw new RangeError(`cannot allocate ${length} of ${home.byteLength - used} free bytes`);
    }
    const stretch = new Uint8Array(home, used, length);
    used = align(used + length);
    return stretch;
  };
  return {
    bytes: new Uint8Array(home),
    allocate,
    allocateIfFree: (length) =>
      used + length <= home.byteLength ? allocate(length) : new Uint8Array(length),
    crc32c,
    copy: homeCopy(memory, pages),
  };
}

/** The fastest way that this machine can compute checksums in. */
export function bestChecksum(): ChecksumKind {
  if (WebAssembly.validate(crc32cModule(1, true))) return "relaxed-simd";
  return WebAssembly.validate(crc32cModule(1, false)) ? "simd" : "scalar";
}

function simdChecksum(
  memory: WebAssembly.Memory,
  pages: number,
  kind: Exclude<ChecksumKind, "scalar">,
): Crc32c {
  const home = memory.buffer;
  writeTables(home);
  const module = new WebAssembly.Module(crc32cModule(pages, kind === "relaxed-simd"));
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const compute = exports.crc32c as (address: number, length: number) => number;
  return (bytes, offset, length) =>
    length < SHORT || bytes.buffer !== home
      ? crc32cScalar(bytes, offset, length)
      : compute(bytes.byteOffset + offset, length) >>> 0;
}

function homeCopy(memory: WebAssembly.Memory, pages: number): CopyBytes {
  const home = memory.buffer;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(copyModule(pages)), {
    env: { memory },
  });
  const copy = exports.copy as (target: number, source: number, length: number) => void;
  return (source, sourceOffset, target, targetOffset, length) => {
    if (source.buffer === home && target.buffer === home) {
      copy(target.byteOffset + targetOffset, source.byteOffset + sourceOffset, length);
    } else copyBytes(source, sourceOffset, target, targetOffset, length);
  };
}

function align(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}
