/**
 * The Linux kernel's own SCTP as a peer: User-Mode Linux, an ordinary process that boots in about
 * two seconds on the host's file system (read-only) and ships the sctp module.
 *
 * The guest hangs on two bridges, one a path, and the host under test on the other side of them: a
 * path is cut on the bridge, where neither end sees it. A third interface, in a namespace where no
 * test looks, carries commands to a shell server in the guest. Its addresses are link-local, which
 * the kernel's SCTP does not offer to a peer of wider scope.
 *
 * The guest is slow: judge conformance with it, not speed.
 */
import type { Lab } from "./lab.ts";
import {
  configureDevice,
  limitRate,
  makeVeth,
  Namespace,
  type Wire,
  wireAddresses,
} from "./namespaces.ts";
import { type LabProcess, quote, run, until } from "./process.ts";

const CONTROL = { host: "169.254.77.1", guest: "169.254.77.2", port: 77 } as const;
const WIRES = [0, 1] as const;
/** Rate of the wires, in Mbit/s: more than the guest can do. */
const UNDISTURBED_RATE = 1000;
/** Where the guest sees the lab's scratch folder. */
export const SHARED_FOLDER = "/tmp/lab";

/** Kernel settings for failover within a test's patience: path failure after about 1.5 seconds. */
export const FAST_FAILOVER: Readonly<Record<string, number>> = {
  rto_initial: 300,
  rto_min: 200,
  rto_max: 600,
  path_max_retrans: 2,
  hb_interval: 500,
};

/**
 * The kernel's defaults of what {@link FAST_FAILOVER} and the tests change. In this order, because
 * the kernel refuses a minimum above the maximum.
 */
export const KERNEL_DEFAULTS: Readonly<Record<string, number>> = {
  rto_initial: 3000,
  rto_max: 60000,
  rto_min: 1000,
  path_max_retrans: 5,
  hb_interval: 30000,
  encap_port: 0,
  udp_port: 0,
  auth_enable: 0,
  addip_enable: 0,
  addip_noauth_enable: 0,
  prsctp_enable: 1,
  ecn_enable: 1,
  reconf_enable: 0,
  intl_enable: 0,
  plpmtud_probe_interval: 0,
};

/** A script that the guest's first process runs: mounts, the sctp module, addresses, the shell server. */
function initScript(folder: string): string {
  const devices = WIRES.flatMap((index) => {
    const { v4, v6 } = wireAddresses(index, 2);
    return [
      `ip address add ${v4}/24 dev vec${index}`,
      `ip address add ${v6}/64 dev vec${index} nodad`,
      // Linux 6.1 loses what it segments late under UDP encapsulation: packets leave one by one.
      `ip link set vec${index} gso_max_size 1500`,
      `ip link set vec${index} up`,
    ];
  });
  return [
    "#!/bin/sh",
    "export PATH=/usr/sbin:/usr/bin:/sbin:/bin",
    "mount -t proc proc /proc",
    "mount -t sysfs sys /sys",
    "mount -t tmpfs tmpfs /tmp",
    "mount -t tmpfs tmpfs /run",
    `mkdir ${SHARED_FOLDER}`,
    `mount -t hostfs -o ${folder} none ${SHARED_FOLDER}`,
    // modprobe and not insmod: hmac, crc32c and the rest then load by themselves, also later on.
    "mkdir -p /run/root/lib/modules",
    "ln -s /usr/lib/uml/modules/$(uname -r) /run/root/lib/modules/$(uname -r)",
    `printf '#!/bin/sh\\nexec modprobe -d /run/root "$@"\\n' >/run/modprobe`,
    "chmod +x /run/modprobe",
    "echo /run/modprobe >/proc/sys/kernel/modprobe",
    "/run/modprobe ipv6 && /run/modprobe sctp && /run/modprobe sctp_diag",
    "ip link set lo up",
    ...devices,
    `ip address add ${CONTROL.guest}/30 dev vec2`,
    "ip link set vec2 up",
    "cd /tmp",
    "echo GUEST READY",
    `exec socat -t 3600 TCP-LISTEN:${CONTROL.port},reuseaddr,fork EXEC:/bin/sh`,
    "",
  ].join("\n");
}

