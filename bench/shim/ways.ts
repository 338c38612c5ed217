/** The ways that a connection can take from a client to a server, told apart by ports. */
import type { Daemon } from "./daemon.ts";
import type { Host, Hosts } from "./hosts.ts";
import { type Relay, RELAY_PORT } from "./relay.ts";

/** Ports of the servers. */
export const PORT = {
  /** The rules of both hosts enable it. */
  carried: 7000,
  /** The client's rules enable it, the server's do not. */
  unavailable: 7001,
  /** No rule matches. */
  unmatched: 7002,
  /** As the first, for what goes on beside it. */
  beside: 7003,
} as const;

/** One way. */
export interface Way {
  readonly client: Host;
  /** What the client connects to. */
  readonly address: string;
  readonly port: number;
  readonly server: Host;
  /** Where the server listens. */
  readonly serverPort: number;
  /** The client's shimd holds the SYN, until it knows what to do with it. */
  readonly held: boolean;
  /** An association carries the bytes. */
  readonly carried: boolean;
  /** User and system time in seconds, so far, of what stands between client and server. */
  cpuSeconds(): Promise<number>;
}

/** Every way, by its name. */
export interface Ways {
  /** Between hosts without a shimd. */
  readonly bare: Way;
  /** The same, but for kernels that keep track of connections. */
  readonly tracked: Way;
  /** No rule matches: a shimd runs, and the kernel does not ask it. */
  readonly disabled: Way;
  /** The shimd knows that the server has no SCTP for this port. */
  readonly unavailable: Way;
  readonly carried: Way;
  /** The same to another port. */
  readonly beside: Way;
  /** By a plain TCP relay on the client's host. */
  readonly relayed: Way;
}

/** @param daemons the shimds of `hosts`. */
export function waysOf(
  bare: Hosts,
  tracked: Hosts,
  hosts: Hosts,
  daemons: readonly Daemon[],
  relay: Relay,
): Ways {
  const ways = ({ client, server }: Hosts, port: number): Way => ({
    client,
    server,
    address: server.address,
    port,
    serverPort: port,
    held: false,
    carried: false,
    cpuSeconds: () => Promise.resolve(0),
  });
  const carried = (port: number): Way => ({
    ...ways(hosts, port),
    held: true,
    carried: true,
    cpuSeconds: () => Promise.resolve(daemons.reduce((sum, each) => sum + each.cpuSeconds, 0)),
  });
  return {
    bare: ways(bare, PORT.unmatched),
    tracked: ways(tracked, PORT.unmatched),
    disabled: ways(hosts, PORT.unmatched),
    unavailable: { ...ways(hosts, PORT.unavailable), held: true },
    carried: carried(PORT.carried),
    beside: carried(PORT.beside),
    relayed: {
      ...ways(hosts, PORT.unmatched),
      address: "127.0.0.1",
      port: RELAY_PORT,
      cpuSeconds: () => relay.cpuSeconds(),
    },
  };
}
