/**
 * `shimkit demo`: a file crosses two paths, one of which is cut half way, between an ordinary TCP
 * client and an ordinary TCP server.
 */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional, withDefault } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { formatHostPort } from "../core/shim/endpoint_spec.ts";
import type { ConnectionStatus } from "../core/shim/status.ts";
import { CliError, defineCommand } from "./command.ts";
import { type Arena, openArena, openLoopback } from "./demo/arena.ts";
import { Children } from "../core/net/child.ts";
import { Daemon } from "./demo/daemon.ts";
import { clientName, download } from "./demo/download.ts";
import { serveFile, SERVING } from "./demo/file_server.ts";
import { Progress } from "./demo/progress.ts";
import { writeRandomFile } from "./demo/random_file.ts";
import { selfCommand } from "./demo/self_command.ts";
import { View } from "./demo/view.ts";
import { ExitCode } from "./exit_codes.ts";
import type { CommandIo } from "./io.ts";
import { size } from "./options.ts";
import { formatBytes } from "./shimd_status.ts";

/** SCTP port of the server's daemon. */
const SCTP_PORT = 8080;

/** A failed path is given up after the first time-out, and time-outs are short. */
const PARAMETERS = {
  rtoInitial: 200,
  rtoMin: 100,
  sackDelay: 20,
  pathMaxRetrans: 0,
  hbInterval: 1000,
} as const;

/** What the user asks for. */
interface Wish {
  /** Bytes of the file. */
  readonly size: number;
  /** Bytes a second that the server sends. */
  readonly rate: number;
  /** No network namespaces. */
  readonly loopback: boolean;
}

export default defineCommand({
  description:
    "Fetches a file by HTTP through two shimd processes that are joined by two paths, cuts the path " +
    "in use half way without telling anybody, and compares what arrived with what was sent. As " +
    "root it happens between two network namespaces, else on the loopback. Takes about 12 seconds.",
  examples: [
    { args: "demo", does: "a file of 128 MB at 16 MB/s" },
    { args: "demo --size 32MB --rate 4MB", does: "a smaller one, more slowly" },
  ],
  parser: object({
    size: withDefault(
      option("--size", size(), { description: message`Size of the file.` }),
      128_000_000,
    ),
    rate: withDefault(
      option("--rate", size(), {
        description: message`Bytes a second that the server sends, so that there is time to watch.`,
      }),
      16_000_000,
    ),
    loopback: option("--loopback", {
      description: message`Takes the loopback even where namespaces can be had.`,
    }),
    serveFile: optional(option("--serve-file", string({ metavar: "PATH" }), { hidden: true })),
  }),
  async run({ serveFile: path, ...wish }, io) {
    if (path !== undefined) {
      await serveFile(path, wish.rate, (line) => io.print(line));
      return ExitCode.ok;
    }
    await using children = new Children();
    return await Promise.race([demonstrate(children, wish, io), interrupted(io)]);
  },
});

/** What the view shows beside the connection. */
interface Scene {
  readonly progress: Progress;
  readonly size: number;
  /** The path that has been cut, once one has. */
  cut: 0 | 1 | undefined;
}

async function interrupted(io: CommandIo): Promise<never> {
  const signal = io.interruption();
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  throw new CliError("interrupted");
}

async function demonstrate(children: Children, wish: Wish, io: CommandIo): Promise<ExitCode> {
  const arena = wish.loopback ? openLoopback() : await openArena(children, (why) => {
    io.print(`No network namespaces: ${why}.`);
  });
  introduce(arena, wish, io);
  const { sha256, port } = await startServer(children, arena, wish);
  const [server, client] = await startDaemons(children, arena, port);
  const [front] = client.listeners;
  const url = `http://${formatHostPort(front.address, front.port)}/`;
  const progress = new Progress(wish.size / 2);
  const scene: Scene = { progress, size: wish.size, cut: undefined };
  const view = new View(io, () => ({ ...scene, connection: server.connection }));
  const fetching = download(arena.client, url, progress).finally(() => view.close());
  await Promise.race([progress.reached, fetching]);
  const cut = scene.cut = busiestPath(server.connection);
  await arena.cut(cut, client);
  if (!io.interactive) io.print(`  path ${cut + 1} is cut now: ${arena.knife}`);
  const received = await fetching;
  report(progress, await server.lastWords(), cut, io);
  return compare(sha256, received, io);
}

