/** Which sockets a transport opens: for named addresses, or for all of the host. */
import { IpAddress } from "../sctp/base/address.ts";
import { EAFNOSUPPORT, LOOPBACK_IFINDEX, SO_BINDTOIFINDEX, SOL_SOCKET } from "./constants.ts";
import type { LocalSocket } from "./local_socket.ts";
import type { BoundAddress } from "./packet_io.ts";
import { closeSocket, trySetOption } from "./socket.ts";
import { SystemError } from "./system_error.ts";

/** A socket to be opened. */
export interface PlannedSocket {
  /** What it is bound to: an address, or the wildcard of a family. */
  readonly address: IpAddress;
  /** The address, unless it is the wildcard. */
  readonly bound: BoundAddress | undefined;
  /** The only interface that it uses, 0 for any. */
  readonly interfaceIndex: number;
}

const WILDCARDS = ["0.0.0.0", "::"].map(IpAddress.parse);

/**
 * The sockets for these addresses, or one per family for every address of the host; behind each the
 * ones that are bound to an interface besides.
 *
 * An IPv4 packet is held to its interface by a control message. For IPv6 the kernel takes that for
 * a wish only: with a better route elsewhere the packet leaves elsewhere, unless its socket is bound to
 * the interface. What comes by another interface is still received, by the socket in front.
 */
export function planSockets(
  named: readonly BoundAddress[],
  host: readonly BoundAddress[],
): PlannedSocket[] {
  if (named.length === 0) {
    return WILDCARDS.flatMap((address) => planOne(address, undefined, host));
  }
  return named.flatMap((bound) => planOne(bound.address, bound, [bound]));
}

function planOne(
  address: IpAddress,
  bound: BoundAddress | undefined,
  covered: readonly BoundAddress[],
): PlannedSocket[] {
  const interfaces = address.family === 6 ? interfacesOf(covered) : [];
  return [0, ...interfaces].map((interfaceIndex) => ({ address, bound, interfaceIndex }));
}

/** Interfaces of IPv6 addresses, but for loopback, and for link-local ones: those are held anyway. */
function interfacesOf(addresses: readonly BoundAddress[]): Iterable<number> {
  return new Set(
    addresses
      .filter(({ address }) => address.family === 6 && !address.isLinkLocal)
      .map(({ interfaceIndex }) => interfaceIndex)
      .filter((index) => index > LOOPBACK_IFINDEX),
  );
}

/**
 * Opens what was planned; a family that the host lacks is left out of the wildcards.
 * @param open opens a socket; `undefined` if it can be done without.
 * @throws what `open` throws, after closing everything.
 */
export function openPlanned(
  plan: readonly PlannedSocket[],
  open: (socket: PlannedSocket, opened: readonly LocalSocket[]) => LocalSocket | undefined,
): LocalSocket[] {
  const opened: LocalSocket[] = [];
  let missing: unknown;
  for (const each of plan) {
    try {
      const socket = open(each, opened);
      if (socket) opened.push(socket);
    } catch (error) {
      missing = error;
      const family = error instanceof SystemError && error.errno === EAFNOSUPPORT;
      if (!family || each.bound) {
        for (const { descriptor } of opened) closeSocket(descriptor);
        throw error;
      }
    }
  }
  if (opened.length === 0) throw missing;
  return opened;
}

/** Binds a socket to an interface; false on a kernel before 5.7, which lets only root do it. */
export function tryBindToInterface(descriptor: number, interfaceIndex: number): boolean {
  return trySetOption(descriptor, SOL_SOCKET, SO_BINDTOIFINDEX, interfaceIndex);
}
