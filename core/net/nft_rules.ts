/**
 * A plan as a script for nft: carrying and refusing by mark, and the redirect front. Pure.
 *
 * Everything is in one table of our own, replaced as a whole in one transaction.
 */
import { firewallMark, MARK_MASK, MARK_PREFIX, MarkKind } from "./firewall_marks.ts";
import { familiesOf, type InterceptionPlan, type Selection } from "./interception_plan.ts";

/** The chain that redirects. While it is there, what was redirected before goes on so. */
export const NAT_CHAIN = "nat_output";

/** How the kernel refuses each kind, so that connect() gets the errno (`icmpx`: both families). */
const REFUSALS: readonly (readonly [kind: MarkKind, answer: string])[] = [
  [MarkKind.Refuse, "tcp reset"],
  [MarkKind.HostUnreachable, "icmpx type host-unreachable"],
  [MarkKind.NetUnreachable, "icmpx type no-route"],
  [MarkKind.Prohibited, "icmpx type admin-prohibited"],
  [MarkKind.NoProtocol, "icmp type prot-unreachable"],
];

/** A script that makes the table what the plan says, whatever it was before. */
export function nftScript(
  table: string,
  owner: string,
  instance: number,
  plan: InterceptionPlan,
): string {
  const carry = [
    ...(plan.front === "redirect" ? redirectFront(plan) : []),
    carryingRule(instance, plan.redirectPort),
  ];
  const chains = [
    ...chain(NAT_CHAIN, "type nat hook output priority -100; policy accept;", carry),
    ...chain(
      "filter_output",
      "type filter hook output priority 0; policy accept;",
      plan.front === "nfqueue" ? refusals(instance) : [],
    ),
  ];
  return replaceTable(table, owner, chains);
}

/** A script that replaces a table by one that says whose it is, and has these lines. */
export function replaceTable(table: string, owner: string, lines: readonly string[] = []): string {
  return [
    ...deleteTable(table),
    `table inet ${table} {`,
    ...chain("owner", "", [`return comment "${owner}"`]),
    ...lines,
    "}",
    "",
  ].join("\n");
}

/** Lines that delete a table, whether it is there or not. */
export function deleteTable(table: string): readonly string[] {
  return [`table inet ${table} {`, "}", `delete table inet ${table}`];
}

/** Tries what a plan needs, without a hook that packets pass. */
export function nftProbe(table: string, owner: string): string {
  const rules = ["meta l4proto tcp redirect to :1"];
  return replaceTable(table, owner, [
    "flags dormant;",
    ...chain(NAT_CHAIN, "type nat hook output priority -100; policy accept;", rules),
    ...chain("filter_output", "type filter hook output priority 0; policy accept;", refusals(0)),
  ]);
}

function chain(name: string, hook: string, rules: readonly string[]): readonly string[] {
  return [`chain ${name} {`, hook, ...rules, "}"];
}

/**
 * What has the mark goes to the shim. With the redirect front nothing has it, but the kernel translates
 * the packets of connections that stand only while some rule of the chain redirects.
 */
export function carryingRule(instance: number, redirectPort: number): string {
  const mark = hex(firewallMark(instance, MarkKind.Carry));
  return `meta mark ${mark} meta l4proto tcp redirect to :${redirectPort}`;
}

/** Every packet of the host passes these: one comparison is enough for nearly all. */
function refusals(instance: number): readonly string[] {
  const rules = REFUSALS.map(([kind, answer]) => {
    const mark = hex(firewallMark(instance, kind));
    const protocol = kind === MarkKind.NoProtocol ? "meta nfproto ipv4" : "meta l4proto tcp";
    return `meta mark ${mark} ${protocol} reject with ${answer}`;
  });
  return [`meta mark and ${hex(MARK_MASK)} != ${hex(MARK_PREFIX)} return`, ...rules];
}

/**
 * Only the first packet of a connection passes a nat chain: the first that the kernel keeps track of,
 * which it does once there is such a chain. A connection that stood before has no SYN to come.
 */
function redirectFront(plan: InterceptionPlan): readonly string[] {
  const families = familiesOf(plan);
  return [
    "meta l4proto != tcp return",
    "tcp flags & (fin | syn | rst | ack) != syn return",
    `oifname "lo" return`,
    `meta mark and ${hex(MARK_MASK)} == ${hex(MARK_PREFIX)} return`,
    ...(families.includes(4) ? [] : ["meta nfproto ipv4 return"]),
    ...(families.includes(6) ? [] : ["meta nfproto ipv6 return"]),
    ...plan.selections.map((selection) =>
      `${nftMatch(selection)} ${selection.intercept ? redirectTo(plan) : "return"}`.trim()
    ),
    ...(plan.otherwise ? [redirectTo(plan)] : []),
  ];
}

function redirectTo({ redirectPort }: InterceptionPlan): string {
  return `meta l4proto tcp redirect to :${redirectPort}`;
}

function nftMatch({ network, ports }: Selection): string {
  const words: string[] = [];
  if (network) {
    const { address: { family, text }, prefixLength } = network;
    const field = family === 4 ? "ip" : "ip6";
    words.push(
      prefixLength === 0 ? `meta nfproto ipv${family}` : `${field} daddr ${text}/${prefixLength}`,
    );
  }
  if (ports) {
    const { low, high } = ports;
    words.push(`tcp dport ${low === high ? low : `${low}-${high}`}`);
  }
  return words.join(" ");
}

/** A mark as firewall tools write it. */
export function hex(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}
