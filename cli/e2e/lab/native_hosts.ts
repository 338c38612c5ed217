/** Hosts whose programs speak SCTP themselves: over usrsctp, or over the kernel's SCTP. */
import { compileProgram, type Program } from "./c_programs.ts";
import type { Lab } from "./lab.ts";
import { type Namespace, twoPaths, type Wire } from "./namespaces.ts";
import type { LabProcess } from "./process.ts";
import { FAST_FAILOVER, KernelPeer, SHARED_FOLDER } from "./uml.ts";

/** How packets travel to it. */
export type Carrier = "raw IP" | "UDP";

/** The UDP port of SCTP on every host (RFC 6951, section 7). */
export const UDP_PORT = 9899;

/** A running program of the native host. */
export interface NativeProcess {
  readonly lines: readonly string[];
  line(pattern: RegExp): Promise<string>;
  /** Waits for its end and gives its exit status. */
  exitStatus(): Promise<number>;
}

/** A native host and the wires to it. */
export interface NativeHost {
  /** The host at ends `a` of the wires; the native one has ends `b`. */
  readonly other: Namespace;
  readonly wires: readonly [Wire, Wire];
  /** Starts a program; the words in front are its file's name and options. */
  start(carrier: Carrier, program: Program, words: readonly string[]): Promise<NativeProcess>;
  /** A file of the lab, as the native host names it. */
  path(name: string): string;
  /** Ends its programs, and heals the wires. */
  reset(): Promise<void>;
}

/** A stack of native hosts. */
export interface NativeStack {
  readonly name: "usrsctp" | "kernel SCTP";
  readonly open: (lab: Lab) => Promise<NativeHost>;
}

export const USRSCTP: NativeStack = {
  name: "usrsctp",
  async open(lab) {
    const { client, server, wires } = await twoPaths(lab);
    const running = new Set<LabProcess>();
    return {
      other: client,
      wires,
      async start(carrier, program, words) {
        const file = lab.path(await compileProgram(lab, program, "usrsctp"));
        const ports = carrier === "UDP" ? ["--udp", UDP_PORT, "--udp-remote", UDP_PORT] : [];
        const process = server.spawn([file, "--fast-failover", ...ports.map(String), ...words]);
        running.add(process);
        return {
          lines: process.lines,
          line: (pattern) => process.line(pattern),
          exitStatus: async () => (await process.finished()).code,
        };
      },
      path: (name) => lab.path(name),
      async reset() {
        await Promise.all([...running].map((process) => process.kill()));
        running.clear();
        for (const wire of wires) await wire.heal();
      },
    };
  },
};

export const KERNEL_SCTP: NativeStack = {
  name: "kernel SCTP",
  async open(lab) {
    const guest = await KernelPeer.boot(lab);
    return {
      other: guest.host,
      wires: guest.wires,
      async start(carrier, program, words) {
        const port = carrier === "UDP" ? UDP_PORT : 0;
        await guest.sysctl({ ...FAST_FAILOVER, udp_port: port, encap_port: port });
        const file = await compileProgram(lab, program, "kernel SCTP");
        const process = await guest.start([`${SHARED_FOLDER}/${file}`, ...words].join(" "));
        return {
          lines: process.lines,
          line: (pattern) => process.line(pattern),
          exitStatus: () => process.finished(),
        };
      },
      path: (name) => `${SHARED_FOLDER}/${name}`,
      reset: () => guest.reset(),
    };
  },
};
