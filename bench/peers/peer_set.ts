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

/** Builds what has to be built when it is first asked for. */
export class PeerSet {
  #folder: string | undefined;
  #all: Promise<readonly Peer[]> | undefined;

  /**
   * All implementations that can be had, usrsctp first: the others are compared with it.
   * @param note is told what is missing.
   */
  all(note: (text: string) => void): Promise<readonly Peer[]> {
    return this.#all ??= this.#build(note);
  }

  /** Removes what was built. */
  async close(): Promise<void> {
    if (this.#folder !== undefined) await Deno.remove(this.#folder, { recursive: true });
  }

  async #build(note: (text: string) => void): Promise<readonly Peer[]> {
    this.#folder = await Deno.makeTempDir({ prefix: "shimkit-bench-" });
    const built = await buildUsrsctp(this.#folder);
    if ("missing" in built) {
      note(built.missing);
      return OWN;
    }
    return [built, ...OWN];
  }
}
