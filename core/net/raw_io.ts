/** SCTP packets directly over IP, protocol 132 (RFC 9260, section 1.2), by FFI; needs root or CAP_NET_RAW. */
import { IpAddress } from "../sctp/base/address.ts";
import {
  EACCES,
  EAFNOSUPPORT,
  EPERM,
  IP_MTU_DISCOVER,
  IP_PKTINFO,
  IP_PMTUDISC_DO,
  IP_RECVERR,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_SCTP,
  IPV6_MTU_DISCOVER,
  IPV6_PMTUDISC_DO,
  IPV6_RECVERR,
  IPV6_RECVPKTINFO,
  IPV6_RECVTCLASS,
  SOCK_RAW,
} from "./constants.ts";
import { hostAddressesIfAllowed, resolveBoundAddresses } from "./interfaces.ts";
import type { LocalSocket } from "./local_socket.ts";
import { nativeBytes } from "./native_memory.ts";
import type { BoundAddress, PacketIo } from "./packet_io.ts";
import { bindSocket, closeSocket, familyOf, openSocket, orClose } from "./socket.ts";
import { setBufferSizes, setOption } from "./socket.ts";
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
const WILDCARDS = ["0.0.0.0", "::"].map(IpAddress.parse);

/**
 * Opens the transport. Named addresses have a socket each: the kernel then goes on answering "no SCTP
 * here" for its other addresses.
 * @throws SystemError without the right to open raw sockets, and for an address that is not this host's.
 */
export function openRawIo(options: RawIoOptions): PacketIo {
  const { addresses = [], allocate = nativeBytes } = options;
  const named = resolveBoundAddresses(addresses);
  const hostAddresses = hostAddressesIfAllowed();
  return new SocketPacketIo({
    encapsulation: "raw",
    port: 0,
    sockets: openSockets(named),
    localAddresses: named.length > 0 ? named : hostAddresses,
    hostAddresses,
    segmentation: false,
    allocate,
  });
}

function openSockets(named: readonly BoundAddress[]): LocalSocket[] {
  const sockets: LocalSocket[] = [];
  try {
    for (const bound of named) sockets.push(openOne(bound.address, bound));
    if (named.length > 0) return sockets;
    for (const wildcard of WILDCARDS) {
      const socket = openIfSupported(wildcard);
      if (socket) sockets.push(socket);
    }
    return sockets;
  } catch (error) {
    for (const { descriptor } of sockets) closeSocket(descriptor);
    throw error;
  }
}

/** A host without IPv6, or without IPv4, uses what it has. */
function openIfSupported(wildcard: IpAddress): LocalSocket | undefined {
  try {
    return openOne(wildcard, undefined);
  } catch (error) {
    if (error instanceof SystemError && error.errno === EAFNOSUPPORT) return undefined;
    throw error;
  }
}

function openOne(address: IpAddress, bound: BoundAddress | undefined): LocalSocket {
  const descriptor = openDescriptor(familyOf(address));
  return orClose(descriptor, () => {
    configure(descriptor, address.family);
    bindSocket(descriptor, address, 0, "raw SCTP socket");
    return { descriptor, family: address.family, bound, errorQueued: false };
  });
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
    setOption(descriptor, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO, "IP_MTU_DISCOVER");
    setOption(descriptor, IPPROTO_IP, IP_RECVERR, 1, "IP_RECVERR");
    setOption(descriptor, IPPROTO_IP, IP_PKTINFO, 1, "IP_PKTINFO");
  } else {
    setOption(descriptor, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO, "IPV6_MTU_DISCOVER");
    setOption(descriptor, IPPROTO_IPV6, IPV6_RECVERR, 1, "IPV6_RECVERR");
    setOption(descriptor, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, "IPV6_RECVPKTINFO");
    setOption(descriptor, IPPROTO_IPV6, IPV6_RECVTCLASS, 1, "IPV6_RECVTCLASS");
  }
}
