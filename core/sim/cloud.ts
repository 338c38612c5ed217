/** The middle of the network: every address reaches every other through its access links. */
import type { Instant } from "../sctp/base/time.ts";
import type { DuplexLink } from "./duplex_link.ts";
import type { PacketSink } from "./link.ts";
import type { PacketPool, SimPacket } from "./packet_pool.ts";

/** Whoever has the sender of a packet told that it was too long. */
export type TooBigReporter = PacketSink["handleTooBig"];

/**
 * Routers without limits of their own. A packet passes the uplink of its source address and the
 * downlink of its destination address, so all traffic of an address shares its access link.
 */
export class Cloud implements PacketSink {
  /** Packets for an address that is not attached. */
  unroutable = 0;
  readonly #access = new Map<string, DuplexLink>();

  constructor(private readonly pool: PacketPool, readonly handleTooBig: TooBigReporter) {}

  /** Registers the access link of an address: `forward` leads into the cloud. */
  add(address: string, access: DuplexLink): void {
    this.#access.set(address, access);
  }

  handlePacket(now: Instant, packet: SimPacket): void {
    const access = this.#access.get(packet.destination.text);
    if (access) return access.backward.transmit(now, packet);
    this.unroutable++;
    this.pool.release(packet);
  }
}
