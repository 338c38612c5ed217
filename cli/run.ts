/** `shimkit run`: one application over SCTP. */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { multiple } from "@optique/core/modifiers";
import { argument } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { joinBelow, joinGroup, ownGroup, removeGroup } from "../core/net/cgroup.ts";
import { CliError, defineCommand } from "./command.ts";
import { ask, controlOption, defaultControlPath, requireControl } from "./control.ts";

export default defineCommand({
  description:
    "Runs a command. Its connections and those of its children try SCTP, whatever the rules say, " +
    "as root with a shimd that intercepts by NFQUEUE. Ends with the exit code of the command.",
  examples: [
    { args: "run -- curl http://server/", does: "one download over SCTP, if the server has it" },
    { args: "run -- sudo -u alice ssh server", does: "a session of another user's" },
  ],
  parser: object({
    words: multiple(
      argument(string({ metavar: "WORD" }), {
        description: message`The command and its arguments, after --.`,
      }),
      { min: 1 },
    ),
    control: controlOption,
  }),
  async run({ words, control }) {
    const folder = await groupFolder(control ?? defaultControlPath());
    const home = ownGroup();
    const group = asCliError(
      `cannot join ${folder}`,
      () => joinBelow(folder, `run-${Deno.pid}`, Deno.pid),
    );
    try {
      return await runCommand(words);
    } finally {
      if (home !== undefined) joinGroup(home, Deno.pid);
      removeGroup(group);
    }
  },
});

async function groupFolder(path: string | undefined): Promise<string> {
  using client = await requireControl(path);
  const { path: folder } = await ask(client, "applications") as { readonly path: string };
  return folder;
}

/** The exit code of a command that has this process's own terminal and files. */
async function runCommand([program, ...args]: readonly string[]): Promise<number> {
  const child = asCliError(
    `cannot run ${program}`,
    () => new Deno.Command(program, { args, stdin: "inherit" }).spawn(),
  );
  // The terminal sends SIGINT to the command as well, which decides what it means.
  const ignore = () => {};
  const pass = () => child.kill("SIGTERM");
  Deno.addSignalListener("SIGINT", ignore);
  Deno.addSignalListener("SIGTERM", pass);
  try {
    return (await child.status).code;
  } finally {
    Deno.removeSignalListener("SIGINT", ignore);
    Deno.removeSignalListener("SIGTERM", pass);
  }
}

function asCliError<T>(what: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw error instanceof Error ? new CliError(`${what}: ${error.message}`) : error;
  }
}
