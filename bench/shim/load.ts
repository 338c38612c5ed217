/** The application at both ends: `bench/tcp/load.c`, compiled on the spot. */
import { fileURLToPath } from "node:url";
import { Child } from "../../core/net/child.ts";
import { compileC } from "../compile.ts";
import type { Host } from "./hosts.ts";

const SOURCE = fileURLToPath(new URL("../tcp/load.c", import.meta.url));

/** Milliseconds that a session may take beyond the time that it is told to last. */
const PATIENCE = 60_000;

/** What every process says about itself: user and system time since its connection stood. */
export interface LoadReport {
  readonly cpuSeconds: number;
}

/** What `send` says. */
export interface SendReport extends LoadReport {
  readonly bytes: number;
  readonly seconds: number;
}

/** What `receive` says. */
export interface ReceiveReport extends LoadReport {
  readonly bytes: number;
  /** Blocks that were not as sent. */
  readonly faults: number;
  /** From the first byte to the last. */
  readonly seconds: number;
}

/** What `ping` and `connect` say; times in microseconds. */
export interface TimesReport extends LoadReport {
  /** Connections that were made. */
  readonly connections: number;
  readonly count: number;
  readonly minimum: number;
  readonly p50: number;
  readonly p99: number;
  readonly maximum: number;
}

/** What `storm` says. */
export interface StormReport extends LoadReport {
  readonly connections: number;
  readonly seconds: number;
}

/** One end of a session: where it runs, and the words behind the program's name. */
export interface End {
  readonly host: Host;
  readonly words: readonly (string | number)[];
}

export class Load {
  private constructor(readonly program: string) {}

  /**
   * Compiles the program into a folder.
   * @throws Error with the compiler's words if it cannot.
   */
  static async build(folder: string): Promise<Load> {
    const program = `${folder}/load`;
    const trouble = await compileC(SOURCE, program);
    if (trouble !== undefined) throw new Error(`${SOURCE} cannot be compiled: ${trouble}`);
    return new Load(program);
  }

  /**
   * Runs a server, then a client of it, until both have ended.
   * @throws Error with what a process said if it fails or does not end in time.
   */
  async session<Server extends LoadReport, Client extends LoadReport>(
    server: End,
    client: End,
    milliseconds = 0,
  ): Promise<{ server: Server; client: Client }> {
    const patience = AbortSignal.timeout(milliseconds + PATIENCE);
    const waiting = this.start(server, patience);
    try {
      await waiting.line(/^ready$/);
      const active = this.start(client, patience);
      await active.ended;
      await waiting.end();
      return { client: reportOf(active) as Client, server: reportOf(waiting) as Server };
    } finally {
      await waiting.end();
    }
  }

  /** Starts one end, which ends with its input, or by the signal. */
  start({ host, words }: End, signal?: AbortSignal): Child {
    return new Child(host.inside([this.program, ...words.map(String)]), signal);
  }
}

function reportOf(child: Child): unknown {
  const line = child.latest(/^{/);
  if (line === undefined) throw new Error(`no report: ${child.latest(/./) ?? "not a word"}`);
  return JSON.parse(line);
}
