/**
 * Hosts whose SCTP is not ours, usrsctp's and the Linux kernel's, with a program on them that does to an
 * association what it is told (c/extensions), and with ours beside them.
 */
import { openTransport } from "../../../core/socket/transport.ts";
import { type EngineOptions, SctpStack } from "../../../core/socket/stack.ts";
import { IpAddress } from "../../../core/sctp/base/address.ts";
import type { RequirementName } from "../../../core/net/testing/requirements.ts";
import type { Lab } from "./lab.ts";
import { type Namespace, twoPaths, type Wire } from "./namespaces.ts";
import { quote, run } from "./process.ts";
import { KERNEL_DEFAULTS, KernelPeer, SHARED_FOLDER } from "./uml.ts";

/** The stacks that we are tried against. */
export const PEERS = ["usrsctp", "kernel"] as const;
export type PeerName = (typeof PEERS)[number];

/** UDP ports of both sides (RFC 6951). */
export const UDP = { ours: 9899, theirs: 9900 } as const;

/** How packets travel. */
export type Carrier = "raw IP" | "UDP";

/** What a far host is set to for one association. */
export interface FarSetting {
  readonly carrier: Carrier;
  /** Words of c/extensions/main.c. */
  readonly words: readonly string[];
  /** The kernel's `net.sctp.*`; the others get their defaults. */
  readonly sysctls: Readonly<Record<string, number>>;
}

/** A running far end. */
export interface FarEnd {
  readonly lines: readonly string[];
  line(pattern: RegExp): Promise<string>;
  /** Waits for its end and gives its exit status. */
  exitStatus(): Promise<number>;
}

/** A far host and the wires to it; ours is at their ends `a`. */
export interface FarHost {
  readonly peer: PeerName;
  readonly ours: Namespace;
  readonly wires: readonly [Wire, Wire];
  /** Starts the program there: "listen PORT" or "connect ADDRESS PORT". */
  start(role: string, setting: FarSetting): Promise<FarEnd>;
  /** Drops packets of more than so many bytes on their way there that may not be cut up, in silence; `undefined` ends it. */
  narrow(bytes: number | undefined): Promise<void>;
  /** Whether packets on their way there are marked as having met congestion (RFC 3168). */
  mark(isMarked: boolean): Promise<void>;
}

/** What a test with such a host needs. */
export const FAR_REQUIREMENTS: Readonly<Record<PeerName, readonly RequirementName[]>> = {
  usrsctp: ["usrsctp-dev"],
  kernel: ["gcc", "tun", "uml", "lksctp", "socat"],
};

const FOLDER = new URL("c/extensions/", import.meta.url).pathname;
const SOURCES = ["main.c", "options.c", "commands.c", "events.c"].map((file) => FOLDER + file);
const LINKED: Readonly<Record<PeerName, readonly string[]>> = {
  usrsctp: ["-DUSRSCTP", `${FOLDER}usrsctp.c`, "-lusrsctp", "-lpthread"],
  kernel: [`${FOLDER}kernel.c`],
};

/** Gives the program's name in the lab's folder. */
async function compile(lab: Lab, peer: PeerName): Promise<string> {
  const flags = ["-O2", "-Wall", "-Wextra", "-Werror"];
  const name = `extensions_${peer}`;
  await run(["gcc", ...flags, "-o", lab.path(name), ...SOURCES, ...LINKED[peer]]);
  return name;
}

/** A filter of what enters a host or passes a bridge, with one rule or none. */
async function filter(namespace: Namespace, family: "inet" | "bridge", rule = ""): Promise<void> {
  const [table, hook] = [`table ${family} far`, family === "bridge" ? "forward" : "prerouting"];
  const chain = `chain far { type filter hook ${hook} priority -250; ${rule}; }`;
  const rules = rule === "" ? "" : `${table} {\n${chain}\n}`;
  await namespace.run("nft", `${table}; delete ${table}; ${rules}`);
}

/** What the network does to packets that leave for the far host. */
function obstacles(namespace: Namespace, family: "inet" | "bridge", host: string) {
  const to = `ip daddr ${host}`;
  return {
    narrow: (bytes: number | undefined) =>
      filter(
        namespace,
        family,
        bytes === undefined ? "" : `${to} ip frag-off & 0x4000 != 0 ip length > ${bytes} drop`,
      ),
    mark: (isMarked: boolean) => filter(namespace, family, isMarked ? `${to} ip ecn set ce` : ""),
  };
}

async function openUsrsctp(lab: Lab): Promise<FarHost> {
  const [{ client, server, wires }, program] = await Promise.all([
    twoPaths(lab),
    compile(lab, "usrsctp"),
  ]);
  return {
    peer: "usrsctp",
    ours: client,
    wires,
    async start(role, { carrier, words }) {
      const udp = carrier === "UDP" ? [`udp=${UDP.theirs},${UDP.ours}`] : [];
      const process = server.spawn([lab.path(program), ...role.split(" "), ...udp, ...words]);
      if (role.startsWith("listen")) await process.line(/^listening$/);
      return {
        lines: process.lines,
        line: (pattern) => process.line(pattern),
        exitStatus: async () => (await process.finished()).code,
      };
    },
    ...obstacles(server, "inet", wires[0].b.v4),
  };
}

async function openKernel(lab: Lab): Promise<FarHost> {
  const [guest, program] = await Promise.all([KernelPeer.boot(lab), compile(lab, "kernel")]);
  let current: Readonly<Record<string, number>> = KERNEL_DEFAULTS;
  return {
    peer: "kernel",
    ours: guest.host,
    wires: guest.wires,
    async start(role, { carrier, words, sysctls }) {
      const [own, far] = carrier === "UDP" ? [UDP.theirs, UDP.ours] : [0, 0];
      const all = { ...KERNEL_DEFAULTS, udp_port: own, encap_port: far, ...sysctls };
      const changed = Object.entries(all).filter(([name, value]) => current[name] !== value);
      current = all;
      const settings = changed.map(([name, value]) => `echo ${value} >/proc/sys/net/sctp/${name}`);
      // In one go: each connection to the guest takes its time.
      const command = [`exec ${SHARED_FOLDER}/${program}`, role, ...words].join(" ");
      const process = await guest.start(`sh -c ${quote([...settings, command].join(" && "))}`);
      if (role.startsWith("listen")) await process.line(/^listening$/);
      return {
        lines: process.lines,
        line: (pattern) => process.line(pattern),
        exitStatus: () => process.finished(),
      };
    },
    ...obstacles(guest.bridges, "bridge", guest.wires[0].b.v4),
  };
}

/** Opens the host of a peer in a lab. */
export function openFarHost(lab: Lab, peer: PeerName): Promise<FarHost> {
  return peer === "usrsctp" ? openUsrsctp(lab) : openKernel(lab);
}

/** Our stack, in this very process: its sockets are in the namespace of our host. */
export function openOurs(host: FarHost, carrier: Carrier, options: EngineOptions): SctpStack {
  const localAddresses = host.wires.map(({ a }) => IpAddress.parse(a.v4));
  const transport = carrier === "UDP" ? "udp" : "raw";
  const opened = host.ours.enter(() =>
    openTransport({ transport, udpPort: UDP.ours, localAddresses })
  );
  return new SctpStack(opened, options);
}
