/**
 * Collecting garbage when the program knows that it has nothing better to do.
 *
 * V8 does that by itself in tasks of the event loop; a thread that blocks in system calls never gets
 * to them, and keeps what a burst of connections has left until the next one.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { ffiAvailable, libc } from "./libc.ts";

/**
 * A function that collects all garbage of the calling thread and gives its memory back to the system;
 * it takes about a millisecond for each megabyte in use. `undefined` where V8 has none to give.
 *
 * The bytes of arrays are the C library's: unless it is told, it keeps what V8 has freed.
 */
export function garbageCollector(): (() => void) | undefined {
  // Only contexts that are made from now on have it.
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("globalThis.gc");
  setFlagsFromString("--no-expose-gc");
  if (typeof collect !== "function") return undefined;
  return () => {
    collect();
    if (ffiAvailable()) libc().malloc_trim?.(0n);
  };
}
