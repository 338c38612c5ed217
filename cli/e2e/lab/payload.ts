/** Files to transfer, and their hashes. */
import { createHash } from "node:crypto";

const BLOCK = 1 << 16;

/**
 * Writes `size` bytes that do not repeat within the file and are the same for the same `seed`:
 * a lost, doubled or swapped block changes the hash.
 */
export async function writePayload(path: string, size: number, seed: number): Promise<string> {
  const hash = createHash("sha256");
  using file = await Deno.open(path, { write: true, create: true, truncate: true });
  const words = new Uint32Array(BLOCK / 4);
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  for (let left = size; left > 0; left -= BLOCK) {
    for (let i = 0; i < words.length; i++) words[i] = state = xorshift(state);
    const block = new Uint8Array(words.buffer, 0, Math.min(left, BLOCK));
    hash.update(block);
    await writeAll(file, block);
  }
  return hash.digest("hex");
}

/** Marsaglia's xorshift32: period 2^32 - 1, never 0. */
function xorshift(state: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return state >>> 0;
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}

/**
 * Positions in one file of the blocks that make up another one. -1 for a block that is not in it, or
 * not behind the one before.
 */
export async function blocksOf(whole: string, parts: string, size: number): Promise<number[]> {
  const [all, some] = await Promise.all([Deno.readFile(whole), Deno.readFile(parts)]);
  const at = (bytes: Uint8Array, index: number) =>
    bytes.subarray(index * size, (index + 1) * size).join();
  let next = 0;
  return Array.from({ length: Math.ceil(some.length / size) }, (_, i) => {
    const block = at(some, i);
    let found = next;
    while (found * size < all.length && at(all, found) !== block) found++;
    if (found * size >= all.length) return -1;
    next = found + 1;
    return found;
  });
}

/** SHA-256 of a file, in hexadecimal. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  using file = await Deno.open(path);
  for await (const part of file.readable) hash.update(part);
  return hash.digest("hex");
}

/** Size of a file in bytes; 0 while it does not exist. */
export async function fileSize(path: string): Promise<number> {
  try {
    return (await Deno.stat(path)).size;
  } catch {
    return 0;
  }
}
