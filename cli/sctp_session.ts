/** What `sctp listen` and `sctp connect` have in common around their transfers. */
import { SystemError } from "../core/net/system_error.ts";
import type { SctpConnection } from "../core/socket/connection.ts";
import { SctpError } from "../core/socket/errors.ts";
import type { ConnectionEnd } from "../core/socket/notifications.ts";
import { SctpStack } from "../core/socket/stack.ts";
import { openTransport, type Transport } from "../core/socket/transport.ts";
import { authenticationOf } from "./auth_options.ts";
import { CliError, UsageError } from "./command.ts";
import { ExitCode } from "./exit_codes.ts";
import type { CommandIo } from "./io.ts";
import { parametersOf, type SctpOptions } from "./sctp_options.ts";
import { cpuSeconds, describeReport, reportOf } from "./sctp_report.ts";
import { TracedIo } from "./sctp_trace.ts";
import { type Pipe, Transfer, type TransferPlan } from "./sctp_transfer.ts";

/** Milliseconds for {@link TransferPlan.linger} of a pipe unless the user says otherwise. */
const PIPE_LINGER = 200;

/** The process's standard input and output. */
export const standardPipe: Pipe = {
  read: (target) => Deno.stdin.read(target),
  write: (bytes) => Deno.stdout.write(bytes),
};

/**
 * Opens the stack that the options ask for.
 * @param udpPorts this side's UDP ports to try, the next if one is taken.
 * @throws CliError with what to do if the sockets or the shared keys cannot be had.
 */
export async function openStack(
  options: SctpOptions,
  udpPorts: readonly number[],
  io: CommandIo,
): Promise<SctpStack> {
  const authentication = await authenticationOf(options.authentication);
  const transport = openFirst(options, udpPorts);
  const { trace } = options.transport;
  const traced = trace
    ? { ...transport, io: new TracedIo(transport.io, (line) => io.printError(line)) }
    : transport;
  try {
    return new SctpStack(traced, { parameters: parametersOf(options), authentication });
  } catch (error) {
    transport.io.close();
    throw explain(error);
  }
}

function openFirst(options: SctpOptions, udpPorts: readonly number[]): Transport {
  const { carrier, local, noFfi } = options.transport;
  const [udpPort, ...others] = udpPorts;
  try {
    return openTransport({
      transport: carrier?.transport ?? "udp",
      udpPort,
      localAddresses: local,
      ffi: noFfi ? false : undefined,
    });
  } catch (error) {
    if (isTaken(error) && others.length > 0) return openFirst(options, others);
    throw explain(error);
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof Deno.errors.AddrInUse ||
    error instanceof SystemError && error.code === "EADDRINUSE";
}

/** An error that the user can do something about as a {@link CliError}; others as they are. */
export function explain(error: unknown): unknown {
  if (isTaken(error)) {
    return new CliError(messageOf(error), "Choose another UDP port of this side with --udp PORT.");
  }
  if (error instanceof SystemError && error.code === "EPERM") {
    return new CliError(messageOf(error), "SCTP directly over IP needs root; --udp does not.");
  }
  if (error instanceof RangeError) {
    return new UsageError(messageOf(error));
  }
  const known = error instanceof SystemError || error instanceof SctpError;
  return known ? new CliError(messageOf(error)) : error;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What the options ask to do with an association. */
export function planOf(
  { messages, transfer }: SctpOptions,
  emptyInputWaits: boolean,
): TransferPlan {
  const { stream, ppid, unordered, messageSize } = messages;
  const { mode, count = Infinity, seconds = Infinity, abort } = transfer;
  if (messageSize === 0) throw new UsageError("--message-size 0: SCTP has no empty messages");
  return {
    mode,
    message: { stream, ppid, unordered, immediate: false },
    messageSize,
    count,
    duration: seconds * 1000,
    linger: transfer.linger ?? (mode === "pipe" ? PIPE_LINGER : 0),
    abort,
    emptyInputWaits,
  };
}

/** One association from the moment it is up to the report. */
export async function serve(
  connection: SctpConnection,
  stack: SctpStack,
  options: SctpOptions,
  plan: TransferPlan,
  io: CommandIo,
): Promise<ExitCode> {
  const cpuAtStart = cpuSeconds();
  const transfer = new Transfer(connection, plan, standardPipe);
  const stop = () => transfer.stop();
  const interruption = io.interruption();
  interruption.addEventListener("abort", stop, { once: true });
  if (interruption.aborted) stop();
  try {
    const end = await transfer.run();
    const report = reportOf(transfer, end, stack, cpuAtStart);
    const { json, mode } = options.transfer;
    // Where standard output carries the peer's bytes, nothing else may go there.
    const print = mode === "pipe" ? io.printError : io.print;
    if (json) print(JSON.stringify(report));
    else if (mode !== "pipe" || !end.graceful) describeReport(report).forEach(io.printError);
    return isAsAsked(end, plan) ? ExitCode.ok : ExitCode.failed;
  } finally {
    interruption.removeEventListener("abort", stop);
  }
}

function isAsAsked(end: ConnectionEnd, plan: TransferPlan): boolean {
  return end.graceful || (plan.abort && end.error.code === "ERR_SCTP_ABORTED");
}
