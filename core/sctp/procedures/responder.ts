/**
 * Answering those who ask for an association, without remembering them (RFC 9260, sections 5.1, B and
 * D, and 5.1.5): INIT is answered with a cookie, and only a valid cookie makes an association.
 */
import type { SharedKey } from "../auth/shared_keys.ts";
import { elapsed } from "../base/time.ts";
import type { ChunkContext } from "../chunk_context.ts";
import type { Endpoint } from "../endpoint.ts";
import { chunksOfExtensions, parametersOfExtensions } from "../extensions.ts";
import { type Listener, listenerTowards } from "../listener.ts";
import { encodeAbort } from "../wire/abort.ts";
import { chunkLength } from "../wire/chunk.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { cookieBytes, encodeCookieAck } from "../wire/cookie.ts";
import { encodeError } from "../wire/error.ts";
import { CauseCode, type ErrorCause } from "../wire/error_cause.ts";
import { isFault } from "../wire/fault.ts";
import type { AuthParameters } from "../wire/auth_parameters.ts";
import { decodeInit, encodeInit, type InitChunk, type InitFields } from "../wire/init.ts";
import type { Association } from "../association.ts";
import type { Parameters } from "../parameters.ts";
import { authenticationOf, findAuthFault, newLocalAuth } from "./authentication.ts";
import { acceptsFamily, findInitFault, peerSetupOf } from "./init_checks.ts";
import { confirmPath, pathOfPacket } from "./path_management.ts";
import { adoptCookie, establish } from "./setup.ts";
import { sendHeartbeat } from "./heartbeat.ts";
import type { CookieContent } from "./state_cookie.ts";

/** Ports of a packet, as its receiver sees them. */
export interface PacketPorts {
  readonly local: number;
  readonly remote: number;
}

/** The INIT in a context, checked; answers a bad one and returns `undefined` for it. */
export function acceptableInit(
  endpoint: Endpoint,
  context: ChunkContext,
  ports: PacketPorts,
): InitChunk | undefined {
  const init = decodeInit(context.bytes, context.offset);
  if (isFault(init)) {
    endpoint.countDrop("malformed-parameter");
    return undefined;
  }
  // RFC 9260, section 3.3.2: an Initiate Tag of 0 is dropped silently.
  if (init.initiateTag === 0) {
    endpoint.countDrop("bad-init");
    return undefined;
  }
  const fault = findInitFault(init);
  if (!fault) return init;
  endpoint.countDrop("bad-init");
  refuseInit(endpoint, context, ports, init.initiateTag, [fault]);
  return undefined;
}

/** Answers an INIT with an ABORT that carries its Initiate Tag (section 8.4, 3). */
export function refuseInit(
  endpoint: Endpoint,
  context: ChunkContext,
  ports: PacketPorts,
  initiateTag: number,
  causes: readonly ErrorCause[],
): void {
  const abort = encodeAbort(false, causes);
  endpoint.replyTo(context, ports, initiateTag, abort);
}

/** INIT for a port where somebody listens and no association exists (section 5.1, B). */
export function answerInit(
  endpoint: Endpoint,
  onPort: Listener,
  context: ChunkContext,
  ports: PacketPorts,
  init: InitChunk,
): void {
  const listener = listenerTowards(onPort, init.adaptationIndication);
  const { parameters, authentication } = listener;
  const fault = findAuthFault(parameters, authentication, init);
  if (fault) {
    endpoint.countDrop("bad-init");
    refuseInit(endpoint, context, ports, init.initiateTag, [fault]);
    return;
  }
  const fields: InitFields = {
    initiateTag: endpoint.unusedTag(),
    receiverWindow: parameters.receiveBuffer,
    outboundStreams: parameters.outboundStreams,
    inboundStreams: parameters.inboundStreams,
    initialTsn: endpoint.randomTsn(),
    addresses: endpoint.listedAddresses(listener, context.destination),
    ecnCapable: parameters.ecn === 1 && init.ecnCapable,
    adaptationIndication: listener.adaptationIndication,
  };
  sendInitAck(endpoint, context, ports, init, {
    parameters,
    fields,
    localAuth: newLocalAuth(endpoint.environment.random, parameters, authentication),
    localTieTag: 0,
    peerTieTag: 0,
  });
}

/** What an INIT ACK says of us, apart from what depends on the INIT. */
export interface InitAckPlan {
  readonly parameters: Parameters;
  readonly fields: InitFields;
  readonly localAuth: AuthParameters | undefined;
  readonly localTieTag: number;
  readonly peerTieTag: number;
}

/** Sends an INIT ACK with a cookie that holds both sides' parameters. */
export function sendInitAck(
  endpoint: Endpoint,
  context: ChunkContext,
  ports: PacketPorts,
  init: InitChunk,
  { parameters, fields, localAuth: offeredAuth, localTieTag, peerTieTag }: InitAckPlan,
): void {
  const lifespan = cookieLifespan(parameters, init);
  const peer = peerSetupOf(init, context.source, parameters);
  const localAuth = peer.peerAuth && offeredAuth;
  const content: CookieContent = {
    ...peer,
    localAuth,
    created: context.now,
    lifespan,
    localTag: fields.initiateTag,
    localInitialTsn: fields.initialTsn,
    localTieTag,
    peerTieTag,
    localPort: ports.local,
    peerPort: ports.remote,
    localOutboundStreams: fields.outboundStreams,
    localInboundStreams: fields.inboundStreams,
    encapsulationPort: context.encapsulationPort,
    localAddress: context.destination,
  };
  const chunk = encodeInit(ChunkType.InitAck, {
    ...fields,
    // Section 5.1.1: OS must not be above what the peer accepts.
    outboundStreams: Math.min(fields.outboundStreams, init.inboundStreams),
    addresses: fields.addresses?.filter(({ family }) =>
      acceptsFamily(init, context.source, family)
    ),
    ...parametersOfExtensions(peer.extensions),
    supportedExtensions: chunksOfExtensions(peer.extensions),
    auth: localAuth,
    unrecognized: init.unrecognized,
    stateCookie: endpoint.cookies.bake(context.now, content),
  });
  endpoint.replyTo(context, ports, init.initiateTag, chunk);
}

