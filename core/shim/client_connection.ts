/**
 * A connection on the application's side: accepted from the application, carried by an association
 * if there is a way, by TCP if not.
 */
import { EPOLLERR, EPOLLRDHUP } from "../net/constants.ts";
import type { TcpSocket } from "../net/tcp_socket.ts";
import type { SocketAddress } from "../net/sockaddr.ts";
import type { Association } from "../sctp/association.ts";
import type { IpAddress } from "../sctp/base/address.ts";
import type { Instant } from "../sctp/base/time.ts";
import type { LossReason, SctpEvent } from "../sctp/events.ts";
import { Bridge } from "./bridge.ts";
import { associationStatus, isShimPeer, passEvent, passSocketEvents } from "./bridged.ts";
import { ResetReason } from "./control_message.ts";
import { formatHostPort } from "./endpoint_spec.ts";
import { describeLoss } from "./loss.ts";
import type { Connection, Plane, Watch } from "./plane.ts";
import { Relay } from "./relay.ts";
import type { ShimState } from "./shim_state.ts";
import type { ConnectionStatus } from "./status.ts";
import { TcpDial } from "./tcp_dial.ts";

/** The server of a forward. */
export interface ForwardTarget {
  /** Host and port for people. */
  readonly name: string;
  /** Addresses of the server, the preferred one first. */
  readonly addresses: readonly IpAddress[];
  /** SCTP port, and TCP port of the fallback. */
  readonly port: number;
  /** Whether a connection that SCTP cannot make goes over TCP. */
  readonly fallback: boolean;
}

type Phase =
  /** Waiting for the association; `others` are addresses to try if the first has no SCTP. */
  | {
    readonly kind: "setup";
    readonly association: Association;
    readonly others: readonly IpAddress[];
  }
  /** Waiting for TCP, because SCTP was not to be had. */
  | { readonly kind: "dialing"; readonly dial: TcpDial | undefined }
  | { readonly kind: "bridged"; readonly association: Association; readonly bridge: Bridge }
  | { readonly kind: "relayed"; readonly relay: Relay; readonly watch: Watch }
  | { readonly kind: "over" };

export class ClientConnection implements Connection {
  readonly #plane: Plane;
  readonly #socket: TcpSocket;
  readonly #watch: Watch;
  readonly #target: ForwardTarget;
  readonly #local: string;
  #phase: Phase = { kind: "over" };
  #state: ShimState = "NOTINIT";
  #reason = "accepted";
  /** The application has closed its sending side. */
  #closing = false;

  /** @param socket the application's, just accepted. */
  constructor(
    plane: Plane,
    readonly id: number,
    socket: TcpSocket,
    peer: SocketAddress,
    target: ForwardTarget,
  ) {
    this.#plane = plane;
    this.#socket = socket;
    this.#target = target;
    this.#local = formatHostPort(peer.address.text, peer.port);
    this.#watch = plane.watch(socket, (events) => this.#handleSocket(events));
    this.#setUp(target.addresses);
  }

  get over(): boolean {
    return this.#phase.kind === "over";
  }

  run(now: Instant): boolean {
    const phase = this.#phase;
    if (phase.kind === "bridged") {
      const more = phase.bridge.run(now);
      const outcome = phase.bridge.outcome;
      if (outcome) this.#finish(outcome.clean, outcome.reason);
      return more;
    }
    if (phase.kind === "relayed") {
      const more = phase.relay.run();
      const outcome = phase.relay.outcome;
      if (outcome) this.#finish(outcome.clean, outcome.reason);
      return more;
    }
    return false;
  }

