/** Two handlers wired mouth to ear: the fast mode, for benches that measure the engine and nothing else. */
import { type Instant, instant, NEVER } from "../sctp/base/time.ts";
import { Ecn, type InboundPacket, PacketBatch } from "../sctp/packet.ts";
import { IpAddress } from "../sctp/base/address.ts";
import type { PacketHandler } from "./packet_handler.ts";

const BATCH_BYTES = 256 * 1024;
const BATCH_PACKETS = 256;

/** Settings of a {@link DirectLink}. */
export interface DirectLinkOptions {
  /** Memory that packets are built in, each side's own half; e.g. that of a checksum module. */
  readonly memory?: Uint8Array;
  /** UDP port of both sides, or 0 (default) for SCTP directly over IP. */
  readonly encapsulationPort?: number;
}

/**
 * Carries packets between two handlers without delay, loss or copy: the receiver reads them where the
 * sender built them. Time stands still until {@link now} is set or {@link skipToTimeout} is called.
 * Events and data are left for the caller to poll.
 */
export class DirectLink {
  /** The virtual time. */
  now: Instant = instant(0);
  /** Packets and bytes of SCTP packets carried so far, both ways together. */
  packets = 0;
  bytes = 0;
  readonly #leftBatch: PacketBatch;
  readonly #rightBatch: PacketBatch;
  readonly #packet: InboundPacket;

  constructor(
    readonly left: PacketHandler,
    readonly right: PacketHandler,
    options: DirectLinkOptions = {},
  ) {
    const memory = options.memory ?? new Uint8Array(2 * BATCH_BYTES);
    const half = memory.length >>> 1 & ~7;
    this.#leftBatch = new PacketBatch(memory.subarray(0, half), BATCH_PACKETS);
    this.#rightBatch = new PacketBatch(memory.subarray(half), BATCH_PACKETS);
    const nowhere = IpAddress.parse("0.0.0.0");
    this.#packet = {
      buffer: memory,
      offset: 0,
      length: 0,
      source: nowhere,
      destination: nowhere,
      encapsulationPort: options.encapsulationPort ?? 0,
      ecn: Ecn.NotEct,
    };
  }

  /** Carries packets both ways until neither side has more to send; returns how many. */
  settle(): number {
    const before = this.packets;
    for (let more = true; more;) {
      const forward = this.#carry(this.left, this.#leftBatch, this.right);
      const backward = this.#carry(this.right, this.#rightBatch, this.left);
      more = forward || backward;
    }
    return this.packets - before;
  }

  /** Moves time to the next timeout and lets the side handle it; false if no timer runs. */
  skipToTimeout(): boolean {
    const [left, right] = [this.left.pollTimeout(), this.right.pollTimeout()];
    const next = left < right ? left : right;
    if (next === NEVER) return false;
    if (next > this.now) this.now = next;
    if (left <= this.now) this.left.handleTimeout(this.now);
    if (right <= this.now) this.right.handleTimeout(this.now);
    return true;
  }

  /** One batch from one side to the other; true if it held something. */
  #carry(from: PacketHandler, batch: PacketBatch, to: PacketHandler): boolean {
    from.pollTransmit(this.now, batch);
    const { count } = batch;
    const packet = this.#packet;
    packet.buffer = batch.memory;
    for (let i = 0; i < count; i++) {
      const route = batch.routes[i];
      if (route === undefined) continue;
      packet.offset = batch.offsets[i];
      packet.length = batch.lengths[i];
      packet.source = route.local;
      packet.destination = route.remote;
      packet.ecn = route.ecn;
      to.handlePacket(this.now, packet);
    }
    this.packets += count;
    this.bytes += batch.used;
    batch.clear();
    return count > 0;
  }
}
