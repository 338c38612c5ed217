/** `shimkit shimd`: the daemon that carries TCP connections over SCTP. */
import { hostAddressesIfAllowed } from "../core/net/interfaces.ts";
import { SCTP_UDP_PORT } from "../core/net/mod.ts";
import { formatFile } from "../core/rules/file_format.ts";
import type { Parameters } from "../core/sctp/parameters.ts";
import { withParameters } from "../core/sctp/parameters.ts";
import { formatHostPort } from "../core/shim/endpoint_spec.ts";
import { findLoop } from "../core/shim/forward_loops.ts";
import type { DataPlaneConfig, TransportConfig } from "../core/shim/protocol.ts";
import { resolveForward, resolveServe } from "../core/shim/resolve.ts";
import { ShimDaemon } from "../core/shim/shim_daemon.ts";
import type { ShimStatus } from "../core/shim/status.ts";
import { readKeys } from "./auth_options.ts";
import { CliError, defineCommand, UsageError } from "./command.ts";
import { ExitCode } from "./exit_codes.ts";
import type { CommandIo } from "./io.ts";
import { askedLogLevel, loggerOf } from "./logging.ts";
import { describeInterception, interceptConfig } from "./shimd_intercept.ts";
import { obeyLines } from "./shimd_control.ts";
import { type ShimdOptions, shimdOptions } from "./shimd_options.ts";
import { datagramConfig, setUpServing } from "./shimd_serve.ts";
import { loadRules, openControl, type StoredRules } from "./shimd_rules.ts";
import { statusLines } from "./shimd_status.ts";

export default defineCommand({
  description:
    "Carries TCP connections over SCTP, so that they survive a failing link: --intercept, --socks or " +
    "--forward take them from applications on one host, --serve hands them to a server on the other. Between two shims " +
    "half-close and reset arrive as they were sent. A connection that SCTP cannot make goes over " +
    "TCP. With --intercept or --serve-listeners datagrams of UDP applications are carried too, where " +
    "a rule enables them. SIGINT or SIGTERM stops the daemon.",
  examples: [
    { args: "shimd --serve 22", does: "on the server: SSH is reachable over SCTP as well" },
    {
      args: "shimd --forward 127.0.0.1:2222=server:22",
      does: "on the client: ssh -p 2222 127.0.0.1 goes over SCTP",
    },
    {
      args: "shimd --forward 8080=10.0.0.2,10.0.1.2:80 --local 10.0.0.1,10.0.1.1 --path-rtx-max 1",
      does: "two paths to one server, and a quick change to the other one",
    },
    {
      args: "shimd --intercept",
      does: "as root: carries what the rules enable, of applications that know nothing of it",
    },
    {
      args: "shimd --intercept --udp --raw",
      does: "the same, over UDP to servers that have it, over IP to those whose kernel has SCTP",
    },
    {
      args: "shimd --serve-listeners",
      does: "on the server: what the local rules enable of its TCP servers, as they come and go",
    },
    {
      args: "shimd --serve 22 --auth-key 1:/etc/shimkit/key",
      does: "accepts associations of those only who have the key, as the clients' shimd has to",
    },
    {
      args: "shimd --socks 1080",
      does: "without root: curl --socks5-hostname 127.0.0.1:1080 goes over SCTP where it can",
    },
  ],
  logs: true,
  parser: shimdOptions,
  async run(options, io) {
    const interruption = io.interruption();
    const rules = await loadRules(options);
    const config = await configOf(options, rules);
    const log = loggerOf("shimd");
    using serving = setUpServing(options, log);
    const daemon = await ShimDaemon.start(
      { ...config, serveListeners: serving.config },
      (level, message) => log[level](message),
    ).catch(asCliError);
    const control = await openControl(options, daemon, rules).catch(async (error) => {
      await daemon.stop();
      throw error;
    });
    for (const line of readyLines(await daemon.status(), options)) {
      io.print(line);
    }
    const watch = watchStatus(daemon, options, io);
    const stop = () => void daemon.stop(options.connections.drain);
    if (interruption.aborted) stop();
    else interruption.addEventListener("abort", stop, { once: true });
    if (options.reporting.controlStdin) {
      obeyLines(Deno.stdin.readable, daemon, watch.print, (fault) => io.printError(fault));
    }
    await daemon.ended.catch(asCliError).finally(async () => {
      watch.stop();
      await control?.close();
    });
    return ExitCode.ok;
  },
});

