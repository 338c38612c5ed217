/** Setup chunks for an association that exists already (RFC 9260, section 5.2; restart and collision). */
import type { Association } from "../association.ts";
import type { AssociationSetup } from "../association_host.ts";
import type { Authentication } from "../auth/authentication.ts";
import type { ChunkContext } from "../chunk_context.ts";
import type { Endpoint } from "../endpoint.ts";
import { encodeError } from "../wire/error.ts";
import { CauseCode } from "../wire/error_cause.ts";
import type { InitChunk } from "../wire/init.ts";
import { encodeShutdownAck } from "../wire/shutdown.ts";
import {
  authenticationOf,
  findAuthFault,
  isAuthenticCookie,
  newLocalAuth,
} from "./authentication.ts";
import { followHost } from "./follow_host.ts";
import { startHeartbeats } from "./heartbeat.ts";
import { peerAddressesOf } from "./init_checks.ts";
import { confirmPath, pathOfPacket, replyPath } from "./path_management.ts";
import {
  acceptableInit,
  acknowledgeCookie,
  isStale,
  openCookie,
  type PacketPorts,
  refuseInit,
  reportStaleCookie,
  sendInitAck,
} from "./responder.ts";
import { adoptCookie, establish, initFieldsOf, reportAdaptation } from "./setup.ts";
import type { CookieContent } from "./state_cookie.ts";

/** INIT in any state but CLOSED (sections 5.2.1, 5.2.2 and 9.2). */
export function handleDuplicateInit(
  endpoint: Endpoint,
  association: Association,
  context: ChunkContext,
): void {
  const ports = portsOf(association.setup);
  if (association.state === "SHUTDOWN-ACK-SENT") {
    // Section 9.2: the SHUTDOWN COMPLETE may have been lost.
    association.sendControl(encodeShutdownAck(), replyPath(association, context));
    endpoint.touch(association);
    return;
  }
  const init = acceptableInit(endpoint, context, ports);
  if (!init || refuseWithoutAuth(endpoint, association, context, init)) return;
  // A late copy of the INIT that set the association up may name addresses that are deleted (RFC 5061).
  const isLate = association.addressing !== undefined &&
    init.initiateTag === association.peerTag;
  const mayRestart = association.state !== "COOKIE-WAIT" && !isLate;
  if (mayRestart && refuseNewAddresses(endpoint, association, context, init)) return;
  const own = initFieldsOf(association);
  const { parameters, localAuth, localTieTag, peerTieTag } = association;
  const ties = { localTieTag, peerTieTag };
  switch (association.state) {
    case "COOKIE-WAIT":
      // Section 5.2.1: the same parameters as in our INIT; no tie-tags, as the peer's tag is unknown.
      sendInitAck(endpoint, context, ports, atNamedAddress(association, context, init), {
        parameters,
        fields: own,
        localAuth,
        localTieTag: 0,
        peerTieTag: 0,
      });
      return;
    case "COOKIE-ECHOED":
      sendInitAck(endpoint, context, ports, init, { parameters, fields: own, localAuth, ...ties });
      return;
    default: {
      // Section 5.2.2: a new tag, and a new Initial TSN for what may be a new incarnation. The Random
      // Number goes with the tag (RFC 4895, section 6.1).
      const { random } = endpoint.environment;
      const fields = {
        ...own,
        initiateTag: endpoint.unusedTag(),
        initialTsn: endpoint.randomTsn(),
      };
      const localAuth = newLocalAuth(random, parameters, association.setup.authentication);
      sendInitAck(endpoint, context, ports, init, { parameters, fields, localAuth, ...ties });
    }
  }
}

/** An INIT that does not offer what is required here (RFC 4895); returns true if it was refused. */
function refuseWithoutAuth(
  endpoint: Endpoint,
  { parameters, setup }: Association,
  context: ChunkContext,
  init: InitChunk,
): boolean {
  const fault = findAuthFault(parameters, setup.authentication, init);
  if (!fault) return false;
  endpoint.countDrop("bad-init");
  refuseInit(endpoint, context, portsOf(setup), init.initiateTag, [fault]);
  return true;
}

/**
 * Section 5.2.1, rules 1 and 2: the INIT ACK goes only to an address that both our user and the INIT
 * have named. Makes such an address the source of the packet; the INIT then lists the real one too.
 */
function atNamedAddress(
  association: Association,
  context: ChunkContext,
  init: InitChunk,
): InitChunk {
  if (association.isPeerAddress(context.source)) return init;
  const path = association.pathList.find(({ remote }) =>
    init.addresses.some((listed) => listed.equals(remote))
  );
  if (!path) return init;
  const addresses = [...init.addresses, context.source];
  context.source = path.remote;
  context.destination = path.local;
  return { ...init, addresses };
}

/** Section 5.2.2: a restart may not bring new addresses; returns true if it was refused for that. */
function refuseNewAddresses(
  endpoint: Endpoint,
  association: Association,
  context: ChunkContext,
  init: InitChunk,
): boolean {
  const peerAddresses = peerAddressesOf(init, context.source);
  const added = peerAddresses.filter((address) => !association.knowsPeerAddress(address));
  if (added.length === 0) return false;
  refuseInit(endpoint, context, portsOf(association.setup), init.initiateTag, [
    { code: CauseCode.RestartWithNewAddresses, addresses: added },
  ]);
  return true;
}

