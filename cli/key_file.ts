/** Files with shared keys (RFC 4895): read only if nobody else can. */
import { UsageError } from "./command.ts";

/** Bytes of the shortest key: 128 bits. */
const SHORTEST_KEY = 16;

const GROUP_AND_OTHERS = 0o077;

const HOW_TO_MAKE = "Make one with: (umask 077; openssl rand -hex 32 > FILE)";

/**
 * The key in a file: hexadecimal digits, spaces and line ends between them at will.
 * @throws UsageError if the file is not there, somebody else can read it, or it holds no such key.
 */
export async function readKeyFile(path: string): Promise<Uint8Array> {
  const { text, info } = await readWithInfo(path);
  if (!info.isFile) throw new UsageError(`the key file ${path} is no file`, HOW_TO_MAKE);
  checkOwner(path, info);
  const digits = text.replaceAll(/\s/g, "");
  if (!/^([0-9a-f]{2})*$/i.test(digits)) {
    throw new UsageError(`the key file ${path} holds something else than hexadecimal`, HOW_TO_MAKE);
  }
  const key = Uint8Array.from(digits.match(/../g) ?? [], (byte) => parseInt(byte, 16));
  if (key.length >= SHORTEST_KEY) return key;
  throw new UsageError(
    `the key in ${path} has ${key.length} bytes: ${SHORTEST_KEY} are the least`,
    HOW_TO_MAKE,
  );
}

/** Both from one open file, so that nobody can exchange it in between. */
async function readWithInfo(path: string): Promise<{ text: string; info: Deno.FileInfo }> {
  try {
    using file = await Deno.open(path);
    const info = await file.stat();
    const text = info.isFile ? await new Response(file.readable).text() : "";
    return { text, info };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new UsageError(`there is no key file ${path}`, HOW_TO_MAKE);
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      throw new UsageError(`the key file ${path} may not be read by you`);
    }
    throw error;
  }
}

function checkOwner(path: string, { mode, uid }: Deno.FileInfo): void {
  if (Deno.build.os === "windows") return;
  const shown = `mode ${((mode ?? 0) & 0o777).toString(8).padStart(4, "0")}`;
  if (((mode ?? 0) & GROUP_AND_OTHERS) !== 0) {
    throw new UsageError(
      `the key file ${path} is open to others (${shown})`,
      `Close it with: chmod 600 ${path}`,
    );
  }
  if (uid !== null && uid !== 0 && uid !== Deno.uid()) {
    throw new UsageError(
      `the key file ${path} belongs to user ${uid}, who may read and change it`,
      "Make it your own with chown, or let it belong to root.",
    );
  }
}
