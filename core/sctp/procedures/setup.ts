/** Setting up an association as the side that asks for it (RFC 9260, sections 5.1 and 5.2.6). */
import { compact } from "../base/compact.ts";
import { after, elapsed, type Instant } from "../base/time.ts";
import type { Association } from "../association.ts";
import type { ChunkContext } from "../chunk_context.ts";
import {
  chunksOfExtensions,
  isPartiallyReliable,
  offeredExtensions,
  parametersOfExtensions,
} from "../extensions.ts";
import type { Path } from "../path/path.ts";
import { Reception } from "../rx/reception.ts";
import { AssociationTimer, PathTimer } from "../timer/timer_table.ts";
import { markEverythingOn } from "../tx/retransmission.ts";
import { encodeAbort } from "../wire/abort.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { COMMON_HEADER_LENGTH } from "../wire/common_header.ts";
import { encodeCookieEcho } from "../wire/cookie.ts";
import { encodeError } from "../wire/error.ts";
import { CauseCode, type ErrorCause, protocolViolation } from "../wire/error_cause.ts";
import { isFault } from "../wire/fault.ts";
import { decodeInit, encodeInit, type InitFields } from "../wire/init.ts";
import { joinTlvs } from "../wire/tlv.ts";
import {
  agreeOnAuth,
  findAuthFault,
  lacksSharedKey,
  newLocalAuth,
  reportAuthSupport,
} from "./authentication.ts";
import { followHost } from "./follow_host.ts";
import { sendHeartbeat, startHeartbeats } from "./heartbeat.ts";
import { HEARTBEAT_LENGTH } from "./heartbeat_info.ts";
import { announcesTooSmallWindow, findInitAckFault, peerSetupOf } from "./init_checks.ts";
import { addPaths, alternateFor, replyPath } from "./path_management.ts";
import { resumeShutdown } from "./shutdown.ts";
import type { CookieContent, PeerSetup } from "./state_cookie.ts";

/** Setups that are tried again after a stale cookie (section 5.2.6). */
const MAX_STALE_COOKIES = 3;

/** What our INIT and INIT ACK chunks say about this association. */
export function initFieldsOf(association: Association): InitFields {
  const { parameters, setup, localTag, tx } = association;
  const addresses = association.localAddresses.map(({ address }) => address);
  const offered = offeredExtensions(parameters);
  return {
    initiateTag: localTag,
    receiverWindow: parameters.receiveBuffer,
    outboundStreams: parameters.outboundStreams,
    inboundStreams: parameters.inboundStreams,
    initialTsn: tx.initialTsn,
    // With one address the list is left out: the packet's source says it, also behind a NAT.
    addresses: addresses.length > 1 ? addresses : [],
    ecnCapable: parameters.ecn === 1,
    adaptationIndication: setup.adaptationIndication,
    ...parametersOfExtensions(offered),
    supportedExtensions: chunksOfExtensions(offered),
    auth: association.localAuth,
  };
}

/** Address types of the INIT: all that this host has addresses of (section 3.3.2.1.5). */
function supportedTypes(association: Association): number[] {
  const families = association.localAddresses.map(({ address }) => address.family);
  return [...new Set(families)].sort().map((family) => family === 4 ? 5 : 6);
}

/** Section 5.1, A: sends the first INIT and enters COOKIE-WAIT. */
export function beginSetup(association: Association, now: Instant, preservative?: number): void {
  const { parameters, setup, host } = association;
  association.extensions = 0;
  association.authentication = undefined;
  association.localAuth ??= newLocalAuth(host.environment.random, parameters, setup.authentication);
  const init = encodeInit(ChunkType.Init, {
    ...initFieldsOf(association),
    supportedAddressTypes: supportedTypes(association),
    cookiePreservative: preservative,
  });
  association.phase = { state: "COOKIE-WAIT", init, attempts: 0, sentAt: now, unreachable: [] };
  association.peerTag = 0;
  sendInit(association, now);
}

