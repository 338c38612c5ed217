/** The TCP servers that a data plane makes reachable: those named by hand, and those of its host. */
import { ownSocketInodes } from "../../net/process_sockets.ts";
import { SockDiag } from "../../net/sock_diag.ts";
import type { Configuration } from "../../rules/configuration.ts";
import { IpAddress } from "../../sctp/base/address.ts";
import { type Instant, NEVER } from "../../sctp/base/time.ts";
import type { Endpoint } from "../../sctp/endpoint.ts";
import { DATAGRAM_PORT } from "../datagrams/message.ts";
import { servedPort } from "./served_port.ts";
import type { DataPlaneConfig, ServeConfig, ServeListenersConfig } from "../protocol.ts";
import type { ServeTarget } from "../server_connection.ts";
import type { ListenerStatus } from "../status.ts";
import { LocalServers } from "./local_servers.ts";

export class Service {
  readonly #endpoint: Endpoint;
  readonly #configuration: Configuration;
  readonly #config: DataPlaneConfig;
  readonly #byHand = new Map<number, ServeTarget>();
  #local: LocalServers | undefined;

  constructor(endpoint: Endpoint, configuration: Configuration, config: DataPlaneConfig) {
    this.#endpoint = endpoint;
    this.#configuration = configuration;
    this.#config = config;
  }

  /** Serves what was named by hand. */
  open(): void {
    for (const serve of this.#config.serves) this.#serve(serve);
  }

  /** Serves the host's servers; after every listener of our own is there, so that it is known as such. */
  openLocal(now: Instant): void {
    if (this.#config.serveListeners) this.#serveListeners(now, this.#config.serveListeners);
  }

  /** When {@link refresh} wants to be called. */
  get deadline(): Instant {
    return this.#local?.deadline ?? NEVER;
  }

  /** Looks for servers if it is time for that. */
  refresh(now: Instant): void {
    this.#local?.refresh(now);
  }

  /** The server for a client that has reached a port at an address; `undefined` if there is none. */
  targetOf(port: number, reached: IpAddress | undefined): ServeTarget | undefined {
    return this.#byHand.get(port) ?? (reached && this.#local?.targetOf(port, reached));
  }

  /** The rules or settings are different: they hold for what comes from now on. */
  replan(): void {
    for (const port of this.#byHand.keys()) this.#listen(port);
    this.#local?.replan();
  }

  /** The host's addresses are different. */
  handleNetworkChange(): void {
    this.#local?.replan();
  }

  statuses(): ListenerStatus[] {
    const { transport, serves } = this.#config;
    const address = transport.addresses.join(",") || "*";
    const byHand = serves.map(({ port, name }): ListenerStatus => (
      { kind: "serve", state: "LISTEN", address, port, target: name }
    ));
    return [...byHand, ...this.#local?.statuses() ?? []];
  }

  /** Takes no more associations; may be called twice. */
  close(): void {
    for (const port of this.#byHand.keys()) this.#endpoint.stopListening(port);
    this.#local?.close();
  }

  #serve({ port, name, addresses, hostPort }: ServeConfig): void {
    this.#byHand.set(port, { name, addresses: addresses.map(IpAddress.parse), port: hostPort });
    this.#listen(port);
  }

  /** Takes associations to a port that is served by hand, with the settings of the moment. */
  #listen(port: number): void {
    this.#endpoint.stopListening(port);
    this.#endpoint.listen(port, servedPort(this.#configuration.settings));
  }

  #serveListeners(now: Instant, { transparent }: ServeListenersConfig): void {
    this.#local = new LocalServers(now, {
      endpoint: this.#endpoint,
      configuration: this.#configuration,
      diag: new SockDiag(),
      reserved: new Set([...this.#byHand.keys(), DATAGRAM_PORT]),
      ownSockets: ownSocketInodes,
      transparent,
    });
    this.#endpoint.onUnservedPort = () => this.#local?.lookOnDemand();
  }
}
