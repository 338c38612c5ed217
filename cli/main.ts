/** The `shimkit` command: see program.ts for how it runs, commands.ts for what there is. */
import { processIo } from "./io.ts";
import { runProgram } from "./program.ts";

if (import.meta.main) Deno.exit(await runProgram(Deno.args, processIo()));
