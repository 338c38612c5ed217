/** A plain TCP relay: socat on the client's host, with the buffer that suits it best. */
import type { Children } from "../../core/net/child.ts";
import { cpuSecondsOf } from "./cpu_time.ts";
import type { Hosts } from "./hosts.ts";

/** Where it listens, on 127.0.0.1. */
export const RELAY_PORT = 7100;

/** Bytes a read. */
const BUFFER = 65_536;

/** Milliseconds between two looks at whether a connection's process is gone. */
const LOOK_AGAIN = 5;

export class Relay {
  private constructor(readonly pid: number) {}

  /** Takes each connection on to a port of the server, by a process of its own. */
  static async start(
    children: Children,
    { client, server }: Hosts,
    serverPort: number,
  ): Promise<Relay> {
    const listen = `TCP-LISTEN:${RELAY_PORT},bind=127.0.0.1,fork,reuseaddr`;
    const connect = `TCP:${server.address}:${serverPort}`;
    // socat does not end with its input; the shell does, and takes socat along.
    const script = `socat -d -d -b ${BUFFER} ${listen} ${connect} & echo pid $!; read end; kill $!`;
    const child = children.start(client.inside(["sh", "-c", script]));
    const line = await child.line(/^pid \d+$/);
    await child.line(/listening on/);
    return new Relay(Number(line.slice("pid ".length)));
  }

  /** User and system time in seconds since the start, once no connection is left. */
  async cpuSeconds(): Promise<number> {
    const children = `/proc/${this.pid}/task/${this.pid}/children`;
    while (Deno.readTextFileSync(children) !== "") {
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN));
    }
    return cpuSecondsOf(this.pid);
  }
}
