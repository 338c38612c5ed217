/** A rule that enables or disables the shim, and its text form (Bickhart 2005, section 2.2.2). */
import { Fault } from "./fault.ts";
import { Network } from "./network.ts";
import { parsePort, parsePortRange, type PortRange } from "./port_range.ts";

/**
 * The two classes of applications: those with local listening sockets, and those that connect to
 * remote peers.
 */
export const CHAINS = ["local", "remote"] as const;
export type Chain = typeof CHAINS[number];

/** Whether the shim is used for what a rule matches. */
export const POLICIES = ["enable", "disable"] as const;
export type Policy = typeof POLICIES[number];

/**
 * IP protocols of applications, by their names in the registry: each has ports of its own (Bickhart
 * 2005, section 4.2.4). Rules are about TCP unless they say otherwise.
 */
export const PROTOCOLS = ["tcp", "udp"] as const;
export type Protocol = typeof PROTOCOLS[number];

/** A rule. What it leaves open is a wildcard. */
export interface Rule {
  readonly chain: Chain;
  readonly policy: Policy;
  readonly protocol: Protocol;
  /** Addresses of servers for the remote chain, of this host for the local one. */
  readonly network: Network | undefined;
  readonly ports: PortRange | undefined;
}

/** A rule as it is typed, option by option, before anything of it is checked. */
export interface RuleSpec {
  /** `-c`: local or remote. */
  readonly chain?: string;
  /** `-p`: enable or disable. */
  readonly policy?: string;
  /** `-P`: tcp or udp; tcp if it is left out. */
  readonly protocol?: string;
  /** `-h`: an address. */
  readonly host?: string;
  /** `-n`: address/mask. */
  readonly network?: string;
  /** `-s`: one port. */
  readonly port?: string;
  /** `-r`: two ports with a colon between them. */
  readonly range?: string;
}

/** Reads the chain that a rule is for. */
export function parseChain(text: string | undefined): Chain | Fault {
  if (text === undefined) {
    return new Fault("missing-chain", "no chain is named: add -c local or -c remote");
  }
  const chain = CHAINS.find((each) => each === text);
  return chain ?? new Fault("bad-chain", `"${text}" is no chain: there are local and remote`);
}

/** Reads a policy. */
export function parsePolicy(text: string | undefined): Policy | Fault {
  if (text === undefined) {
    return new Fault("missing-policy", "no policy is named: add -p enable or -p disable");
  }
  const policy = POLICIES.find((each) => each === text);
  return policy ?? new Fault("bad-policy", `"${text}" is no policy: there are enable and disable`);
}

/** Reads a protocol; TCP where none is named. */
export function parseProtocol(text: string | undefined): Protocol | Fault {
  if (text === undefined) return "tcp";
  const protocol = PROTOCOLS.find((each) => each === text);
  return protocol ??
    new Fault("bad-protocol", `"${text}" is no protocol that is carried: there are tcp and udp`);
}

/** The rule that a specification describes. */
export function ruleOf(spec: RuleSpec): Rule | Fault {
  const chain = parseChain(spec.chain);
  if (chain instanceof Fault) return chain;
  const policy = parsePolicy(spec.policy);
  if (policy instanceof Fault) return policy;
  const protocol = parseProtocol(spec.protocol);
  if (protocol instanceof Fault) return protocol;
  const network = networkOf(spec);
  if (network instanceof Fault) return network;
  const ports = portsOf(spec);
  return ports instanceof Fault ? ports : { chain, policy, protocol, network, ports };
}

function networkOf({ host, network }: RuleSpec): Network | Fault | undefined {
  if (host !== undefined && network !== undefined) {
    return new Fault("host-and-network", "a rule has a host (-h) or a network (-n), not both");
  }
  if (host !== undefined) return Network.parseHost(host);
  return network === undefined ? undefined : Network.parse(network);
}

function portsOf({ port, range }: RuleSpec): PortRange | Fault | undefined {
  if (port !== undefined && range !== undefined) {
    return new Fault("port-and-range", "a rule has one port (-s) or a range (-r), not both");
  }
  if (port !== undefined) return parsePort(port);
  return range === undefined ? undefined : parsePortRange(range);
}

const SPEC_OPTIONS: Readonly<Record<string, keyof RuleSpec>> = {
  "-c": "chain",
  "-p": "policy",
  "-P": "protocol",
  "-h": "host",
  "-n": "network",
  "-s": "port",
  "-r": "range",
};

/** Reads a rule as {@link formatRule} writes it: `-c remote -p enable -n 10.1.2.0/24 -s 22`. */
export function parseRule(text: string): Rule | Fault {
  const words = text.trim().split(/\s+/);
  const spec: { -readonly [Part in keyof RuleSpec]: RuleSpec[Part] } = {};
  for (let i = 0; i < words.length; i += 2) {
    const [option, value] = [words[i], words[i + 1]];
    const part = Object.hasOwn(SPEC_OPTIONS, option) ? SPEC_OPTIONS[option] : undefined;
    const fault = optionFault(option, part, value, spec);
    if (fault) return fault;
    if (part) spec[part] = value;
  }
  return ruleOf(spec);
}

function optionFault(
  option: string,
  part: keyof RuleSpec | undefined,
  value: string | undefined,
  spec: RuleSpec,
): Fault | undefined {
  if (!part) {
    const known = Object.keys(SPEC_OPTIONS).join(", ");
    return new Fault("bad-option", `"${option}" is no part of a rule: there are ${known}`);
  }
  if (value === undefined) return new Fault("bad-option", `nothing follows ${option}`);
  return spec[part] === undefined
    ? undefined
    : new Fault("bad-option", `${option} stands twice in one rule`);
}

/**
 * The rule as it would be typed after `shimrules -A`. Rules that match the same have the same text,
 * but for those that leave open what others spell out as all there is.
 */
export function formatRule({ chain, policy, protocol, network, ports }: Rule): string {
  const words = [`-c ${chain} -p ${policy}`];
  if (protocol !== "tcp") words.push(`-P ${protocol}`);
  if (network) words.push(`${network.isHost ? "-h" : "-n"} ${network.text}`);
  if (ports) words.push(formatPorts(ports));
  return words.join(" ");
}

function formatPorts({ low, high }: PortRange): string {
  return low === high ? `-s ${low}` : `-r ${low}:${high}`;
}
