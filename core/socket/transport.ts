/** Opens packet transports, with memory in which checksums are fast. */
import { hmacSha256, systemHmacs } from "../net/keyed_hash.ts";
import { SystemRandom } from "../net/system_random.ts";
import { openPacketIo, type TransportKind } from "../net/mod.ts";
import type { PacketIo } from "../net/packet_io.ts";
import type { IpAddress } from "../sctp/base/address.ts";
import type { PageSource } from "../sctp/base/slab_pool.ts";
import { packetPages } from "../sctp/checksum/packet_pages.ts";
import { createPacketMemory } from "../sctp/checksum/simd.ts";
import type { Environment } from "../sctp/environment.ts";
import { BATCH_BYTES } from "./pump.ts";

/** How packets travel. */
export interface TransportOptions {
  /** "udp" needs no rights; "raw" is SCTP directly over IP and needs root or CAP_NET_RAW, as "both" does. */
  readonly transport: TransportKind;
  /** This side's UDP port; by default 9899, 0 for one that is free. */
  readonly udpPort?: number;
  /** Addresses of this side; by default all of this host. */
  readonly localAddresses?: readonly IpAddress[];
  /** False to do without libc, over `Deno.listenDatagram`: slower, and not for "raw". */
  readonly ffi?: boolean;
}

/** A packet transport and what an engine needs beside it. */
export interface Transport {
  readonly io: PacketIo;
  readonly environment: Environment;
  /** Memory to build packets in, over which the environment's checksum is fast. */
  readonly memory: Uint8Array;
  /** Memory for user data, of the same kind as long as it lasts: bytes pass between the two cheaply. */
  readonly pages: PageSource;
  /** Gives more of the same, for buffers that user data is copied from or to. */
  readonly allocate: (length: number) => Uint8Array;
}

/** Memory for received packets: what UDP and raw IP take together, and some room. */
const RECEIVE_BYTES = 6 << 20;

/** Memory for user data: what a few fast associations hold. It costs nothing until it is used. */
const DATA_BYTES = 32 << 20;

/**
 * Opens a transport.
 * @throws Error that says what is missing or in the way, and what to do about it.
 */
export function openTransport(options: TransportOptions): Transport {
  const { transport, udpPort: port, localAddresses: addresses, ffi } = options;
  const packets = createPacketMemory(BATCH_BYTES + RECEIVE_BYTES + DATA_BYTES);
  const { allocate, crc32c } = packets;
  const environment = {
    random: new SystemRandom(),
    keyedHash: hmacSha256,
    hmacs: systemHmacs,
    crc32c,
  };
  const io = openPacketIo({ transport, port, addresses, ffi, allocate });
  return {
    io,
    environment,
    memory: allocate(BATCH_BYTES),
    pages: packetPages(packets),
    allocate: packets.allocateIfFree,
  };
}
