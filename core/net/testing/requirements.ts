/**
 * What a test needs from the machine it runs on, declared by name.
 *
 * `Deno.test(needs(["root", "netns"], "the peer answers", async () => { ... }))` runs where all
 * of it is there. Elsewhere the test is ignored and its name says what is missing, in brackets at
 * the end, so that every reporter shows the reason:
 * `the peer answers [skipped: root: not running as root]`.
 */

import { Capability, exists, findProgram, hasCapability, readIfThere } from "../host.ts";
import { ffiAvailable } from "../libc.ts";

/** One thing that a test may need. */
export interface Requirement {
  /** What it is for, for the message that announces the installation of its packages. */
  readonly purpose: string;
  /** Debian packages that bring it; none if no package does. */
  readonly packages: readonly string[];
  /** Whether root on an ordinary Debian has it or can install it: then it may not be missing in CI. */
  readonly onDebianAsRoot: boolean;
  /** What is missing, in words, or `undefined` if it is there. */
  readonly probe: () => string | undefined;
}

function missingPrograms(...programs: readonly string[]): string | undefined {
  const missing = programs.filter((program) => findProgram(program) === undefined);
  return missing.length > 0 ? `${missing.join(", ")} not installed` : undefined;
}

function missingFile(path: string): string | undefined {
  return exists(path) ? undefined : `${path} is not there`;
}

function missingNamespaces(): string | undefined {
  if (!hasCapability(Capability.sysAdmin) || !hasCapability(Capability.netAdmin)) {
    return "network namespaces need CAP_SYS_ADMIN and CAP_NET_ADMIN";
  }
  const programs = missingPrograms("ip", "nsenter");
  if (programs) return programs;
  const made = new Deno.Command("unshare", { args: ["--net", "true"], stderr: "null" })
    .outputSync();
  return made.success ? undefined : "this kernel or container makes no network namespaces";
}

function missingTun(): string | undefined {
  if (!hasCapability(Capability.netAdmin)) return "TUN and TAP devices need CAP_NET_ADMIN";
  return missingFile("/dev/net/tun");
}

function missingCgroups(): string | undefined {
  const mounted = /^\S+ (\S+) cgroup2 (\S+)/m.exec(readIfThere("/proc/mounts"));
  if (!mounted) return "no cgroup2 file system is mounted";
  return mounted[2].split(",").includes("rw") ? undefined : `${mounted[1]} is read-only`;
}

function isLinux(): boolean {
  return Deno.build.os === "linux";
}

const USRSCTP_EXAMPLES = "/usr/lib/usrsctp";

