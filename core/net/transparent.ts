/**
 * Connections to local servers that seem to come from the remote client itself: the server's
 * accept() and getpeername() show the client's address.
 *
 * The answers of the server must come back to this host although they go to a foreign address. Our
 * socket's packets have a mark, the server's accepted socket inherits it (tcp_fwmark_accept), as does
 * the RST of a port where no server is (fwmark_reflect), and a rule looks marked packets up in a
 * routing table in which every address is local.
 */
import { firewallMark, MarkKind } from "./firewall_marks.ts";
import { exists } from "./host.ts";
import { hex, replaceTable } from "./nft_rules.ts";
import {
  adoptable,
  deleteOwned,
  formatOwner,
  isAlive,
  ownedNames,
  type Owner,
  ownerOf,
  tableName,
  thisProcess,
} from "./rules_owner.ts";
import type { SocketAddress } from "./sockaddr.ts";
import { runTool, tryTool } from "./system_tool.ts";
import { TcpSocket } from "./tcp_socket.ts";

/** By which answers get the mark, under the names by which a table notes what they were before. */
const SETTINGS: Readonly<Record<string, string>> = {
  accept: "/proc/sys/net/ipv4/tcp_fwmark_accept",
  reflect4: "/proc/sys/net/ipv4/fwmark_reflect",
  reflect6: "/proc/sys/net/ipv6/fwmark_reflect",
};

/** Number of the routing table and preference of the rule for instance 0; "SH" as a number. */
const FIRST_TABLE = 0x5348;

const SUFFIX = "_source";

/** The routing by which one shim can use foreign source addresses. */
export class TransparentRouting {
  readonly #name: string;

  /** @param instance as for KernelRules. @throws RangeError if it is not 0 .. 15. */
  constructor(readonly instance = 0) {
    firewallMark(instance, MarkKind.Transparent);
    this.#name = `${instance}${SUFFIX}`;
  }

  /**
   * Puts settings, rules and routes in place; those that a dead process left are taken over.
   * Do it before the first connection: one that was half open keeps what it had.
   * @throws Error without root, or if a living process has this instance.
   */
  install(): void {
    const owner = formatOwner(thisProcess(settingsBeforeUs(adoptable(this.#name))));
    runTool("nft", ["-f", "-"], replaceTable(tableName(this.#name), owner));
    try {
      for (const [, path] of settings()) Deno.writeTextFileSync(path, "1");
      for (const family of families()) addRouting(family, this.instance);
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  /** Takes everything back. Does nothing if there is nothing. */
  remove(): void {
    const owner = adoptable(this.#name);
    if (owner) removeRouting(this.instance, owner);
  }
}

/**
 * Starts to connect to a local server from a foreign address. The routing must be in place: without
 * it the connection hangs until it times out.
 * @param source where the connection is to seem to come from.
 * @throws SystemError as {@link TcpSocket.connect} does.
 */
export function connectTransparent(
  source: SocketAddress,
  destination: SocketAddress,
  instance = 0,
): TcpSocket {
  return TcpSocket.connect({
    remoteAddress: destination.address,
    remotePort: destination.port,
    localAddress: source.address,
    localPort: source.port,
    transparent: true,
    mark: firewallMark(instance, MarkKind.Transparent),
  });
}

/** Removes the routing of every shim that died without doing so; returns their instances. */
export function removeStaleRouting(): number[] {
  const stale: number[] = [];
  for (const name of sourceNames()) {
    const owner = ownerOf(name);
    if (!owner || isAlive(owner)) continue;
    const instance = parseInt(name);
    removeRouting(instance, owner);
    stale.push(instance);
  }
  return stale;
}

function sourceNames(): string[] {
  return ownedNames().filter((name) => name.endsWith(SUFFIX));
}

/** The settings that this kernel has. */
function settings(): [name: string, path: string][] {
  return Object.entries(SETTINGS).filter(([, path]) => exists(path));
}

/** What the settings were before any shim of this namespace changed them. */
function settingsBeforeUs(before: Owner | undefined): Owner["notes"] {
  const [other] = sourceNames();
  const notes = (before ?? (other ? ownerOf(other) : undefined))?.notes;
  return Object.fromEntries(
    settings().map(([name, path]) => [name, notes?.[name] ?? Deno.readTextFileSync(path).trim()]),
  );
}

function families(): readonly (4 | 6)[] {
  return exists("/proc/sys/net/ipv6") ? [4, 6] : [4];
}

/** The words after `ip rule add` and `ip rule delete`. */
function ruleOf(instance: number): readonly string[] {
  const mark = hex(firewallMark(instance, MarkKind.Transparent));
  const table = String(FIRST_TABLE + instance);
  return ["fwmark", mark, "lookup", table, "pref", table];
}

function addRouting(family: 4 | 6, instance: number): void {
  const table = String(FIRST_TABLE + instance);
  while (tryTool("ip", [`-${family}`, "rule", "delete", ...ruleOf(instance)]).success);
  const route = ["local", "default", "dev", "lo", "table", table];
  runTool("ip", [`-${family}`, "route", "replace", ...route]);
  runTool("ip", [`-${family}`, "rule", "add", ...ruleOf(instance)]);
}

/** The settings go back when the last shim goes; the table goes last, as it knows what to undo. */
function removeRouting(instance: number, { notes }: Owner): void {
  for (const family of families()) {
    while (tryTool("ip", [`-${family}`, "rule", "delete", ...ruleOf(instance)]).success);
    tryTool("ip", [`-${family}`, "route", "flush", "table", String(FIRST_TABLE + instance)]);
  }
  if (sourceNames().length === 1) {
    for (const [name, path] of settings()) {
      if (notes[name] !== undefined) Deno.writeTextFileSync(path, notes[name]);
    }
  }
  deleteOwned(`${instance}${SUFFIX}`);
}