/** Valid.Cookie.Life and what the peer asks for on top, but never more than twice as long. */
function cookieLifespan({ validCookieLife }: Parameters, init: InitChunk): number {
  return validCookieLife + Math.min(init.cookiePreservative ?? 0, validCookieLife);
}

/**
 * Opens the cookie of a COOKIE ECHO and checks it against its packet (section 5.1.5, 1 to 3).
 * Its age is judged by the caller.
 */
export function openCookie(
  endpoint: Endpoint,
  context: ChunkContext,
  ports: PacketPorts,
  tag: number,
): CookieContent | undefined {
  const content = endpoint.cookies.open(context.now, cookieBytes(context.bytes, context.offset));
  const fits = content !== undefined && content.localTag === tag &&
    content.localPort === ports.local && content.peerPort === ports.remote;
  if (fits) return content;
  endpoint.countDrop("bad-cookie");
  return undefined;
}

/** True if the cookie's lifespan is over. */
export function isStale(context: ChunkContext, cookie: CookieContent): boolean {
  return elapsed(cookie.created, context.now) > cookie.lifespan;
}

/** Answers a stale cookie with its staleness (sections 3.3.10.3 and 5.1.5, 4). */
export function reportStaleCookie(
  endpoint: Endpoint,
  context: ChunkContext,
  ports: PacketPorts,
  cookie: CookieContent,
): void {
  endpoint.countDrop("stale-cookie");
  const over = elapsed(cookie.created, context.now) - cookie.lifespan;
  const staleness = Math.min(Math.ceil(over * 1000), 0xffff_ffff);
  replyByCookie(
    endpoint,
    context,
    ports,
    cookie,
    encodeError([{ code: CauseCode.StaleCookie, staleness }]),
  );
}

/** Answers a COOKIE ECHO with another chunk than COOKIE ACK, authenticated if the peer wants it so. */
export function replyByCookie(
  endpoint: Endpoint,
  context: ChunkContext,
  ports: PacketPorts,
  cookie: CookieContent,
  chunk: Uint8Array,
): void {
  const authentication = authenticationOf(endpoint, keysFor(endpoint, ports), cookie);
  const answer = authentication ? authentication.protect(chunk) : chunk;
  endpoint.replyTo(context, ports, cookie.peerTag, answer);
}

/** Shared keys for associations that come in on a port. */
export function keysFor(endpoint: Endpoint, ports: PacketPorts): readonly SharedKey[] {
  return (endpoint.listenerOn(ports.local) ?? endpoint).authentication.keys;
}

/** A valid cookie where no association exists: makes one, ESTABLISHED (section 5.1.5, 5 to 7). */
export function associateByCookie(
  endpoint: Endpoint,
  onPort: Listener,
  context: ChunkContext,
  cookie: CookieContent,
): Association {
  const listener = listenerTowards(onPort, cookie.peerAdaptation);
  const association = endpoint.newAssociation({
    incoming: true,
    localPort: cookie.localPort,
    remotePort: cookie.peerPort,
    parameters: parametersBy(listener, cookie),
    localTag: cookie.localTag,
    initialTsn: cookie.localInitialTsn,
    localAddresses: endpoint.usableAddresses(listener, cookie.localAddress),
    isBoundToAll: listener.localAddresses === undefined,
    encapsulationPort: cookie.encapsulationPort,
    adaptationIndication: listener.adaptationIndication,
    authentication: listener.authentication,
  });
  const first = association.addPath(context.now, cookie.localAddress, cookie.peerAddresses[0]);
  adoptCookie(association, cookie, context.now);
  // Section 5.4, 2: the address that the INIT ACK was sent to is the only confirmed one.
  confirmPath(association, first);
  association.primary = first;
  context.path = pathOfPacket(association, context) ?? first;
  acknowledgeCookie(association, context);
  establish(association, context.now);
  return association;
}

/** The listener's, but for the streams that the INIT ACK offered. */
function parametersBy(
  { parameters }: Listener,
  { localOutboundStreams: outboundStreams, localInboundStreams: inboundStreams }: CookieContent,
): Parameters {
  const unchanged = parameters.outboundStreams === outboundStreams &&
    parameters.inboundStreams === inboundStreams;
  return unchanged ? parameters : { ...parameters, outboundStreams, inboundStreams };
}

/** Sends COOKIE ACK back where the COOKIE ECHO came from (sections 5.1, D and 5.4). */
export function acknowledgeCookie(association: Association, context: ChunkContext): void {
  const path = context.path ?? association.pathList[0];
  // RFC 6951, section 5.4: the cookie was ours, so the peer may be reached where it came from.
  association.useEncapsulation(path, context.encapsulationPort);
  association.sendFirst(encodeCookieAck(), path);
  if (!path.isConfirmed) sendHeartbeat(association, context.now, path);
}

/** True if the packet has nothing behind the chunk at hand. */
export function isLastChunk(context: ChunkContext): boolean {
  return context.offset + chunkLength(context.bytes, context.offset) + 3 >= context.packetEnd;
}
