/** What `sctp listen` and `sctp connect` say about an association at its end. */
import process from "node:process";
import type { PacketIoMetrics } from "../core/net/packet_io.ts";
import type { ConnectionInfo } from "../core/socket/info.ts";
import type { ConnectionEnd } from "../core/socket/notifications.ts";
import type { SctpStack } from "../core/socket/stack.ts";
import type { Transfer, TransferCounts } from "./sctp_transfer.ts";

/** One direction of a transfer. */
export interface Throughput {
  readonly messages: number;
  readonly bytes: number;
  readonly seconds: number;
  /** 10^6 bytes a second. */
  readonly megabytesPerSecond: number;
}

/** What `--json` prints. */
export interface TransferReport {
  readonly end: { readonly graceful: boolean; readonly code?: string; readonly message?: string };
  readonly local: readonly string[];
  readonly remote: readonly string[];
  readonly sent: Throughput;
  readonly received: Throughput;
  /** User and system time that this process has used since the association came up. */
  readonly cpuSeconds: number;
  readonly association: ConnectionInfo;
  readonly endpoint: SctpStack["metrics"];
  readonly transport: Omit<PacketIoMetrics, "sendErrors"> & {
    readonly sendErrors: Readonly<Record<string, number>>;
  };
}

/** CPU seconds of this process so far. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** The report of a transfer that has ended. */
export function reportOf(
  transfer: Transfer,
  end: ConnectionEnd,
  stack: SctpStack,
  cpuAtStart: number,
): TransferReport {
  const { connection, counts } = transfer;
  const { sendErrors, ...transport } = stack.transportMetrics;
  return {
    end: end.graceful
      ? { graceful: true }
      : { graceful: false, code: end.error.code, message: end.error.message },
    local: connection.localAddr.addresses,
    remote: connection.remoteAddr.addresses,
    sent: throughput(counts.messagesSent, counts.bytesSent, counts.startedAt, counts.endedAt),
    received: received(counts),
    cpuSeconds: cpuSeconds() - cpuAtStart,
    association: connection.info,
    endpoint: stack.metrics,
    transport: { ...transport, sendErrors: Object.fromEntries(sendErrors) },
  };
}

function received(counts: TransferCounts): Throughput {
  const { messagesReceived, bytesReceived, firstReceivedAt, lastReceivedAt } = counts;
  return throughput(messagesReceived, bytesReceived, firstReceivedAt, lastReceivedAt);
}

function throughput(messages: number, bytes: number, start: number, end: number): Throughput {
  const seconds = (end - start) / 1000;
  return { messages, bytes, seconds, megabytesPerSecond: seconds > 0 ? bytes / 1e6 / seconds : 0 };
}

/** The report in a line or two. */
export function describeReport(report: TransferReport): string[] {
  const { end, sent, received, cpuSeconds } = report;
  const how = end.graceful ? "ended gracefully" : `ended: ${end.message}`;
  return [
    `association with ${report.remote.join(", ")} ${how}`,
    `sent ${describeThroughput(sent)}; received ${describeThroughput(received)}; ` +
    `${cpuSeconds.toFixed(2)} CPU seconds`,
  ];
}

function describeThroughput({ messages, bytes, seconds, megabytesPerSecond }: Throughput): string {
  if (messages === 0) return "nothing";
  return `${bytes} bytes in ${messages} messages, ${seconds.toFixed(2)} s, ` +
    `${megabytesPerSecond.toFixed(1)} MB/s`;
}
