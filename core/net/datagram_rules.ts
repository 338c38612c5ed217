/**
 * The kernel's side of carrying datagrams: a netfilter queue gets those that the rules select, and
 * everything else passes it by.
 */
import { firewallMark, MarkKind } from "./firewall_marks.ts";
import type { Selection } from "./interception_plan.ts";
import { replaceTable } from "./nft_rules.ts";
import { OwnedRules } from "./owned_rules.ts";

/** Which datagrams that leave this host are brought to the shim. */
export interface DatagramPlan {
  readonly queue: number;
  /** To remote servers: where they go to. The first that matches decides. */
  readonly remote: readonly Selection[];
  /** Of local servers: where they come from. */
  readonly local: readonly Selection[];
  /** UDP ports of SCTP itself, at either end. */
  readonly ownPorts: readonly number[];
}

/**
 * Destinations on the link, which no association leads to: link-local, multicast, limited broadcast (RFC
 * 3927, RFC 5771, RFC 919, RFC 4291, sections 2.5.6 and 2.7).
 */
const ON_LINK = {
  4: ["169.254.0.0/16", "224.0.0.0/4", "255.255.255.255/32"],
  6: ["fe80::/10", "ff00::/8"],
} as const;

/** The rules of our chain for one family; none if nothing is selected. Pure. */
export function datagramChain(plan: DatagramPlan, family: 4 | 6): readonly string[] {
  const selected = [
    ...plan.remote.flatMap((one) => selectionRule(plan, one, family, "-d", "--dport")),
    ...plan.local.flatMap((one) => selectionRule(plan, one, family, "-s", "--sport")),
  ];
  if (selected.length === 0) return [];
  return [
    ...plan.ownPorts.flatMap((port) =>
      ["--sport", "--dport"].map((end) => `-p udp -m udp ${end} ${port} -j RETURN`)
    ),
    ...ON_LINK[family].map((network) => `-d ${network} -j RETURN`),
    ...selected,
  ];
}

function selectionRule(
  { queue }: DatagramPlan,
  { intercept, network, ports }: Selection,
  family: 4 | 6,
  address: "-d" | "-s",
  port: "--dport" | "--sport",
): readonly string[] {
  if (network && network.address.family !== family) return [];
  const words: string[] = [];
  if (network) words.push(`${address} ${network.address.text}/${network.prefixLength}`);
  if (ports) words.push(`-p udp -m udp ${port} ${ports.low}:${ports.high}`);
  words.push(intercept ? `-j NFQUEUE --queue-num ${queue} --queue-bypass` : "-j RETURN");
  return [words.join(" ")];
}

/** The rules for datagrams of one shim of this network namespace. */
export class DatagramRules {
  readonly #rules: OwnedRules;

  /** @param instance as for KernelRules. @throws RangeError if it is not 0 .. 15. */
  constructor(instance = 0) {
    firewallMark(instance, MarkKind.Own);
    this.#rules = new OwnedRules(`${instance}_udp`);
  }

  /** Makes the kernel do what the plan says from now on: see {@link OwnedRules.apply}. */
  apply(plan: DatagramPlan): void {
    this.#rules.apply({
      nft: (table, owner) => replaceTable(table, owner),
      chain: (family) => datagramChain(plan, family),
      packets: "datagrams",
    });
  }

  /** Takes everything back. Does nothing if there is nothing. */
  remove(): void {
    this.#rules.remove();
  }
}
