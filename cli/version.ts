/** `shimkit version`: what runs here, for a bug report or the head of a raw result. */
import { object } from "@optique/core/constructs";
import project from "../deno.json" with { type: "json" };
import { defineCommand } from "./command.ts";
import { ExitCode } from "./exit_codes.ts";
import { jsonFlag } from "./options.ts";

/** The versions that decide how shimkit behaves. */
export interface Versions {
  readonly shimkit: string;
  readonly deno: string;
  readonly v8: string;
  readonly typescript: string;
  /** Name and release of the operating system's kernel. */
  readonly kernel: string;
  readonly architecture: string;
}

/** The versions of this process. */
export function versions(): Versions {
  return {
    shimkit: project.version,
    ...Deno.version,
    kernel: `${Deno.build.os} ${Deno.osRelease()}`,
    architecture: Deno.build.arch,
  };
}

/** The versions in one line, as `--version` prints them. */
export function versionLine(): string {
  const { shimkit, deno, kernel, architecture } = versions();
  return `shimkit ${shimkit} (deno ${deno}, ${kernel}, ${architecture})`;
}

export default defineCommand({
  description: "Prints the versions of shimkit, Deno, V8, TypeScript and the kernel.",
  examples: [
    { args: "version", does: "one line" },
    { args: "version --json", does: "every version, for a program" },
  ],
  parser: object({ json: jsonFlag }),
  run({ json }, io) {
    io.print(json ? JSON.stringify(versions()) : versionLine());
    return Promise.resolve(ExitCode.ok);
  },
});