/** The path for the n-th attempt: all take turns (section 5.1), but for those of no use. */
function pathOfAttempt(association: Association, attempt: number): Path {
  const { phase } = association;
  const unreachable = phase.state === "COOKIE-WAIT" ? phase.unreachable : [];
  const usable = association.pathList.filter((path) => path.maySend && !unreachable.includes(path));
  const paths = usable.length > 0 ? usable : association.pathList;
  return paths[attempt % paths.length];
}

/** Sends the INIT, each time to another of the peer's addresses (section 5.1). */
function sendInit(association: Association, now: Instant): void {
  const { phase } = association;
  if (phase.state !== "COOKIE-WAIT") return;
  const path = pathOfAttempt(association, phase.attempts);
  phase.attempts++;
  phase.sentAt = now;
  association.sendControl(phase.init, path, true, true);
  association.timers.start(AssociationTimer.T1Init, after(now, setupTimeout(association, path)));
  path.rtt.backOff();
}

/** The time-out of INIT and COOKIE ECHO: the user may want it shorter (RFC 6458, section 5.3.1). */
function setupTimeout({ parameters }: Association, path: Path): number {
  return Math.min(path.rto, parameters.maxInitTimeout);
}

/** T1-init expired: again, or give up (section 5.1.6). */
export function onT1Init(association: Association, now: Instant): void {
  if (association.phase.state !== "COOKIE-WAIT") return;
  if (association.phase.attempts > association.parameters.maxInitRetransmits) {
    association.lose({ kind: "unreachable", during: "setup" });
  } else {
    sendInit(association, now);
  }
}

/**
 * An ICMP error says that the INIT did not reach its destination (section 10, ICMP9): the next address
 * is tried at once, and without one this is the answer, as it is for a TCP SYN.
 */
export function onInitUnreachable(association: Association, now: Instant, path: Path): void {
  const { phase } = association;
  if (phase.state !== "COOKIE-WAIT" || phase.unreachable.includes(path)) return;
  phase.unreachable.push(path);
  if (phase.unreachable.length < association.pathList.length) sendInit(association, now);
  else association.lose({ kind: "destination-unreachable" });
}

/** INIT ACK in COOKIE-WAIT (section 5.1, C). */
export function handleInitAck(association: Association, context: ChunkContext): void {
  const { phase, host } = association;
  if (phase.state !== "COOKIE-WAIT") return;
  const init = decodeInit(context.bytes, context.offset);
  if (isFault(init)) {
    host.countDrop("malformed-parameter");
    return;
  }
  const path = setupPath(association, context.path, phase.attempts);
  if (init.initiateTag === 0) {
    // Section 3.3.3: the TCB goes, and the ABORT reflects our own tag.
    refuseInitAck(association, path, association.localTag, true, []);
    return;
  }
  if (announcesTooSmallWindow(init)) {
    // Section 3.3.3: refused, but nothing of ours changes.
    host.countDrop("bad-init");
    sendRefusal(association, path, init.initiateTag, false, []);
    return;
  }
  const { parameters, setup } = association;
  const authFault = findAuthFault(parameters, setup.authentication, init);
  if (authFault?.code === CauseCode.MissingMandatoryParameter) {
    sendRefusal(association, path, init.initiateTag, false, [authFault]);
    association.lose({ kind: "no-authentication" });
    return;
  }
  const fault = findInitAckFault(init) ?? authFault;
  if (fault || !init.stateCookie) {
    refuseInitAck(association, path, init.initiateTag, false, fault ? [fault] : []);
    return;
  }
  association.timers.stop(AssociationTimer.T1Init);
  const isFirstAnswer = phase.attempts === 1;
  adoptPeer(association, peerSetupOf(init, context.source, parameters), context.now);
  if (!hasEnoughStreams(association, path)) return;
  if (lacksSharedKey(association)) {
    association.sendLast(encodeAbort(false, []), path);
    association.lose({ kind: "no-shared-key" });
    return;
  }
  if (!association.primaryChosen) association.primary = path;
  path.rtt.reset();
  if (isFirstAnswer) path.rtt.addSample(elapsed(phase.sentAt, context.now));
  association.phase = {
    state: "COOKIE-ECHOED",
    cookieEcho: encodeCookieEcho(init.stateCookie),
    report: init.unrecognized.length === 0 ? undefined : encodeError([
      { code: CauseCode.UnrecognizedParameters, parameters: joinTlvs(init.unrecognized) },
    ]),
    attempts: 0,
    sentAt: context.now,
  };
  sendCookieEcho(association, context.now, path);
}

