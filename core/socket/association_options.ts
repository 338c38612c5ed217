/** Whom an association is with, and how it is set up: what every kind of socket is told alike. */
import type { AuthenticationOptions } from "../sctp/auth/options.ts";
import { IpAddress } from "../sctp/base/address.ts";
import type { Parameters } from "../sctp/parameters.ts";

/** A peer by its address. */
export interface Destination {
  /** SCTP port of the peer. */
  readonly port: number;
  /** Addresses of the peer: the first is tried first, the peer may name more. */
  readonly addresses: string | IpAddress | readonly (string | IpAddress)[];
  /** UDP port of the peer; by default that of SCTP over UDP (RFC 6951). */
  readonly encapsulationPort?: number;
}

/** How associations of a socket are set up, by this side or by peers. */
export interface AssociationOptions {
  /** Addresses of this side to use and to announce; by default all of the stack. */
  readonly localAddresses?: readonly IpAddress[];
  /** Protocol parameters that differ from the stack's. */
  readonly parameters?: Partial<Parameters>;
  /** Tells the peer what the upper layer is (RFC 5061, section 4.2.6). */
  readonly adaptationIndication?: number;
  /** Shared keys and chunks to authenticate, where they differ from the stack's. */
  readonly authentication?: AuthenticationOptions;
}

/** The addresses of a destination. @throws TypeError for a text that is none. */
export function addressesOf({ addresses }: Destination): readonly IpAddress[] {
  return [addresses].flat().map((one) => typeof one === "string" ? IpAddress.parse(one) : one);
}
