/** Tells when this host is in another network than before (rtnetlink(7)). Needs no rights. */
import { hostAddressesIfAllowed } from "./interfaces.ts";
import { NetlinkReader } from "./netlink.ts";
import { NetlinkSocket } from "./netlink_socket.ts";
import { readHostU32 } from "./sockaddr.ts";

const NETLINK_ROUTE = 0;

/** RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, and the routes of both. */
const GROUPS = [1, 5, 9, 7, 11];

const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;

/** struct ifinfomsg: where the interface's number and flags are. */
const IFINFO_INDEX = 4;
const IFINFO_FLAGS = 8;
/** IFF_UP and IFF_RUNNING. */
const WORKING = 0x41;

/** struct rtmsg: length of the destination's prefix, and the kind of the route. */
const ROUTE_PREFIX = 1;
const ROUTE_TYPE = 7;
const RTN_UNICAST = 1;

/**
 * Watches addresses, links that go up or down, and default routes. What the kernel merely repeats,
 * such as addresses whose lifetimes are renewed, is no change.
 */
export class NetworkChanges {
  readonly #socket = new NetlinkSocket({
    protocol: NETLINK_ROUTE,
    what: "routing socket",
    slots: 16,
    receiveBuffer: 1 << 20,
    groups: GROUPS,
  });
  readonly #reader = new NetlinkReader();
  readonly #working = new Map<number, boolean>();
  #addresses = addressesNow();

  /** For an epoll set. */
  get descriptor(): number {
    return this.#socket.descriptor;
  }

  /** Takes in what came; true if the host's network is another one since the last call. */
  poll(): boolean {
    const overruns = this.#socket.overruns;
    let changed = false;
    for (let count = this.#socket.receive(); count > 0; count = this.#socket.receive()) {
      for (let slot = 0; slot < count; slot++) if (this.#read(slot)) changed = true;
    }
    return changed || this.#socket.overruns > overruns;
  }

  close(): void {
    this.#socket.close();
  }

  #read(slot: number): boolean {
    const { memory } = this.#socket;
    const reader = this.#reader;
    let changed = false;
    reader.reset(memory, this.#socket.offset(slot), this.#socket.length(slot));
    while (reader.next()) {
      if (this.#isChange(memory, reader.type, reader.start, reader.end)) changed = true;
    }
    return changed;
  }

  #isChange(memory: Uint8Array, type: number, start: number, end: number): boolean {
    switch (type) {
      case RTM_NEWADDR:
      case RTM_DELADDR:
        return this.#addressesChanged();
      case RTM_NEWLINK:
      case RTM_DELLINK:
        return end - start >= IFINFO_FLAGS + 4 &&
          this.#linkChanged(memory, start, type === RTM_NEWLINK);
      case RTM_NEWROUTE:
      case RTM_DELROUTE:
        return end - start > ROUTE_TYPE && memory[start + ROUTE_PREFIX] === 0 &&
          memory[start + ROUTE_TYPE] === RTN_UNICAST;
      default:
        return false;
    }
  }

  #addressesChanged(): boolean {
    const now = addressesNow();
    if (now === this.#addresses) return false;
    this.#addresses = now;
    return true;
  }

  /** The first word about a link tells nothing new if the link works: addresses tell that it came. */
  #linkChanged(memory: Uint8Array, start: number, there: boolean): boolean {
    const index = readHostU32(memory, start + IFINFO_INDEX);
    const flags = readHostU32(memory, start + IFINFO_FLAGS);
    const working = there && (flags & WORKING) === WORKING;
    const before = this.#working.get(index) ?? true;
    if (there) this.#working.set(index, working);
    else this.#working.delete(index);
    return working !== before;
  }
}

function addressesNow(): string {
  return hostAddressesIfAllowed()
    .map(({ address, interfaceIndex }) => `${address.text} ${interfaceIndex}`)
    .sort().join();
}
