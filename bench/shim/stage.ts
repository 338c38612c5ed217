/** Where the shim is measured: two hosts with a shimd on each, pairs without any, and a relay. */
import type { Children } from "../../core/net/child.ts";
import { Daemon } from "./daemon.ts";
import { Hosts } from "./hosts.ts";
import { type End, Load, type LoadReport } from "./load.ts";
import { Relay } from "./relay.ts";
import { PORT, type Way, type Ways, waysOf } from "./ways.ts";

/** A head start that SCTP never loses, however busy the machine is. */
const CLIENT_RULES = `rules = [
  "-c remote -p enable -r ${PORT.carried}:${PORT.unavailable}",
  "-c remote -p enable -s ${PORT.beside}",
]
[net.inet.sctp.shim]
head_start = 10000
`;
const SERVER_RULES = `rules = [
  "-c local -p enable -s ${PORT.carried}",
  "-c local -p enable -s ${PORT.beside}",
]
`;

/** What client and server do. */
export interface Play<Client extends LoadReport> {
  readonly client: (address: string, port: number) => End["words"];
  readonly server: (port: number) => End["words"];
  /** How often the client has connected, by its own account. */
  readonly connections: (report: Client) => number;
  /** How long it takes at least. */
  readonly milliseconds?: number;
}

/** What both ends say, and the CPU seconds of everything that took part. */
export interface Outcome<Server extends LoadReport, Client extends LoadReport> {
  readonly server: Server;
  readonly client: Client;
  readonly cpuSeconds: number;
}

export class Stage {
  private constructor(
    readonly ways: Ways,
    /** The hosts with a shimd. */
    readonly hosts: Hosts,
    readonly load: Load,
    readonly clientShim: Daemon,
    readonly serverShim: Daemon,
  ) {}

  /**
   * Builds it: what is started ends with `children`.
   * @param folder for the programs and the rules.
   * @param settings of the client's shimd, as lines of their file.
   * @throws Error with what is missing.
   */
  static async open(children: Children, folder: string, settings: string): Promise<Stage> {
    const load = await Load.build(folder);
    const bare = await Hosts.make(children);
    const tracked = await Hosts.make(children);
    tracked.trackConnections();
    const hosts = await Hosts.make(children);
    const [client, server] = [`${folder}/client.toml`, `${folder}/server.toml`];
    await Deno.writeTextFile(client, CLIENT_RULES + settings);
    await Deno.writeTextFile(server, SERVER_RULES);
    const daemons = await Promise.all([
      Daemon.start(children, hosts.client, ["--intercept", "--file", client]),
      Daemon.start(children, hosts.server, ["--serve-listeners", "--file", server]),
    ]);
    const relay = await Relay.start(children, hosts, PORT.unmatched);
    const ways = waysOf(bare, tracked, hosts, daemons, relay);
    return new Stage(ways, hosts, load, ...daemons);
  }

  /**
   * Has a client and a server play, on one of the ways.
   * @throws Error if a connection took another way.
   */
  async play<Server extends LoadReport, Client extends LoadReport>(
    way: Way,
    { client, server, connections, milliseconds }: Play<Client>,
  ): Promise<Outcome<Server, Client>> {
    const before = await this.clientShim.counters();
    const cpuBefore = await way.cpuSeconds();
    const reports = await this.load.session<Server, Client>(
      { host: way.server, words: server(way.serverPort) },
      { host: way.client, words: client(way.address, way.port) },
      milliseconds,
    );
    const between = await way.cpuSeconds() - cpuBefore;
    const after = await this.clientShim.counters();
    const made = connections(reports.client);
    const carried = after.carried - before.carried;
    const held = after.held - before.held;
    if (carried !== (way.carried ? made : 0) || held < (way.held ? made : 0)) {
      throw new Error(`of ${made} connections ${held} were held and ${carried} carried`);
    }
    const cpuSeconds = between + reports.client.cpuSeconds + reports.server.cpuSeconds;
    return { ...reports, cpuSeconds };
  }
}
