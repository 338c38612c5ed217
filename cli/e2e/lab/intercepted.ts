/** A client host whose connections a shimd intercepts, and a server host with an ordinary server. */
import { stringify } from "smol-toml";
import { IpAddress } from "../../../core/sctp/base/address.ts";
import { Lab } from "./lab.ts";
import { type Namespace, type TwoPathLab, twoPaths } from "./namespaces.ts";
import { type LabProcess, run } from "./process.ts";
import { shimkitCommand } from "./shimkit.ts";

/** What an application saw of one connection. Addresses are "host port". */
export interface Probe {
  /** The system's words; empty if connect() succeeded. */
  readonly error: string;
  readonly local: string;
  readonly remote: string;
  /** The server's word for the client. */
  readonly greeting: string;
  /** Duration of connect(). */
  readonly milliseconds: number;
}

/** The port of the ordinary server. */
export const PORT = 8000;

/**
 * Milliseconds of the head start where a test is not about it: a busy machine may take longer for
 * the first association than people should wait.
 */
export const PATIENCE = 30_000;

/** The UDP port of SCTP on both hosts. */
const SCTP_UDP = 9899;

function script(name: string): readonly string[] {
  const path = new URL(`./${name}`, import.meta.url).pathname;
  return [Deno.execPath(), "run", "--quiet", "-A", path];
}

/** The stage of the tests. */
export class Intercepted implements AsyncDisposable {
  readonly lab = Lab.open();
  readonly control = this.lab.path("control");
  readonly rules = this.lab.path("rules.toml");
  #net: TwoPathLab | undefined;

  /** Builds hosts and server; which ports are enabled, and settings, are said by a rules file. */
  static async open(
    enabled: readonly number[],
    settings: Readonly<Record<string, number>> = {},
  ): Promise<Intercepted> {
    const stage = new Intercepted();
    stage.#net = await twoPaths(stage.lab);
    const rules = enabled.map((port) => `-c remote -p enable -s ${port}`);
    const text = stringify({
      rules,
      net: { inet: { sctp: { shim: { head_start: PATIENCE, ...settings } } } },
    });
    await Deno.writeTextFile(stage.rules, text);
    return stage;
  }

  get client(): Namespace {
    return this.#net!.client;
  }

  get server(): Namespace {
    return this.#net!.server;
  }

  /** The server's address of a family. */
  address(family: 4 | 6): string {
    const { v4, v6 } = this.#net!.wires[0].b;
    return IpAddress.parse(family === 4 ? v4 : v6).text;
  }

  async startServer(port = PORT): Promise<LabProcess> {
    const server = this.server.spawn([...script("tcp_greeter.ts"), String(port)]);
    await server.line(/listening/);
    return server;
  }

  /** The server's shim, which offers a port over SCTP whether somebody listens there or not. */
  async startServerShim(port = PORT): Promise<LabProcess> {
    const shim = this.server.spawn(shimkitCommand(["shimd", "--no-control", "--serve", port]));
    await shim.line(/serving/);
    return shim;
  }

  async startClientShim(...more: readonly string[]): Promise<LabProcess> {
    const places = ["--file", this.rules, "--control", this.control];
    const words = ["shimd", "--intercept", ...places, ...more];
    const shim = this.client.spawn(shimkitCommand(words));
    await shim.line(/intercepting IPv6/);
    return shim;
  }

  /** Runs `shimkit ARGS` against the client's shim. */
  shimkit(...args: readonly string[]): Promise<string> {
    return this.client.run(...shimkitCommand([...args, "--control", this.control]));
  }

  /** The command line of an application that connects to the server. */
  probeWords(family: 4 | 6, port = PORT): readonly string[] {
    return [...script("tcp_probe.ts"), this.address(family), `${port}`];
  }

  /** Starts it on the client. */
  async startProbe(family: 4 | 6, port = PORT): Promise<LabProcess> {
    const probe = this.client.spawn(this.probeWords(family, port));
    await probe.line(/connecting/);
    return probe;
  }

  /** Has an application connect to the server. */
  async probe(family: 4 | 6, port = PORT): Promise<Probe> {
    return await probed(await this.startProbe(family, port));
  }

  /** The server's host loses every packet of SCTP without a word. */
  async silenceSctp(): Promise<void> {
    await nft(this.server, `udp dport ${SCTP_UDP} drop`);
  }

  /** The client's host loses the first SYN that is on its way to the shim: TCP sends it again. */
  async loseFirstGrantedSyn(): Promise<void> {
    const first = "quota until 100 bytes drop";
    await nft(this.client, `iifname lo tcp flags & (syn | ack) == syn ${first}`);
  }

  /** Counts SYNs that come to the server's host from now on. */
  async countSyns(): Promise<() => Promise<number>> {
    await nft(this.server, "tcp flags & (syn | ack) == syn counter");
    return async () => {
      const text = await this.server.run("nft", "list", "table", "inet", "stage");
      return Number(/counter packets (\d+)/.exec(text)![1]);
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab[Symbol.asyncDispose]();
  }
}

/** What a probe that was started has seen. */
export async function probed(process: LabProcess): Promise<Probe> {
  const { lines } = await process.finished();
  const text = lines.findLast((line) => line.startsWith("{"));
  if (text === undefined) throw new Error(`the probe says nothing: ${lines.join("\n")}`);
  return JSON.parse(text);
}

/** Has a host do this with each packet that enters it. */
async function nft(host: Namespace, rule: string): Promise<void> {
  const hook = "type filter hook prerouting priority -200;";
  const script = `table inet stage {\nchain enter {\n${hook}\n${rule}\n}\n}\n`;
  await run(host.inside(["nft", "-f", "-"]), script);
}
