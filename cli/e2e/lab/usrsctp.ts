/** usrsctp as a peer: Debian's example programs, and a peer of our own for what they cannot do. */
import type { Lab } from "./lab.ts";
import type { Namespace } from "./namespaces.ts";
import { type LabProcess, run } from "./process.ts";

const SOURCE = new URL("c/usrsctp_peer.c", import.meta.url).pathname;
/** Where Debian puts the example programs. */
const EXAMPLES = "/usr/lib/usrsctp";

/** Exit statuses of the peer. */
export const PeerExit = { shutdown: 0, lost: 3, noAssociation: 4 } as const;

/** Parameters for failover within a test's patience, as `name=value`. */
export const FAST_FAILOVER: readonly string[] = [
  "rto_initial=300",
  "rto_min=200",
  "rto_max=600",
  "path_max_retrans=2",
  "heartbeat_interval=500",
];

/** UDP ports of RFC 6951; absent for raw IP. */
export interface UdpPorts {
  readonly local: number;
  readonly remote: number;
}

/** What the peer does with its association; see the head of usrsctp_peer.c. */
export interface PeerOptions {
  readonly port: number;
  /** Addresses to connect to; without them the peer listens. */
  readonly peer?: readonly string[];
  readonly local?: readonly string[];
  readonly localPort?: number;
  readonly udp?: UdpPorts;
  readonly send?: string;
  readonly receive?: string;
  readonly messageSize?: number;
  readonly streams?: number;
  readonly echo?: boolean;
  readonly expect?: number;
  readonly end?: "shutdown" | "abort" | "wait";
  readonly sysctls?: readonly string[];
  /** Shared keys (RFC 4895) in hexadecimal, the first one active. */
  readonly keys?: readonly { readonly id: number; readonly hex: string }[];
  /** Chunk types that are taken only if they are authenticated. */
  readonly authenticated?: readonly number[];
  /** What it sends may be given up: `ttl:N` or `rtx:N`. */
  readonly pr?: string;
  /** Messages of several streams are interleaved; each stream is received into a file of its own. */
  readonly interleave?: boolean;
}

function peerArguments(options: PeerOptions): readonly string[] {
  const {
    peer,
    local,
    udp,
    echo,
    interleave,
    sysctls = [],
    keys = [],
    authenticated = [],
    ...rest
  } = options;
  const named: Record<string, string | number | undefined> = {
    port: rest.port,
    peer: peer?.join(","),
    local: local?.join(","),
    "local-port": rest.localPort,
    udp: udp?.local,
    "udp-remote": udp?.remote,
    send: rest.send,
    receive: rest.receive,
    "message-size": rest.messageSize,
    streams: rest.streams,
    expect: rest.expect,
    end: rest.end,
    pr: rest.pr,
  };
  const words = Object.entries(named)
    .filter(([, value]) => value !== undefined)
    .flatMap(([name, value]) => [`--${name}`, String(value)]);
  return [
    peer ? "connect" : "listen",
    ...words,
    ...(echo ? ["--echo"] : []),
    ...(interleave ? ["--interleave"] : []),
    ...sysctls.flatMap((setting) => ["--sysctl", setting]),
    ...keys.flatMap(({ id, hex }) => ["--auth-key", `${id}:${hex}`]),
    ...authenticated.flatMap((type) => ["--auth-chunk", String(type)]),
  ];
}

/** The compiled peer. */
export class UsrsctpPeer {
  readonly #program: string;

  private constructor(program: string) {
    this.#program = program;
  }

  static async compile(lab: Lab): Promise<UsrsctpPeer> {
    const program = lab.path("usrsctp_peer");
    const warnings = ["-Wall", "-Wextra", "-Werror"];
    await run(["gcc", "-O2", ...warnings, "-o", program, SOURCE, "-lusrsctp", "-lpthread"]);
    return new UsrsctpPeer(program);
  }

  /** Starts the peer; a listening one is waited for. */
  async start(host: Namespace, options: PeerOptions): Promise<LabProcess> {
    const peer = host.spawn([this.#program, ...peerArguments(options)]);
    if (!options.peer) await peer.line(/^listening$/);
    return peer;
  }
}

/** One of Debian's programs. Their ports and roles: see {@link ExamplePort}. */
export type Example = "echo_server" | "discard_server" | "client" | "tsctp";

/** Ports that are fixed in the examples. */
export const ExamplePort = { echo: 7, discard: 9, tsctp: 5001 } as const;

/** Starts an example program. Those that log every packet should be `quiet`. */
export function startExample(
  host: Namespace,
  example: Example,
  args: readonly (string | number)[],
  options: { quiet?: boolean; stdin?: "piped" } = {},
): LabProcess {
  // Their standard output is a pipe here: without stdbuf nothing would be seen before the end.
  const command = ["stdbuf", "-oL", `${EXAMPLES}/${example}`, ...args.map(String)];
  return host.spawn(command, options);
}
