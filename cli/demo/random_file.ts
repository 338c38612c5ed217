/** The file of the demonstration. */
import { createHash } from "node:crypto";

/** The most bytes that one call of `crypto.getRandomValues` gives. */
const BLOCK = 65_536;

/** Writes `size` random bytes and returns their SHA-256 in hexadecimal. */
export async function writeRandomFile(path: string, size: number): Promise<string> {
  const hash = createHash("sha256");
  using file = await Deno.open(path, { write: true, create: true, truncate: true });
  const writer = file.writable.getWriter();
  for (let left = size; left > 0; left -= BLOCK) {
    const block = crypto.getRandomValues(new Uint8Array(Math.min(left, BLOCK)));
    hash.update(block);
    await writer.write(block);
  }
  await writer.close();
  return hash.digest("hex");
}
