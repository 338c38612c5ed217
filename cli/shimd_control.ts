/** Commands to a running daemon by its standard input: JSON, one object a line. */
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import { IpAddress } from "../core/sctp/base/address.ts";
import type { Command } from "../core/shim/protocol.ts";
import type { ShimDaemon } from "../core/shim/shim_daemon.ts";
import type { ShimStatus } from "../core/shim/status.ts";

/** The commands that a line can give. */
type LineCommand = Extract<Command, { kind: "status" | "stop" | "cut" | "heal" }>;

/** Obeys each line until the stream ends, and stops the daemon then. */
export async function obeyLines(
  stream: ReadableStream<Uint8Array>,
  daemon: ShimDaemon,
  print: (status: ShimStatus) => void,
  complain: (fault: string) => void,
): Promise<void> {
  const input = Readable.fromWeb(stream as NodeReadableStream);
  for await (const line of createInterface({ input })) {
    const command = parseCommand(line);
    if (typeof command === "string") complain(command);
    else obey(command, daemon, print);
  }
  await daemon.stop();
}

/** The command of a line, or in words what is wrong with it. */
export function parseCommand(line: string): LineCommand | string {
  const fields = parseObject(line);
  switch (fields?.kind) {
    case "status":
      return { kind: "status" };
    case "stop":
      return parseStop(fields.drain ?? 0) ?? `"drain" takes milliseconds from 0 up: ${line}`;
    case "cut":
    case "heal":
      return parseAddress(fields.kind, fields.remote) ?? `"remote" takes an IP address: ${line}`;
    default:
      return `not a command: ${line}`;
  }
}

function parseObject(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function parseStop(drain: unknown): LineCommand | undefined {
  const valid = typeof drain === "number" && Number.isFinite(drain) && drain >= 0;
  return valid ? { kind: "stop", drain } : undefined;
}

function parseAddress(kind: "cut" | "heal", remote: unknown): LineCommand | undefined {
  const address = typeof remote === "string" ? IpAddress.tryParse(remote) : undefined;
  return address && { kind, remote: address.text };
}

function obey(command: LineCommand, daemon: ShimDaemon, print: (status: ShimStatus) => void): void {
  switch (command.kind) {
    case "status":
      return void daemon.status().then(print, () => {});
    case "stop":
      return void daemon.stop(command.drain);
    case "cut":
      return daemon.cut(command.remote);
    case "heal":
      return daemon.heal(command.remote);
    default:
      return command satisfies never;
  }
}