/**
 * The path on which setup goes on: where the INIT ACK came from if the user named that address, else
 * where the INIT went. Another address of the peer is still unconfirmed (section 5.4).
 */
function setupPath(association: Association, answered: Path | undefined, attempts: number): Path {
  if (answered?.isConfirmed) return answered;
  return pathOfAttempt(association, attempts - 1);
}

/** Section 5.1.1: messages that wait on streams which the peer does not accept end the association. */
function hasEnoughStreams(association: Association, path: Path): boolean {
  const { highestStreamUsed, outboundStreams: offered, parameters } = association;
  if (highestStreamUsed < offered) return true;
  association.sendLast(encodeAbort(false, [protocolViolation("too few streams")]), path);
  association.lose({ kind: "too-few-streams", offered, wanted: parameters.outboundStreams });
  return false;
}

function refuseInitAck(
  association: Association,
  path: Path,
  tag: number,
  reflected: boolean,
  causes: readonly ErrorCause[],
): void {
  sendRefusal(association, path, tag, reflected, causes);
  association.lose({ kind: "protocol-violation", causes });
}

function sendRefusal(
  association: Association,
  path: Path,
  tag: number,
  reflected: boolean,
  causes: readonly ErrorCause[],
): void {
  const abort = encodeAbort(reflected, causes);
  const { localPort, remotePort } = association;
  association.host.reply(path.controlRoute, localPort, remotePort, tag, abort);
}

/** Takes over what a cookie of ours says about both sides. */
export function adoptCookie(association: Association, cookie: CookieContent, now: Instant): void {
  association.localAuth = cookie.localAuth;
  adoptPeer(association, cookie, now);
}

/** Takes over what the peer said about itself. */
export function adoptPeer(association: Association, peer: PeerSetup, now: Instant): void {
  const { parameters, host, tx } = association;
  association.rx?.clear(true);
  association.peerTag = peer.peerTag;
  association.peerAddresses = compact(peer.peerAddresses);
  // Section 5.1.1: the smaller of what one offers and the other accepts.
  association.outboundStreams = Math.min(parameters.outboundStreams, peer.peerInboundStreams);
  association.inboundStreams = Math.min(parameters.inboundStreams, peer.peerOutboundStreams);
  association.peerAdaptationIndication = peer.peerAdaptation;
  association.ecnEnabled = peer.peerEcn && parameters.ecn === 1;
  association.extensions = peer.extensions;
  tx.abandons = isPartiallyReliable(peer.extensions);
  tx.setInterleaving(association.interleaves);
  association.rx = new Reception(
    parameters,
    association.timers,
    host.pool,
    peer.peerInitialTsn,
    association.inboundStreams,
    host.environment.random.uint32(),
    peer.extensions,
  );
  // Section 6.2.1, A.
  tx.announcedWindow = peer.peerWindow;
  addPaths(association, now, peer.peerAddresses);
  agreeOnAuth(association, peer.peerAuth);
}

/** True if a chunk of this length fits into the packet of a COOKIE ECHO, with an AUTH chunk. */
function fitsBehindCookie(
  { authentication }: Association,
  cookieEcho: Uint8Array,
  length: number,
  path: Path,
): boolean {
  const before = COMMON_HEADER_LENGTH + (authentication?.chunkLength ?? 0);
  return before + cookieEcho.length + length <= path.maximumPacket;
}

function sendCookieEcho(association: Association, now: Instant, path: Path): void {
  const { phase } = association;
  if (phase.state !== "COOKIE-ECHOED") return;
  phase.attempts++;
  phase.sentAt = now;
  association.sendFirst(phase.cookieEcho, path);
  if (phase.report && fitsBehindCookie(association, phase.cookieEcho, phase.report.length, path)) {
    association.sendControl(phase.report, path);
  }
  // Section 5.4: to an address that is not confirmed only together with a HEARTBEAT.
  if (!path.isConfirmed) sendHeartbeat(association, now, path);
  association.timers.start(AssociationTimer.T1Cookie, after(now, setupTimeout(association, path)));
}

