/** SCTP packets directly over IP, protocol 132 (RFC 9260, section 1.2), by FFI; needs root or CAP_NET_RAW. */
import type { IpAddress } from "../sctp/base/address.ts";
import {
  EACCES,
  EBUSY,
  EPERM,
  IP_PKTINFO,
  IP_RECVERR,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_SCTP,
  IPV6_RECVERR,
  IPV6_RECVPKTINFO,
  IPV6_RECVTCLASS,
  SO_ATTACH_FILTER,
  SOCK_RAW,
  SOL_SOCKET,
} from "./constants.ts";
import { hostAddressesIfAllowed, resolveBoundAddresses } from "./interfaces.ts";
import { check, libc } from "./libc.ts";
import type { LocalSocket } from "./local_socket.ts";
import { addressOf, nativeBytes, writeWord64 } from "./native_memory.ts";
import type { PacketIo } from "./packet_io.ts";
import {
  bindSocket,
  closeSocket,
  familyOf,
  forbidFragmentation,
  openSocket,
  orClose,
  setBufferSizes,
  setOption,
} from "./socket.ts";
import { openPlanned, type PlannedSocket, planSockets, tryBindToInterface } from "./socket_plan.ts";
import { otherHolder } from "./socket_table.ts";
import { SocketPacketIo } from "./socket_packet_io.ts";
import { SystemError } from "./system_error.ts";

/** Options of {@link openRawIo}. */
export interface RawIoOptions {
  /** Addresses that packets leave from and come to; every address of the host if none is named. */
  readonly addresses?: readonly IpAddress[];
  /** Where the memory of received packets comes from. */
  readonly allocate?: (length: number) => Uint8Array;
}

/** Bytes that may wait in the kernel. */
const BUFFER_BYTES = 8 << 20;
const ADVICE = "Raw IP needs root or CAP_NET_RAW; SCTP over UDP (--udp) works without";
/** BPF_RET | BPF_K with a constant of 0: keep no byte of the packet (filter.rst of the kernel). */
const BPF_RET = 0x06;

/**
 * Opens the transport. Named addresses have a socket each: the kernel then goes on answering "no SCTP
 * here" for its other addresses.
 * @throws SystemError without the right to open raw sockets, for an address that is not this host's, and
 * if another process gets the same packets.
 */
export function openRawIo(options: RawIoOptions): PacketIo {
  const { addresses = [], allocate = nativeBytes } = options;
  const named = resolveBoundAddresses(addresses);
  const hostAddresses = hostAddressesIfAllowed();
  refuseCompany(named.map(({ address }) => address));
  return new SocketPacketIo({
    encapsulation: "raw",
    port: 0,
    sockets: openPlanned(planSockets(named, hostAddresses), openOne),
    localAddresses: named.length > 0 ? named : hostAddresses,
    hostAddresses,
    segmentation: false,
    allocate,
  });
}

/** Every process gets a copy, and aborts the associations of all the others as not its own (8.4). */
function refuseCompany(addresses: readonly IpAddress[]): void {
  const other = otherHolder("raw", IPPROTO_SCTP, addresses);
  if (!other) return;
  const where = addresses.length > 0 ? addresses.map(({ text }) => text).join() : "every address";
  throw new SystemError(
    EBUSY,
    `receive SCTP over IP at ${where}`,
    `It comes to ${other} already: stop that, name other addresses, or use SCTP over UDP`,
  );
}

function openOne({ address, bound, interfaceIndex }: PlannedSocket): LocalSocket | undefined {
  const descriptor = openDescriptor(familyOf(address));
  return orClose(descriptor, () => {
    configure(descriptor, address.family);
    if (interfaceIndex > 0) {
      if (!tryBindToInterface(descriptor, interfaceIndex)) {
        closeSocket(descriptor);
        return undefined;
      }
      receiveNothing(descriptor);
    }
    bindSocket(descriptor, address, 0, "raw SCTP socket");
    return { descriptor, family: address.family, bound, interfaceIndex, errorQueued: false };
  });
}

/** Every raw socket gets a copy of what arrives: one of an address's sockets is enough. */
function receiveNothing(descriptor: number): void {
  const instruction = nativeBytes(8);
  instruction[0] = BPF_RET;
  const program = nativeBytes(16);
  const words = new Uint32Array(program.buffer);
  words[0] = 1;
  writeWord64(words, 2, addressOf(instruction));
  const result = libc().setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, program, 16);
  check(result, "attach a filter to a raw SCTP socket");
}

function openDescriptor(family: number): number {
  try {
    return openSocket(family, SOCK_RAW, IPPROTO_SCTP, "raw SCTP socket");
  } catch (error) {
    if (error instanceof SystemError && (error.errno === EPERM || error.errno === EACCES)) {
      throw new SystemError(error.errno, error.attempt, ADVICE);
    }
    throw error;
  }
}

function configure(descriptor: number, family: 4 | 6): void {
  setBufferSizes(descriptor, BUFFER_BYTES, BUFFER_BYTES);
  if (family === 4) {
    forbidFragmentation(descriptor, 4);
    setOption(descriptor, IPPROTO_IP, IP_RECVERR, 1, "IP_RECVERR");
    setOption(descriptor, IPPROTO_IP, IP_PKTINFO, 1, "IP_PKTINFO");
  } else {
    forbidFragmentation(descriptor, 6);
    setOption(descriptor, IPPROTO_IPV6, IPV6_RECVERR, 1, "IPV6_RECVERR");
    setOption(descriptor, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, "IPV6_RECVPKTINFO");
    setOption(descriptor, IPPROTO_IPV6, IPV6_RECVTCLASS, 1, "IPV6_RECVTCLASS");
  }
}
