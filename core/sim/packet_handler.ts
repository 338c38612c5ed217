/** What runs on a virtual host: an SCTP endpoint, a scripted peer or an attacker. */
import type { Instant } from "../sctp/base/time.ts";
import type { IcmpError } from "../sctp/icmp_error.ts";
import type { InboundPacket, PacketBatch } from "../sctp/packet.ts";
import type { LocalAddress } from "../sctp/path/pairing.ts";

/**
 * The engine's contract without its commands; `Endpoint` fulfils it as it is. After every input the host
 * polls until nothing is left, then arms one timer at `pollTimeout()`.
 */
export interface PacketHandler<Event = unknown> {
  handlePacket(now: Instant, packet: InboundPacket): void;
  handleTimeout(now: Instant): void;
  handleIcmp(now: Instant, error: IcmpError): void;
  handleNetworkChange(now: Instant, addresses: readonly LocalAddress[]): void;
  /** True if more wanted to leave than fits into the batch. */
  pollTransmit(now: Instant, batch: PacketBatch): boolean;
  pollEvent(): Event | undefined;
  pollTimeout(): Instant;
}

/** The events of a handler. */
export type EventOf<Handler extends PacketHandler> = NonNullable<ReturnType<Handler["pollEvent"]>>;
