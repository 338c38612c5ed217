/** Finding the control socket of a running daemon. */
import { message } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { ControlClient } from "../core/shim/control/client.ts";
import { ControlFault } from "../core/shim/control/protocol.ts";
import { CliError } from "./command.ts";

/** `--control PATH`, for every command that talks to a daemon. */
export const controlOption = optional(option("--control", string({ metavar: "PATH" }), {
  description:
    message`Control socket of the daemon; by default /run/shimkit/shimkit.sock, for other users than root $XDG_RUNTIME_DIR/shimkit.sock.`,
}));

/** The control socket where none is named; `undefined` for a user without a runtime folder. */
export function defaultControlPath(): string | undefined {
  if (Deno.uid() === 0) return "/run/shimkit/shimkit.sock";
  const folder = Deno.env.get("XDG_RUNTIME_DIR");
  return folder ? `${folder}/shimkit.sock` : undefined;
}

/** A client of the daemon at a path; `undefined` where none runs. Throws {@link CliError}. */
export async function connectControl(
  path: string | undefined,
): Promise<ControlClient | undefined> {
  if (path === undefined) return undefined;
  return await ControlClient.connect(path).catch((error: Error) => {
    const hint = error instanceof Deno.errors.PermissionDenied
      ? "The daemon is another user's: do it as that user or as root."
      : undefined;
    throw new CliError(`cannot connect to ${path}: ${error.message}`, hint);
  });
}

/** As {@link connectControl}, but a daemon must run. */
export async function requireControl(path: string | undefined): Promise<ControlClient> {
  const client = await connectControl(path);
  if (client) return client;
  throw new CliError(
    path === undefined ? "no control socket is known" : `no shimd answers at ${path}`,
    "Start one with shimkit shimd, or name its control socket with --control PATH.",
  );
}

/** The result of a request. Throws {@link CliError} with what went wrong. */
export async function ask(
  client: ControlClient,
  kind: string,
  fields: object = {},
): Promise<unknown> {
  const result = await client.request(kind, fields).catch((error: Error) => {
    throw new CliError(`the daemon went away: ${error.message}`);
  });
  if (!(result instanceof ControlFault)) return result;
  const hint = result.code === "not-allowed" ? "Do it as that user or as root." : undefined;
  throw new CliError(result.message, hint);
}
