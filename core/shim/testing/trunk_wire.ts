/** Two shims' trunks over real associations and a wire in virtual time; applications are fakes. */
import { Configuration } from "../../rules/configuration.ts";
import type { Association } from "../../sctp/association.ts";
import type { IpAddress } from "../../sctp/base/address.ts";
import { type Instant, instant } from "../../sctp/base/time.ts";
import type { Parameters } from "../../sctp/parameters.ts";
import { address, type TestEndpoint } from "../../sctp/testing/test_endpoint.ts";
import { WirePair, type WirePairOptions } from "../../sctp/testing/wire_pair.ts";
import { Alarms } from "../alarms.ts";
import { servedPort } from "../servers/served_port.ts";
import { Multiplex } from "../trunk/trunk_options.ts";
import { Bridge } from "../bridge.ts";
import { passEvent } from "../bridged.ts";
import { encodeControlMessage, ResetReason } from "../control_message.ts";
import type { Link } from "../link.ts";
import type { AssociationWish, Connection, LinkEvent, Owner, Task } from "../plane.ts";
import type { ConnectionStatus, ShimCounters } from "../status.ts";
import { TransferBuffers } from "../transfer_buffers.ts";
import type { TrunkStream } from "../trunk/trunk_stream.ts";
import { WindowBudget } from "../trunk/window_budget.ts";
import { Trunks, type TrunksPlane } from "../trunk/trunks.ts";
import { type FakeInput, FakeSocket } from "./fake_socket.ts";

/** The port whose server takes connections; at others nothing is served. */
export const SERVED = 5000;

/** One end of a connection on a stream: the application's socket and the bridge. */
export class StreamEnd implements Connection {
  readonly id = 0;
  readonly socket = new FakeSocket();
  /** Kinds of the notifications. */
  readonly told: string[] = [];
  readonly bridge: Bridge;
  readonly #side: TrunkSide;

  constructor(side: TrunkSide, readonly link: Link) {
    this.#side = side;
    this.bridge = new Bridge(link.carrier, this.socket, side.buffers, link.peerIsShim);
    link.own(this);
    side.schedule(this);
  }

  get over(): boolean {
    return this.bridge.outcome !== undefined;
  }

  run(now: Instant): boolean {
    return this.over ? false : this.bridge.run(now);
  }

  handleEvent(_now: Instant, event: LinkEvent): void {
    this.told.push(event.kind);
    passEvent(this.bridge, event, "the peer");
  }

  stop(now: Instant): void {
    this.bridge.reset(now, ResetReason.Stopping);
  }

  status(): ConnectionStatus {
    throw new Error("nobody asks");
  }

  /** The application does this, and epoll tells of it. */
  does(...input: FakeInput[]): void {
    this.socket.input.push(...input);
    this.bridge.handleSocket(this.#side.now(), this.socket.events);
    this.#side.schedule(this);
    this.#side.wire.turn();
  }

  /** The application reads: so many bytes more fit into its socket. */
  makesRoom(bytes: number): void {
    this.socket.room += bytes;
    this.#side.schedule(this);
    this.#side.wire.turn();
  }
}

/** A data plane without sockets. */
export class TrunkSide implements TrunksPlane {
  readonly buffers = new TransferBuffers(1 << 20);
  readonly configuration = new Configuration();
  readonly windows = new WindowBudget();
  readonly trunks = new Trunks(this, this.windows);
  readonly counters: ShimCounters = {
    accepted: 0,
    held: 0,
    associated: 0,
    carried: 0,
    multiplexed: 0,
    trunks: 0,
    malformedTrunks: 0,
    fellBack: 0,
    direct: 0,
    refused: 0,
    closed: 0,
    broken: 0,
  };
  /** Connections that the peer has opened, in their order. */
  readonly accepted: StreamEnd[] = [];
  /** Its thread gets no time: packets are taken, and nothing else. */
  isAsleep = false;
  /** Addresses of this side that the peer has named. */
  readonly reached: IpAddress[] = [];
  readonly #alarms = new Alarms<Task>();
  readonly #owners = new Map<Association, Owner>();
  #scheduled = new Set<Task>();
  #seen = 0;

  constructor(readonly wire: TrunkWire, readonly endpoint: () => TestEndpoint) {
    this.configuration.apply({ kind: "set", key: "multiplex", value: Multiplex.On });
  }

  now(): Instant {
    return instant(this.wire.now);
  }

  own(association: Association, owner: Owner): void {
    this.#owners.set(association, owner);
  }

  schedule(task: Task): void {
    this.#scheduled.add(task);
  }

  wake(task: Task, at: Instant): void {
    this.#alarms.set(task, at);
  }

  log(): void {}

