/** What makes an INIT or INIT ACK unacceptable (RFC 9260, sections 3.3.2, 3.3.3 and 5.1). */
import type { AddressFamily, IpAddress } from "../base/address.ts";
import { agreedExtensions, Extension } from "../extensions.ts";
import { usableAuthParameters } from "../wire/auth_parameters.ts";
import type { Parameters } from "../parameters.ts";
import { CauseCode, type ErrorCause } from "../wire/error_cause.ts";
import type { InitChunk } from "../wire/init.ts";
import { ParameterType } from "../wire/parameter.ts";
import type { PeerSetup } from "./state_cookie.ts";

/** Smallest a_rwnd that may be announced (section 3.3.2). */
const SMALLEST_WINDOW = 1500;

/** True if a_rwnd is smaller than may be announced. */
export function announcesTooSmallWindow(init: InitChunk): boolean {
  return init.receiverWindow < SMALLEST_WINDOW;
}

/** Why the chunk must be answered with an ABORT, or `undefined` if it is in order. */
export function findInitFault(init: InitChunk): ErrorCause | undefined {
  if (init.hostName) {
    return { code: CauseCode.UnresolvableAddress, parameter: init.hostName };
  }
  const isValid = init.outboundStreams > 0 && init.inboundStreams > 0 &&
    !announcesTooSmallWindow(init);
  return isValid ? undefined : { code: CauseCode.InvalidMandatoryParameter };
}

/** The same for an INIT ACK, which also needs a State Cookie. */
export function findInitAckFault(init: InitChunk): ErrorCause | undefined {
  const fault = findInitFault(init);
  if (fault || init.stateCookie) return fault;
  return { code: CauseCode.MissingMandatoryParameter, types: [ParameterType.StateCookie] };
}

/**
 * What the chunk says about the peer, which sent it from `source` (section 5.1.2, A and C).
 * @param parameters ours: they say which extensions are offered.
 */
export function peerSetupOf(
  init: InitChunk,
  source: IpAddress,
  parameters: Parameters,
): PeerSetup {
  const extensions = agreedExtensions(parameters, init);
  const authenticates = (extensions & Extension.Authentication) !== 0;
  return {
    peerTag: init.initiateTag,
    peerInitialTsn: init.initialTsn,
    peerWindow: init.receiverWindow,
    peerOutboundStreams: init.outboundStreams,
    peerInboundStreams: init.inboundStreams,
    peerEcn: init.ecnCapable,
    peerAdaptation: init.adaptationIndication,
    extensions,
    peerAuth: authenticates ? usableAuthParameters(init.auth) : undefined,
    peerAddresses: peerAddressesOf(init, source),
  };
}

/** All addresses of the peer that mean something here, the one that it sent from first. */
export function peerAddressesOf(init: InitChunk, source: IpAddress): IpAddress[] {
  const others = init.addresses.filter((address) =>
    !address.equals(source) && isReachableLike(address, source)
  );
  return [source, ...withoutRepeats(others)];
}

/**
 * True if the sender of this INIT can use addresses of a family: it lists the type, or uses the family
 * itself, or says nothing (sections 3.3.2 and 5.1.2).
 */
export function acceptsFamily(init: InitChunk, source: IpAddress, family: AddressFamily): boolean {
  const { supportedAddressTypes: types, addresses } = init;
  const type = family === 4 ? ParameterType.Ipv4Address : ParameterType.Ipv6Address;
  return types === undefined || types.includes(type) ||
    [source, ...addresses].some((address) => address.family === family);
}

/** A loopback or link-local address says something only to a peer of the same scope. */
function isReachableLike(address: IpAddress, source: IpAddress): boolean {
  return address.isLoopback === source.isLoopback && !address.isLinkLocal;
}

function withoutRepeats(addresses: readonly IpAddress[]): IpAddress[] {
  return addresses.filter((address, i) =>
    addresses.findIndex((other) => other.equals(address)) === i
  );
}