/** Every requirement that a test can name. */
export const REQUIREMENTS = {
  linux: {
    purpose: "the kernel's own interfaces",
    packages: [],
    onDebianAsRoot: true,
    probe: () => isLinux() ? undefined : `${Deno.build.os} is not Linux`,
  },
  ffi: {
    purpose: "system calls from Deno",
    packages: [],
    onDebianAsRoot: true,
    probe: () => ffiAvailable() ? undefined : "the C library cannot be called through FFI",
  },
  root: {
    purpose: "interfaces, namespaces, packet filters",
    packages: [],
    onDebianAsRoot: true,
    probe: () => Deno.uid() === 0 ? undefined : "not running as root",
  },
  "raw-sockets": {
    purpose: "SCTP over raw IP (protocol 132)",
    packages: [],
    onDebianAsRoot: true,
    probe: () =>
      hasCapability(Capability.netRaw) ? undefined : "raw sockets need CAP_NET_RAW (run as root)",
  },
  ipv6: {
    purpose: "IPv6 on this host",
    packages: [],
    onDebianAsRoot: false,
    probe: () => missingFile("/proc/net/if_inet6"),
  },
  netns: {
    purpose: "hosts of their own: network namespaces joined by veth pairs",
    packages: ["iproute2"],
    onDebianAsRoot: true,
    probe: missingNamespaces,
  },
  conntrack: {
    purpose: "what the kernel remembers of redirected connections",
    packages: ["conntrack"],
    onDebianAsRoot: true,
    probe: () => missingPrograms("conntrack"),
  },
  prlimit: {
    purpose: "a daemon that has few descriptors",
    packages: ["util-linux"],
    onDebianAsRoot: true,
    probe: () => missingPrograms("prlimit"),
  },
  ptrace: {
    purpose: "a daemon of which one thread stands still",
    packages: [],
    onDebianAsRoot: false,
    probe: () =>
      hasCapability(Capability.sysPtrace) ? undefined : "stopping a thread needs CAP_SYS_PTRACE",
  },
  tun: {
    purpose: "TUN and TAP devices",
    packages: [],
    onDebianAsRoot: true,
    probe: missingTun,
  },
  nft: {
    purpose: "silent loss: packets dropped in the receiver's prerouting hook",
    packages: ["nftables"],
    onDebianAsRoot: true,
    probe: () => missingPrograms("nft"),
  },
  iptables: {
    purpose: "the NFQUEUE target, which nft lacks on some kernels",
    packages: ["iptables"],
    onDebianAsRoot: true,
    probe: () => missingPrograms("iptables", "ip6tables"),
  },
  cgroup2: {
    purpose: "groups of processes whose connections alone are intercepted",
    packages: [],
    onDebianAsRoot: false,
    probe: missingCgroups,
  },
  ping: {
    purpose: "to see that a namespace reaches another",
    packages: ["iputils-ping"],
    onDebianAsRoot: true,
    probe: () => missingPrograms("ping"),
  },
  usrsctp: {
    purpose: "usrsctp's programs as real SCTP peers",
    packages: ["libusrsctp-examples"],
    onDebianAsRoot: true,
    probe: () => missingFile(`${USRSCTP_EXAMPLES}/tsctp`),
  },
  gcc: {
    purpose: "applications of our own, in C",
    packages: ["gcc", "libc6-dev"],
    onDebianAsRoot: true,
    probe: () => missingPrograms("gcc") ?? missingFile("/usr/include/stdio.h"),
  },
  "usrsctp-dev": {
    purpose: "small C peers of our own, compiled against usrsctp",
    packages: ["libusrsctp-dev", "gcc", "libc6-dev"],
    onDebianAsRoot: true,
    probe: () => missingFile("/usr/include/usrsctp.h") ?? missingPrograms("gcc"),
  },
  ethtool: {
    purpose: "links without segmentation offload",
    packages: ["ethtool"],
    onDebianAsRoot: true,
    probe: () => missingPrograms("ethtool"),
  },
  uml: {
    purpose: "the Linux kernel's own SCTP as a real peer, in User-Mode Linux",
    packages: ["user-mode-linux", "kmod"],
    onDebianAsRoot: true,
    // The guest runs the host's modprobe.
    probe: () => missingPrograms("linux.uml", "modprobe"),
  },
  lksctp: {
    purpose: "programs for the kernel's SCTP inside User-Mode Linux",
    packages: ["lksctp-tools"],
    onDebianAsRoot: true,
    probe: () => missingPrograms("sctp_darn", "checksctp"),
  },
  socat: {
    purpose: "servers and clients inside User-Mode Linux, and a plain TCP relay",
    packages: ["socat"],
    onDebianAsRoot: true,
    probe: () => missingPrograms("socat"),
  },
  tshark: {
    purpose: "an independent decoder for what we sent",
    packages: ["tshark"],
    onDebianAsRoot: true,
    probe: () => missingPrograms("tshark"),
  },
  tcpdump: {
    purpose: "to capture what was on the wire",
    packages: ["tcpdump"],
    onDebianAsRoot: true,
    probe: () => missingPrograms("tcpdump"),
  },
  ssh: {
    purpose: "OpenSSH as the real application that is carried",
    packages: ["openssh-server", "openssh-client"],
    onDebianAsRoot: true,
    probe: () => missingPrograms("sshd", "ssh", "scp", "ssh-keygen"),
  },
  apache: {
    purpose: "Apache and curl as real applications",
    packages: ["apache2", "curl"],
    onDebianAsRoot: true,
    probe: () => missingPrograms("apache2", "curl"),
  },
  chromium: {
    purpose: "a browser and Apache as real applications",
    packages: ["chromium", "apache2"],
    onDebianAsRoot: true,
    probe: () => missingPrograms("chromium", "apache2"),
  },
  icecast: {
    purpose: "Icecast, curl and an MP3 encoder as real applications",
    packages: ["icecast2", "curl", "lame"],
    onDebianAsRoot: true,
    probe: () => missingPrograms("icecast2", "curl", "lame"),
  },
  ftp: {
    purpose: "FTP, active and passive, as a real application",
    packages: ["vsftpd", "curl", "tnftp"],
    onDebianAsRoot: true,
    probe: () => missingPrograms("vsftpd", "curl", "tnftp"),
  },
  redis: {
    purpose: "Redis and its client as real applications",
    packages: ["redis-server", "redis-tools"],
    onDebianAsRoot: true,
    probe: () => missingPrograms("redis-server", "redis-cli"),
  },
  dns: {
    purpose: "a DNS server and dig as real UDP applications",
    packages: ["dnsmasq-base", "bind9-dnsutils"],
    onDebianAsRoot: true,
    probe: () => missingPrograms("dnsmasq", "dig"),
  },
  iperf3: {
    purpose: "a stream of datagrams that a real UDP application measures",
    packages: ["iperf3"],
    onDebianAsRoot: true,
    probe: () => missingPrograms("iperf3"),
  },
  telnet: {
    purpose: "a telnet server and its client as real applications",
    packages: ["inetutils-telnetd", "inetutils-inetd", "inetutils-telnet"],
    onDebianAsRoot: true,
    probe: () => missingPrograms("telnetd", "inetutils-inetd", "telnet"),
  },
} as const satisfies Record<string, Requirement>;