/** What the options ask of the data plane. Throws UsageError or CliError where they cannot be. */
async function configOf(
  options: ShimdOptions,
  { configuration }: StoredRules,
): Promise<DataPlaneConfig> {
  const { forwards, serves, noFallback } = options.connections;
  const { socks } = options.interception;
  checkTasks(options);
  const config: DataPlaneConfig = {
    socks: socks.map(({ address, port }) => ({ address: address.text, port })),
    intercept: interceptConfig(options.interception, (text) => loggerOf("shimd").warning(text)),
    transport: transportOf(options.transport),
    forwards: await Promise.all(forwards.map(resolveForward)).catch(asCliError),
    serves: await Promise.all(serves.map(resolveServe)).catch(asCliError),
    datagrams: datagramConfig(options),
    parameters: parametersOf(options),
    keys: await readKeys(options.authentication.keys),
    fallback: !noFallback,
    rules: formatFile(configuration),
    logLevel: askedLogLevel(),
  };
  refuseLoops(config);
  return config;
}

/** That there is something to do. */
function checkTasks({ connections, interception }: ShimdOptions): void {
  const { forwards, serves, serveListeners } = connections;
  const { socks, intercept, instance } = interception;
  const named = forwards.length + serves.length + socks.length;
  if (named === 0 && !intercept && !serveListeners) {
    throw new UsageError(
      "nothing to do",
      "Name at least one --forward, such as 127.0.0.1:2222=server:22, or one --serve, such as " +
        "22, or --serve-listeners, or --intercept, or one --socks, such as 1080.",
    );
  }
  if (instance !== undefined && !intercept && !serveListeners) {
    throw new UsageError(
      "--instance is a number for daemons that change the kernel's rules",
      "Leave it out, or add --intercept or --serve-listeners.",
    );
  }
}

/** That no connection comes back, again and again. */
function refuseLoops({ transport, forwards, serves, fallback }: DataPlaneConfig): void {
  const host = hostAddressesIfAllowed();
  const front = findLoop({
    forwards,
    serves,
    fallback,
    servesItself: transport.kind !== "udp" || transport.port === transport.remotePort,
    isOwn: (address) => address.isLoopback || host.some((one) => one.address.equals(address)),
  });
  if (front === undefined) return;
  throw new UsageError(`the forward ${front} leads back to itself`, "Name another server or port.");
}

function transportOf(
  { udp, raw, udpRemote: remotePort, local = [] }: ShimdOptions["transport"],
): TransportConfig {
  const addresses = local.map((address) => address.text);
  if (raw && udp === undefined) return { kind: "raw", addresses };
  return { kind: raw ? "both" : "udp", port: udp ?? SCTP_UDP_PORT, remotePort, addresses };
}

function parametersOf({ protocol, transport }: ShimdOptions): Partial<Parameters> {
  const { settings, pathRtxMax, initRtxMax } = protocol;
  const parameters: Partial<Parameters> = {
    ...(transport.follow ? { followAddresses: 1 } : {}),
    ...Object.fromEntries(settings),
    ...(pathRtxMax === undefined ? {} : { pathMaxRetrans: pathRtxMax }),
    ...(initRtxMax === undefined ? {} : { maxInitRetransmits: initRtxMax }),
  };
  try {
    withParameters(parameters);
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(error.message);
    throw error;
  }
  return parameters;
}

function asCliError(error: unknown): never {
  throw error instanceof Error ? new CliError(error.message) : error;
}

function readyLines(
  { listeners, transport }: ShimStatus,
  { reporting, connections, interception }: ShimdOptions,
): string[] {
  if (reporting.json) return [JSON.stringify({ kind: "ready", listeners, transport })];
  const carrier = carrierName(transport);
  const lines = listeners.map((listener) => {
    const { kind, address, port, target } = listener;
    if (kind === "serve") return `serving SCTP port ${port} from TCP ${target} by ${carrier}`;
    if (kind !== "forward") return describeInterception(listener, carrier);
    return `forwarding TCP ${formatHostPort(address, port)} to ${target} by ${carrier}`;
  });
  if (!connections.serveListeners && !interception.intercept) return lines;
  return [...lines, `serving this host's TCP servers as the local rules say, by ${carrier}`];
}

function carrierName({ kind, port }: ShimStatus["transport"]): string {
  if (kind === "raw") return "SCTP over IP";
  return `SCTP over UDP port ${port}${kind === "both" ? " and over IP" : ""}`;
}

/** Prints the status when asked to, and by the interval of the options. */
function watchStatus(daemon: ShimDaemon, { reporting }: ShimdOptions, io: CommandIo) {
  const print = (status: ShimStatus) => {
    const lines = reporting.json
      ? [JSON.stringify({ kind: "status", ...status })]
      : statusLines(status);
    for (const line of lines) io.print(line);
  };
  const { statusInterval } = reporting;
  const timer = statusInterval === undefined
    ? undefined
    : setInterval(() => void daemon.status().then(print, () => {}), statusInterval);
  return { print, stop: () => clearInterval(timer) };
}
