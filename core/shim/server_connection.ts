/** A connection on the server's side: what a peer has set up, handed to a TCP server. */
import { ECONNREFUSED } from "../net/constants.ts";
import type { SystemError } from "../net/system_error.ts";
import type { TcpSocket } from "../net/tcp_socket.ts";
import type { IpAddress } from "../sctp/base/address.ts";
import { type Instant, NEVER } from "../sctp/base/time.ts";
import { Bridge } from "./bridge.ts";
import { passEvent } from "./bridged.ts";
import { describeResetReason, encodeControlMessage, ResetReason } from "./control_message.ts";
import { formatHostPort } from "./endpoint_spec.ts";
import type { Link } from "./link.ts";
import { describeLoss } from "./loss.ts";
import type { Connection, LinkEvent, Plane, Watch } from "./plane.ts";
import { connectFromRemote } from "./servers/remote_source.ts";
import type { ConnectionStatus } from "./status.ts";
import { TcpDial } from "./tcp_dial.ts";

/** The TCP server behind a served port. */
export interface ServeTarget {
  /** Host and port for people. */
  readonly name: string;
  readonly addresses: readonly IpAddress[];
  readonly port: number;
  /** Set if the server is to see the client's address: number of the routing for that. */
  readonly transparent?: number;
}

type Phase =
  /** Waiting for the TCP server. */
  | { readonly kind: "dialing"; readonly dial: TcpDial | undefined }
  | { readonly kind: "bridged"; readonly bridge: Bridge; readonly watch: Watch }
  | { readonly kind: "over" };

export class ServerConnection implements Connection {
  readonly #plane: Plane;
  readonly #link: Link;
  readonly #target: ServeTarget;
  readonly #remote: string;
  #phase: Phase = { kind: "dialing", dial: undefined };
  #reason = "connecting to the server";
  /** The peer's end, if it came before the server's connection stood. */
  #earlyEnd: LinkEvent | undefined;

  /** @param link just up. */
  constructor(plane: Plane, readonly id: number, link: Link, target: ServeTarget) {
    this.#plane = plane;
    this.#link = link;
    this.#target = target;
    const { remote } = link;
    this.#remote = formatHostPort(remote.address()?.text ?? "unknown", remote.port);
    link.own(this);
    const { transparent } = target;
    const connect = transparent === undefined
      ? undefined
      : connectFromRemote(plane, remote, transparent);
    const dial = new TcpDial(plane, target.addresses, target.port, (result) => {
      if (result.kind === "connected") this.#bridge(result.socket, result.watch, result.events);
      else this.#refuse(result.error);
    }, connect);
    if (this.#phase.kind === "dialing") this.#phase = { kind: "dialing", dial };
  }

  get over(): boolean {
    return this.#phase.kind === "over";
  }

  run(now: Instant): boolean {
    const phase = this.#phase;
    if (phase.kind !== "bridged") return false;
    const more = phase.bridge.run(now);
    const { outcome, deadline } = phase.bridge;
    if (deadline !== NEVER) this.#plane.wake(this, deadline);
    if (outcome) this.#finish(outcome.clean, outcome.reason);
    return more;
  }

  handleEvent(_now: Instant, event: LinkEvent): void {
    const phase = this.#phase;
    if (phase.kind === "bridged") passEvent(phase.bridge, event, this.#remote);
    else if (phase.kind === "dialing") this.#handleWhileDialing(event);
  }

  stop(now: Instant): void {
    const phase = this.#phase;
    if (phase.kind === "bridged") phase.bridge.reset(now, ResetReason.Stopping);
    else if (phase.kind === "dialing") this.#abandon(now, ResetReason.Stopping);
  }

  status(): ConnectionStatus {
    const bridge = this.#phase.kind === "bridged" ? this.#phase.bridge : undefined;
    return {
      id: this.id,
      side: "server",
      state: "NATIVE",
      reason: bridge ? bridge.activity : this.#reason,
      carrier: "sctp",
      local: this.#target.name,
      remote: this.#remote,
      bytesOut: bridge?.bytesOut ?? 0,
      bytesIn: bridge?.bytesIn ?? 0,
      ...this.#link.status("NATIVE"),
    };
  }

  /** A graceful end meanwhile still leaves bytes to hand over, so it waits for the bridge. */
  #handleWhileDialing(event: LinkEvent): void {
    if (event.kind === "shutdown-received" || event.kind === "shutdown-complete") {
      this.#earlyEnd = event;
    }
    if (event.kind !== "communication-lost" && event.kind !== "restart") return;
    if (this.#phase.kind === "dialing") this.#phase.dial?.cancel();
    const restarted = event.kind === "restart";
    this.#finish(
      false,
      restarted ? `${this.#remote} restarted` : describeLoss(event.reason, this.#remote, true),
    );
  }

  #bridge(socket: TcpSocket, watch: Watch, events: number): void {
    const { carrier, peerIsShim: shim } = this.#link;
    this.#link.announce(this.#plane.now());
    const bridge = new Bridge(carrier, socket, this.#plane.buffers, shim);
    watch.handler = (later) => {
      bridge.handleSocket(this.#plane.now(), later);
      this.#plane.schedule(this);
    };
    bridge.handleSocket(this.#plane.now(), events);
    if (this.#earlyEnd) passEvent(bridge, this.#earlyEnd, this.#remote);
    this.#phase = { kind: "bridged", bridge, watch };
    this.#plane.counters.carried++;
    this.#note(shim ? "carried over SCTP from a shim" : "carried over SCTP from a native peer");
    this.#plane.schedule(this);
  }

  #refuse({ errno, message }: SystemError): void {
    const reason = errno === ECONNREFUSED ? ResetReason.Refused : ResetReason.Unreachable;
    this.#link.carrier.abort(this.#plane.now(), encodeControlMessage({ kind: "reset", reason }));
    this.#finish(false, message);
  }

  #abandon(now: Instant, reason: ResetReason): void {
    if (this.#phase.kind === "dialing") this.#phase.dial?.cancel();
    this.#link.carrier.abort(now, encodeControlMessage({ kind: "reset", reason }));
    this.#finish(false, describeResetReason(reason));
  }

  #finish(clean: boolean, reason: string): void {
    const last = this.status();
    if (this.#phase.kind === "bridged") this.#phase.watch.forget();
    this.#phase = { kind: "over" };
    this.#plane.ended(this, clean ? "closed" : "broken", { ...last, reason });
    this.#note(reason, clean ? "info" : "warning");
  }

  #note(reason: string, level: "info" | "warning" = "info"): void {
    this.#reason = reason;
    this.#plane.log(
      level,
      `connection ${this.id} from ${this.#remote} to ${this.#target.name}: NATIVE, ${reason}`,
    );
  }
}