  handleEvent(now: Instant, event: SctpEvent): void {
    const phase = this.#phase;
    if (phase.kind === "bridged") passEvent(phase.bridge, event, this.#target.name);
    if (phase.kind !== "setup") return;
    if (event.kind === "communication-up") this.#bridge(now, phase.association);
    else if (event.kind === "communication-lost") {
      this.#handleNoAssociation(event.reason, phase.others);
    }
  }

  stop(now: Instant): void {
    const phase = this.#phase;
    if (phase.kind === "bridged") return phase.bridge.reset(now, ResetReason.Stopping);
    if (phase.kind === "relayed") return phase.relay.reset("the shim was stopped");
    this.#giveUp(now, "the shim was stopped");
  }

  status(): ConnectionStatus {
    const phase = this.#phase;
    const bytes = phase.kind === "bridged"
      ? phase.bridge
      : phase.kind === "relayed"
      ? phase.relay
      : { bytesOut: 0, bytesIn: 0 };
    return {
      id: this.id,
      side: "client",
      state: this.#state,
      reason: phase.kind === "bridged" ? phase.bridge.activity : this.#reason,
      carrier: phase.kind === "bridged" ? "sctp" : phase.kind === "relayed" ? "tcp" : undefined,
      local: this.#local,
      remote: this.#target.name,
      bytesOut: bytes.bytesOut,
      bytesIn: bytes.bytesIn,
      association: "association" in phase
        ? associationStatus(phase.association, "HIDDEN")
        : undefined,
    };
  }

  #setUp(addresses: readonly IpAddress[]): void {
    try {
      const association = this.#plane.associate(addresses, this.#target.port);
      this.#plane.own(association, this);
      this.#phase = { kind: "setup", association, others: addresses.slice(1) };
      this.#enter("ENABLE_MANUAL", "an explicit forward; setting up an association");
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#fallBack(error.message);
    }
  }

  #bridge(now: Instant, association: Association): void {
    const shim = isShimPeer(association);
    const bridge = new Bridge(association, this.#socket, this.#plane.buffers, shim);
    if (this.#closing) bridge.handleSocket(now, true, false);
    this.#phase = { kind: "bridged", association, bridge };
    this.#plane.counters.carried++;
    this.#enter(
      "ACTIVE",
      shim ? "carried over SCTP to a shim" : "carried over SCTP to a native peer",
    );
    this.#plane.schedule(this);
  }

  /** An ICMP error speaks for one address; every other answer, or none, for the server. */
  #handleNoAssociation(reason: LossReason, others: readonly IpAddress[]): void {
    if (reason.kind === "no-sctp-at-peer" && others.length > 0) this.#setUp(others);
    else this.#fallBack(describeLoss(reason, this.#target.name, false));
  }

  #fallBack(why: string): void {
    if (!this.#target.fallback) return this.#refuse(why);
    const { addresses, port } = this.#target;
    this.#phase = { kind: "dialing", dial: undefined };
    this.#plane.counters.fellBack++;
    this.#enter("READY", `fell back to TCP: ${why}`, "warning");
    const dial = new TcpDial(this.#plane, addresses, port, (result) => {
      if (result.kind === "failed") this.#refuse(`${why}; and over TCP: ${result.error.message}`);
      else this.#relay(result.socket, result.watch);
    });
    if (this.#phase.kind === "dialing") this.#phase = { kind: "dialing", dial };
  }

  #relay(remote: TcpSocket, watch: Watch): void {
    const relay = new Relay(this.#socket, remote, this.#plane.buffers);
    watch.handler = (events) => {
      relay.handleRemote((events & EPOLLERR) !== 0);
      this.#plane.schedule(this);
    };
    this.#phase = { kind: "relayed", relay, watch };
    this.#plane.schedule(this);
  }

  #handleSocket(events: number): void {
    const phase = this.#phase;
    const failed = (events & EPOLLERR) !== 0;
    if (events & EPOLLRDHUP) this.#closing = true;
    if (phase.kind === "bridged") passSocketEvents(phase.bridge, this.#plane.now(), events);
    else if (phase.kind === "relayed") phase.relay.handleLocal(failed);
    else if (failed) this.#giveUp(this.#plane.now(), "the application gave up");
    this.#plane.schedule(this);
  }

  /** Ends it before anything carried it. */
  #giveUp(now: Instant, why: string): void {
    const phase = this.#phase;
    if (phase.kind === "over") return;
    if (phase.kind === "setup") phase.association.abort(now);
    if (phase.kind === "dialing") phase.dial?.cancel();
    this.#refuse(why);
  }

  #refuse(why: string): void {
    this.#socket.reset();
    this.#finish(false, why);
  }

  #finish(clean: boolean, reason: string): void {
    const last = this.status();
    if (this.#phase.kind === "relayed") this.#phase.watch.forget();
    this.#watch.forget();
    this.#phase = { kind: "over" };
    this.#plane.ended(this, clean, { ...last, reason });
    this.#enter(this.#state, reason, clean ? "info" : "warning");
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
