/** The implementations to compare: this project's own in two ways, and usrsctp. */
import { fileURLToPath } from "node:url";
import type { Peer } from "./peer.ts";
import { buildUsrsctp } from "./usrsctp.ts";

/** The name of a program of this folder, run by the Deno that runs the bench. */
function ownPeer(name: string, program: string): Peer {
  const path = fileURLToPath(new URL(program, import.meta.url));
  return {
    name,
    command: (role) => [Deno.execPath(), "run", "--quiet", "-A", path, ...role.map(String)],
  };
}

const OWN = [
  ownPeer("shimkit, sockets", "socket_end.ts"),
  ownPeer("shimkit, blocking loop", "loop_end.ts"),
];

/** What there is to compare. */
export interface Comparison {
  /** usrsctp first, if it is there: the others are compared with it. */
  readonly peers: readonly Peer[];
  /** What is not there and what would help, in words. */
  readonly missing: string | undefined;
}

/** Builds what has to be built when it is first asked for. */
export class PeerSet {
  #folder: string | undefined;
  #comparison: Promise<Comparison> | undefined;

  /** All implementations that can be had. */
  all(): Promise<Comparison> {
    return this.#comparison ??= this.#build();
  }

  /** Removes what was built. */
  async close(): Promise<void> {
    if (this.#folder !== undefined) await Deno.remove(this.#folder, { recursive: true });
  }

  async #build(): Promise<Comparison> {
    this.#folder = await Deno.makeTempDir({ prefix: "shimkit-bench-" });
    const built = await buildUsrsctp(this.#folder);
    return "missing" in built
      ? { peers: OWN, missing: built.missing }
      : { peers: [built, ...OWN], missing: undefined };
  }
}
