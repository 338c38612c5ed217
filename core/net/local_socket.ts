/** The sockets of a transport, and which of them a packet leaves by. */
import type { IpAddress } from "../sctp/base/address.ts";
import { LOOPBACK_IFINDEX } from "./constants.ts";
import type { BoundAddress } from "./packet_io.ts";

/** A socket of a transport. */
export interface LocalSocket {
  readonly descriptor: number;
  readonly family: 4 | 6;
  /** The address that it is bound to; `undefined` if it stands for every address of the host. */
  readonly bound: BoundAddress | undefined;
  /** The only interface that it uses, 0 for any. */
  readonly interfaceIndex: number;
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

/** Finds socket and interface for packets from one address to another. */
export class RouteFinder {
  #lastRemote: IpAddress | undefined;
  #lastRemoteIsHost = false;

  /**
   * @param localAddresses addresses that packets can leave from.
   * @param hostAddresses every address of this host.
   */
  constructor(
    readonly sockets: readonly LocalSocket[],
    public localAddresses: readonly BoundAddress[],
    public hostAddresses: readonly BoundAddress[],
  ) {}

  /** The host has other addresses now. */
  update(localAddresses: readonly BoundAddress[], hostAddresses: readonly BoundAddress[]): void {
    this.localAddresses = localAddresses;
    this.hostAddresses = hostAddresses;
    this.#lastRemote = undefined;
  }

  /** The socket that packets between two addresses leave by, if there is one. */
  socketFor(local: IpAddress, remote: IpAddress): LocalSocket | undefined {
    const { sockets } = this;
    const interfaceIndex = this.interfaceFor(local, remote);
    let found: LocalSocket | undefined;
    for (let i = 0; i < sockets.length; i++) {
      const socket = sockets[i];
      if (!canSendFrom(socket, local)) continue;
      if (socket.interfaceIndex === interfaceIndex) return socket;
      if (socket.interfaceIndex === 0) found = socket;
    }
    return found;
  }

  /**
   * The interface that packets between two addresses have to leave by, 0 for the kernel's choice. It
   * is that of the local address, lest a path's packets leave by another path's link; but what stays
   * on this host, or comes from an address of the loopback interface, is held to no link.
   */
  interfaceFor(local: IpAddress, remote: IpAddress): number {
    const interfaceIndex = findAddress(this.localAddresses, local)?.interfaceIndex ?? 0;
    if (interfaceIndex <= LOOPBACK_IFINDEX) return 0;
    if (remote !== this.#lastRemote) {
      this.#lastRemote = remote;
      this.#lastRemoteIsHost = findAddress(this.hostAddresses, remote) !== undefined;
    }
    return this.#lastRemoteIsHost ? 0 : interfaceIndex;
  }
}

function canSendFrom({ bound, family }: LocalSocket, local: IpAddress): boolean {
  return bound ? bound.address.equals(local) : family === local.family;
}
