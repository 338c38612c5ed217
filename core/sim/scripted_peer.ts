/** A packet handler that does what a test tells it: peers that misbehave, attackers, measuring ends. */
import { IpAddress } from "../sctp/base/address.ts";
import { type Instant, NEVER } from "../sctp/base/time.ts";
import type { IcmpError } from "../sctp/icmp_error.ts";
import { Ecn, type InboundPacket, type PacketBatch, type Route } from "../sctp/packet.ts";
import type { LocalAddress } from "../sctp/path/pairing.ts";
import type { PacketHandler } from "./packet_handler.ts";

/** A packet as it arrived, kept. */
export interface ReceivedPacket {
  readonly at: Instant;
  readonly bytes: Uint8Array;
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly encapsulationPort: number;
  readonly ecn: Ecn;
}

interface WaitingPacket {
  readonly bytes: Uint8Array;
  readonly route: Route;
}

/** What may be said about a packet that a {@link ScriptedPeer} sends. */
export interface SendDetails {
  readonly ecn?: Ecn;
  /** UDP destination port, or 0 (default) for SCTP directly over IP. */
  readonly encapsulationPort?: number;
}

/** Keeps what arrives and sends what it is given. It has no timer and no events. */
export class ScriptedPeer implements PacketHandler<never> {
  /** Everything that has arrived. */
  readonly received: ReceivedPacket[] = [];
  readonly icmpErrors: IcmpError[] = [];
  /** Addresses after the last change of the network. */
  addresses: readonly LocalAddress[] = [];
  readonly #waiting: WaitingPacket[] = [];

  /** @param respond is called for each arrival and may call {@link send}. */
  constructor(
    private readonly respond: (packet: ReceivedPacket, peer: ScriptedPeer) => void = () => {},
  ) {}

  /** Sends the packet with the next drain: call it inside `Host.command` or as a response. */
  send(
    bytes: Uint8Array,
    from: string | IpAddress,
    to: string | IpAddress,
    details: SendDetails = {},
  ): void {
    const route = {
      local: typeof from === "string" ? IpAddress.parse(from) : from,
      remote: typeof to === "string" ? IpAddress.parse(to) : to,
      encapsulationPort: details.encapsulationPort ?? 0,
      ecn: details.ecn ?? Ecn.NotEct,
    };
    this.#waiting.push({ bytes, route });
  }

  handlePacket(now: Instant, packet: InboundPacket): void {
    const { buffer, offset, length, source, destination, encapsulationPort, ecn } = packet;
    const bytes = buffer.slice(offset, offset + length);
    const kept = { at: now, bytes, source, destination, encapsulationPort, ecn };
    this.received.push(kept);
    this.respond(kept, this);
  }

  handleTimeout(): void {}

  handleIcmp(_now: Instant, error: IcmpError): void {
    this.icmpErrors.push(error);
  }

  handleNetworkChange(_now: Instant, addresses: readonly LocalAddress[]): void {
    this.addresses = addresses;
  }

  pollTransmit(_now: Instant, batch: PacketBatch): boolean {
    let taken = 0;
    for (const { bytes, route } of this.#waiting) {
      if (!batch.hasRoom(bytes.length)) break;
      batch.memory.set(bytes, batch.used);
      batch.commit(bytes.length, route);
      taken++;
    }
    this.#waiting.splice(0, taken);
    return this.#waiting.length > 0;
  }

  pollEvent(): undefined {}

  pollTimeout(): Instant {
    return NEVER;
  }
}
