/** The datagrams between one address and port of this host and one of another. */
import type { DatagramEnds } from "../../net/udp_delivery.ts";
import type { IpAddress } from "../../sctp/base/address.ts";
import { type Instant, instant } from "../../sctp/base/time.ts";
import type { FlowEnds } from "./message.ts";

/** Where a flow's datagrams go. */
export type FlowStage =
  /** By plain UDP, until the peer is asked. */
  | "plain"
  /** The peer was asked to take the flow. */
  | "asking"
  /** Over the association. */
  | "carried"
  /** By plain UDP for good. */
  | "left";

/** One end of a flow. */
export interface Place {
  readonly address: IpAddress;
  readonly port: number;
}

/** Whom a flow belongs to, and who opened it. */
export interface FlowOwner<Owner> {
  readonly owner: Owner;
  /** An application of this host has sent first; otherwise one of the peer's. */
  readonly isOurs: boolean;
}

export class Flow<Owner = unknown> {
  stage: FlowStage;
  readonly owner: Owner;
  readonly isOurs: boolean;
  /** Number that whoever opened it gave it, 1 .. 65535; 0 while it has none. */
  id = 0;
  /** Datagrams of it have gone by plain UDP. */
  begun = false;
  /** The far end knows it by another address: it cannot change between UDP and SCTP. */
  translated = false;
  /** When the peer may be asked to take it. */
  asksAt: Instant = instant(0);
  /** When a datagram came or went last. */
  usedAt: Instant;
  /** Why it goes by plain UDP, if that is not the peer's reason. */
  reason = "";
  /** Datagrams of this host: over the association, and by plain UDP. */
  carriedOut = 0;
  plainOut = 0;
  /** Datagrams of the far end that came over the association. */
  carriedIn = 0;
  /** The next flow of the table with the same hash. */
  next: Flow<Owner> | undefined = undefined;
  /** How datagrams of the far end are delivered, and those of this host are told of. */
  readonly inbound: DatagramEnds;
  readonly outbound: FlowEnds;
  /** What the peer called the ends when it opened the flow. */
  opened: FlowEnds | undefined;

  /** @param local the application's end, or the local server's. */
  constructor(
    readonly local: Place,
    readonly remote: Place,
    { owner, isOurs }: FlowOwner<Owner>,
    now: Instant,
  ) {
    this.owner = owner;
    this.isOurs = isOurs;
    this.stage = isOurs ? "plain" : "carried";
    this.usedAt = now;
    this.inbound = endsOf(remote, local);
    this.outbound = endsOf(local, remote);
  }

  /** True if an OPEN is about this flow again. */
  matches(open: FlowEnds): boolean {
    const { opened } = this;
    return opened !== undefined && opened.sourcePort === open.sourcePort &&
      opened.destinationPort === open.destinationPort && opened.source.equals(open.source) &&
      opened.destination.equals(open.destination);
  }
}

/** The server of a flow of this host's applications, as a key. */
export function serviceOf({ remote }: Flow): string {
  return `${remote.address.text} ${remote.port}`;
}

function endsOf(from: Place, to: Place): FlowEnds {
  return {
    source: from.address,
    sourcePort: from.port,
    destination: to.address,
    destinationPort: to.port,
  };
}
