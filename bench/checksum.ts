/** CRC32c, in every way that this machine has. */
import { bestChecksum, type ChecksumKind, createPacketMemory } from "../core/sctp/checksum/simd.ts";
import type { Benchmark, Context } from "./benchmark.ts";
import { nanosecondsEach, type Operation } from "./measure.ts";

/** Bytes: a packet of small messages, a packet on Ethernet, and on Ethernet with jumbo frames. */
const LENGTHS = [64, 256, 1448, 9000];

export const checksum: Benchmark = {
  name: "crc32c",
  title: "CRC32c",
  run(context) {
    for (const kind of availableKinds()) {
      for (const length of LENGTHS) measure(context, kind, length);
    }
  },
};

function availableKinds(): ChecksumKind[] {
  const kinds: ChecksumKind[] = ["scalar", "simd", "relaxed-simd"];
  return kinds.slice(0, kinds.indexOf(bestChecksum()) + 1);
}

function measure(context: Context, kind: ChecksumKind, length: number): void {
  const nanoseconds = nanosecondsEach(checksumOperation(kind, length), context.effort);
  context.keep({
    row: kind,
    column: `${length.toLocaleString("en-US")} bytes`,
    unit: "GB/s",
    samples: nanoseconds.map((each) => length / each),
  });
}

function checksumOperation(kind: ChecksumKind, length: number): Operation {
  const memory = createPacketMemory(length, kind);
  const bytes = memory.allocate(length);
  for (let i = 0; i < length; i++) bytes[i] = i * 131;
  return (count) => {
    let joined = 0;
    for (let i = 0; i < count; i++) joined ^= memory.crc32c(bytes, 0, length);
    return joined;
  };
}
