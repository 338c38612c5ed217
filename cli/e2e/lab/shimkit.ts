/** The command under test, as a black box in a namespace. */
import type { Namespace } from "./namespaces.ts";
import type { LabProcess, SpawnOptions } from "./process.ts";
import type { UdpPorts } from "./usrsctp.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;

/** Protocol parameters for failover within a test's patience. */
export const FAST_FAILOVER: Readonly<Record<string, number>> = {
  rtoInitial: 300,
  rtoMin: 200,
  rtoMax: 600,
  pathMaxRetrans: 2,
  hbInterval: 500,
};

/** What `shimkit sctp` is told. */
export interface SctpCommand {
  readonly port: number;
  /** Addresses to connect to; without them it listens. */
  readonly peer?: readonly string[];
  readonly local?: readonly string[];
  /** Raw IP without it. */
  readonly udp?: UdpPorts;
  readonly parameters?: Readonly<Record<string, number>>;
  /** Any further words, such as `--echo`. */
  readonly more?: readonly (string | number)[];
}

/** The words that run `shimkit ARGS`. */
export function shimkitCommand(args: readonly (string | number)[]): readonly string[] {
  return [Deno.execPath(), "run", "--quiet", "-A", MAIN, ...args.map(String)];
}

/** `--param NAME=VALUE` for each parameter. */
export function parameterWords(parameters: Readonly<Record<string, number>>): readonly string[] {
  return Object.entries(parameters).flatMap(([name, value]) => ["--param", `${name}=${value}`]);
}

function sctpArguments(command: SctpCommand): readonly (string | number)[] {
  const { port, peer, local, udp, parameters = {}, more = [] } = command;
  const carrier = udp ? ["--udp", udp.local, "--udp-remote", udp.remote] : ["--raw"];
  return [
    "sctp",
    ...(peer ? ["connect", port, "--peer", peer.join(",")] : ["listen", port]),
    ...carrier,
    ...(local ? ["--local", local.join(",")] : []),
    ...parameterWords(parameters),
    ...more,
  ];
}

/** Starts `shimkit sctp listen` or `connect`; a listening one is waited for. */
export async function startSctp(
  host: Namespace,
  command: SctpCommand,
  options: SpawnOptions = {},
): Promise<LabProcess> {
  const process = host.spawn(shimkitCommand(sctpArguments(command)), options);
  if (!command.peer) await process.line(/listening/i);
  return process;
}

/** What a test reads of the report that `--json` prints. */
export interface SctpReport {
  readonly end: { readonly graceful: boolean; readonly code?: string; readonly message?: string };
  readonly sent: { readonly messages: number; readonly bytes: number };
  readonly received: { readonly messages: number; readonly bytes: number };
  readonly association: {
    readonly extensions: readonly number[];
    readonly paths: readonly { readonly pmtu: number }[];
  };
  readonly endpoint: {
    readonly restarts: number;
    readonly dropped: Readonly<Record<string, number>>;
  };
}

/** The report of a process that has ended. */
export function reportOf(process: LabProcess): SctpReport {
  const text = process.lines.findLast((line) => line.startsWith("{"));
  if (text === undefined) throw new Error(`no report in:\n${process.lines.join("\n")}`);
  return JSON.parse(text);
}
