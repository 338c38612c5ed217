/// <reference lib="deno.unstable" />
/** Two processes of one implementation that talk to each other. */
import type { Peer, ProcessReport, Role } from "./peer.ts";

/** Milliseconds that both processes may take beyond the time that they are told to send for. */
const PATIENCE = 30_000;

/** What both ends say. */
export interface SessionReports<Passive, Active> {
  readonly passive: Passive;
  readonly active: Active;
}

/**
 * Runs a process that waits, then one that connects to it, until both have ended.
 * @param passive and `active` make the words for the processes from their UDP ports.
 * @throws Error with what a process said if it fails or does not end in time.
 */
export async function runSession<Passive extends ProcessReport, Active extends ProcessReport>(
  peer: Peer,
  passive: (udpPort: number) => Role,
  active: (udpPort: number, peerUdpPort: number) => Role,
  milliseconds = 0,
): Promise<SessionReports<Passive, Active>> {
  const [passivePort, activePort] = freeUdpPorts(2);
  const patience = AbortSignal.timeout(milliseconds + PATIENCE);
  const server = new End(peer, passive(passivePort), patience);
  try {
    await server.ready;
    const client = new End(peer, active(activePort, passivePort), patience);
    const reports = await Promise.all([server.report(), client.report()]);
    return { passive: reports[0] as Passive, active: reports[1] as Active };
  } catch (error) {
    server.kill();
    throw error;
  }
}

/** UDP ports of 127.0.0.1 that nobody has; usrsctp cannot be told to let the kernel choose. */
function freeUdpPorts(count: number): number[] {
  const sockets = Array.from(
    { length: count },
    () => Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 }),
  );
  const ports = sockets.map(({ addr }) => (addr as Deno.NetAddr).port);
  for (const socket of sockets) socket.close();
  return ports;
}

/** One process: its lines of output, and its end. */
class End {
  readonly #title: string;
  readonly #child: Deno.ChildProcess;
  readonly #lines: string[] = [];
  readonly #complaints: Promise<string>;
  readonly #finished: Promise<void>;
  readonly #ready = Promise.withResolvers<void>();

  constructor(peer: Peer, role: Role, signal: AbortSignal) {
    const [program, ...args] = peer.command(role);
    this.#title = `${peer.name}, ${role.join(" ")}`;
    this.#child = new Deno.Command(program, {
      args,
      stdout: "piped",
      stderr: "piped",
      signal,
    }).spawn();
    this.#complaints = new Response(this.#child.stderr).text();
    this.#finished = this.#read();
    this.#ready.promise.catch(() => {});
    this.#finished.catch(() => {});
  }

  /** Resolves when the process can be reached. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** What the process said last, once it has ended. */
  async report(): Promise<unknown> {
    await this.#finished;
    const line = this.#lines.findLast((each) => each.startsWith("{"));
    if (line === undefined) throw new Error(`${this.#title}: no report`);
    return JSON.parse(line);
  }

  kill(): void {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
  }

  async #read(): Promise<void> {
    const lines = this.#child.stdout.pipeThrough(new TextDecoderStream());
    let rest = "";
    for await (const text of lines) {
      const parts = (rest + text).split("\n");
      rest = parts.pop() ?? "";
      this.#lines.push(...parts);
      if (this.#lines.includes("ready")) this.#ready.resolve();
    }
    const { success, code, signal } = await this.#child.status;
    const complaints = (await this.#complaints).trim();
    const error = new Error(`${this.#title} ended with ${signal ?? code}: ${complaints}`);
    this.#ready.reject(error);
    if (!success) throw error;
  }
}
