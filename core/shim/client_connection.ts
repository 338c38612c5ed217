/**
 * A connection on the application's side: accepted from the application, carried by an association
 * if there is a way, by TCP if not.
 */
import { EPOLLERR, EPOLLRDHUP } from "../net/constants.ts";
import type { TcpSocket } from "../net/tcp_socket.ts";
import type { SocketAddress } from "../net/sockaddr.ts";
import type { IpAddress } from "../sctp/base/address.ts";
import { type Instant, isDue, NEVER } from "../sctp/base/time.ts";
import type { LossReason } from "../sctp/events.ts";
import { Bridge } from "./bridge.ts";
import { passEvent } from "./bridged.ts";
import { encodeControlMessage, ResetReason } from "./control_message.ts";
import { formatHostPort } from "./endpoint_spec.ts";
import type { Link } from "./link.ts";
import type { Connection, LinkEvent, Plane, Watch } from "./plane.ts";
import { Attempt, type Step } from "./policy/attempt.ts";
import type { Refusal } from "./policy/refusal.ts";
import { Relay } from "./relay.ts";
import type { ShimState } from "./shim_state.ts";
import { type ConnectionStatus, NO_LINK } from "./status.ts";
import { type DialResult, plainConnect, TcpDial } from "./tcp_dial.ts";

/** The server that an application wants. */
export interface ClientTarget {
  /** Host and port for people. */
  readonly name: string;
  /** Addresses of the server, the preferred one first. */
  readonly addresses: readonly IpAddress[];
  /** SCTP port, and TCP port of the fallback. */
  readonly port: number;
  /** Whether a connection that SCTP cannot make goes over TCP. */
  readonly fallback: boolean;
  /** Where connections are to come from; by default TCP's choice, and SCTP's. */
  readonly localAddress?: IpAddress;
}

/** How the connection is to be made. */
export interface ClientPlan {
  /** What enabled the shim; "nothing" uses TCP. */
  readonly enabledBy: "rules" | "manual" | "nothing";
  /** Milliseconds for SCTP alone; Infinity until it fails. */
  readonly headStart: number;
  /** Whether the application can still be told that the server refused. */
  readonly awaitServer: boolean;
}

/** What the front has to tell the application about the outcome. */
export interface Opening {
  /** Before the first byte of the server. */
  opened(): void;
  /** Just before the application's connection is reset; `undefined` where there is no such word. */
  failed(refusal: Refusal | undefined): void;
}

/** Waiting for SCTP, perhaps for TCP beside it. */
interface Setup {
  readonly kind: "setup";
  readonly link: Link;
  /** Further addresses of the server. */
  readonly others: readonly IpAddress[];
  readonly dial: TcpDial | undefined;
}

type Phase =
  | Setup
  /** Waiting for TCP alone. */
  | { readonly kind: "dialing"; readonly dial: TcpDial | undefined }
  | { readonly kind: "bridged"; readonly link: Link; readonly bridge: Bridge }
  | { readonly kind: "relayed"; readonly relay: Relay; readonly watch: Watch }
  | { readonly kind: "over" };

const NO_TRANSFER = { bytesOut: 0, bytesIn: 0 };

export class ClientConnection implements Connection {
  readonly #plane: Plane;
  readonly #socket: TcpSocket;
  readonly #watch: Watch;
  readonly #target: ClientTarget;
  readonly #local: string;
  readonly #localPort: number;
  readonly #opening: Opening | undefined;
  #attempt: Attempt | undefined;
  #phase: Phase = { kind: "dialing", dial: undefined };
  #state: ShimState = "NOTINIT";
  #reason = "accepted";
  /** The application has closed its sending side. */
  #closing = false;
  /** The plane knows that the peer takes trunks. */
  #hasToldOfTrunks = false;

  /**
   * Follow it by {@link begin} or {@link adopt}.
   * @param socket the application's, just accepted.
   * @param watch of the socket, if there is one already.
   */
  constructor(
    plane: Plane,
    readonly id: number,
    socket: TcpSocket,
    peer: SocketAddress,
    target: ClientTarget,
    opening?: Opening,
    watch?: Watch,
  ) {
    this.#plane = plane;
    this.#socket = socket;
    this.#target = target;
    this.#opening = opening;
    this.#local = formatHostPort(peer.address.text, peer.port);
    this.#localPort = peer.port;
    const handle = (events: number) => this.#handleSocket(events);
    if (watch) watch.handler = handle;
    this.#watch = watch ?? plane.watch(socket, handle);
  }

