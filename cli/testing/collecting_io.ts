/** Output that a test can look at. */
import type { CommandIo } from "../io.ts";

/** A {@link CommandIo} that is no terminal, and the lines that were written to it. */
export function collectingIo(signal: AbortSignal = new AbortController().signal) {
  const out: string[] = [];
  const err: string[] = [];
  const io: CommandIo = {
    print: (line) => out.push(line),
    printError: (line) => err.push(line),
    interactive: false,
    interruption: () => signal,
  };
  return { io, out, err };
}
