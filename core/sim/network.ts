/** The virtual network: hosts, links between their addresses, and the clock that they share. */
import { IpAddress } from "../sctp/base/address.ts";
import { after, type Instant } from "../sctp/base/time.ts";
import type { IcmpError } from "../sctp/icmp_error.ts";
import { Ecn, PacketBatch } from "../sctp/packet.ts";
import { VirtualClock } from "./clock.ts";
import { Cloud } from "./cloud.ts";
import { DuplexLink } from "./duplex_link.ts";
import { Host, type HostOptions, type Surroundings } from "./host.ts";
import { Link, type LinkObserver, type PacketSink } from "./link.ts";
import { luckOf } from "./link_plan.ts";
import type { LinkSettings } from "./link_settings.ts";
import type { NetworkInterface } from "./network_interface.ts";
import type { PacketHandler } from "./packet_handler.ts";
import { PacketPool, type SimPacket } from "./packet_pool.ts";

const BATCH_BYTES = 256 * 1024;
const BATCH_PACKETS = 256;

/** A packet that comes from nowhere: {@link Network.inject}. */
export interface InjectedPacket {
  readonly source: string;
  readonly destination: string;
  /** The SCTP packet. */
  readonly bytes: Uint8Array;
  /** UDP source port that it claims; 0 (default) for SCTP directly over IP. */
  readonly encapsulationPort?: number;
  readonly ecn?: Ecn;
}

/** Hosts and links of one simulation. Everything in it follows from the seed. */
export class Network implements Surroundings {
  readonly clock = new VirtualClock();
  readonly pool = new PacketPool();
  readonly batch = new PacketBatch(new Uint8Array(BATCH_BYTES), BATCH_PACKETS);
  readonly #hosts: Host[] = [];
  readonly #links: Link[] = [];
  readonly #interfaces = new Map<string, NetworkInterface>();
  readonly #hostByAddress = new Map<string, Host>();
  readonly #duplexLinks = new Map<string, DuplexLink>();
  #observer: LinkObserver | undefined;

  /** @param seed a number below 2^32; each link draws a sequence of its own from it. */
  constructor(readonly seed: number) {}

  get hosts(): readonly Host[] {
    return this.#hosts;
  }

  get links(): readonly Link[] {
    return this.#links;
  }

