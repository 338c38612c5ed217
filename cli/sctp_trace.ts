/** A packet transport that tells of every packet it carries, in one line each. */
import type { PacketIo } from "../core/net/packet_io.ts";
import type { IpAddress } from "../core/sctp/base/address.ts";
import type { InboundPacket, PacketBatch } from "../core/sctp/packet.ts";
import { describePacket } from "../core/sctp/wire/describe.ts";
import { monotonicNow } from "../core/net/clock.ts";

/** Wraps `io`; each packet gives a line such as `12.345 10.0.0.1 > 10.0.0.2 5000 > 7 ... [INIT ...]`. */
export class TracedIo implements PacketIo {
  constructor(readonly io: PacketIo, readonly write: (line: string) => void) {}

  get descriptors(): PacketIo["descriptors"] {
    return this.io.descriptors;
  }

  get localAddresses(): PacketIo["localAddresses"] {
    return this.io.localAddresses;
  }

  refreshAddresses(): PacketIo["localAddresses"] {
    return this.io.refreshAddresses();
  }

  get encapsulationPort(): number {
    return this.io.encapsulationPort;
  }

  get overhead(): number {
    return this.io.overhead;
  }

  get metrics(): PacketIo["metrics"] {
    return this.io.metrics;
  }

  receive(): number {
    const count = this.io.receive();
    for (let i = 0; i < count; i++) {
      const { buffer, offset, length, source, destination } = this.packetAt(i);
      this.#line(source, destination, buffer, offset, length);
    }
    return count;
  }

  get hasMore(): boolean {
    return this.io.hasMore;
  }

  packetAt(index: number): InboundPacket {
    return this.io.packetAt(index);
  }

  send(batch: PacketBatch, from: number): number {
    const next = this.io.send(batch, from);
    for (let i = from; i < next; i++) {
      const route = batch.routes[i];
      if (route) {
        this.#line(route.local, route.remote, batch.memory, batch.offsets[i], batch.lengths[i]);
      }
    }
    return next;
  }

  pollIcmp(): ReturnType<PacketIo["pollIcmp"]> {
    const error = this.io.pollIcmp();
    if (error) {
      this.write(`${timestamp()} ${error.local} > ${error.remote}  ICMP says ${error.kind}`);
    }
    return error;
  }

  wait(milliseconds: number): Promise<void> {
    return this.io.wait(milliseconds);
  }

  wake(): void {
    this.io.wake();
  }

  close(): void {
    this.io.close();
  }

  #line(
    from: IpAddress,
    to: IpAddress,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): void {
    this.write(`${timestamp()} ${from} > ${to}  ${describePacket(bytes, offset, length)}`);
  }
}

/** Milliseconds since the program started. */
function timestamp(): string {
  return monotonicNow().toFixed(3).padStart(12);
}
