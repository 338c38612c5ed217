/** The counters that every transport keeps. */
import type { PacketIoMetrics } from "./packet_io.ts";

/** Counters at zero. */
export function newMetrics(): PacketIoMetrics {
  return {
    packetsSent: 0,
    bytesSent: 0,
    sendCalls: 0,
    packetsReceived: 0,
    bytesReceived: 0,
    receiveCalls: 0,
    sendErrors: new Map(),
    receivedUnusable: 0,
  };
}

/** Counts packets that the kernel refused, under the errno's name. */
export function countSendError(metrics: PacketIoMetrics, name: string, packets = 1): void {
  metrics.sendErrors.set(name, (metrics.sendErrors.get(name) ?? 0) + packets);
}
