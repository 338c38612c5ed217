/** What the exit status of every command means. */
export const ExitCode = {
  /** The command did what it was asked to do. */
  ok: 0,
  /** It tried and failed: the peer did not answer, a check found a fault, a hash did not agree. */
  failed: 1,
  /** It did not try: an unknown command or option, or a value that cannot be. */
  usage: 2,
} as const;

/** One of {@link ExitCode}. */
export type ExitCode = typeof ExitCode[keyof typeof ExitCode];