/** What a command in the guest gave. */
export interface GuestResult {
  readonly code: number;
  /** Standard output and error. */
  readonly text: string;
}

/** A process in the guest. */
export class GuestProcess {
  readonly #guest: KernelPeer;
  readonly #connection: LabProcess;
  readonly #pid: string;

  constructor(guest: KernelPeer, connection: LabProcess, pid: string) {
    this.#guest = guest;
    this.#connection = connection;
    this.#pid = pid;
  }

  get lines(): readonly string[] {
    return this.#connection.lines;
  }

  get running(): boolean {
    return !this.lines.some((line) => line.startsWith("~exit"));
  }

  line(pattern: RegExp, patience?: number): Promise<string> {
    return this.#connection.line(pattern, patience);
  }

  /** Waits for its end and gives its exit status. */
  async finished(patience?: number): Promise<number> {
    const line = await this.#connection.line(/^~exit \d+$/, patience);
    return Number(line.slice("~exit ".length));
  }

  /** Kills it and what it started. The kernel then closes its associations. */
  async kill(): Promise<void> {
    await this.#guest.run(`kill -9 -${this.#pid}`);
    await this.finished();
  }
}

/** A booted guest and the network around it. */
export class KernelPeer {
  /** Where the other peer runs. Ends `a` of the wires are its interfaces, ends `b` the guest's. */
  readonly host: Namespace;
  readonly wires: readonly [Wire, Wire];
  /** What joins it to the host: packets of both pass here, unseen by either. */
  readonly bridges: Namespace;
  readonly #processes = new Set<GuestProcess>();

  private constructor(host: Namespace, bridges: Namespace, wires: readonly [Wire, Wire]) {
    this.host = host;
    this.wires = wires;
    this.bridges = bridges;
  }

  static async boot(lab: Lab): Promise<KernelPeer> {
    const host = await Namespace.create(lab, "host");
    const bridges = await Namespace.create(lab, "bridges", "bridge");
    const wires = [
      await bridgedWire(host, bridges, WIRES[0]),
      await bridgedWire(host, bridges, WIRES[1]),
    ] as const;
    await makeTap(bridges, "tap2");
    await bridges.ip("address", "add", `${CONTROL.host}/30`, "dev", "tap2");
    const init = lab.path("init.sh");
    await Deno.writeTextFile(init, initScript(lab.folder), { mode: 0o755 });
    const machine = bridges.spawn(commandLine(init, lab.folder));
    await machine.line(/GUEST READY/);
    const guest = new KernelPeer(host, bridges, wires);
    lab.defer(() => machine.killGroup());
    await guest.#answers();
    await guest.reset();
    return guest;
  }

