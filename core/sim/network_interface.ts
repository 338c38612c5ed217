/** Where a host touches the network: one address, and the links that leave from it. */
import type { IpAddress } from "../sctp/base/address.ts";
import type { Instant } from "../sctp/base/time.ts";
import type { LocalAddress } from "../sctp/path/pairing.ts";
import type { Link, PacketSink } from "./link.ts";
import type { SimPacket } from "./packet_pool.ts";

/** The link toward a destination, and the one object that stands for its address everywhere. */
export interface NextHop {
  readonly link: Link;
  readonly destination: IpAddress;
  /** What ICMP has said; longer packets are fragmented. */
  pathMtu: number;
}

/** The host behind an interface. */
export interface InterfaceOwner {
  readonly name: string;
  /** Takes the packet over. */
  receive(now: Instant, packet: SimPacket, via: NetworkInterface): void;
  /** Has the sender of a packet told that it was too long for a link. */
  reportTooBig(now: Instant, packet: SimPacket, mtu: number, delay: number): void;
}

/** One interface with one address. */
export class NetworkInterface implements LocalAddress, PacketSink {
  /** False after the host lost this address: nothing leaves or arrives here. */
  up = true;
  /** Toward the cloud: the way to whatever has no link of its own. */
  uplink: Link | undefined;
  readonly #hops = new Map<string, NextHop>();

  constructor(
    readonly owner: InterfaceOwner,
    readonly address: IpAddress,
    readonly prefixLength: number,
    readonly interfaceIndex: number,
  ) {}

  /** The first link on the way to a destination, or `undefined` if there is no way. */
  hopTo(remote: IpAddress): NextHop | undefined {
    return this.#hops.get(remote.text) ??
      (this.uplink && { link: this.uplink, destination: remote, pathMtu: Infinity });
  }

  /** Notes what ICMP says about the way to a destination. */
  learnMtu(remote: IpAddress, mtu: number): void {
    const hop = this.hopTo(remote);
    if (hop === undefined || mtu >= hop.pathMtu) return;
    hop.pathMtu = mtu;
    this.#hops.set(remote.text, hop);
  }

  /** Lets packets for a destination take a link. */
  addHop(link: Link, destination: IpAddress): void {
    this.#hops.set(destination.text, { link, destination, pathMtu: Infinity });
  }

  handlePacket(now: Instant, packet: SimPacket): void {
    this.owner.receive(now, packet, this);
  }

  handleTooBig(now: Instant, packet: SimPacket, mtu: number, delay: number): void {
    this.owner.reportTooBig(now, packet, mtu, delay);
  }
}
