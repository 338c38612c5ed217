/**
 * A client of the SOCKS port until it has said where it wants to go: needs no root and no rules.
 *
 * Using the port enables the shim by hand; only a rule that disables it for the server, where
 * enabling is the default, keeps a connection on TCP.
 */
import { EPOLLERR } from "../../net/constants.ts";
import { nativeBytes } from "../../net/native_memory.ts";
import type { SocketAddress } from "../../net/sockaddr.ts";
import { TcpResult, type TcpSocket } from "../../net/tcp_socket.ts";
import type { IpAddress } from "../../sctp/base/address.ts";
import { after, type Instant, isDue, NEVER } from "../../sctp/base/time.ts";
import { ClientConnection, type ClientPlan, type Opening } from "../client_connection.ts";
import { formatHostPort } from "../endpoint_spec.ts";
import type { Connection, FrontPlane, Watch } from "../plane.ts";
import { type ConnectionStatus, NO_LINK } from "../status.ts";
import {
  MAX_SOCKS_MESSAGE,
  METHOD_SELECTION,
  readGreeting,
  readRequest,
  SocksReply,
  socksReply,
  type SocksRequest,
} from "./socks.ts";

/** Milliseconds for the negotiation. */
const PATIENCE = 30_000;

export class SocksConnection implements Connection {
  readonly #plane: FrontPlane;
  readonly #socket: TcpSocket;
  readonly #peer: SocketAddress;
  readonly #fallback: boolean;
  readonly #watch: Watch;
  readonly #message = nativeBytes(MAX_SOCKS_MESSAGE);
  readonly #endsAt: Instant;
  #length = 0;
  #phase: "greeting" | "request" | "resolving" | "over" = "greeting";
  #remote = "not said yet";

  /** @param socket just accepted. */
  constructor(
    plane: FrontPlane,
    readonly id: number,
    socket: TcpSocket,
    peer: SocketAddress,
    fallback: boolean,
  ) {
    this.#plane = plane;
    this.#socket = socket;
    this.#peer = peer;
    this.#fallback = fallback;
    this.#endsAt = after(plane.now(), PATIENCE);
    this.#watch = plane.watch(socket, (events) => this.#handle(events));
    plane.wake(this, this.#endsAt);
  }

  get over(): boolean {
    return this.#phase === "over";
  }

  run(now: Instant): boolean {
    if (!this.over && isDue(this.#endsAt, now)) this.#fail("the client did not finish its request");
    return false;
  }

  handleEvent(): void {}

  stop(): void {
    if (!this.over) this.#fail("the shim was stopped");
  }

  status(): ConnectionStatus {
    return {
      id: this.id,
      side: "client",
      state: "NOTINIT",
      reason: this.#phase === "resolving" ? "looking up the server" : "negotiating SOCKS",
      carrier: undefined,
      local: formatHostPort(this.#peer.address.text, this.#peer.port),
      remote: this.#remote,
      bytesOut: 0,
      bytesIn: 0,
      ...NO_LINK,
    };
  }

  #handle(events: number): void {
    if (events & EPOLLERR) return this.#fail("the client gave up");
    while (this.#phase === "greeting" || this.#phase === "request") {
      const progress = this.#phase === "greeting"
        ? readGreeting(this.#message, this.#length)
        : readRequest(this.#message, this.#length);
      if (progress.kind === "more") {
        // Not a byte more than the message has: what follows is the application's.
        if (!this.#receive(progress.bytes)) return;
      } else if (progress.kind === "fault") {
        this.#answer(progress.answer);
        return this.#fail(`no SOCKS5 that can be served: ${progress.what}`);
      } else if (progress.kind === "greeting") this.#handleGreeting();
      else this.#handleRequest(progress.request);
    }
  }

  /** False if nothing came now. */
  #receive(bytes: number): boolean {
    const count = this.#socket.receive(this.#message, this.#length, bytes);
    if (count > 0) {
      this.#length += count;
      return true;
    }
    if (count !== TcpResult.WouldBlock) this.#fail("the client gave up");
    return false;
  }

  #handleGreeting(): void {
    this.#answer(METHOD_SELECTION);
    this.#length = 0;
    this.#phase = "request";
  }

  #handleRequest({ host, port }: SocksRequest): void {
    this.#phase = "resolving";
    if (typeof host !== "string") {
      return this.#connect(formatHostPort(host.text, port), [host], port);
    }
    this.#remote = formatHostPort(host, port);
    this.#plane.resolve(host, (addresses) => {
      if (this.over) return;
      if (addresses.length > 0) return this.#connect(this.#remote, addresses, port);
      this.#answer(socksReply(SocksReply.HostUnreachable));
      this.#fail(`no address of ${host} found`);
    });
  }

  #connect(name: string, addresses: readonly IpAddress[], port: number): void {
    const connection = new ClientConnection(
      this.#plane,
      this.id,
      this.#socket,
      this.#peer,
      { name, addresses, port, fallback: this.#fallback },
      this.#opening(),
      this.#watch,
    );
    this.#leave();
    this.#plane.adopt(connection);
    connection.begin(this.#plane.now(), this.#planFor(addresses[0], port));
  }

  #planFor(address: IpAddress, port: number): ClientPlan {
    const { table, settings: { headStart } } = this.#plane.configuration;
    const { enabled, why } = table.match("remote", address, port);
    const enabledBy = enabled && why === "rule"
      ? "rules"
      : enabled || why === "default"
      ? "manual"
      : "nothing";
    return { enabledBy, headStart, awaitServer: true };
  }

  #opening(): Opening {
    return {
      opened: () => this.#answer(socksReply(SocksReply.Succeeded)),
      failed: (refusal) => {
        const reply = refusal === "refused"
          ? SocksReply.ConnectionRefused
          : refusal === "unreachable"
          ? SocksReply.HostUnreachable
          : SocksReply.GeneralFailure;
        this.#answer(socksReply(reply));
      },
    };
  }

  /** Answers are a few bytes into an empty buffer: they fit, or the client is gone. */
  #answer(bytes: Uint8Array): void {
    const native = nativeBytes(bytes.length);
    native.set(bytes);
    this.#socket.send(native, 0, native.length);
  }

  #fail(why: string): void {
    const last = this.status();
    this.#watch.forget();
    this.#socket.close();
    this.#leave();
    this.#plane.ended(this, "broken", { ...last, reason: why });
  }

  #leave(): void {
    this.#phase = "over";
    this.#plane.wake(this, NEVER);
    this.#plane.schedule(this);
  }
}
