/** What a command has around it: its output, and the user's wish that it ends. */

import { ExitCode } from "./exit_codes.ts";

/** Where a command's output goes. Tests give one that collects. */
export interface CommandIo {
  /** Writes one line of result to standard output. */
  print(line: string): void;
  /** Writes one line about progress or trouble to standard error. */
  printError(line: string): void;
  /** True if standard output is a terminal: live views and colours make sense. */
  readonly interactive: boolean;
  /**
   * Aborts at the first SIGINT or SIGTERM. From the first call on these signals no longer end the
   * process by themselves, but a second one does.
   */
  interruption(): AbortSignal;
}

const encoder = new TextEncoder();

/** Writes a line. Ends the program if nobody reads any more, as `| head` does: that is no failure. */
function writeLine(stream: { writeSync(bytes: Uint8Array): number }, line: string): void {
  const bytes = encoder.encode(`${line}\n`);
  try {
    let written = 0;
    while (written < bytes.length) written += stream.writeSync(bytes.subarray(written));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    Deno.exit(ExitCode.ok);
  }
}

/** Exit status of a process that a second interruption ended: 128 + SIGINT, as shells count. */
const KILLED_BY_USER = 130;

function watchSignals(): AbortSignal {
  const controller = new AbortController();
  const interrupted = () => {
    if (controller.signal.aborted) Deno.exit(KILLED_BY_USER);
    controller.abort(new DOMException("interrupted", "AbortError"));
  };
  Deno.addSignalListener("SIGINT", interrupted);
  Deno.addSignalListener("SIGTERM", interrupted);
  return controller.signal;
}

/** The process's own standard output, standard error and signals. */
export function processIo(): CommandIo {
  let signal: AbortSignal | undefined;
  return {
    print: (line) => writeLine(Deno.stdout, line),
    printError: (line) => writeLine(Deno.stderr, line),
    interactive: Deno.stdout.isTerminal(),
    interruption: () => signal ??= watchSignals(),
  };
}