  /** Runs a shell script in the guest to its end. */
  async run(script: string): Promise<GuestResult> {
    const text = await run(this.#shell(), framed(script));
    const mark = text.lastIndexOf("~exit ");
    if (mark < 0) throw new Error(`the guest did not finish: ${script}\n${text}`);
    return { code: Number(text.slice(mark + "~exit ".length)), text: text.slice(0, mark) };
  }

  /** As {@link run}, and throws unless the exit status is 0. */
  async succeed(script: string): Promise<string> {
    const { code, text } = await this.run(script);
    if (code !== 0) throw new Error(`in the guest: ${script}: exit status ${code}\n${text}`);
    return text;
  }

  /** Starts a program (not a script) in the guest that listens on an SCTP port, and waits until it does. */
  async listen(port: number, command: string): Promise<GuestProcess> {
    const process = await this.start(command);
    await until(`the guest listens on port ${port}`, () => this.#hasEndpoint(port));
    return process;
  }

  async #hasEndpoint(port: number): Promise<boolean> {
    const endpoints = await this.succeed("cat /proc/net/sctp/eps");
    return endpoints.split("\n").slice(1).some((line) =>
      line.trim().split(/\s+/)[5] === String(port)
    );
  }

  /** Starts a program (not a script) in the guest. */
  async start(command: string): Promise<GuestProcess> {
    const connection = this.bridges.spawn(this.#shellWords(), { stdin: "piped" });
    await connection.write(framed(`setsid -w sh -c ${quote(`echo "~pid $$"; exec ${command}`)}`));
    await connection.closeInput();
    const line = await connection.line(/^~pid \d+$/);
    const process = new GuestProcess(this, connection, line.slice("~pid ".length));
    this.#processes.add(process);
    return process;
  }

  /** Brings guest and wires back to where they were after the boot. */
  async reset(): Promise<void> {
    for (const process of this.#processes) if (process.running) await process.kill();
    this.#processes.clear();
    for (const wire of this.wires) {
      await wire.heal();
      await wire.limit(UNDISTURBED_RATE);
    }
    await this.sysctl(KERNEL_DEFAULTS);
  }

  /** Sets `net.sctp.*`. */
  async sysctl(settings: Readonly<Record<string, number>>): Promise<void> {
    const words = Object.entries(settings).map(([name, value]) => `net.sctp.${name}=${value}`);
    await this.succeed(`sysctl -w ${words.join(" ")}`);
  }

  /** The kernel's associations, one a line, as in /proc/net/sctp/assocs. */
  async associations(): Promise<readonly string[]> {
    const text = await this.succeed("cat /proc/net/sctp/assocs");
    return text.split("\n").slice(1).filter((line) => line.trim() !== "");
  }

  async sha256(path: string): Promise<string> {
    return (await this.succeed(`sha256sum ${quote(path)}`)).split(" ")[0];
  }

  #shellWords(): readonly string[] {
    return ["socat", "-t", "3600", "-", `TCP:${CONTROL.guest}:${CONTROL.port}`];
  }

  #shell(): readonly string[] {
    return this.bridges.inside(this.#shellWords());
  }

  async #answers(): Promise<void> {
    const answers = () => this.succeed("checksctp").then(() => true, () => false);
    await until("the guest's shell server answers", answers);
  }
}

/** The script as the shell server takes it: apart from its input, and with its exit status at the end. */
function framed(script: string): string {
  return `sh -c ${quote(script)} </dev/null 2>&1; echo "~exit $?"\n`;
}

function commandLine(init: string, folder: string): readonly string[] {
  const devices = [0, 1, 2].map((i) => `vec${i}:transport=tap,ifname=tap${i},depth=128,gro=1`);
  return [
    "linux.uml",
    "mem=256M",
    "root=/dev/root",
    "rootfstype=hostfs",
    "rootflags=/",
    "ro",
    `init=${init}`,
    `uml_dir=${folder}/uml`,
    "umid=guest",
    ...devices,
    "con=null",
    "con0=fd:0,fd:1",
  ];
}

async function makeTap(bridges: Namespace, device: string): Promise<void> {
  await bridges.ip("tuntap", "add", "dev", device, "mode", "tap");
  await bridges.ip("link", "set", device, "up");
}

async function bridgedWire(host: Namespace, bridges: Namespace, index: 0 | 1): Promise<Wire> {
  const [path, bridge, tap] = [`path${index}`, `bridge${index}`, `tap${index}`];
  await bridges.ip("link", "add", bridge, "type", "bridge");
  await makeVeth(host, path, bridges, path);
  await makeTap(bridges, tap);
  for (const device of [path, tap]) {
    await bridges.ip("link", "set", device, "master", bridge);
    await bridges.ip("link", "set", device, "up");
  }
  await bridges.ip("link", "set", bridge, "up");
  const a = { host, device: path, ...wireAddresses(index, 1) };
  const b = { host: bridges, device: tap, ...wireAddresses(index, 2) };
  await configureDevice(a);
  return {
    a,
    b,
    async cut() {
      await bridges.drop(path);
      await bridges.drop(tap);
    },
    async lose(perMille) {
      await bridges.drop(path, perMille);
      await bridges.drop(tap, perMille);
    },
    async heal() {
      await bridges.heal(path);
      await bridges.heal(tap);
    },
    async limit(megabits) {
      await limitRate(host, path, megabits);
      await limitRate(bridges, path, megabits);
    },
  };
}
