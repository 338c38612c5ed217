/** A running commentary: one line for each packet that enters a link, and for each one that is lost. */
import type { Instant } from "../sctp/base/time.ts";
import { Ecn } from "../sctp/packet.ts";
import { describePacket } from "../sctp/wire/describe.ts";
import type { Link, LinkLoss, LinkObserver } from "./link.ts";
import type { SimPacket } from "./packet_pool.ts";

/** What a {@link PacketTrace} shows. */
export interface TraceOptions {
  /** True if arrivals are shown as well; default false. */
  readonly arrivals?: boolean;
}

/**
 * Writes a line a packet. Attach it with `Network.observe`. For example:
 * `      12.345 client 10.0.0.1 > server 10.0.0.2  5000 > 5001 tag 0x00000000 [INIT ...] -- lost: queue`
 */
export class PacketTrace implements LinkObserver {
  constructor(
    private readonly write: (line: string) => void,
    private readonly options: TraceOptions = {},
  ) {}

  packetSent(now: Instant, link: Link, packet: SimPacket, lost: LinkLoss | undefined): void {
    this.write(traceLine(now, link, packet, lost, ""));
  }

  packetArrived(now: Instant, link: Link, packet: SimPacket, lost: LinkLoss | undefined): void {
    if (this.options.arrivals || lost !== undefined) {
      this.write(traceLine(now, link, packet, lost, "arrives: "));
    }
  }
}

function traceLine(
  now: Instant,
  link: Link,
  packet: SimPacket,
  lost: LinkLoss | undefined,
  prefix: string,
): string {
  const time = now.toFixed(3).padStart(12);
  const content = describePacket(packet.buffer, packet.offset, packet.length);
  const marked = packet.ecn === Ecn.Ce ? " CE" : "";
  const fate = lost === undefined ? "" : ` -- lost: ${lost}`;
  return `${time} ${prefix}${link.name}${marked}  ${content}${fate}`;
}
