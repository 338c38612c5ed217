/** A virtual host: addresses, one packet handler, and the drain rule between them. */
import type { IpAddress } from "../sctp/base/address.ts";
import { type Instant, NEVER } from "../sctp/base/time.ts";
import type { IcmpError } from "../sctp/icmp_error.ts";
import type { PacketBatch, Route } from "../sctp/packet.ts";
import type { LocalAddress } from "../sctp/path/pairing.ts";
import type { VirtualClock } from "./clock.ts";
import type { Occurrence } from "./event_heap.ts";
import { type InterfaceOwner, NetworkInterface } from "./network_interface.ts";
import type { EventOf, PacketHandler } from "./packet_handler.ts";
import type { PacketPool, SimPacket } from "./packet_pool.ts";

/** Batches at one instant that no handler in its right mind fills. */
const ENDLESS = 100_000;

/** What a host needs of the network around it. */
export interface Surroundings {
  readonly clock: VirtualClock;
  readonly pool: PacketPool;
  /** Lent for the time of one drain. */
  readonly batch: PacketBatch;
  /** Delivers an ICMP error about a packet to its sender, `delay` milliseconds from now. */
  sendIcmp(
    now: Instant,
    packet: SimPacket,
    kind: IcmpError["kind"],
    mtu: number,
    delay: number,
  ): void;
}

/** How a host is made. */
export interface HostOptions<Handler extends PacketHandler> {
  /** Makes the handler: at the start, and again at each {@link Host.restart}. */
  readonly boot: (addresses: readonly LocalAddress[]) => Handler;
  /** Gets each event of the handler; it may read, send and give commands at once. */
  handleEvent?(event: EventOf<Handler>, now: Instant): void;
  /** The host's UDP port for encapsulation (RFC 6951), or 0 (default) for SCTP directly over IP. */
  readonly encapsulationPort?: number;
  /**
   * True (default) if the IP layer fragments packets that are longer than what ICMP has said the path takes,
   * as RFC 9260, section 6.9 needs; false to send them whole and see them dropped.
   */
  readonly fragments?: boolean;
}

/**
 * Why a host dropped a packet. Outgoing: "bad-source": no interface has its source address;
 * "no-route": no link leads there. Incoming: "address-gone": the address was removed;
 * "wrong-port": it speaks another encapsulation; "off": the host is switched off.
 */
export type HostDrop = "bad-source" | "no-route" | "address-gone" | "wrong-port" | "off";

/** What a host has done since it was made, restarts included. Bytes are those of SCTP packets. */
export interface HostStatistics {
  packetsSent: number;
  bytesSent: number;
  packetsReceived: number;
  bytesReceived: number;
  timeouts: number;
  icmpReceived: number;
  readonly dropped: Record<HostDrop, number>;
}

