/**
 * One round of the drain rule, the same for every way of waiting: packets in, timers, notifications,
 * packets out.
 *
 * The main-thread {@link Driver} runs it between two awaits, the daemon's data plane between two
 * blocking waits. A round never blocks and allocates nothing.
 */
import type { Endpoint } from "../sctp/endpoint.ts";
import type { SctpEvent } from "../sctp/events.ts";
import type { PacketIo } from "../net/packet_io.ts";
import type { Instant } from "../sctp/base/time.ts";
import { PacketBatch } from "../sctp/packet.ts";

/** Bytes of packets that are built before they are handed to the kernel: fits a second-level cache. */
export const BATCH_BYTES = 256 * 1024;

/** Packets a batch: enough for several segmented sends of the smallest packets that bulk data has. */
const BATCH_PACKETS = 256;

/**
 * Packets after which a round takes no more: a flood cannot keep timers and the user waiting, and
 * the sender of many packets gets its SACK, and sends on, while the rest is worked on.
 */
const PACKETS_PER_ROUND = 256;

/** Full transmit batches a round, for the same reason. */
const SENDS_PER_ROUND = 2;

/** Milliseconds after which a send that the kernel refused for want of buffer is tried again. */
const RETRY_BLOCKED = 1;

/** What a pump needs of an endpoint. */
export type PumpedEndpoint = Pick<
  Endpoint,
  | "handlePacket"
  | "handleTimeout"
  | "handleIcmp"
  | "pollTransmit"
  | "pollEvent"
  | "pollTimeout"
>;

/** Receives each notification of the engine; may read, send and issue commands at once. */
export type EventHandler = (event: SctpEvent) => void;

export class Pump {
  readonly #batch: PacketBatch;
  /** First packet of the batch that the kernel has not taken. */
  #unsent = 0;
  #blocked = false;
  #more = false;
  /** The last {@link round} left packets for the next one. */
  packetsWait = false;

  /**
   * @param handleEvent is called for every notification, within {@link round}.
   * @param memory for outgoing packets, best the checksum module's own; {@link BATCH_BYTES} of it do.
   */
  constructor(
    readonly endpoint: PumpedEndpoint,
    readonly io: PacketIo,
    readonly handleEvent: EventHandler,
    memory: Uint8Array = new Uint8Array(BATCH_BYTES),
  ) {
    this.#batch = new PacketBatch(memory, BATCH_PACKETS);
  }

  /** Takes in and sends what there is; returns true if there was something, and so may be more. */
  round(now: Instant): boolean {
    const received = this.#receive(now);
    this.endpoint.handleTimeout(now);
    const drained = this.flush(now);
    return received || drained;
  }

  /**
   * Hands out notifications and sends what commands and reads have made ready, without asking the
   * transport for packets; true if there was something. Notifications come first: what their handler
   * sends and reads belongs to the packets that leave.
   */
  flush(now: Instant): boolean {
    let any = this.#notify();
    if (this.#transmit(now)) any = true;
    while (this.#notify()) {
      any = true;
      this.#transmit(now);
    }
    return any;
  }

  /** Milliseconds that the caller may wait for packets; `Infinity` if no timer runs. */
  nextTimeout(now: Instant): number {
    if (this.#more) return 0;
    return this.#blocked ? RETRY_BLOCKED : Math.max(0, this.endpoint.pollTimeout() - now);
  }

  #receive(now: Instant): boolean {
    const { endpoint, io } = this;
    let total = 0;
    this.packetsWait = false;
    while (total < PACKETS_PER_ROUND) {
      const count = io.receive();
      if (count === 0) break;
      for (let i = 0; i < count; i++) endpoint.handlePacket(now, io.packetAt(i));
      total += count;
      this.packetsWait = io.hasMore;
      if (!io.hasMore) break;
    }
    const errors = this.#receiveIcmp(now);
    return total > 0 || errors;
  }

  #receiveIcmp(now: Instant): boolean {
    let any = false;
    for (let error = this.io.pollIcmp(); error; error = this.io.pollIcmp()) {
      this.endpoint.handleIcmp(now, error);
      any = true;
    }
    return any;
  }

  #notify(): boolean {
    let any = false;
    for (let event = this.endpoint.pollEvent(); event; event = this.endpoint.pollEvent()) {
      this.handleEvent(event);
      any = true;
    }
    return any;
  }

  #transmit(now: Instant): boolean {
    let any = false;
    this.#more = true;
    for (let i = 0; this.#more && i < SENDS_PER_ROUND; i++) {
      if (this.#batch.count === 0) this.#more = this.endpoint.pollTransmit(now, this.#batch);
      if (this.#batch.count > 0 && this.#sendBatch()) any = true;
    }
    return any;
  }

  /** True if the kernel took at least one packet; what it left waits for the next round. */
  #sendBatch(): boolean {
    const batch = this.#batch;
    const start = this.#unsent;
    this.#unsent = this.io.send(batch, start);
    const progress = this.#unsent > start;
    this.#blocked = this.#unsent < batch.count;
    if (this.#blocked) {
      this.#more = false;
    } else {
      batch.clear();
      this.#unsent = 0;
    }
    return progress;
  }
}