function introduce(arena: Arena, { size, rate }: Wish, io: CommandIo): void {
  const [a, b] = [arena.client.addresses, arena.server.addresses];
  const settings = Object.entries(PARAMETERS).map(([name, value]) => `${name}=${value}`);
  io.print(`Place  ${arena.place}`);
  io.print(`Paths  1: ${a[0]} - ${b[0]}, 2: ${a[1]} - ${b[1]}`);
  io.print(`Route  ${clientName()} - TCP - shimd - SCTP over UDP - shimd - TCP - HTTP server`);
  io.print(`File   ${formatBytes(size)} of random bytes; the server sends ${formatBytes(rate)}/s`);
  io.print(`Set    ${settings.join(" ")}`);
  io.print(`Cut    half way, the path in use: ${arena.knife}`);
}

/** Makes the file, and starts the HTTP server that has it. */
async function startServer(children: Children, arena: Arena, { size, rate }: Wish) {
  const path = await Deno.makeTempFile({ prefix: "shimkit-demo-" });
  try {
    const sha256 = await writeRandomFile(path, size);
    const argv = selfCommand(["demo", `--serve-file=${path}`, `--rate=${rate}`]);
    const line = await children.start(arena.server.inside(argv)).line(SERVING);
    return { sha256, port: Number(SERVING.exec(line)![1]) };
  } finally {
    await Deno.remove(path);
  }
}

/** Starts the server's and the client's daemon. */
function startDaemons(children: Children, arena: Arena, port: number): Promise<[Daemon, Daemon]> {
  const common = [
    "--no-fallback",
    `--udp=${arena.udpPort}`,
    `--udp-remote=${arena.udpPort}`,
    ...Object.entries(PARAMETERS).map(([name, value]) => `--param=${name}=${value}`),
  ];
  const servers = arena.server.addresses.join(",");
  return Promise.all([
    Daemon.start(children, arena.server, [...common, `--serve=${SCTP_PORT}=127.0.0.1:${port}`]),
    Daemon.start(children, arena.client, [
      ...common,
      `--forward=127.0.0.1:0=${servers}:${SCTP_PORT}`,
    ]),
  ]);
}

/** The path that has carried most from the server. */
function busiestPath(connection: ConnectionStatus | undefined): 0 | 1 {
  const [first, second] = connection?.association?.paths ?? [];
  return second && second.metrics.bytesSent > first.metrics.bytesSent ? 1 : 0;
}

function report(progress: Progress, last: ConnectionStatus, cut: number, io: CommandIo): void {
  const seconds = (progress.elapsed / 1000).toFixed(1);
  io.print(`${formatBytes(progress.bytes)} arrived in ${seconds} s`);
  io.print(`Longest gap between two arrivals at the client: ${progress.longestGap.toFixed(0)} ms`);
  for (const [index, { local, remote, metrics }] of (last.association?.paths ?? []).entries()) {
    const fate = index === cut ? ", cut half way" : "";
    io.print(`Path ${index + 1}  ${local} > ${remote}: ${metrics.bytesSent} bytes sent${fate}`);
  }
}

/** `ok` only if what arrived is what was sent. */
function compare(sent: string, received: string, io: CommandIo): ExitCode {
  io.print(`SHA-256 sent      ${sent}`);
  io.print(`SHA-256 received  ${received}`);
  io.print(sent === received ? "Every byte arrived." : "What arrived is not what was sent.");
  return sent === received ? ExitCode.ok : ExitCode.failed;
}
