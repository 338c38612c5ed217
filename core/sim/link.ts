/**
 * One direction of a link: what happens to a packet between two boxes.
 *
 * The order of treatment is Dummynet's: loss, then queue, then rate, then delay.
 */
import { type RandomSource, uniform } from "../sctp/base/random.ts";
import { type Instant, instant } from "../sctp/base/time.ts";
import { Ecn } from "../sctp/packet.ts";
import type { VirtualClock } from "./clock.ts";
import { DepartureQueue } from "./departure_queue.ts";
import {
  type LinkSettings,
  type ResolvedSettings,
  sampleJitter,
  withSettings,
} from "./link_settings.ts";
import type { Carrier, PacketPool, SimPacket } from "./packet_pool.ts";

/**
 * Why a packet did not arrive: "cut": the link was cut; "mtu": too long; "loss": by the loss model;
 * "queue": the queue was full.
 */
export type LinkLoss = "cut" | "mtu" | "loss" | "queue";

/** What has passed a link since the start. Bytes are those of IP packets. */
export interface LinkStatistics {
  /** Packets that were handed to the link. */
  sent: number;
  sentBytes: number;
  /** Packets that came out, second copies included. */
  delivered: number;
  deliveredBytes: number;
  readonly lost: Record<LinkLoss, number>;
  duplicated: number;
  reordered: number;
  corrupted: number;
  /** Packets marked CE. */
  marked: number;
}

/** Whoever stands at the far end of a link. */
export interface PacketSink {
  /** Takes the packet over: the sink gives it back to the pool. */
  handlePacket(now: Instant, packet: SimPacket): void;
  /** A packet was too long for the link and its sender is to be told. The packet is on loan for the call. */
  handleTooBig(now: Instant, packet: SimPacket, mtu: number, delay: number): void;
}

/** Watches packets go by. Packets are on loan for the call. */
export interface LinkObserver {
  /** A packet enters a link, as sent; `lost` if it goes no further. */
  packetSent(now: Instant, link: Link, packet: SimPacket, lost: LinkLoss | undefined): void;
  /** A packet comes to the end of a link; `lost` if a cut took it. */
  packetArrived(now: Instant, link: Link, packet: SimPacket, lost: LinkLoss | undefined): void;
}

/** One direction of a link. */
export class Link implements Carrier {
  readonly statistics: LinkStatistics = {
    sent: 0,
    sentBytes: 0,
    delivered: 0,
    deliveredBytes: 0,
    lost: { cut: 0, mtu: 0, loss: 0, queue: 0 },
    duplicated: 0,
    reordered: 0,
    corrupted: 0,
    marked: 0,
  };
  /** Set to watch the packets of this link. */
  observer: LinkObserver | undefined;
  readonly #queue: DepartureQueue;
  #settings: ResolvedSettings;
  #cut = false;
  #cuts = 0;
  #lastArrival = instant(0);

  /**
   * @param name what traces call it.
   * @param random this link's own source, so that links do not disturb each other's luck.
   * @throws RangeError if a setting is out of its range.
   */
  constructor(
    readonly name: string,
    private readonly clock: VirtualClock,
    private readonly pool: Pick<PacketPool, "copy" | "release">,
    private readonly random: RandomSource,
    private readonly sink: PacketSink,
    settings: LinkSettings = {},
  ) {
    this.#settings = withSettings(settings);
    this.#queue = new DepartureQueue(this.#settings.rate);
  }

  get settings(): ResolvedSettings {
    return this.#settings;
  }

  get isCut(): boolean {
    return this.#cut;
  }

  /** Packets that wait for the line now. */
  get queued(): number {
    return this.#queue.lengthAt(this.clock.now);
  }

  /**
   * Changes settings for the packets to come; those on their way keep their arrival.
   * @throws RangeError if a value is out of its range.
   */
  change(changes: LinkSettings): void {
    this.#settings = withSettings(changes, this.#settings);
    this.#queue.rate = this.#settings.rate;
  }

