/** Opens packet transports: the one that is asked for, by the best means that are at hand. */
import type { IpAddress } from "../sctp/base/address.ts";
import { openDatagramIo } from "./datagram_io.ts";
import { DualIo } from "./dual_io.ts";
import { ffiAvailable } from "./libc.ts";
import type { PacketIo } from "./packet_io.ts";
import { openRawIo, type RawIoOptions } from "./raw_io.ts";
import { openUdpIo } from "./udp_io.ts";

/**
 * "raw": SCTP directly over IP (root only). "udp": SCTP in UDP datagrams (RFC 6951). "both": either, as
 * each peer has it.
 */
export type TransportKind = "udp" | "raw" | "both";

/** Options of {@link openPacketIo}. */
export interface PacketIoOptions {
  readonly transport: TransportKind;
  /** UDP: our port, 0 for one of the system's choice. Raw IP has none. */
  readonly port?: number;
  /** Addresses that packets leave from and come to; every address of the host if none is named. */
  readonly addresses?: readonly IpAddress[];
  /** Whether to use FFI; by default where that is possible. Raw IP needs it. */
  readonly ffi?: boolean;
  /** Where the memory of received packets comes from; it must stay where it is. */
  readonly allocate?: (length: number) => Uint8Array;
}

/** The UDP port of SCTP (RFC 6951, section 7). */
export const SCTP_UDP_PORT = 9899;

/**
 * Opens a packet transport.
 * @throws Error that says what is missing or in the way, and what to do about it.
 */
export function openPacketIo(options: PacketIoOptions): PacketIo {
  const { transport, port = SCTP_UDP_PORT, addresses, allocate, ffi = ffiAvailable() } = options;
  if (transport === "raw") return openRawIo({ addresses, allocate });
  const open = ffi ? openUdpIo : openDatagramIo;
  const udp = open({ port, addresses, allocate });
  return transport === "udp" ? udp : withRaw(udp, { addresses, allocate });
}

function withRaw(udp: PacketIo, options: RawIoOptions): PacketIo {
  try {
    return new DualIo(udp, openRawIo(options));
  } catch (error) {
    udp.close();
    throw error;
  }
}
