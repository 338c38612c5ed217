/** usrsctp, by a small program of our own that is compiled on the spot. */
import { fileURLToPath } from "node:url";
import { compileC } from "../compile.ts";
import type { Peer } from "./peer.ts";

export const USRSCTP = "usrsctp";

const SOURCE = fileURLToPath(new URL("../usrsctp/bulk.c", import.meta.url));

/** Compiles the program into a folder, or says why there is none and what would help. */
export async function buildUsrsctp(folder: string): Promise<Peer | { readonly missing: string }> {
  const program = `${folder}/usrsctp-bulk`;
  const trouble = await compileC(SOURCE, program, ["-lusrsctp", "-lpthread"]);
  if (trouble !== undefined) {
    return {
      missing: `There is no ratio to usrsctp: its program cannot be compiled (${trouble}). ` +
        "It needs gcc and usrsctp's header and library; on Debian: " +
        "apt-get install gcc libc6-dev libusrsctp-dev",
    };
  }
  return { name: USRSCTP, command: (role) => [program, ...role.map(String)] };
}
