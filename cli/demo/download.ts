/** The TCP client of the demonstration, watched as its bytes come. */
import { createHash } from "node:crypto";
import type { Side } from "./arena.ts";
import type { Progress } from "./progress.ts";

/** The name of the client that {@link download} will use on this machine. */
export function clientName(): string {
  return hasCurl() ? "curl" : "Deno's fetch";
}

/**
 * Fetches a URL and returns the SHA-256 of what came, in hexadecimal.
 * @throws Error in the client's words if it fails.
 */
export async function download(side: Side, url: string, progress: Progress): Promise<string> {
  const hash = createHash("sha256");
  for await (const part of hasCurl() ? curl(side, url) : fetched(url)) {
    progress.arrived(part.length, performance.now());
    hash.update(part);
  }
  return hash.digest("hex");
}

function hasCurl(): boolean {
  try {
    return new Deno.Command("curl", { args: ["--version"], stdout: "null", stderr: "null" })
      .outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function* curl(side: Side, url: string): AsyncGenerator<Uint8Array> {
  const [program, ...args] = side.inside(["curl", "--silent", "--show-error", "--no-buffer", url]);
  const child = new Deno.Command(program, { args, stdout: "piped", stderr: "piped" }).spawn();
  yield* child.stdout;
  const trouble = await new Response(child.stderr).text();
  const { success } = await child.status;
  if (!success) throw new Error(trouble.trim());
}

async function* fetched(url: string): AsyncGenerator<Uint8Array> {
  const { body } = await fetch(url);
  if (body) yield* body;
}
