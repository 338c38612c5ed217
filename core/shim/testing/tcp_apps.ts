/** Ordinary TCP applications for the shim's tests. */
import { createHash } from "node:crypto";

/** Milliseconds without an event after which a test has failed. */
const PATIENCE = 20_000;

async function patiently<T>(promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error("nothing happened")), PATIENCE);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** A TCP server of the test, on a port of its own. */
export interface TestServer extends Disposable {
  readonly port: number;
  /** The next connection that it accepts. */
  accept(): Promise<Deno.TcpConn>;
}

export function listen(): TestServer {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return {
    port: listener.addr.port,
    accept: () => patiently(listener.accept()),
    [Symbol.dispose]: () => listener.close(),
  };
}

export function connect(port: number): Promise<Deno.TcpConn> {
  return Deno.connect({ hostname: "127.0.0.1", port });
}

/** Bytes that never repeat within 4 GiB: a lost, doubled or swapped stretch changes their hash. */
export function* pattern(size: number, seed: number): Generator<Uint8Array<ArrayBuffer>> {
  let word = seed;
  for (let left = size; left > 0; left -= 65_536) {
    const words = new Uint32Array(16_384);
    for (let i = 0; i < words.length; i++) words[i] = Math.imul(++word, 0x9e3779b1);
    yield new Uint8Array(words.buffer, 0, Math.min(left, 65_536));
  }
}

/** Sends a pattern, and gives its hash. */
export async function sendPattern(conn: Deno.Conn, size: number, seed: number): Promise<string> {
  const hash = createHash("sha256");
  for (const block of pattern(size, seed)) {
    hash.update(block);
    await writeAll(conn, block);
  }
  return hash.digest("hex");
}

/** What came until the end of the stream. */
export interface Received {
  readonly bytes: number;
  readonly sha256: string;
}

/** Reads to the end of the stream. Rejects if it does not end but break. */
export async function receiveAll(conn: Deno.Conn): Promise<Received> {
  const hash = createHash("sha256");
  const buffer = new Uint8Array(1 << 16);
  let bytes = 0;
  for (;;) {
    const count = await patiently(conn.read(buffer));
    if (count === null) return { bytes, sha256: hash.digest("hex") };
    bytes += count;
    hash.update(buffer.subarray(0, count));
  }
}

export async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

export async function sendText(conn: Deno.Conn, text: string): Promise<void> {
  await writeAll(conn, new TextEncoder().encode(text));
}

/** Reads until `length` characters have come. */
export async function receiveText(conn: Deno.Conn, length: number): Promise<string> {
  const bytes = new Uint8Array(length);
  let at = 0;
  while (at < length) {
    const count = await patiently(conn.read(bytes.subarray(at)));
    if (count === null) throw new Error(`the stream ended after ${at} of ${length} bytes`);
    at += count;
  }
  return new TextDecoder().decode(bytes);
}

/** How the stream ends once everything before that has been read: "end", or the name of the error. */
export async function howItEnds(conn: Deno.Conn): Promise<string> {
  try {
    await receiveAll(conn);
    return "end";
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
}
