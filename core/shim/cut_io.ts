/**
 * A packet transport in which chosen paths can be cut: packets of a cut path vanish without a trace,
 * in both directions, as behind a dead router. Demonstrations and tests cut with it where
 * nobody may touch the kernel's firewall.
 */
import type { IcmpError } from "../sctp/icmp_error.ts";
import type { IpAddress } from "../sctp/base/address.ts";
import type { InboundPacket, PacketBatch } from "../sctp/packet.ts";
import type { BoundAddress, PacketIo, PacketIoMetrics } from "../net/packet_io.ts";

export class CutIo implements PacketIo {
  readonly #inner: PacketIo;
  readonly #cut = new Set<string>();
  /** Indices, in the inner transport's batch, of the packets that came through. */
  readonly #kept: number[] = [];
  #dropped = 0;
  /** The last {@link receive} looked at every packet. */
  #cutting = false;

  constructor(inner: PacketIo) {
    this.#inner = inner;
  }

  /** Packets that a cut has swallowed so far, both directions. */
  get dropped(): number {
    return this.#dropped;
  }

  /** From now on every packet from or to this address of the peer is lost. */
  cut(remote: string): void {
    this.#cut.add(remote);
  }

  /** Lets the packets of this address pass again. */
  heal(remote: string): void {
    this.#cut.delete(remote);
  }

  get descriptors(): readonly number[] {
    return this.#inner.descriptors;
  }

  get localAddresses(): readonly BoundAddress[] {
    return this.#inner.localAddresses;
  }

  refreshAddresses(): readonly BoundAddress[] {
    return this.#inner.refreshAddresses();
  }

  get encapsulationPort(): number {
    return this.#inner.encapsulationPort;
  }

  get overhead(): number {
    return this.#inner.overhead;
  }

  get metrics(): Readonly<PacketIoMetrics> {
    return this.#inner.metrics;
  }

  /** Skips whole batches of cut packets, so that 0 means that nothing waits. */
  receive(): number {
    this.#cutting = this.#cut.size > 0;
    if (!this.#cutting) return this.#inner.receive();
    for (;;) {
      const count = this.#inner.receive();
      this.#kept.length = 0;
      for (let i = 0; i < count; i++) {
        if (!this.#isCut(this.#inner.packetAt(i).source)) this.#kept.push(i);
      }
      this.#dropped += count - this.#kept.length;
      if (count === 0 || this.#kept.length > 0) return this.#kept.length;
    }
  }

  get hasMore(): boolean {
    return this.#inner.hasMore;
  }

  packetAt(index: number): InboundPacket {
    return this.#inner.packetAt(this.#cutting ? this.#kept[index] : index);
  }

  send(batch: PacketBatch, from: number): number {
    if (this.#cut.size === 0) return this.#inner.send(batch, from);
    const total = batch.count;
    let next = from;
    while (next < total) {
      const end = this.#endOfRun(batch, next, total);
      if (this.#isLost(batch, next)) {
        this.#dropped += end - next;
        next = end;
        continue;
      }
      batch.count = end;
      next = this.#inner.send(batch, next);
      batch.count = total;
      if (next < end) break;
    }
    return next;
  }

  pollIcmp(): IcmpError | undefined {
    return this.#inner.pollIcmp();
  }

  wait(milliseconds: number): Promise<void> {
    return this.#inner.wait(milliseconds);
  }

  wake(): void {
    this.#inner.wake();
  }

  close(): void {
    this.#inner.close();
  }

  /** Index after the packets from `start` on that share the fate of the first. */
  #endOfRun(batch: PacketBatch, start: number, total: number): number {
    const lost = this.#isLost(batch, start);
    let end = start + 1;
    while (end < total && this.#isLost(batch, end) === lost) end++;
    return end;
  }

  #isLost(batch: PacketBatch, index: number): boolean {
    const route = batch.routes[index];
    return route !== undefined && this.#isCut(route.remote);
  }

  #isCut(remote: IpAddress): boolean {
    return this.#cut.has(remote.text);
  }
}
