/** Two data planes of this process on the loopback, joined by two paths: what the shim's tests run on. */
import type { Parameters } from "../../sctp/parameters.ts";
import type { LogSink } from "../shim_daemon.ts";
import { ShimDaemon } from "../shim_daemon.ts";
import type { DataPlaneConfig } from "../protocol.ts";

/** Addresses of the client's and of the server's data plane, one on each path. */
export const CLIENT_ADDRESSES = ["127.0.1.1", "127.0.2.1"] as const;
export const SERVER_ADDRESSES = ["127.0.1.2", "127.0.2.2"] as const;

/** SCTP port that the server's data plane serves. */
export const SCTP_PORT = 7000;

/** Time-outs for the patience of a test. */
export const QUICK: Partial<Parameters> = {
  rtoInitial: 200,
  rtoMin: 100,
  sackDelay: 20,
  pathMaxRetrans: 0,
  hbInterval: 500,
};

/** What a pair is made with. */
export interface PairOptions {
  /** TCP port of the server behind the pair. */
  readonly port: number;
  readonly parameters?: Partial<Parameters>;
  readonly fallback?: boolean;
  readonly log?: LogSink;
  /** Settings of both, or of the side, as lines of their file. */
  readonly settings?: string | { readonly client?: string; readonly server?: string };
}

/** The pair: TCP connections to {@link port} arrive at the server's port. */
export interface ShimPair extends AsyncDisposable {
  readonly client: ShimDaemon;
  readonly server: ShimDaemon;
  /** The TCP port to connect to, on 127.0.0.1. */
  readonly port: number;
}

/** Starts a pair; disposing of it stops both. */
export async function shimPair(options: PairOptions): Promise<ShimPair> {
  const server = await startServer(options);
  const { transport } = await server.status();
  const client = await startClient(options, transport.port);
  const [front] = await client.listeners;
  return {
    client,
    server,
    port: front.port,
    async [Symbol.asyncDispose]() {
      await Promise.all([client.stop(), server.stop()]);
    },
  };
}

/** A data plane that serves {@link SCTP_PORT} from a TCP server on 127.0.0.1, by a UDP port. */
export function startServer(options: PairOptions, udpPort = 0): Promise<ShimDaemon> {
  const { port, parameters, log } = options;
  return ShimDaemon.start({
    ...BASE,
    transport: { kind: "udp", port: udpPort, remotePort: 1, addresses: SERVER_ADDRESSES },
    serves: [{ port: SCTP_PORT, name: "server", addresses: ["127.0.0.1"], hostPort: port }],
    parameters: { ...QUICK, ...parameters },
    rules: settingsOf(options, "server"),
  }, log);
}

/** A data plane that forwards to the served port, by a server's UDP port. */
export function startClient(
  options: PairOptions,
  remotePort: number,
  addresses: readonly string[] = SERVER_ADDRESSES,
): Promise<ShimDaemon> {
  const { parameters, fallback = false, log } = options;
  return ShimDaemon.start({
    ...BASE,
    transport: { kind: "udp", port: 0, remotePort, addresses: CLIENT_ADDRESSES },
    forwards: [{
      listen: { address: "127.0.0.1", port: 0 },
      name: "server",
      addresses,
      port: SCTP_PORT,
    }],
    parameters: { ...QUICK, ...parameters },
    rules: settingsOf(options, "client"),
    fallback,
  }, log);
}

function settingsOf({ settings = "" }: PairOptions, side: "client" | "server"): string {
  const lines = typeof settings === "string" ? settings : settings[side] ?? "";
  return `[net.inet.sctp.shim]\n${lines}\n`;
}

const BASE: DataPlaneConfig = {
  transport: { kind: "udp", port: 0, remotePort: 1, addresses: [] },
  forwards: [],
  serves: [],
  parameters: QUICK,
  fallback: false,
};