/** A host with several addresses, each on an interface of its own, and one handler. */
export class Host<Handler extends PacketHandler = PacketHandler>
  implements Occurrence, InterfaceOwner {
  readonly statistics: HostStatistics = {
    packetsSent: 0,
    bytesSent: 0,
    packetsReceived: 0,
    bytesReceived: 0,
    timeouts: 0,
    icmpReceived: 0,
    dropped: { "bad-source": 0, "no-route": 0, "address-gone": 0, "wrong-port": 0, off: 0 },
  };
  /** UDP port for encapsulation, 0 for SCTP directly over IP. */
  readonly encapsulationPort: number;
  readonly #interfaces = new Map<string, NetworkInterface>();
  #handler: Handler | undefined;
  #draining = false;
  /** Batches sent in the drain under way. */
  #batches = 0;
  /** Earliest instant at which this host stands in the clock's schedule. */
  #scheduledAt: Instant = NEVER;

  /** To be made by `Network.addHost`. */
  constructor(
    readonly name: string,
    addresses: readonly IpAddress[],
    private readonly options: HostOptions<Handler>,
    private readonly network: Surroundings,
  ) {
    this.encapsulationPort = options.encapsulationPort ?? 0;
    for (const [i, address] of addresses.entries()) {
      const prefix = address.family === 4 ? 24 : 64;
      this.#interfaces.set(address.text, new NetworkInterface(this, address, prefix, i + 1));
    }
    this.restart();
  }

  /**
   * What runs here. Commands go through {@link command}, so that the drain rule holds.
   * @throws Error while the host is switched off.
   */
  get handler(): Handler {
    if (this.#handler === undefined) throw new Error(`host ${this.name} is switched off`);
    return this.#handler;
  }

  /** False after {@link switchOff}. */
  get isRunning(): boolean {
    return this.#handler !== undefined;
  }

  /** The addresses that the host has now. */
  get addresses(): readonly LocalAddress[] {
    return [...this.#interfaces.values()].filter((candidate) => candidate.up);
  }

  /** The interface with an address, also while it is down, or `undefined`. */
  interfaceOf(address: IpAddress): NetworkInterface | undefined {
    return this.#interfaces.get(address.text);
  }

  /** Gives a command to the handler, then drains it. */
  command<Result>(action: (handler: Handler, now: Instant) => Result): Result {
    const { now } = this.network.clock;
    const result = action(this.handler, now);
    this.#drain(now);
    return result;
  }

  /** Loses all state, as by a power failure, and boots again with the same addresses. */
  restart(): void {
    this.#handler = this.options.boot(this.addresses);
    this.#drain(this.network.clock.now);
  }

  /** Vanishes without a word; packets for this host are lost until {@link restart}. */
  switchOff(): void {
    this.#handler = undefined;
  }

  /**
   * Takes an address away or gives it back, and tells the handler.
   * @throws RangeError if the host never had this address.
   */
  setAddressUp(address: IpAddress, up: boolean): void {
    const target = this.#interfaces.get(address.text);
    if (!target) throw new RangeError(`host ${this.name} has no address ${address}`);
    target.up = up;
    const { now } = this.network.clock;
    this.#handler?.handleNetworkChange(now, this.addresses);
    this.#drain(now);
  }

  /** The timer: also comes when the deadline has moved on meanwhile, and then only arms itself anew. */
  occur(now: Instant): void {
    if (this.#scheduledAt <= now) this.#scheduledAt = NEVER;
    const handler = this.#handler;
    if (handler === undefined) return;
    if (handler.pollTimeout() > now) return this.#arm();
    this.statistics.timeouts++;
    handler.handleTimeout(now);
    this.#drain(now);
  }

  receive(now: Instant, packet: SimPacket, via: NetworkInterface): void {
    const { pool } = this.network;
    const fault = this.#refusal(via, packet);
    if (fault !== undefined) {
      this.statistics.dropped[fault]++;
      if (fault === "wrong-port") this.#answerUnreachable(now, packet, via);
      return pool.release(packet);
    }
    this.statistics.packetsReceived++;
    this.statistics.bytesReceived += packet.length;
    this.handler.handlePacket(now, packet);
    pool.release(packet);
    this.#drain(now);
  }

  reportTooBig(now: Instant, packet: SimPacket, mtu: number, delay: number): void {
    this.network.sendIcmp(now, packet, "packet-too-big", mtu, delay);
  }

  /** Takes an ICMP error about a packet of this host. */
  handleIcmp(now: Instant, error: IcmpError): void {
    if (this.#handler === undefined) return;
    this.statistics.icmpReceived++;
    if (error.kind === "packet-too-big" && this.options.fragments !== false) {
      this.#interfaces.get(error.local.text)?.learnMtu(error.remote, error.mtu);
    }
    this.#handler.handleIcmp(now, error);
    this.#drain(now);
  }

  #refusal(via: NetworkInterface, packet: SimPacket): HostDrop | undefined {
    if (this.#handler === undefined) return "off";
    if (!via.up) return "address-gone";
    return packet.destinationPort === this.encapsulationPort ? undefined : "wrong-port";
  }

  /** What a real host says when it has no SCTP, or nobody listens on the UDP port. */
  #answerUnreachable(now: Instant, packet: SimPacket, via: NetworkInterface): void {
    const back = via.hopTo(packet.source)?.link;
    if (back === undefined || back.isCut) return;
    this.network.sendIcmp(now, packet, "protocol-unreachable", 0, back.settings.delay);
  }

  /** The drain rule. Commands that an event handler gives are drained by the round under way. */
  #drain(now: Instant): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#batches = 0;
    try {
      while (this.#transmit(now) || this.#handleEvents(now));
    } finally {
      this.#draining = false;
    }
    this.#arm();
  }

  /** Sends what wants to leave; true if there was something. */
  #transmit(now: Instant): boolean {
    const { batch } = this.network;
    let any = false;
    let more = this.#handler !== undefined;
    while (more && this.#handler !== undefined) {
      more = this.#handler.pollTransmit(now, batch);
      if (batch.count === 0) break;
      any = true;
      if (++this.#batches > ENDLESS) throw new Error(`host ${this.name} does not stop sending`);
      this.#send(now, batch);
      batch.clear();
    }
    return any;
  }

  #handleEvents(now: Instant): boolean {
    let any = false;
    for (let event = this.#nextEvent(); event !== undefined; event = this.#nextEvent()) {
      any = true;
      this.options.handleEvent?.(event, now);
    }
    return any;
  }

  #nextEvent(): EventOf<Handler> | undefined {
    return this.#handler?.pollEvent() as EventOf<Handler> | undefined;
  }

  #send(now: Instant, batch: PacketBatch): void {
    for (let i = 0; i < batch.count; i++) {
      const route = batch.routes[i];
      const fault = route && this.#sendOne(now, batch, i, route);
      if (fault !== undefined) this.statistics.dropped[fault]++;
    }
  }

  /** The packet takes a link of the interface that has its source address, and no other. */
  #sendOne(now: Instant, batch: PacketBatch, index: number, route: Route): HostDrop | undefined {
    const source = this.#interfaces.get(route.local.text);
    if (!source?.up) return "bad-source";
    const hop = source.hopTo(route.remote);
    if (!hop) return "no-route";
    const packet = this.network.pool.take(batch.memory, batch.offsets[index], batch.lengths[index]);
    packet.source = source.address;
    packet.destination = hop.destination;
    packet.destinationPort = route.encapsulationPort;
    packet.encapsulationPort = route.encapsulationPort === 0 ? 0 : this.encapsulationPort;
    packet.ecn = route.ecn;
    packet.fragment(hop.pathMtu, route.unfragmented);
    this.statistics.packetsSent++;
    this.statistics.bytesSent += packet.length;
    hop.link.transmit(now, packet);
    return undefined;
  }

  /** Puts the timer into the schedule, unless the host comes up there early enough anyway. */
  #arm(): void {
    const deadline = this.#handler?.pollTimeout() ?? NEVER;
    if (deadline >= this.#scheduledAt) return;
    this.#scheduledAt = deadline;
    this.network.clock.schedule(deadline, this);
  }
}
