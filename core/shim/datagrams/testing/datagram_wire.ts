/** Two hosts whose shims carry datagrams over real associations and a wire in virtual time. */
import { UdpPacket } from "../../../net/udp_packet.ts";
import type { DatagramEnds } from "../../../net/udp_delivery.ts";
import type { SocketAddress } from "../../../net/sockaddr.ts";
import type { Change, Configuration } from "../../../rules/configuration.ts";
import { configured } from "../../../rules/testing/configured.ts";
import type { Association } from "../../../sctp/association.ts";
import { type Instant, instant } from "../../../sctp/base/time.ts";
import type { Parameters } from "../../../sctp/parameters.ts";
import { address, type TestEndpoint } from "../../../sctp/testing/test_endpoint.ts";
import { WirePair, type WirePairOptions } from "../../../sctp/testing/wire_pair.ts";
import { Alarms } from "../../alarms.ts";
import type { AssociationWish, Connection, FrontPlane } from "../../plane.ts";
import { AvailabilityCache, cacheLimits } from "../../policy/availability_cache.ts";
import { Datagrams } from "../datagrams.ts";

/** Bytes of IP and UDP headers in front of a payload. */
const HEADROOM = 48;
/** Milliseconds between two looks at the alarms. */
const TICK = 50;

/** A datagram as it is delivered. */
export interface Delivered {
  readonly from: string;
  readonly to: string;
  readonly payload: Uint8Array;
}

/** Where a datagram comes from, and goes to: "10.0.0.1:5000". */
function placeOf(text: string): SocketAddress {
  const at = text.lastIndexOf(":");
  return { address: address(text.slice(0, at)), port: Number(text.slice(at + 1)) };
}

/** One host. */
export class DatagramSide {
  readonly configuration: Configuration;
  readonly cache: AvailabilityCache;
  readonly datagrams: Datagrams;
  readonly delivered: Delivered[] = [];
  /** Ports at which sockets are bound; an interface that a port's socket is bound to. */
  readonly sockets = new Map<number, number>();
  /** Associations that were asked for. */
  associated = 0;
  readonly #wire: DatagramWire;
  readonly #endpoint: () => TestEndpoint;
  readonly #owners = new Map<Association, Connection>();
  readonly #alarms = new Alarms<Connection>();
  readonly #connections = new Set<Connection>();
  #scheduled = new Set<Connection>();
  #seen = 0;
  #id = 1;

  /** @param seesSockets whether its kernel can find sockets. */
  constructor(
    wire: DatagramWire,
    endpoint: () => TestEndpoint,
    rules: readonly string[],
    seesSockets = true,
  ) {
    this.#wire = wire;
    this.#endpoint = endpoint;
    this.configuration = configured(...rules);
    this.cache = new AvailabilityCache(() => cacheLimits(this.configuration.settings));
    const { sockets } = this;
    this.datagrams = new Datagrams(this.#plane(), {
      config: { instance: 0, remote: true, local: true },
      endpoint: {
        listen: (port, options) => endpoint().do((one) => one.listen(port, options)),
        stopListening: (port) => endpoint().do((one) => one.stopListening(port)),
        get localAddresses() {
          return endpoint().endpoint.localAddresses;
        },
      },
      delivery: { add: this.#deliver.bind(this), flush: () => {}, refused: 0 },
      diag: seesSockets
        ? {
          findReceiver(source, destination) {
            const interfaceIndex = sockets.get(destination.port);
            if (interfaceIndex === undefined) return undefined;
            return { source: destination, destination: source, interfaceIndex, uid: 0, inode: 1 };
          },
        }
        : undefined,
    });
  }

