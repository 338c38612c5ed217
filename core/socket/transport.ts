/** Opens packet transports, with memory in which checksums are fast. */
import { hmacSha256 } from "../net/keyed_hash.ts";
import { SystemRandom } from "../net/system_random.ts";
import { openDatagramIo } from "../net/datagram_io.ts";
import { ffiAvailable } from "../net/libc.ts";
import type { PacketIo } from "../net/packet_io.ts";
import { openRawIo } from "../net/raw_io.ts";
import { openUdpIo } from "../net/udp_io.ts";
import type { IpAddress } from "../sctp/base/address.ts";
import { createPacketMemory } from "../sctp/checksum/simd.ts";
import type { Environment } from "../sctp/environment.ts";
import { BATCH_BYTES } from "./pump.ts";

/** UDP port of SCTP over UDP (RFC 6951, section 5.1). */
export const ENCAPSULATION_PORT = 9899;

/** How packets travel. */
export interface TransportOptions {
  /** "udp" needs no rights; "raw" is SCTP directly over IP and needs root or CAP_NET_RAW. */
  readonly transport: "udp" | "raw";
  /** This side's UDP port; by default {@link ENCAPSULATION_PORT}, 0 for one that is free. */
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
}

/** Memory for received packets: what the transport with the most of it takes, and some room. */
const RECEIVE_BYTES = 5 << 20;

/**
 * Opens a transport.
 * @throws SystemError if its sockets cannot be opened: the port is taken, a right is missing.
 * @throws TypeError for "raw" without FFI.
 */
export function openTransport(options: TransportOptions): Transport {
  const { allocate, crc32c } = createPacketMemory(BATCH_BYTES + RECEIVE_BYTES);
  const environment = { random: new SystemRandom(), keyedHash: hmacSha256, crc32c };
  return { io: openIo(options, allocate), environment, memory: allocate(BATCH_BYTES) };
}

function openIo(options: TransportOptions, allocate: (length: number) => Uint8Array): PacketIo {
  const { transport, udpPort = ENCAPSULATION_PORT, localAddresses: addresses } = options;
  const ffi = options.ffi ?? ffiAvailable();
  if (transport === "raw") {
    if (!ffi) throw new TypeError("SCTP directly over IP needs FFI (--allow-ffi); use UDP instead");
    return openRawIo({ addresses, allocate });
  }
  return ffi
    ? openUdpIo({ port: udpPort, addresses, allocate })
    : openDatagramIo({ port: udpPort, addresses });
}
