/** Two hosts for a test: network namespaces joined by veth pairs, entered by this very thread. */
import { check } from "../libc.ts";

const CLONE_NEWNET = 0x40000000;

interface Descriptors {
  readonly symbols: {
    setns(descriptor: number, type: number): number;
    open(path: Uint8Array<ArrayBuffer>, flags: number, mode: number): number;
    close(descriptor: number): number;
  };
}

let library: Descriptors | undefined;

function symbols(): Descriptors["symbols"] {
  library ??= Deno.dlopen("libc.so.6", {
    setns: { parameters: ["i32", "i32"], result: "i32" },
    open: { parameters: ["buffer", "i32", "i32"], result: "i32" },
    close: { parameters: ["i32"], result: "i32" },
  });
  return library.symbols;
}

/** Runs a command and returns what it printed; throws with its own words if it fails. */
function run(...words: string[]): string {
  const [command, ...args] = words;
  const { success, stdout, stderr } = new Deno.Command(command, { args }).outputSync();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  if (!success) throw new Error(`${words.join(" ")}: ${text(stderr)}`);
  return text(stdout);
}

/** Runs `action` with this thread in a namespace: sockets opened there stay there. */
export function inNamespace<T>(name: string, action: () => T): T {
  const home = openPath("/proc/thread-self/ns/net");
  const there = openPath(`/run/netns/${name}`);
  try {
    check(symbols().setns(there, CLONE_NEWNET), `enter namespace ${name}`);
    return action();
  } finally {
    check(symbols().setns(home, CLONE_NEWNET), "return to the namespace of the test");
    symbols().close(there);
    symbols().close(home);
  }
}

/** Two namespaces; remove them by `using`. */
export class TwoHosts implements Disposable {
  readonly names: readonly [string, string];

  /**
   * Makes them, and waits until the links carry packets.
   * @param links addresses with prefix length: those of the first host's end of each veth pair, then
   * those of the second's. The interfaces are named link0, link1, ... on both.
   */
  static async make(
    links: readonly (readonly [first: readonly string[], second: readonly string[]])[],
  ): Promise<TwoHosts> {
    const hosts = new TwoHosts();
    try {
      links.forEach((ends, index) => hosts.#join(`link${index}`, ends));
      for (const [index, ends] of links.entries()) {
        for (const [end, addresses] of ends.entries()) {
          const isV6 = addresses.some((address) => address.includes(":"));
          await hosts.#ready(hosts.names[end], `link${index}`, isV6);
        }
      }
      return hosts;
    } catch (error) {
      hosts[Symbol.dispose]();
      throw error;
    }
  }

  private constructor() {
    // Test files that run side by side share the number of the process.
    const stem = `skn${Deno.pid}x${crypto.randomUUID().slice(0, 8)}`;
    this.names = [`${stem}a`, `${stem}b`];
    for (const name of this.names) {
      run("ip", "netns", "add", name);
      this.ip(name, "link", "set", "lo", "up");
      // Without this IPv6 is silent for a second while it looks for duplicates of its addresses.
      const quiet = ["all", "default"].map((scope) => `net.ipv6.conf.${scope}.accept_dad=0`);
      this.exec(name, "sysctl", "-qw", ...quiet);
    }
  }

  /** Runs `ip` in a namespace. */
  ip(name: string, ...args: string[]): void {
    run("ip", "-n", name, ...args);
  }

  /** Runs a command in a namespace. */
  exec(name: string, ...words: string[]): void {
    run("ip", "netns", "exec", name, ...words);
  }

  /** As {@link inNamespace}. */
  in<T>(name: string, action: () => T): T {
    return inNamespace(name, action);
  }

  /** Joins the hosts by a veth pair. */
  #join(link: string, ends: readonly [readonly string[], readonly string[]]): void {
    const [a, b] = this.names;
    this.ip(a, "link", "add", link, "type", "veth", "peer", "name", link, "netns", b);
    for (const [end, name] of this.names.entries()) {
      for (const address of ends[end]) {
        const nodad = address.includes(":") ? ["nodad"] : [];
        this.ip(name, "address", "add", address, "dev", link, ...nodad);
      }
      this.ip(name, "link", "set", link, "up");
    }
  }

  /**
   * Waits until a link carries packets, which the kernel may notice late, and until it has an IPv6
   * address of its own, before which the kernel does not answer for others: up to a second.
   */
  async #ready(name: string, link: string, isV6: boolean): Promise<void> {
    const deadline = performance.now() + 5000;
    for (;;) {
      const shown = run("ip", "-n", name, "address", "show", "dev", link);
      if (/ state UP /.test(shown) && (!isV6 || /inet6 .* scope link *$/m.test(shown))) return;
      if (performance.now() > deadline) throw new Error(`${link} of ${name} does not get ready`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  [Symbol.dispose](): void {
    for (const name of this.names) run("ip", "netns", "delete", name);
  }
}

function openPath(path: string): number {
  const O_CLOEXEC = 0o2000000;
  return check(symbols().open(new TextEncoder().encode(`${path}\0`), O_CLOEXEC, 0), `open ${path}`);
}
