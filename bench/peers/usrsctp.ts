/** usrsctp, by a small program of our own that is compiled on the spot. */
import { fileURLToPath } from "node:url";
import type { Peer } from "./peer.ts";

export const USRSCTP = "usrsctp";

const SOURCE = fileURLToPath(new URL("../usrsctp/bulk.c", import.meta.url));
const WARNINGS = ["-Wall", "-Wextra", "-Werror"];

/** Compiles the program into a folder, or says why there is none and what would help. */
export async function buildUsrsctp(folder: string): Promise<Peer | { readonly missing: string }> {
  const program = `${folder}/usrsctp-bulk`;
  const args = ["-O2", ...WARNINGS, "-o", program, SOURCE, "-lusrsctp", "-lpthread"];
  const trouble = await compile(args);
  if (trouble !== undefined) {
    return {
      missing: `There is no ratio to usrsctp: its program cannot be compiled (${trouble}). ` +
        "It needs gcc and usrsctp's header and library; on Debian: " +
        "apt-get install gcc libc6-dev libusrsctp-dev",
    };
  }
  return { name: USRSCTP, command: (role) => [program, ...role.map(String)] };
}

/** The first complaint of the compiler, if there is one. */
async function compile(args: readonly string[]): Promise<string | undefined> {
  try {
    const { success, stderr } = await new Deno.Command("gcc", { args: [...args] }).output();
    return success ? undefined : new TextDecoder().decode(stderr).split("\n")[0];
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return "there is no gcc";
  }
}