/** COOKIE ECHO for an association that exists (section 5.2.4 and its table 12). */
export function handleDuplicateCookieEcho(
  endpoint: Endpoint,
  association: Association,
  context: ChunkContext,
  tag: number,
): boolean {
  const ports = portsOf(association.setup);
  const cookie = openCookie(endpoint, context, ports, tag);
  if (!cookie || !isAuthenticCookie(endpoint, authOfCookie(association, cookie), context)) {
    return false;
  }
  const localMatches = cookie.localTag === association.localTag;
  const peerMatches = cookie.peerTag === association.peerTag;
  if (isStale(context, cookie) && !(localMatches && peerMatches)) {
    reportStaleCookie(endpoint, context, ports, cookie);
    return false;
  }
  const tiesMatch = cookie.localTieTag === association.localTieTag &&
    cookie.peerTieTag === association.peerTieTag;
  if (!localMatches && !peerMatches && tiesMatch) {
    return restart(endpoint, association, context, cookie);
  }
  if (localMatches && !peerMatches) return resolveCollision(endpoint, association, context, cookie);
  if (localMatches && peerMatches) return repeatCookieAck(endpoint, association, context);
  // Action C, and every case that the table does not show: discarded silently.
  endpoint.countDrop("unexpected-chunk");
  return false;
}

/**
 * The keys for the AUTH chunk in front of a COOKIE ECHO: those of the association (RFC 4895, section
 * 6.3), or while it is forming those of the INIT that the cookie answered, as with the tags.
 */
function authOfCookie(
  association: Association,
  cookie: CookieContent,
): Authentication | undefined {
  const isForming = association.state === "COOKIE-WAIT" || association.state === "COOKIE-ECHOED";
  if (!isForming) return association.authentication;
  return authenticationOf(association.host, association.keys, cookie);
}

/** Action A: the peer has restarted. */
function restart(
  endpoint: Endpoint,
  association: Association,
  context: ChunkContext,
  cookie: CookieContent,
): boolean {
  if (association.state === "SHUTDOWN-ACK-SENT") {
    const path = replyPath(association, context);
    association.sendControl(encodeShutdownAck(), path);
    const cause = { code: CauseCode.CookieReceivedWhileShuttingDown } as const;
    association.sendControl(encodeError([cause]), path);
    endpoint.touch(association);
    return false;
  }
  association.beginNewIncarnation(context.now, cookie.localTag, cookie.localInitialTsn);
  association.host.emit({ kind: "restart", association });
  adoptCookie(association, cookie, context.now);
  takeConfirmedPath(association, context, cookie);
  acknowledgeCookie(association, context);
  association.phase = { state: "ESTABLISHED" };
  startHeartbeats(association, context.now);
  followHost(association, context.now);
  reportAdaptation(association);
  endpoint.countRestart();
  association.reportRoom();
  endpoint.touch(association);
  return true;
}

/** Action B: both sides asked at the same time, and the peer has picked a new tag since. */
function resolveCollision(
  endpoint: Endpoint,
  association: Association,
  context: ChunkContext,
  cookie: CookieContent,
): boolean {
  const isForming = association.state === "COOKIE-WAIT" || association.state === "COOKIE-ECHOED";
  if (!isForming && association.state !== "ESTABLISHED") {
    endpoint.countDrop("unexpected-chunk");
    return false;
  }
  adoptCookie(association, cookie, context.now);
  takeConfirmedPath(association, context, cookie);
  acknowledgeCookie(association, context);
  if (isForming) establish(association, context.now);
  endpoint.touch(association);
  return true;
}

/** Action D: our COOKIE ACK was lost, or the peer's cookie was faster than ours. */
function repeatCookieAck(
  endpoint: Endpoint,
  association: Association,
  context: ChunkContext,
): boolean {
  context.path = pathOfPacket(association, context);
  if (!context.path) {
    // Whoever plays the packet again from elsewhere is not the peer: nothing is learnt from him.
    endpoint.countDrop("unknown-source");
    return false;
  }
  acknowledgeCookie(association, context);
  if (association.state === "COOKIE-ECHOED") establish(association, context.now);
  endpoint.touch(association);
  return true;
}

/** Section 5.4, 2: the address that our INIT ACK was sent to is confirmed. */
function takeConfirmedPath(
  association: Association,
  context: ChunkContext,
  cookie: CookieContent,
): void {
  const [peerAddress] = cookie.peerAddresses;
  const path = association.findPath(cookie.localAddress, peerAddress) ??
    (association.mayAddPath
      ? association.addPath(context.now, cookie.localAddress, peerAddress)
      : association.pathList[0]);
  confirmPath(association, path);
  association.primary = path;
  context.path = pathOfPacket(association, context) ?? path;
}

function portsOf({ localPort, remotePort }: AssociationSetup): PacketPorts {
  return { local: localPort, remote: remotePort };
}
