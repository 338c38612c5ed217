/** Where the demonstration takes place: two hosts, or what stands for them, joined by two paths. */
import type { Children } from "../../core/net/child.ts";
import type { Daemon } from "./daemon.ts";
import { openNamespaces } from "./namespaces.ts";

/** One of the two hosts. */
export interface Side {
  /** Its addresses, one on each path. */
  readonly addresses: readonly [string, string];
  /** A command as one that runs on this host. */
  inside(argv: readonly string[]): readonly string[];
}

export interface Arena {
  /** Where it is, for people. */
  readonly place: string;
  /** How a path is cut, for people. */
  readonly knife: string;
  readonly client: Side;
  readonly server: Side;
  /** UDP port of both daemons. */
  readonly udpPort: number;
  /** Silently drops everything on a path, both ways. */
  cut(path: 0 | 1, client: Daemon): Promise<void>;
}

/** UDP port of SCTP over UDP, and those to try where it is taken. */
const UDP_PORTS = [9899, 19_899, 29_899, 39_899];

/**
 * Two network namespaces where that can be had, else this host's loopback.
 * @param explain is told why it is the loopback.
 */
export async function openArena(
  children: Children,
  explain: (why: string) => void,
): Promise<Arena> {
  if (Deno.uid() !== 0) {
    explain("that takes root");
    return openLoopback();
  }
  try {
    return await openNamespaces(children, UDP_PORTS[0]);
  } catch (error) {
    explain(error instanceof Error ? error.message : String(error));
    return openLoopback();
  }
}

/** This host's loopback. */
export function openLoopback(): Arena {
  const here = (argv: readonly string[]) => argv;
  const client: Side = { addresses: ["127.0.1.1", "127.0.2.1"], inside: here };
  const server: Side = { addresses: ["127.0.1.2", "127.0.2.2"], inside: here };
  return {
    place: "this host's loopback, where no rights are needed",
    knife: "the client's daemon drops the path's packets, both ways, in its packet I/O",
    client,
    server,
    udpPort: freeUdpPort([...client.addresses, ...server.addresses]),
    cut: (path, daemon) => daemon.command({ kind: "cut", remote: server.addresses[path] }),
  };
}

/** The first port that is free on all addresses. */
function freeUdpPort(addresses: readonly string[]): number {
  const free = UDP_PORTS.find((port) => addresses.every((hostname) => isFree(hostname, port)));
  if (free === undefined) throw new Error(`UDP ports ${UDP_PORTS.join(", ")} are all in use`);
  return free;
}

function isFree(hostname: string, port: number): boolean {
  try {
    Deno.listenDatagram({ transport: "udp", hostname, port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}