  /** Cuts the link silently: what waits or is on its way is lost, and so is everything until {@link heal}. */
  cut(): void {
    this.#cut = true;
    this.#cuts++;
  }

  /** Ends a cut. */
  heal(): void {
    this.#cut = false;
  }

  /** Sends a packet; the link takes it over. */
  transmit(now: Instant, packet: SimPacket): void {
    const { statistics } = this;
    statistics.sent++;
    statistics.sentBytes += packet.ipLength;
    const lost = this.#refusal(now, packet);
    this.observer?.packetSent(now, this, packet, lost);
    if (lost !== undefined) return this.#lose(now, packet, lost);
    if (this.#happens(this.#settings.duplicate) && !this.#queueIsFull(now, 1)) {
      statistics.duplicated++;
      this.#carry(now, this.pool.copy(packet));
    }
    this.#carry(now, packet);
  }

  handleArrival(now: Instant, packet: SimPacket): void {
    const lost = packet.epoch === this.#cuts ? undefined : "cut";
    this.observer?.packetArrived(now, this, packet, lost);
    if (lost !== undefined) return this.#lose(now, packet, lost);
    this.statistics.delivered++;
    this.statistics.deliveredBytes += packet.ipLength;
    this.sink.handlePacket(now, packet);
  }

  #refusal(now: Instant, packet: SimPacket): LinkLoss | undefined {
    if (this.#cut) return "cut";
    if (packet.longestOnLink > this.#settings.mtu) return "mtu";
    for (let i = 0; i < packet.fragments; i++) {
      if (this.#settings.loss.loses(this.random, packet)) return "loss";
    }
    return this.#queueIsFull(now, 0) ? "queue" : undefined;
  }

  #queueIsFull(now: Instant, reserved: number): boolean {
    return this.#queue.lengthAt(now) + reserved >= this.#settings.queuePackets;
  }

  #lose(now: Instant, packet: SimPacket, reason: LinkLoss): void {
    this.statistics.lost[reason]++;
    const { mtu, delay, packetTooBig } = this.#settings;
    if (reason === "mtu" && packetTooBig) this.sink.handleTooBig(now, packet, mtu, delay);
    this.pool.release(packet);
  }

  /** Queue, line and propagation of a packet that is not lost. */
  #carry(now: Instant, packet: SimPacket): void {
    if (this.#happens(this.#settings.corrupt)) this.#flipBit(packet);
    this.#mark(now, packet);
    const departure = this.#queue.add(now, packet.ipLength);
    packet.carrier = this;
    packet.epoch = this.#cuts;
    this.clock.schedule(this.#arrival(departure), packet);
  }

  #mark(now: Instant, packet: SimPacket): void {
    if (packet.ecn === Ecn.NotEct || packet.ecn === Ecn.Ce) return;
    if (this.#queue.lengthAt(now) < this.#settings.ecnThreshold) return;
    packet.ecn = Ecn.Ce;
    this.statistics.marked++;
  }

  #arrival(departure: Instant): Instant {
    const { delay, jitter, reorder } = this.#settings;
    const wobble = jitter === undefined ? 0 : sampleJitter(jitter, this.random);
    const arrival = departure + Math.max(0, delay + wobble);
    if (reorder !== undefined && this.#happens(reorder.probability)) {
      this.statistics.reordered++;
      return instant(arrival + uniform(this.random) * reorder.extraDelay);
    }
    if (jitter?.reorders) return instant(arrival);
    this.#lastArrival = instant(Math.max(arrival, this.#lastArrival));
    return this.#lastArrival;
  }

  #flipBit(packet: SimPacket): void {
    this.statistics.corrupted++;
    const bit = Math.floor(uniform(this.random) * packet.length * 8);
    packet.buffer[bit >> 3] ^= 1 << (bit & 7);
  }

  #happens(probability: number): boolean {
    return probability > 0 && uniform(this.random) < probability;
  }
}
