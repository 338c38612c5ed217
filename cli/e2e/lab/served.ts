/** A client host whose connections are intercepted, and a server host whose servers are served. */
import { IpAddress } from "../../../core/sctp/base/address.ts";
import { PATIENCE, type Probe, probed } from "./intercepted.ts";
import { Lab } from "./lab.ts";
import { type TwoPathLab, twoPaths } from "./namespaces.ts";
import type { LabProcess } from "./process.ts";
import { shimkitCommand } from "./shimkit.ts";
import { tracesIn } from "./traces.ts";

function script(name: string): readonly string[] {
  const path = new URL(`./${name}`, import.meta.url).pathname;
  return [Deno.execPath(), "run", "--quiet", "-A", path];
}

/** The stage of the tests. */
export class Served implements AsyncDisposable {
  readonly #lab = Lab.open();
  readonly #control = this.#lab.path("server.control");
  readonly #clientControl = this.#lab.path("client.control");
  #net: TwoPathLab | undefined;

  static async open(): Promise<Served> {
    const stage = new Served();
    stage.#net = await twoPaths(stage.#lab);
    return stage;
  }

  /** An ordinary TCP server on the server's host, which tells each client its address. */
  async startServer(addresses: readonly string[], port: number): Promise<LabProcess> {
    const server = this.#net!.server.spawn([
      ...script("tcp_greeter.ts"),
      `${port}`,
      ...addresses,
    ]);
    await server.line(/listening/);
    return server;
  }

  /** The server's shim, with a rule as it is typed. */
  async startServerShim(rule?: string): Promise<LabProcess> {
    const file = this.#lab.path("server.toml");
    if (rule) await this.#net!.server.run(...words("shimrules", rule, "--file", file));
    const places = `--file ${file} --control ${this.#control}`;
    const shim = this.#net!.server.spawn(words("shimd", "--serve-listeners", places));
    await shim.line(/serving this host's TCP servers/);
    return shim;
  }

  /** The same, and the client's, which tries SCTP for every connection. */
  async startShims(rule?: string): Promise<void> {
    const file = this.#lab.path("client.toml");
    const enable = `[net.inet.sctp.shim]\ndefault_remote_enable = 1\nhead_start = ${PATIENCE}\n`;
    await Deno.writeTextFile(file, enable);
    const places = `--file ${file} --control ${this.#clientControl}`;
    const [, client] = await Promise.all([
      this.startServerShim(rule),
      this.#net!.client.spawn(words("shimd", "--intercept", places)),
    ]);
    await client.line(/intercepting IPv6/);
  }

  /** Runs `shimkit ARGS` against the server's shim. */
  shimkit(...args: readonly string[]): Promise<string> {
    return this.#net!.server.run(...shimkitCommand([...args, "--control", this.#control]));
  }

  /** Has the client's shim forget what it knows about servers. */
  async forgetAvailability(): Promise<void> {
    await this.#net!.client.run(...words("cache", "--flush", `--control ${this.#clientControl}`));
  }

  /** Has an application on the client connect to the server's first address of a family. */
  async probe(family: 4 | 6, port: number): Promise<Probe> {
    const { v4, v6 } = this.#net!.wires[0].b;
    const { text } = IpAddress.parse(family === 4 ? v4 : v6);
    return await probed(this.#net!.client.spawn([...script("tcp_probe.ts"), text, `${port}`]));
  }

  /** What a shim has in the kernel of the server's host. */
  traces(): Promise<string> {
    return tracesIn(this.#net!.server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lab[Symbol.asyncDispose]();
  }
}

/** The words of a command line that is given in parts. */
function words(...parts: readonly string[]): readonly string[] {
  return shimkitCommand(parts.join(" ").split(" "));
}
