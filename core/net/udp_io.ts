/** SCTP packets in UDP datagrams (RFC 6951), by FFI. */
import { IpAddress } from "../sctp/base/address.ts";
import {
  EAFNOSUPPORT,
  IP_MTU_DISCOVER,
  IP_PKTINFO,
  IP_PMTUDISC_DO,
  IP_RECVERR,
  IP_RECVTOS,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_UDP,
  IPV6_MTU_DISCOVER,
  IPV6_PMTUDISC_DO,
  IPV6_RECVERR,
  IPV6_RECVPKTINFO,
  IPV6_RECVTCLASS,
  IPV6_V6ONLY,
  LOOPBACK_IFINDEX,
  SO_BINDTOIFINDEX,
  SOCK_DGRAM,
  SOL_SOCKET,
  UDP_GRO,
  UDP_SEGMENT,
} from "./constants.ts";
import { hostAddressesIfAllowed, resolveBoundAddresses } from "./interfaces.ts";
import { nativeBytes } from "./native_memory.ts";
import type { BoundAddress, PacketIo } from "./packet_io.ts";
import {
  bindSocket,
  closeSocket,
  familyOf,
  localName,
  openSocket,
  orClose,
  setBufferSizes,
  setOption,
  trySetOption,
} from "./socket.ts";
import type { LocalSocket } from "./local_socket.ts";
import { SocketPacketIo } from "./socket_packet_io.ts";
import { SystemError } from "./system_error.ts";

/** Options of {@link openUdpIo}. */
export interface UdpIoOptions {
  /** Our UDP port: 9899 is the registered one (RFC 6951, section 7); 0 lets the kernel choose. */
  readonly port: number;
  /** Addresses that packets leave from and come to; every address of the host if none is named. */
  readonly addresses?: readonly IpAddress[];
  /** Where the memory of received packets comes from. */
  readonly allocate?: (length: number) => Uint8Array;
  /** Lets equal-sized packets share a message where the kernel can do it; true by default. */
  readonly segmentation?: boolean;
  /** Takes and sends packets of an address by its own interface only, even within this host. */
  readonly bindToInterface?: boolean;
}

/** Bytes that may wait in the kernel: a batch and what comes while one is worked on. */
const BUFFER_BYTES = 8 << 20;
/** Attempts to find a port that is free on every address. */
const PORT_ATTEMPTS = 16;

const WILDCARDS = ["0.0.0.0", "::"].map(IpAddress.parse);

/**
 * Opens the transport.
 * @throws SystemError that names the address and the port which cannot be had.
 */
export function openUdpIo(options: UdpIoOptions): PacketIo {
  const { addresses = [], allocate = nativeBytes } = options;
  const localAddresses = addresses.length > 0
    ? resolveBoundAddresses(addresses)
    : hostAddressesIfAllowed();
  const sockets = openSockets(addresses.length > 0 ? localAddresses : [], options);
  const port = localName(sockets[0].descriptor).port;
  return new SocketPacketIo({
    encapsulation: "udp",
    port,
    sockets,
    localAddresses,
    hostAddresses: hostAddressesIfAllowed(),
    segmentation: (options.segmentation ?? true) &&
      trySetOption(sockets[0].descriptor, IPPROTO_UDP, UDP_SEGMENT, 0),
    allocate,
  });
}

/** One socket per address, or per family if there is none, all on one port. */
function openSockets(bound: readonly BoundAddress[], options: UdpIoOptions): LocalSocket[] {
  for (let attempt = 1;; attempt++) {
    const sockets: LocalSocket[] = [];
    try {
      openAll(sockets, bound, options);
      return sockets;
    } catch (error) {
      for (const { descriptor } of sockets) closeSocket(descriptor);
      // The port that the kernel chose for the first address may be taken on another one.
      const retry = options.port === 0 && sockets.length > 0 && attempt < PORT_ATTEMPTS;
      if (!retry || !(error instanceof SystemError && error.code === "EADDRINUSE")) throw error;
    }
  }
}

function openAll(
  sockets: LocalSocket[],
  bound: readonly BoundAddress[],
  options: UdpIoOptions,
): void {
  let { port } = options;
  const add = (address: IpAddress, own: BoundAddress | undefined) => {
    sockets.push(openOne(address, own, port, options));
    port = localName(sockets[0].descriptor).port;
  };
  for (const each of bound) add(each.address, each);
  if (bound.length > 0) return;
  for (const wildcard of WILDCARDS) {
    try {
      add(wildcard, undefined);
    } catch (error) {
      // A host without IPv6, or without IPv4, uses what it has.
      const missing = error instanceof SystemError && error.errno === EAFNOSUPPORT;
      if (!missing || (wildcard.family === 6 && sockets.length === 0)) throw error;
    }
  }
}

function openOne(
  address: IpAddress,
  bound: BoundAddress | undefined,
  port: number,
  options: UdpIoOptions,
): LocalSocket {
  const descriptor = openSocket(familyOf(address), SOCK_DGRAM, IPPROTO_UDP, "UDP socket");
  return orClose(descriptor, () => {
    configure(descriptor, address.family, bound === undefined);
    if (options.bindToInterface && bound && bound.interfaceIndex > LOOPBACK_IFINDEX) {
      const index = bound.interfaceIndex;
      setOption(descriptor, SOL_SOCKET, SO_BINDTOIFINDEX, index, "SO_BINDTOIFINDEX");
    }
    bindSocket(descriptor, address, port, "UDP socket");
    return { descriptor, family: address.family, bound, errorQueued: false };
  });
}

function configure(descriptor: number, family: 4 | 6, wildcard: boolean): void {
  setBufferSizes(descriptor, BUFFER_BYTES, BUFFER_BYTES);
  // A kernel older than 5.0 hands over datagram by datagram instead.
  trySetOption(descriptor, IPPROTO_UDP, UDP_GRO, 1);
  if (family === 4) {
    setOption(descriptor, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO, "IP_MTU_DISCOVER");
    setOption(descriptor, IPPROTO_IP, IP_RECVTOS, 1, "IP_RECVTOS");
    setOption(descriptor, IPPROTO_IP, IP_RECVERR, 1, "IP_RECVERR");
    if (wildcard) setOption(descriptor, IPPROTO_IP, IP_PKTINFO, 1, "IP_PKTINFO");
  } else {
    setOption(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 1, "IPV6_V6ONLY");
    setOption(descriptor, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO, "IPV6_MTU_DISCOVER");
    setOption(descriptor, IPPROTO_IPV6, IPV6_RECVTCLASS, 1, "IPV6_RECVTCLASS");
    setOption(descriptor, IPPROTO_IPV6, IPV6_RECVERR, 1, "IPV6_RECVERR");
    if (wildcard) setOption(descriptor, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, "IPV6_RECVPKTINFO");
  }
}