  /** Looks for a way to the server. */
  begin(now: Instant, plan: ClientPlan): void {
    const { addresses, port, name, fallback } = this.#target;
    if (plan.enabledBy === "nothing") return this.#dial("not enabled by the rules: TCP", "info");
    this.#attempt = new Attempt({
      cache: this.#plane.cache,
      address: addresses[0],
      port,
      name,
      encapsulations: this.#plane.encapsulations,
      enabledBy: plan.enabledBy,
      headStart: fallback ? plan.headStart : Infinity,
      tcpIsFinal: false,
      awaitServer: plan.awaitServer,
    });
    this.#do(fallback ? this.#attempt.start(now) : this.#attempt.insist());
  }

  /** Takes over what carries it, which is up; `events` are those that came since. */
  adopt(now: Instant, link: Link, events: readonly LinkEvent[]): void {
    link.own(this);
    this.#bridge(now, link);
    for (const event of events) this.handleEvent(now, event);
  }

  get over(): boolean {
    return this.#phase.kind === "over";
  }

  run(now: Instant): boolean {
    const phase = this.#phase;
    if (phase.kind === "setup") {
      if (isDue(this.#attempt!.deadline, now)) this.#do(this.#attempt!.handleTimeout(now));
      return false;
    }
    if (phase.kind !== "bridged" && phase.kind !== "relayed") return false;
    const carrier = phase.kind === "bridged" ? phase.bridge : phase.relay;
    const more = carrier.run(now);
    if (phase.kind === "bridged") this.#afterTurn(phase.link, phase.bridge);
    if (carrier.outcome) this.#finish(carrier.outcome.clean, carrier.outcome.reason);
    return more;
  }

  #afterTurn({ wish }: Link, { deadline, peerTakesTrunks }: Bridge): void {
    if (deadline !== NEVER) this.#plane.wake(this, deadline);
    if (!peerTakesTrunks || this.#hasToldOfTrunks) return;
    this.#hasToldOfTrunks = true;
    if (wish) this.#plane.welcomeTrunk(wish);
  }

  handleEvent(now: Instant, event: LinkEvent): void {
    const phase = this.#phase;
    if (phase.kind === "bridged") return passEvent(phase.bridge, event, this.#target.name);
    if (phase.kind === "setup") this.#handleSetup(now, event, phase);
  }

  stop(now: Instant): void {
    const phase = this.#phase;
    if (phase.kind === "bridged") return phase.bridge.reset(now, ResetReason.Stopping);
    if (phase.kind === "relayed") return phase.relay.reset("the shim was stopped");
    this.#giveUp(now, "the shim was stopped");
  }

  status(): ConnectionStatus {
    const phase = this.#phase;
    const { bytesOut, bytesIn } = phase.kind === "bridged"
      ? phase.bridge
      : phase.kind === "relayed"
      ? phase.relay
      : NO_TRANSFER;
    return {
      id: this.id,
      side: "client",
      state: this.#state,
      reason: phase.kind === "bridged" ? phase.bridge.activity : this.#reason,
      carrier: phase.kind === "bridged" ? "sctp" : phase.kind === "relayed" ? "tcp" : undefined,
      local: this.#local,
      remote: this.#target.name,
      bytesOut,
      bytesIn,
      ...("link" in phase ? phase.link.status("HIDDEN") : NO_LINK),
    };
  }

  #handleSetup(now: Instant, event: LinkEvent, phase: Setup): void {
    const attempt = this.#attempt!;
    if (event.kind === "communication-up") {
      this.#do(attempt.handleUp(now, phase.link.peerIsShim));
    } else if (event.kind === "readable") this.#do(attempt.handleServerConnected());
    else if (event.kind === "communication-lost") this.#handleLoss(now, event.reason, phase);
    else if (event.kind === "trunk-lost") this.#do(attempt.handleTrunkLost());
  }

  /** An ICMP error speaks for one address; every other answer, or none, for the server. */
  #handleLoss(now: Instant, reason: LossReason, { others, dial }: Setup): void {
    if (reason.kind === "no-sctp-at-peer" && others.length > 0) this.#associate(others);
    else this.#do(this.#attempt!.handleLoss(now, reason, dial !== undefined));
  }

  #do(step: Step): void {
    if (this.over) return;
    switch (step.kind) {
      case "wait":
        return this.#note();
      case "associate":
        this.#note();
        return this.#associate(this.#target.addresses);
      case "try-tcp":
        this.#note();
        return this.#tryTcp();
      case "use-tcp":
        return this.#useTcp();
      case "carry":
        return this.#carry();
      case "refuse":
        this.#note();
        return this.#refuse(this.#reason, step.refusal);
      default:
        return step satisfies never;
    }
  }

  #associate(addresses: readonly IpAddress[]): void {
    const dial = this.#phase.kind === "setup" ? this.#phase.dial : undefined;
    try {
      const { port, localAddress } = this.#target;
      const link = this.#plane.connect({
        addresses,
        port,
        localPort: this.#localPort,
        localAddress,
        encapsulation: this.#attempt!.encapsulation,
      });
      link.own(this);
      this.#phase = { kind: "setup", link, others: addresses.slice(1), dial };
      if (link.isUp) this.#do(this.#attempt!.handleUp(this.#plane.now(), link.peerIsShim, true));
      this.#plane.wake(this, this.#attempt!.deadline);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#do(this.#attempt!.handleNoWay(error.message));
    }
  }

  #tryTcp(): void {
    const phase = this.#phase;
    if (phase.kind !== "setup") return;
    this.#phase = { ...phase, dial: this.#newDial() };
  }

  /** TCP has the connection, or is to get it. */
  #useTcp(): void {
    const phase = this.#phase;
    const dial = phase.kind === "setup" ? phase.dial : undefined;
    if (phase.kind === "setup") this.#drop(phase.link);
    if (!this.#target.fallback) return this.#refuse(this.#attempt!.reason);
    this.#plane.counters.fellBack++;
    this.#dial(this.#attempt!.reason, "warning", dial);
  }

  #dial(why: string, level: "info" | "warning", dial?: TcpDial): void {
    this.#enter("READY", why, level);
    this.#phase = { kind: "dialing", dial };
    if (dial) return;
    const started = this.#newDial();
    if (this.#phase.kind === "dialing") this.#phase = { kind: "dialing", dial: started };
  }

  #newDial(): TcpDial {
    const { addresses, port, localAddress } = this.#target;
    const finished = (result: DialResult) => this.#handleDial(result);
    const connect = plainConnect(this.#plane, localAddress);
    return new TcpDial(this.#plane, addresses, port, finished, connect);
  }

  #handleDial(result: DialResult): void {
    const phase = this.#phase;
    if (phase.kind === "setup") {
      this.#phase = { ...phase, dial: undefined };
      if (result.kind === "failed") return this.#do(this.#attempt!.handleTcpFailed());
      this.#attempt!.handleTcpConnected();
      this.#drop(phase.link);
      this.#plane.counters.fellBack++;
      this.#enter("READY", this.#attempt!.reason, "warning");
      return this.#relay(result.socket, result.watch);
    }
    if (result.kind === "connected") return this.#relay(result.socket, result.watch);
    const refusal = result.refused ? "refused" : "unreachable";
    this.#refuse(`${this.#reason}; and over TCP: ${result.error.message}`, refusal);
  }

  #carry(): void {
    const phase = this.#phase;
    if (phase.kind !== "setup") return;
    phase.dial?.cancel();
    this.#bridge(this.#plane.now(), phase.link);
  }

  #bridge(now: Instant, link: Link): void {
    const shim = link.peerIsShim;
    this.#opening?.opened();
    const bridge = new Bridge(link.carrier, this.#socket, this.#plane.buffers, shim);
    if (this.#closing) bridge.handleSocket(now, EPOLLRDHUP);
    this.#phase = { kind: "bridged", link, bridge };
    this.#plane.counters.carried++;
    this.#enter("ACTIVE", `carried over SCTP to a ${shim ? "shim" : "native peer"}`);
    this.#plane.schedule(this);
  }

  #relay(remote: TcpSocket, watch: Watch): void {
    this.#opening?.opened();
    const relay = new Relay(this.#socket, remote, this.#plane.buffers);
    watch.handler = (events) => {
      relay.handleRemote(events);
      this.#plane.schedule(this);
    };
    this.#phase = { kind: "relayed", relay, watch };
    this.#plane.schedule(this);
  }

  #handleSocket(events: number): void {
    const phase = this.#phase;
    if (events & EPOLLRDHUP) this.#closing = true;
    if (phase.kind === "bridged") phase.bridge.handleSocket(this.#plane.now(), events);
    else if (phase.kind === "relayed") phase.relay.handleLocal(events);
    else if (events & EPOLLERR) this.#giveUp(this.#plane.now(), "the application gave up");
    this.#plane.schedule(this);
  }

  /** Ends it before anything carried it. */
  #giveUp(now: Instant, why: string): void {
    const phase = this.#phase;
    if (phase.kind === "over") return;
    if (phase.kind === "setup") phase.link.carrier.abort(now);
    if (phase.kind === "setup" || phase.kind === "dialing") phase.dial?.cancel();
    this.#refuse(why);
  }

  /** Nobody is behind it: TCP has the connection. */
  #drop({ carrier }: Link): void {
    if (carrier.state === "CLOSED") return;
    const reason = ResetReason.Superseded;
    carrier.abort(this.#plane.now(), encodeControlMessage({ kind: "reset", reason }));
  }

  #refuse(why: string, refusal?: Refusal): void {
    this.#opening?.failed(refusal);
    if (this.#opening) this.#socket.close();
    else this.#socket.reset();
    this.#finish(false, why);
  }

  #finish(clean: boolean, reason: string): void {
    const last = this.status();
    if (this.#phase.kind === "relayed") this.#phase.watch.forget();
    this.#watch.forget();
    this.#phase = { kind: "over" };
    this.#plane.ended(this, clean ? "closed" : "broken", { ...last, reason });
    this.#enter(this.#state, reason, clean ? "info" : "warning");
  }

  /** Shows what the attempt says, where that is new. */
  #note(): void {
    const { state, reason } = this.#attempt!;
    if (state !== this.#state || reason !== this.#reason) this.#enter(state, reason);
  }

  #enter(state: ShimState, reason: string, level: "info" | "warning" = "info"): void {
    this.#state = state;
    this.#reason = reason;
    this.#plane.log(
      level,
      `connection ${this.id} from ${this.#local} to ${this.#target.name}: ${state}, ${reason}`,
    );
  }
}
