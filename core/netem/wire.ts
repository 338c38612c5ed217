/** An emulated link between two TUN devices: the simulator's own link, in real time. */
import type { RandomSource } from "../sctp/base/random.ts";
import type { Instant } from "../sctp/base/time.ts";
import type { Tun } from "../net/tun.ts";
import type { VirtualClock } from "../sim/clock.ts";
import { DuplexLink } from "../sim/duplex_link.ts";
import { Link, type LinkLoss, type LinkStatistics, type PacketSink } from "../sim/link.ts";
import { type LinkPlan, scheduleCuts, settingsOf } from "../sim/link_plan.ts";
import type { SimPacket } from "../sim/packet_pool.ts";
import { type IpPacketPool, LONGEST_PACKET } from "./ip_packet.ts";
import { IpPacket } from "./ip_packet.ts";
import { Lateness, type LatenessReport } from "./lateness.ts";

/** Packets that are taken from a device before the other one, and the clock, have their turn. */
const READS_PER_TURN = 64;

/** What has passed one direction. Bytes are those of IP packets. */
export interface DirectionReport extends Omit<LinkStatistics, "lost"> {
  readonly lost: Readonly<Record<LinkLoss, number>>;
  /** Packets that the far end's kernel did not take. */
  readonly refused: number;
  readonly lateness: LatenessReport;
}

/** The far end of one direction: packets go to its device when they are due. */
class DeviceSink implements PacketSink {
  readonly lateness = new Lateness();
  refused = 0;
  readonly #device: Tun;
  readonly #pool: IpPacketPool;
  readonly #now: () => Instant;

  constructor(device: Tun, pool: IpPacketPool, now: () => Instant) {
    this.#device = device;
    this.#pool = pool;
    this.#now = now;
  }

  handlePacket(due: Instant, packet: SimPacket): void {
    if (!(packet instanceof IpPacket)) return;
    packet.writeEcn();
    if (!this.#device.write(packet.bytes, packet.length)) this.refused++;
    this.lateness.note(this.#now() - due);
    this.#pool.release(packet);
  }

  /** The devices' own MTU is told by the kernel; what a link swallows it swallows in silence. */
  handleTooBig(): void {}
}

/** What a wire runs in. */
export interface WireSurroundings {
  /** Stands at the real time whenever a packet is taken from a device. */
  readonly clock: VirtualClock;
  readonly pool: IpPacketPool;
  /** The real time. */
  readonly now: () => Instant;
  /** A source of luck for one direction, of its own. */
  readonly random: () => RandomSource;
}

export class Wire {
  readonly link: DuplexLink;
  readonly #devices: readonly [Tun, Tun];
  readonly #sinks: readonly [DeviceSink, DeviceSink];
  readonly #pool: IpPacketPool;
  readonly #buffer = new Uint8Array(LONGEST_PACKET);

  /** @param devices at the first and at the second end. @throws RangeError if a setting is out of range. */
  constructor(
    readonly name: string,
    devices: readonly [Tun, Tun],
    plan: LinkPlan,
    { clock, pool, now, random }: WireSurroundings,
  ) {
    const [a, b] = devices;
    this.#devices = devices;
    this.#pool = pool;
    this.#sinks = [new DeviceSink(b, pool, now), new DeviceSink(a, pool, now)];
    const [forward, backward] = this.#sinks;
    this.link = new DuplexLink(
      new Link(`${name} >`, clock, pool, random(), forward, settingsOf(plan.forward)),
      new Link(`${name} <`, clock, pool, random(), backward, settingsOf(plan.backward)),
    );
    scheduleCuts(clock, now(), plan, this.link);
  }

  /** Takes what the kernel sends at one end; true if there may be more. */
  pull(now: Instant, end: 0 | 1): boolean {
    const link = end === 0 ? this.link.forward : this.link.backward;
    for (let i = 0; i < READS_PER_TURN; i++) {
      const length = this.#devices[end].read(this.#buffer);
      if (length === 0) return false;
      link.transmit(now, this.#pool.take(this.#buffer, length));
    }
    return true;
  }

  report(): readonly [forward: DirectionReport, backward: DirectionReport] {
    const { forward, backward } = this.link;
    const [there, back] = this.#sinks;
    return [reportOf(forward, there), reportOf(backward, back)];
  }
}

function reportOf({ statistics }: Link, { refused, lateness }: DeviceSink): DirectionReport {
  const { lost, ...rest } = statistics;
  return { ...rest, lost: { ...lost }, refused, lateness: lateness.report() };
}
