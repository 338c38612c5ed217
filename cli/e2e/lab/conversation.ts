/** A client and a server that talk over one TCP connection for as long as a test likes. */
import type { Namespace } from "./namespaces.ts";
import type { LabProcess } from "./process.ts";

function script(name: string): readonly string[] {
  const path = new URL(`./${name}`, import.meta.url).pathname;
  return [Deno.execPath(), "run", "--quiet", "-A", path];
}

/** Starts a server that sends back what it gets. */
export async function startEcho(host: Namespace, port: number): Promise<LabProcess> {
  const server = host.spawn([...script("tcp_echo.ts"), String(port)]);
  await server.line(/^listening$/);
  return server;
}

/** A client that is connected to an echo. */
export class Talker {
  #said = 0;

  private constructor(
    readonly process: LabProcess,
    /** Its own end: "host port". */
    readonly local: string,
  ) {}

  /** Has one begin to connect from `host`: it says "connected HOST PORT", or what went wrong. */
  static begin(host: Namespace, address: string, port: number): LabProcess {
    const words = [...script("tcp_talker.ts"), address, String(port)];
    return host.spawn(words, { stdin: "piped" });
  }

  /** One that has begun, once it is connected. */
  static async of(process: LabProcess): Promise<Talker> {
    const line = await process.line(/^connected /);
    return new Talker(process, line.replace("connected ", ""));
  }

  /** Connects from `host`. */
  static start(host: Namespace, address: string, port: number): Promise<Talker> {
    return Talker.of(Talker.begin(host, address, port));
  }

  /** Says something, and waits until it comes back. */
  async talk(): Promise<void> {
    const words = `words ${++this.#said}`;
    await this.process.write(`${words}\n`);
    await this.process.line(new RegExp(`^${words}$`));
  }

  /** How its connection ended: "end", or the name of an error. */
  async ending(): Promise<string> {
    const { lines } = await this.process.finished();
    return lines.at(-1)!;
  }
}