  /**
   * Adds a host with these addresses, each on an interface of its own.
   * @throws TypeError if an address is no address; RangeError if it is taken.
   */
  addHost<Handler extends PacketHandler>(
    name: string,
    addresses: readonly string[],
    options: HostOptions<Handler>,
  ): Host<Handler> {
    const parsed = addresses.map((text) => IpAddress.parse(text));
    const taken = parsed.find((address) => this.#interfaces.has(address.text));
    if (taken) throw new RangeError(`address ${taken} is taken`);
    const host = new Host(name, parsed, options, this);
    for (const address of parsed) {
      const own = host.interfaceOf(address);
      if (own) this.#interfaces.set(address.text, own);
      this.#hostByAddress.set(address.text, host);
    }
    this.#hosts.push(host);
    return host;
  }

  /**
   * Lays a link between two addresses; packets between just these two take it.
   * @param backward settings from `b` to `a`; those of `forward` if absent. A loss model with memory
   * must not serve both directions.
   * @throws RangeError if an address belongs to no host, or a setting is out of range.
   */
  connect(
    a: string,
    b: string,
    forward: LinkSettings = {},
    backward: LinkSettings = forward,
  ): DuplexLink {
    const [left, right] = [this.#interfaceOf(a), this.#interfaceOf(b)];
    const link = new DuplexLink(
      this.#makeLink(left, right, right, forward),
      this.#makeLink(right, left, left, backward),
    );
    left.addHop(link.forward, right.address);
    right.addHop(link.backward, left.address);
    this.#duplexLinks.set(pairKey(left.address, right.address), link);
    return link;
  }

  /**
   * The link between two addresses, seen from the first.
   * @throws RangeError if there is none.
   */
  linkBetween(a: string, b: string): DuplexLink {
    const [left, right] = [IpAddress.parse(a), IpAddress.parse(b)];
    const link = this.#duplexLinks.get(pairKey(left, right));
    if (link) return link;
    const reverse = this.#duplexLinks.get(pairKey(right, left));
    if (!reverse) throw new RangeError(`there is no link between ${a} and ${b}`);
    return new DuplexLink(reverse.backward, reverse.forward);
  }

  /** Adds a cloud: routers without limits, between access links. */
  addCloud(): Cloud {
    return new Cloud(
      this.pool,
      (now, packet, mtu, delay) => this.sendIcmp(now, packet, "packet-too-big", mtu, delay),
    );
  }

  /**
   * Connects an address with a cloud.
   * @param up settings toward the cloud.
   * @param down settings from the cloud; those of `up` if absent.
   * @throws RangeError if the address belongs to no host, or a setting is out of range.
   */
  attach(
    address: string,
    cloud: Cloud,
    up: LinkSettings = {},
    down: LinkSettings = up,
  ): DuplexLink {
    const own = this.#interfaceOf(address);
    const access = new DuplexLink(
      this.#makeLink(own, undefined, cloud, up),
      this.#makeLink(undefined, own, own, down),
    );
    own.uplink = access.forward;
    cloud.add(own.address.text, access);
    return access;
  }

  /** Has all links watched, those to come included; `undefined` ends it. */
  observe(observer: LinkObserver | undefined): void {
    this.#observer = observer;
    for (const link of this.#links) link.observer = observer;
  }

  /**
   * Delivers a packet at once that no host has sent, as an attacker off the path could.
   * @throws RangeError if no host has the destination address.
   */
  inject(packet: InjectedPacket): void {
    const target = this.#interfaceOf(packet.destination);
    const host = this.#hostByAddress.get(target.address.text);
    const forged = this.pool.take(packet.bytes, 0, packet.bytes.length);
    forged.source = this.#interfaces.get(packet.source)?.address ?? IpAddress.parse(packet.source);
    forged.destination = target.address;
    forged.encapsulationPort = packet.encapsulationPort ?? 0;
    forged.destinationPort = forged.encapsulationPort && (host?.encapsulationPort ?? 0);
    forged.ecn = packet.ecn ?? Ecn.NotEct;
    target.handlePacket(this.clock.now, forged);
  }

  sendIcmp(
    now: Instant,
    packet: SimPacket,
    kind: IcmpError["kind"],
    mtu: number,
    delay: number,
  ): void {
    const sender = this.#hostByAddress.get(packet.source.text);
    if (sender === undefined) return;
    const quoted = packet.buffer.slice(0, packet.length);
    const error = { kind, local: packet.source, remote: packet.destination, mtu, quoted };
    this.clock.at(after(now, delay), (then) => sender.handleIcmp(then, error));
  }

  #interfaceOf(address: string): NetworkInterface {
    const found = this.#interfaces.get(IpAddress.parse(address).text);
    if (!found) throw new RangeError(`no host has the address ${address}`);
    return found;
  }

  #makeLink(
    from: NetworkInterface | undefined,
    to: NetworkInterface | undefined,
    sink: PacketSink,
    settings: LinkSettings,
  ): Link {
    const name = `${endName(from)} > ${endName(to)}`;
    const random = luckOf(this.seed, this.#links.length);
    const link = new Link(name, this.clock, this.pool, random, sink, settings);
    link.observer = this.#observer;
    this.#links.push(link);
    return link;
  }
}

function endName(end: NetworkInterface | undefined): string {
  return end ? `${end.owner.name} ${end.address}` : "cloud";
}

function pairKey(a: IpAddress, b: IpAddress): string {
  return `${a} ${b}`;
}
