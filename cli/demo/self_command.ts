/** How to start another process of this program. */
import { fileURLToPath } from "node:url";

/** The command that runs `shimkit ARGS`, from source or from the compiled program. */
export function selfCommand(args: readonly string[]): string[] {
  if (Deno.build.standalone) return [Deno.execPath(), ...args];
  const main = fileURLToPath(new URL("../main.ts", import.meta.url));
  return [Deno.execPath(), "run", "--quiet", "-A", main, ...args];
}