/** T1-cookie expired: again, on another path, with the DATA that went along, or give up. */
export function onT1Cookie(association: Association, now: Instant): void {
  const { phase, pathList, tx } = association;
  if (phase.state !== "COOKIE-ECHOED") return;
  if (phase.attempts > association.parameters.maxInitRetransmits) {
    association.lose({ kind: "unreachable", during: "setup" });
    return;
  }
  let path = pathOfAttempt(association, phase.attempts);
  // Section 5.4: to an address that is not confirmed only with a HEARTBEAT in the same packet.
  const mayProbe = fitsBehindCookie(association, phase.cookieEcho, HEARTBEAT_LENGTH, path);
  if (!path.isConfirmed && !mayProbe) path = alternateFor(association, path);
  // Section 5.4: no DATA to an address that is not confirmed.
  const target = path.isConfirmed ? path : alternateFor(association, path);
  for (const other of pathList) markEverythingOn(tx, other, target);
  path.rtt.backOff();
  sendCookieEcho(association, now, path);
}

/** COOKIE ACK in COOKIE-ECHOED (section 5.1, E). */
export function handleCookieAck(association: Association, context: ChunkContext): void {
  const { phase } = association;
  if (phase.state !== "COOKIE-ECHOED") return;
  if (phase.attempts === 1 && context.path) {
    context.path.rtt.addSample(elapsed(phase.sentAt, context.now));
  }
  const [first] = association.pathList;
  const { report, cookieEcho } = phase;
  if (report && !fitsBehindCookie(association, cookieEcho, report.length, first)) {
    // Section 3.2.2: what did not fit leaves now, not before the COOKIE ACK.
    association.sendControl(report, replyPath(association, context));
  }
  establish(association, context.now);
}

/** Enters ESTABLISHED: monitoring starts, the user is told. */
export function establish(association: Association, now: Instant): void {
  const { tx } = association;
  association.timers.stop(AssociationTimer.T1Init);
  association.timers.stop(AssociationTimer.T1Cookie);
  association.phase = { state: "ESTABLISHED" };
  for (const path of association.pathList) {
    if (path.flightSize > 0) path.timers.start(PathTimer.T3Rtx, after(now, path.rto));
  }
  startHeartbeats(association, now);
  association.host.countEstablished();
  association.host.emit({
    kind: "communication-up",
    association,
    incoming: association.incoming,
  });
  reportAdaptation(association);
  reportAuthSupport(association);
  tx.errorCount = 0;
  followHost(association, now);
  resumeShutdown(association, now);
}

/** Tells what the peer said about its upper layer, if it did (RFC 6458, section 6.1.6). */
export function reportAdaptation(association: Association): void {
  const { peerAdaptationIndication: indication, host } = association;
  if (indication === undefined) return;
  host.emit({ kind: "adaptation-indication", association, indication });
}

/** ERROR with a Stale Cookie cause in COOKIE-ECHOED (section 5.2.6, third choice). */
export function handleStaleCookie(association: Association, now: Instant, staleness: number): void {
  const { phase } = association;
  if (phase.state !== "COOKIE-ECHOED") return;
  association.timers.stop(AssociationTimer.T1Cookie);
  if (++association.staleCookies > MAX_STALE_COOKIES) {
    association.lose({ kind: "stale-cookie" });
    return;
  }
  // The staleness counts from the cookie's end; at most one second is added to the measured RTT.
  const roundTrip = elapsed(phase.sentAt, now);
  const preservative = Math.ceil(Math.min(staleness / 1000 + roundTrip, roundTrip + 1000));
  // A COOKIE ECHO that has not left yet must not: its cookie is useless, and the tag is about to go.
  association.control.length = 0;
  const [first] = association.pathList;
  for (const path of association.pathList) markEverythingOn(association.tx, path, first);
  beginSetup(association, now, preservative);
}
