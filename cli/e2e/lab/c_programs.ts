/** The C programs beside this file that are written against one interface (c/stack.h), for each stack. */
import type { Lab } from "./lab.ts";
import { fileSize } from "./payload.ts";
import { run } from "./process.ts";

/** What a program is linked with: an SCTP of its own, or TCP where it plays a legacy application. */
export type Stack = "usrsctp" | "kernel SCTP" | "TCP";

/** A web server and client, and an end of a connection that does what it is told. */
export type Program = "native_http" | "steps";

const FOLDER = new URL("c/", import.meta.url).pathname;
const FLAGS = ["-O2", "-Wall", "-Wextra", "-Werror"] as const;
const PARTS: Readonly<Record<Stack, readonly string[]>> = {
  "usrsctp": [`${FOLDER}stack_usrsctp.c`, "-lusrsctp", "-lpthread"],
  "kernel SCTP": [`${FOLDER}stack_kernel.c`],
  "TCP": [`${FOLDER}stack_kernel.c`, "-DPROTOCOL=IPPROTO_TCP"],
};

/** Compiles a program into the lab's folder, once, and gives the file's name there. */
export async function compileProgram(lab: Lab, program: Program, stack: Stack): Promise<string> {
  const name = `${program} ${stack}`.replaceAll(" ", "_");
  if (await fileSize(lab.path(name)) > 0) return name;
  const sources = [`${FOLDER}${program}.c`, `${FOLDER}stack_common.c`];
  await run(["gcc", ...FLAGS, "-o", lab.path(name), ...sources, ...PARTS[stack]]);
  return name;
}
