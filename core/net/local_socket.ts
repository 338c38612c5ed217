/** The sockets of a transport, and which of them a route's packets leave by. */
import type { IpAddress } from "../sctp/base/address.ts";
import type { Route } from "../sctp/packet.ts";
import { LOOPBACK_IFINDEX } from "./constants.ts";
import type { BoundAddress } from "./packet_io.ts";

/** A socket of a transport. */
export interface LocalSocket {
  readonly descriptor: number;
  readonly family: 4 | 6;
  /** The address that it is bound to; `undefined` if it stands for every address of the host. */
  readonly bound: BoundAddress | undefined;
  /** Something may lie in its error queue. */
  errorQueued: boolean;
}

/** The entry of an address in a list of addresses. */
export function findAddress(
  list: readonly BoundAddress[],
  address: IpAddress,
): BoundAddress | undefined {
  for (let i = 0; i < list.length; i++) if (list[i].address === address) return list[i];
  for (let i = 0; i < list.length; i++) if (list[i].address.equals(address)) return list[i];
  return undefined;
}

/** Finds socket and interface for packets of a route. */
export class RouteFinder {
  #lastRemote: IpAddress | undefined;
  #lastRemoteIsHost = false;

  /**
   * @param localAddresses addresses that packets can leave from.
   * @param hostAddresses every address of this host.
   */
  constructor(
    readonly sockets: readonly LocalSocket[],
    readonly localAddresses: readonly BoundAddress[],
    readonly hostAddresses: readonly BoundAddress[],
  ) {}

  /** The socket that packets of a route leave by, if there is one. */
  socketFor({ local }: Route): LocalSocket | undefined {
    const { sockets } = this;
    for (let i = 0; i < sockets.length; i++) {
      if (sockets[i].bound?.address === local) return sockets[i];
    }
    for (let i = 0; i < sockets.length; i++) {
      const { bound, family } = sockets[i];
      if (bound ? bound.address.equals(local) : family === local.family) return sockets[i];
    }
    return undefined;
  }

  /**
   * The interface that packets of a route have to leave by, 0 for the kernel's choice. It is that
   * of the local address, lest a path's packets leave by another path's link; but what stays on
   * this host, or comes from an address of the loopback interface, is bound to no link.
   */
  interfaceFor({ local, remote }: Route): number {
    const interfaceIndex = findAddress(this.localAddresses, local)?.interfaceIndex ?? 0;
    if (interfaceIndex <= LOOPBACK_IFINDEX) return 0;
    if (remote !== this.#lastRemote) {
      this.#lastRemote = remote;
      this.#lastRemoteIsHost = findAddress(this.hostAddresses, remote) !== undefined;
    }
    return this.#lastRemoteIsHost ? 0 : interfaceIndex;
  }
}
