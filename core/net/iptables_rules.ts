/**
 * The NFQUEUE front as a script for iptables-restore: nft has no queue on some kernels. Pure.
 *
 * A chain of our own decides which SYNs are held; one rule in OUTPUT leads there. What the chain
 * does not hold returns, and never leaves the kernel.
 */
import { MARK_MASK, MARK_PREFIX } from "./firewall_marks.ts";
import type { InterceptionPlan, Selection } from "./interception_plan.ts";
import { hex } from "./nft_rules.ts";

/** iptables' table whose output hook lies before address translation and filters. */
export const TABLE = "mangle";

/** The name of our chain that goes with one of our nft tables; iptables allows 28 characters. */
export function chainName(name: string): string {
  return `SHIMKIT_${name}`;
}

/** Nothing in it can be read as something else by iptables-restore. */
const CGROUP_PATH = /^[\w.@:-][\w.@:/-]*$/;

/** The rules of our chain for one family. */
export function chainRules(plan: InterceptionPlan, family: 4 | 6): readonly string[] {
  const hold = `-j NFQUEUE --queue-num ${plan.queue} --queue-bypass`;
  return [
    ...(plan.cgroups ?? []).map((path) => `-m cgroup --path ${checkedPath(path)} ${hold}`),
    ...plan.selections
      .filter(({ network }) => !network || network.address.family === family)
      .map((selection) =>
        `${iptablesMatch(selection)} ${selection.intercept ? hold : "-j RETURN"}`
      ),
    ...(plan.otherwise ? [hold] : []),
  ].map((rule) => rule.trim());
}

/** @throws TypeError if the path cannot be written into a script. */
function checkedPath(path: string): string {
  if (CGROUP_PATH.test(path)) return path;
  throw new TypeError(
    `cgroup "${path}": a path without a leading slash, of letters, digits and .@:-_`,
  );
}

function iptablesMatch({ network, ports }: Selection): string {
  const words: string[] = [];
  if (network) words.push(`-d ${network.address.text}/${network.prefixLength}`);
  if (ports) words.push(`-p tcp -m tcp --dport ${ports.low}:${ports.high}`);
  return words.join(" ");
}

/** Which packets that leave this host pass a chain of ours: the first ones of TCP connections, or all of UDP. */
export type ChainPackets = "syns" | "datagrams";

const MATCHES: Readonly<Record<ChainPackets, string>> = {
  syns: "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN",
  datagrams: "-p udp -m udp",
};

/**
 * The rules that lead to our chain: packets that leave this host and are nobody's own. A server that
 * answers by the interface that a datagram came in by sends to the loopback what is for another host.
 */
function jumpsTo(chain: string, packets: ChainPackets): readonly string[] {
  const own = `${hex(MARK_PREFIX)}/${hex(MARK_MASK)}`;
  const match = `${MATCHES[packets]} -m mark ! --mark ${own}`;
  const leaving = `-A OUTPUT ! -o lo ${match} -j ${chain}`;
  if (packets === "syns") return [leaving];
  return [leaving, `-A OUTPUT -o lo ${match} -m addrtype ! --dst-type LOCAL -j ${chain}`];
}

/** How our chain is put there. */
export interface InstallOptions {
  /** Whether OUTPUT leads to the chain; otherwise no packet passes it. */
  readonly linked: boolean;
  /** SYNs by default. */
  readonly packets?: ChainPackets;
}

/**
 * A script for `iptables-restore --noflush` that makes our chain what `rules` says.
 * @param present what `iptables -S` shows of the table now.
 */
export function installScript(
  chain: string,
  rules: readonly string[],
  present: string,
  { linked, packets = "syns" }: InstallOptions,
): string {
  return restoreScript([
    `:${chain} - [0:0]`,
    ...removeJumps(chain, present),
    ...rules.map((rule) => `-A ${chain} ${rule}`),
    ...(linked ? jumpsTo(chain, packets) : []),
  ]);
}

/** A script that removes our chain; `undefined` if nothing of it is there. */
export function uninstallScript(chain: string, present: string): string | undefined {
  const lines = [
    ...removeJumps(chain, present),
    ...(hasChain(chain, present) ? [`-F ${chain}`, `-X ${chain}`] : []),
  ];
  return lines.length > 0 ? restoreScript(lines) : undefined;
}

function restoreScript(lines: readonly string[]): string {
  return [`*${TABLE}`, ...lines, "COMMIT", ""].join("\n");
}

function hasChain(chain: string, present: string): boolean {
  return present.split("\n").includes(`-N ${chain}`);
}

/** Lines that delete the rules of other chains that lead to ours, as `iptables -S` wrote them. */
function removeJumps(chain: string, present: string): readonly string[] {
  return present.split("\n")
    .filter((line) => line.startsWith("-A ") && line.endsWith(` -j ${chain}`))
    .map((line) => line.replace("-A ", "-D "));
}
