/** The TCP servers of this host, as they come and go. */
import type { SockDiag } from "./sock_diag.ts";
import type { TcpSocketStatus } from "./sock_diag_message.ts";
import type { SocketAddress } from "./sockaddr.ts";

/** A place where a server listens. Several sockets that share one (SO_REUSEPORT) are one listener. */
export interface Listener extends SocketAddress {
  /** For `::`: whether IPv4 connections are left to others. */
  readonly v6Only: boolean;
  /** The interface that it is bound to; 0 if to none. */
  readonly interfaceIndex: number;
  readonly uid: number;
  readonly inode: number;
}

/** What is different from the last look. */
export interface ListenerChanges {
  readonly added: readonly Listener[];
  readonly removed: readonly Listener[];
}

/** Remembers the listeners of the last look. */
export class ListenerWatch {
  readonly #diag: Pick<SockDiag, "listeners">;
  #known = new Map<string, Listener>();

  /** @param diag whom to ask; stays the caller's. */
  constructor(diag: Pick<SockDiag, "listeners">) {
    this.#diag = diag;
  }

  /** Those of the last {@link poll}. */
  get listeners(): Iterable<Listener> {
    return this.#known.values();
  }

  /**
   * Looks again; `undefined` if nothing has changed. A server that was started again between two
   * looks is the same listener. Call it from a timer: four times a second costs little.
   */
  poll(): ListenerChanges | undefined {
    const seen = new Map<string, Listener>();
    for (const status of this.#diag.listeners()) {
      const key = keyOf(status);
      if (!seen.has(key)) seen.set(key, listenerOf(status));
    }
    const added = missingFrom(this.#known, seen);
    const removed = missingFrom(seen, this.#known);
    this.#known = seen;
    return added.length + removed.length > 0 ? { added, removed } : undefined;
  }
}

function keyOf({ source, v6Only, interfaceIndex }: TcpSocketStatus): string {
  return `${source.address.text} ${source.port} ${v6Only} ${interfaceIndex}`;
}

function listenerOf({ source, v6Only, interfaceIndex, uid, inode }: TcpSocketStatus): Listener {
  return { ...source, v6Only, interfaceIndex, uid, inode };
}

/** The listeners of `others` that are not among `these`. */
function missingFrom(
  these: ReadonlyMap<string, Listener>,
  others: ReadonlyMap<string, Listener>,
): Listener[] {
  return [...others].filter(([key]) => !these.has(key)).map(([, listener]) => listener);
}
