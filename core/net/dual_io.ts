/**
 * SCTP in UDP and directly over IP at once: for an endpoint whose peers have one or the other. A packet
 * leaves as its route says, in UDP if that has an encapsulation port, and each that arrives tells which
 * way it came.
 */
import type { IcmpError } from "../sctp/icmp_error.ts";
import type { InboundPacket, PacketBatch } from "../sctp/packet.ts";
import { newMetrics } from "./metrics.ts";
import type { BoundAddress, PacketIo, PacketIoMetrics } from "./packet_io.ts";

export class DualIo implements PacketIo {
  readonly descriptors: readonly number[];
  readonly #udp: PacketIo;
  readonly #raw: PacketIo;
  /** Packets of the last {@link receive} that came in UDP; those over IP follow them. */
  #encapsulated = 0;

  /** Takes over both transports, which have the same addresses. */
  constructor(udp: PacketIo, raw: PacketIo) {
    this.#udp = udp;
    this.#raw = raw;
    this.descriptors = [...udp.descriptors, ...raw.descriptors];
  }

  get localAddresses(): readonly BoundAddress[] {
    return this.#udp.localAddresses;
  }

  refreshAddresses(): readonly BoundAddress[] {
    this.#raw.refreshAddresses();
    return this.#udp.refreshAddresses();
  }

  get encapsulationPort(): number {
    return this.#udp.encapsulationPort;
  }

  get overhead(): number {
    return this.#udp.overhead;
  }

  /** Those of both together. */
  get metrics(): Readonly<PacketIoMetrics> {
    const sum = newMetrics();
    for (const { metrics } of [this.#udp, this.#raw]) {
      sum.packetsSent += metrics.packetsSent;
      sum.bytesSent += metrics.bytesSent;
      sum.sendCalls += metrics.sendCalls;
      sum.packetsReceived += metrics.packetsReceived;
      sum.bytesReceived += metrics.bytesReceived;
      sum.receiveCalls += metrics.receiveCalls;
      sum.receivedUnusable += metrics.receivedUnusable;
      for (const [name, count] of metrics.sendErrors) {
        sum.sendErrors.set(name, (sum.sendErrors.get(name) ?? 0) + count);
      }
    }
    return sum;
  }

  receive(): number {
    this.#encapsulated = this.#udp.receive();
    return this.#encapsulated + this.#raw.receive();
  }

  get hasMore(): boolean {
    return this.#udp.hasMore || this.#raw.hasMore;
  }

  packetAt(index: number): InboundPacket {
    const count = this.#encapsulated;
    return index < count ? this.#udp.packetAt(index) : this.#raw.packetAt(index - count);
  }

  send(batch: PacketBatch, from: number): number {
    const total = batch.count;
    let next = from;
    while (next < total) {
      const end = endOfRun(batch, next);
      const io = isEncapsulated(batch, next) ? this.#udp : this.#raw;
      batch.count = end;
      next = io.send(batch, next);
      batch.count = total;
      if (next < end) break;
    }
    return next;
  }

  pollIcmp(): IcmpError | undefined {
    return this.#udp.pollIcmp() ?? this.#raw.pollIcmp();
  }

  async wait(milliseconds: number): Promise<void> {
    const waiting = new Set([this.#udp, this.#raw]);
    const waits = [...waiting].map((io) => io.wait(milliseconds).then(() => waiting.delete(io)));
    await Promise.race(waits);
    for (const io of waiting) io.wake();
    await Promise.all(waits);
  }

  wake(): void {
    this.#udp.wake();
  }

  close(): void {
    this.#udp.close();
    this.#raw.close();
  }
}

/** Index after the packets from `start` on that leave the same way. */
function endOfRun(batch: PacketBatch, start: number): number {
  const encapsulated = isEncapsulated(batch, start);
  let end = start + 1;
  while (end < batch.count && isEncapsulated(batch, end) === encapsulated) end++;
  return end;
}

function isEncapsulated(batch: PacketBatch, index: number): boolean {
  return batch.routes[index]?.encapsulationPort !== 0;
}