/** The name of a requirement. */
export type RequirementName = keyof typeof REQUIREMENTS;

const probed = new Map<RequirementName, string | undefined>();

/** What is missing for `name`, in words, or `undefined` if it is there. Each is probed once a process. */
export function missing(name: RequirementName): string | undefined {
  if (!probed.has(name)) probed.set(name, REQUIREMENTS[name].probe());
  return probed.get(name);
}

/** A requirement that is not met, and what is missing in words. */
export interface Lack {
  readonly requirement: RequirementName;
  readonly reason: string;
}

/** The first of `names` that `probe` finds missing. */
export function firstLack(
  names: readonly RequirementName[],
  probe: (name: RequirementName) => string | undefined = missing,
): Lack | undefined {
  for (const requirement of names) {
    const reason = probe(requirement);
    if (reason !== undefined) return { requirement, reason };
  }
  return undefined;
}

/** What marks a skipped test's name. */
const MARK = " [skipped: ";

/** The name under which a test is registered that cannot run here. */
export function skippedName(name: string, lack: Lack): string {
  return `${name}${MARK}${lack.requirement}: ${lack.reason}]`;
}

/** Takes apart what {@link skippedName} made; `undefined` for any other name. */
export function parseSkippedName(text: string): { name: string; lack: Lack } | undefined {
  const at = text.lastIndexOf(MARK);
  if (at < 0 || !text.endsWith("]")) return undefined;
  const [requirement, ...reason] = text.slice(at + MARK.length, -1).split(": ");
  if (!Object.hasOwn(REQUIREMENTS, requirement)) return undefined;
  const lack = { requirement: requirement as RequirementName, reason: reason.join(": ") };
  return { name: text.slice(0, at), lack };
}

/**
 * A test that runs only where all of `names` is there. A requirement that others rest upon stands
 * first, because the first one missing is the reason that is shown.
 */
export function needs(
  names: readonly RequirementName[],
  name: string,
  fn: (context: Deno.TestContext) => void | Promise<void>,
  options: Omit<Deno.TestDefinition, "name" | "fn" | "ignore"> = {},
): Deno.TestDefinition {
  const lack = firstLack(names);
  return lack
    ? { ...options, name: skippedName(name, lack), ignore: true, fn }
    : { ...options, name, fn };
}