  associate({ addresses, port, adaptation, parameters }: AssociationWish): Association {
    return this.endpoint().endpoint.associate(this.now(), {
      remotePort: port,
      remoteAddresses: addresses,
      adaptationIndication: adaptation,
      parameters: { ...parameters, ...this.wire.parameters },
    });
  }

  welcomeStream(stream: TrunkStream, port: number, reached: IpAddress | undefined): void {
    if (reached) this.reached.push(reached);
    if (reached && port === SERVED) {
      stream.announce(this.now());
      this.accepted.push(new StreamEnd(this, stream));
    } else {
      const reason = ResetReason.NotServed;
      stream.abort(this.now(), encodeControlMessage({ kind: "reset", reason }));
    }
  }

  /** When {@link turn} has something to do although nothing has come. */
  get next(): Instant {
    return this.#alarms.next;
  }

  /** Notifications, and everybody's turn. */
  turn(): void {
    if (this.isAsleep) return;
    const { events } = this.endpoint();
    for (; this.#seen < events.length; this.#seen++) {
      const event = events[this.#seen];
      const owner = this.#owners.get(event.association);
      owner?.handleEvent(this.now(), event);
      if (owner) this.schedule(owner);
      else if (event.kind === "communication-up" && event.incoming) {
        this.trunks.accept(this.now(), event.association);
      }
    }
    this.#alarms.ring(this.now(), (task) => this.schedule(task));
    while (this.#scheduled.size > 0) {
      const running = this.#scheduled;
      this.#scheduled = new Set();
      for (const task of running) if (task.run(this.now())) this.#scheduled.add(task);
    }
  }
}

/** What a wire is made with. */
export interface TrunkWireOptions extends WirePairOptions {
  /** Parameters of both sides' associations, on top of those of a trunk. */
  readonly parameters?: Partial<Parameters>;
}

export class TrunkWire {
  readonly pair: WirePair;
  readonly client: TrunkSide;
  readonly server: TrunkSide;
  readonly parameters: Partial<Parameters> | undefined;
  #nextPort = 40_000;

  constructor(options: TrunkWireOptions = {}) {
    this.parameters = options.parameters;
    this.pair = new WirePair(options);
    this.client = new TrunkSide(this, () => this.pair.a);
    this.server = new TrunkSide(this, () => this.pair.b);
    this.serve();
    this.pair.afterStep = () => this.turn();
  }

  get now(): number {
    return this.pair.now;
  }

  /** The server's side listens with its settings of the moment. */
  serve(): void {
    const { byAdaptation, ...own } = servedPort(this.server.configuration.settings);
    const offers = [...byAdaptation ?? []].map(([indication, offer]) =>
      [indication, {
        ...offer,
        parameters: { ...offer.parameters, ...this.parameters },
      }] as const
    );
    this.pair.b.do((endpoint) => {
      endpoint.stopListening(SERVED);
      endpoint.listen(SERVED, { ...own, byAdaptation: new Map(offers) });
    });
  }

  /** What a client wishes for. */
  wish(port = SERVED, to = "10.0.0.2"): AssociationWish {
    const localPort = this.#nextPort++;
    return { addresses: [address(to)], port, encapsulation: "raw", localPort };
  }

  /** The client has seen that the server takes trunks. */
  want(): void {
    this.client.trunks.want(instant(this.now), this.wish());
    this.turn();
  }

  /** Has the client set up a trunk. */
  setUp(): void {
    this.want();
    const isUp = () => this.client.counters.trunks === 1 && this.server.counters.trunks === 1;
    this.pair.runUntil(isUp, 5000, "the trunk");
  }

  /** A connection of the client's on a stream, before the server's answer; `undefined` if none is free. */
  open(wish = this.wish()): StreamEnd | undefined {
    const link = this.client.trunks.open(instant(this.now), wish);
    const end = link && new StreamEnd(this.client, link);
    this.turn();
    return end;
  }

  /** A connection that both sides have. */
  connect(): readonly [client: StreamEnd, server: StreamEnd] {
    const before = this.server.accepted.length;
    let end: StreamEnd | undefined;
    const isThere = () => {
      end ??= this.open();
      return this.server.accepted.length > before && end?.told.includes("readable") === true;
    };
    this.pair.runUntil(isThere, 5000, "the connection");
    return [end!, this.server.accepted[before]];
  }

  /** Lets time pass. */
  run(milliseconds: number): void {
    const end = this.now + milliseconds;
    for (;;) {
      const due = Math.min(this.client.next, this.server.next);
      if (due > end) break;
      this.pair.run(Math.max(0, due - this.now));
      this.turn();
    }
    this.pair.run(end - this.now);
    this.turn();
  }

  /** What a data plane does in a round: notifications, everybody's turn, packets. */
  turn(): void {
    for (const side of [this.client, this.server]) side.turn();
    for (const side of ["a", "b"] as const) this.pair[side].drain();
    this.pair.collect();
  }
}
