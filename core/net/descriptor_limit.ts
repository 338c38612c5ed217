/** How many files and sockets this process may have open. */
import { readIfThere } from "./host.ts";

/**
 * The limit in force; Infinity if there is none, or it is not known. The runtime has raised it to the
 * hard limit when it started.
 */
export function descriptorLimit(): number {
  const [, soft] = /^Max open files\s+(\d+)/m.exec(readIfThere("/proc/self/limits")) ?? [];
  return soft === undefined ? Infinity : Number(soft);
}