  get now(): Instant {
    return instant(this.#wire.now);
  }

  /** Hosts that are known, as the status shows them. */
  get peers() {
    return [...this.#connections].map((connection) => connection.status());
  }

  apply(change: Change): void {
    this.configuration.apply(change);
    this.datagrams.refresh();
    this.#wire.turn();
  }

  /** The shim stops. */
  close(): void {
    this.datagrams.close(this.now);
    this.#wire.turn();
  }

  /** The kernel holds a datagram of this host: whether the shim takes it. */
  send(from: string, to: string, payload: Uint8Array | string): boolean {
    const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
    const memory = new Uint8Array(HEADROOM + bytes.length);
    memory.set(bytes, HEADROOM);
    const packet = new UdpPacket();
    const [source, destination] = [placeOf(from), placeOf(to)];
    packet.source = source.address;
    packet.sourcePort = source.port;
    packet.destination = destination.address;
    packet.destinationPort = destination.port;
    packet.offset = HEADROOM;
    packet.length = bytes.length;
    const taken = this.datagrams.take(this.now, packet, 1, memory);
    this.#wire.turn();
    return taken;
  }

  /** What was delivered since the last call, as texts: "10.0.0.1:5000 > 10.0.0.2:53 query". */
  heard(): string[] {
    return this.delivered.splice(0).map(({ from, to, payload }) =>
      `${from} > ${to} ${new TextDecoder().decode(payload)}`
    );
  }

  /** What a data plane does in a round. */
  turn(): void {
    const { events } = this.#endpoint();
    for (; this.#seen < events.length; this.#seen++) {
      const event = events[this.#seen];
      const owner = this.#owners.get(event.association);
      owner?.handleEvent(this.now, event);
      if (owner) this.#scheduled.add(owner);
      if (event.kind === "communication-lost" || event.kind === "shutdown-complete") {
        this.#owners.delete(event.association);
      } else if (event.kind === "communication-up" && event.incoming) {
        this.datagrams.welcome(this.now, event.association);
      }
    }
    this.#alarms.ring(this.now, (connection) => this.#scheduled.add(connection));
    for (const connection of this.#scheduled) {
      this.#scheduled.delete(connection);
      if (connection.run(this.now)) this.#scheduled.add(connection);
      if (connection.over) this.#connections.delete(connection);
    }
    this.#endpoint().drain();
  }

  #deliver(ends: DatagramEnds, bytes: Uint8Array, offset: number, length: number): boolean {
    this.delivered.push({
      from: `${ends.source.text}:${ends.sourcePort}`,
      to: `${ends.destination.text}:${ends.destinationPort}`,
      payload: bytes.slice(offset, offset + length),
    });
    return true;
  }

  #plane(): FrontPlane {
    const { configuration, cache } = this;
    return {
      cache,
      configuration,
      encapsulations: ["raw"],
      nextId: () => this.#id++,
      adopt: (connection: Connection) => this.#connections.add(connection),
      own: (association: Association, owner: Connection) =>
        void this.#owners.set(association, owner),
      schedule: (connection: Connection) => this.#scheduled.add(connection),
      wake: (connection: Connection, at: Instant) => this.#alarms.set(connection, at),
      log: () => {},
      associate: (wish: AssociationWish) => this.#associate(wish),
    } as Partial<FrontPlane> as FrontPlane;
  }

  #associate(wish: AssociationWish): Association {
    const { addresses, port, adaptation, parameters } = wish;
    this.associated++;
    return this.#endpoint().do((endpoint, now) =>
      endpoint.associate(now, {
        remoteAddresses: addresses,
        remotePort: port,
        adaptationIndication: adaptation,
        parameters: { maxInitRetransmits: 1, ...parameters },
      })
    );
  }
}

/** What a wire is made with. */
export interface DatagramWireOptions {
  readonly script?: WirePairOptions["script"];
  readonly parameters?: Partial<Parameters>;
  readonly addresses?: { readonly a: readonly string[]; readonly b: readonly string[] };
  /** Rules of a and of b. */
  readonly rules?: readonly [readonly string[], readonly string[]];
  /** Whether the kernels can find sockets; they can by default. */
  readonly seesSockets?: boolean;
}

/** Rules by which datagrams of a to port 53 of b are carried. */
export const DNS_RULES = [
  ["-c remote -p enable -P udp -s 53"],
  ["-c local -p enable -P udp -s 53"],
] as const;

/** The two hosts: 10.0.0.1, whose applications send, and 10.0.0.2, with a server at port 53. */
export class DatagramWire {
  readonly pair: WirePair;
  readonly a: DatagramSide;
  readonly b: DatagramSide;

  constructor(options: DatagramWireOptions = {}) {
    const { script, parameters, addresses, rules = DNS_RULES, seesSockets } = options;
    const common = { partialReliability: 0, noDelay: 1, ...parameters };
    this.pair = new WirePair({
      script,
      a: { addresses: addresses?.a ?? ["10.0.0.1"], parameters: common },
      b: { addresses: addresses?.b ?? ["10.0.0.2"], parameters: common },
    });
    this.a = new DatagramSide(this, () => this.pair.a, rules[0], seesSockets);
    this.b = new DatagramSide(this, () => this.pair.b, rules[1], seesSockets);
    this.b.sockets.set(53, 0);
    this.pair.afterStep = () => this.turn();
  }

  get now(): number {
    return this.pair.now;
  }

  turn(): void {
    this.a.turn();
    this.b.turn();
    this.pair.collect();
  }

  /** Lets time pass. */
  run(milliseconds: number): void {
    for (let left = milliseconds; left > 0; left -= TICK) {
      this.pair.run(Math.min(TICK, left));
      this.turn();
    }
  }

  /** Has a flow of a carried: its first datagram goes by plain UDP. */
  carry(from = "10.0.0.1:5000", to = "10.0.0.2:53"): void {
    for (let i = 0; i < 3; i++) {
      if (this.a.send(from, to, "first")) break;
      this.run(200);
    }
    this.run(200);
    this.b.delivered.length = 0;
  }
}
