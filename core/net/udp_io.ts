/** SCTP packets in UDP datagrams (RFC 6951), by FFI. */
import type { IpAddress } from "../sctp/base/address.ts";
import {
  EADDRINUSE,
  IP_PKTINFO,
  IP_RECVERR,
  IP_RECVTOS,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_UDP,
  IPV6_RECVERR,
  IPV6_RECVPKTINFO,
  IPV6_RECVTCLASS,
  IPV6_V6ONLY,
  SO_REUSEADDR,
  SOCK_DGRAM,
  SOL_SOCKET,
  UDP_GRO,
  UDP_SEGMENT,
} from "./constants.ts";
import { hostAddressesIfAllowed, resolveBoundAddresses } from "./interfaces.ts";
import { nativeBytes } from "./native_memory.ts";
import type { PacketIo } from "./packet_io.ts";
import {
  bindSocket,
  closeSocket,
  familyOf,
  forbidFragmentation,
  localName,
  openSocket,
  orClose,
  setBufferSizes,
  setOption,
  trySetOption,
} from "./socket.ts";
import type { LocalSocket } from "./local_socket.ts";
import { SocketPacketIo } from "./socket_packet_io.ts";
import { openPlanned, type PlannedSocket, planSockets, tryBindToInterface } from "./socket_plan.ts";
import { otherHolder } from "./socket_table.ts";
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
}

/** Bytes that may wait in the kernel: a batch and what comes while one is worked on. */
const BUFFER_BYTES = 8 << 20;
/** Attempts to find a port that is free on every address. */
const PORT_ATTEMPTS = 16;

/**
 * Opens the transport.
 * @throws SystemError that names the address and the port which cannot be had.
 */
export function openUdpIo(options: UdpIoOptions): PacketIo {
  const { addresses = [], allocate = nativeBytes } = options;
  const named = resolveBoundAddresses(addresses);
  const hostAddresses = hostAddressesIfAllowed();
  const sockets = openOnOnePort(planSockets(named, hostAddresses), options.port);
  const [{ descriptor }] = sockets;
  return new SocketPacketIo({
    encapsulation: "udp",
    port: localName(descriptor).port,
    sockets,
    localAddresses: named.length > 0 ? named : hostAddresses,
    hostAddresses,
    segmentation: (options.segmentation ?? true) &&
      trySetOption(descriptor, IPPROTO_UDP, UDP_SEGMENT, 0),
    allocate,
  });
}

function openOnOnePort(plan: readonly PlannedSocket[], wanted: number): LocalSocket[] {
  for (let attempt = 1;; attempt++) {
    try {
      return openPlanned(plan, (socket, opened) => {
        const port = opened.length > 0 ? localName(opened[0].descriptor).port : wanted;
        return openOne(socket, port, opened);
      });
    } catch (error) {
      // The port that the kernel chose for the first address may be taken on another one.
      if (!(error instanceof SystemError && error.errno === EADDRINUSE)) throw error;
      if (wanted !== 0) throw naming(error, wanted, plan);
      if (attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

/** The same error, with the name of who has the port. */
function naming(error: SystemError, port: number, plan: readonly PlannedSocket[]): SystemError {
  const holder = otherHolder("udp", port, plan.map(({ address }) => address));
  if (!holder) return error;
  const advice = `It is the port of ${holder}: stop that, or choose another port`;
  return new SystemError(error.errno, error.attempt, advice);
}

function openOne(
  { address, bound, interfaceIndex }: PlannedSocket,
  port: number,
  opened: readonly LocalSocket[],
): LocalSocket | undefined {
  const descriptor = openSocket(familyOf(address), SOCK_DGRAM, IPPROTO_UDP, "UDP socket");
  const { family } = address;
  const socket = { descriptor, family, bound, interfaceIndex, errorQueued: false };
  return orClose(descriptor, () => {
    configure(descriptor, family, bound === undefined);
    if (interfaceIndex === 0) {
      bindSocket(descriptor, address, port, "UDP socket");
    } else if (tryBindToInterface(descriptor, interfaceIndex)) {
      const sharers = opened.filter((each) => each.family === family && each.bound === bound);
      bindShared([socket, ...sharers], () => bindSocket(descriptor, address, port, "UDP socket"));
    } else {
      closeSocket(descriptor);
      return undefined;
    }
    return socket;
  });
}

/** Lets our own sockets share an address and a port while one of them is bound, and nobody afterwards. */
function bindShared(sockets: readonly LocalSocket[], bind: () => void): void {
  const share = (value: 0 | 1) => {
    for (const { descriptor } of sockets) {
      setOption(descriptor, SOL_SOCKET, SO_REUSEADDR, value, "SO_REUSEADDR");
    }
  };
  share(1);
  try {
    bind();
  } finally {
    share(0);
  }
}

function configure(descriptor: number, family: 4 | 6, wildcard: boolean): void {
  setBufferSizes(descriptor, BUFFER_BYTES, BUFFER_BYTES);
  // A kernel older than 5.0 hands over datagram by datagram instead.
  trySetOption(descriptor, IPPROTO_UDP, UDP_GRO, 1);
  if (family === 4) {
    forbidFragmentation(descriptor, 4);
    setOption(descriptor, IPPROTO_IP, IP_RECVTOS, 1, "IP_RECVTOS");
    setOption(descriptor, IPPROTO_IP, IP_RECVERR, 1, "IP_RECVERR");
    if (wildcard) setOption(descriptor, IPPROTO_IP, IP_PKTINFO, 1, "IP_PKTINFO");
  } else {
    setOption(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 1, "IPV6_V6ONLY");
    forbidFragmentation(descriptor, 6);
    setOption(descriptor, IPPROTO_IPV6, IPV6_RECVTCLASS, 1, "IPV6_RECVTCLASS");
    setOption(descriptor, IPPROTO_IPV6, IPV6_RECVERR, 1, "IPV6_RECVERR");
    if (wildcard) setOption(descriptor, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, "IPV6_RECVPKTINFO");
  }
}
