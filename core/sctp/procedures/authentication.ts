/** Authenticated chunks in an association's life (RFC 4895, section 6). */
import { Authentication } from "../auth/authentication.ts";
import type { AuthenticationPlan } from "../auth/options.ts";
import { type SharedKey, SharedKeys } from "../auth/shared_keys.ts";
import type { Association } from "../association.ts";
import type { RandomSource } from "../base/random.ts";
import { type Tsn, tsnAdd } from "../base/serial.ts";
import type { ChunkContext } from "../chunk_context.ts";
import {
  ADDRESS_CHUNKS,
  agreedExtensions,
  Extension,
  offeredExtensions,
  saysAddressReconfiguration,
} from "../extensions.ts";
import type { DropReason } from "../metrics.ts";
import type { Parameters } from "../parameters.ts";
import { authHmacId, authKeyId } from "../wire/auth.ts";
import {
  type AuthParameters,
  hasBadRandom,
  newAuthParameters,
  RANDOM_LENGTH,
} from "../wire/auth_parameters.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { encodeError } from "../wire/error.ts";
import { CauseCode, type ErrorCause, protocolViolation } from "../wire/error_cause.ts";
import type { InitChunk } from "../wire/init.ts";
import { ParameterType } from "../wire/parameter.ts";
import { MAX_QUEUED_REPORTS } from "./operation_error.ts";
import { replyPath } from "./path_management.ts";
import type { CookieContent } from "./state_cookie.ts";

/** What a new INIT or INIT ACK says, with a fresh Random Number; `undefined` if it offers nothing. */
export function newLocalAuth(
  random: RandomSource,
  parameters: Parameters,
  plan: AuthenticationPlan,
): AuthParameters | undefined {
  if ((offeredExtensions(parameters) & Extension.Authentication) === 0) return undefined;
  const number = new Uint8Array(RANDOM_LENGTH);
  random.fill(number);
  return newAuthParameters(number, chunksToAuthenticate(parameters, plan), plan.hmacs);
}

/** What the user wants authenticated, and what must be (RFC 5061, sections 4.1.1 and 4.1.2). */
function chunksToAuthenticate(
  parameters: Parameters,
  { chunks }: AuthenticationPlan,
): readonly number[] {
  const changesAddresses = offeredExtensions(parameters) & Extension.AddressReconfiguration;
  return changesAddresses === 0 ? chunks : [...new Set([...chunks, ...ADDRESS_CHUNKS])];
}

/** Why a peer's INIT or INIT ACK must be answered with an ABORT, or `undefined` if it is in order. */
export function findAuthFault(
  parameters: Parameters,
  plan: AuthenticationPlan,
  init: InitChunk,
): ErrorCause | undefined {
  const offered = offeredExtensions(parameters);
  if ((offered & Extension.Authentication) !== 0 && hasBadRandom(init.auth)) {
    return protocolViolation(`a Random Number that has not ${RANDOM_LENGTH} bytes`);
  }
  const agrees = (agreedExtensions(parameters, init) & Extension.Authentication) !== 0;
  if (agrees || !isAuthNeeded(parameters, plan, init)) return undefined;
  return {
    code: CauseCode.MissingMandatoryParameter,
    types: [ParameterType.Random, ParameterType.RequestedHmacAlgorithm],
  };
}

/** The user demands it, or the peer would change addresses without (RFC 5061, section 6). */
function isAuthNeeded(parameters: Parameters, plan: AuthenticationPlan, init: InitChunk): boolean {
  if (plan.chunks.length > 0) return true;
  const changesAddresses = offeredExtensions(parameters) & Extension.AddressReconfiguration;
  return changesAddresses !== 0 && parameters.asconfWithoutAuth === 0 &&
    saysAddressReconfiguration(init);
}

/** Both sides' parameters are known: makes the keys new, or does without (section 6.1). */
export function agreeOnAuth(association: Association, peer: AuthParameters | undefined): void {
  const { host, localAuth } = association;
  association.authentication = undefined;
  if (localAuth && peer) {
    const { keys } = association;
    association.authentication = new Authentication(host.environment.hmacs, keys, localAuth, peer);
    // The key to begin with is news to nobody.
    keys.noteUse(keys.activeId);
  }
  association.fitPayload();
}

/** An attempt that the peer would ignore; see `nullKeySuffices` of the options. */
export function lacksSharedKey({ authentication, setup }: Association): boolean {
  const { keys, nullKeySuffices } = setup.authentication;
  return keys.length === 0 && !nullKeySuffices &&
    authentication?.mustSend(ChunkType.CookieEcho) === true;
}

/** Tells a user who has shared keys of a peer without authentication (RFC 6458, section 6.1.8). */
export function reportAuthSupport(association: Association): void {
  if (association.authentication || association.setup.authentication.keys.length === 0) return;
  association.host.emit({ kind: "authentication", association, indication: "no-authentication" });
}

/** An AUTH chunk among the chunks of a packet: what follows it is authentic, or discarded. */
export function handleAuth(association: Association, context: ChunkContext): void {
  const { authentication } = association;
  if (!authentication) return discardRest(association, context, "bad-auth");
  // Section 5.1: there is at most one in a packet.
  if (context.hasAuth) return discardRest(association, context, "bad-auth");
  const { bytes, offset, packetEnd } = context;
  const verdict = authentication.verify(bytes, offset, packetEnd);
  if (verdict === "unsupported-hmac") reportUnsupportedHmac(association, context);
  if (verdict !== "authentic") return discardRest(association, context, verdict);
  noteAuthentic(context);
  noteKeyOfPeer(association, authKeyId(bytes, offset));
}

function discardRest(association: Association, context: ChunkContext, reason: DropReason): void {
  association.host.countDrop(reason);
  context.packetEnd = context.offset;
}

function noteAuthentic(context: ChunkContext): void {
  context.hasAuth = true;
  context.isAuthentic = true;
}

/** Section 6.3: AUTH and what follows is discarded, and the peer is told. */
function reportUnsupportedHmac(association: Association, context: ChunkContext): void {
  if (association.control.length >= MAX_QUEUED_REPORTS) return;
  const hmac = authHmacId(context.bytes, context.offset);
  const report = encodeError([{ code: CauseCode.UnsupportedHmac, hmac }]);
  association.sendControl(report, replyPath(association, context));
}

/** SCTP_AUTH_NEW_KEY of RFC 6458, section 6.1.8: the peer uses a key for the first time. */
function noteKeyOfPeer(association: Association, key: number): void {
  if (!association.keys.noteUse(key)) return;
  association.host.emit({ kind: "authentication", association, indication: "new-key", key });
}

/** True if the chunk at hand had to be authenticated and is not (section 6.3). */
export function lacksAuth(
  authentication: Authentication | undefined,
  context: ChunkContext,
  type: number,
): boolean {
  return authentication !== undefined && !context.isAuthentic && authentication.mustReceive(type);
}

/** What the keys of a cookie's association would be. */
export function authenticationOf(
  { environment }: Association["host"],
  keys: readonly SharedKey[] | SharedKeys,
  { localAuth, peerAuth }: CookieContent,
): Authentication | undefined {
  if (!localAuth || !peerAuth) return undefined;
  const ring = keys instanceof SharedKeys ? keys : new SharedKeys(keys);
  return new Authentication(environment.hmacs, ring, localAuth, peerAuth);
}

/**
 * Judges a COOKIE ECHO by the AUTH chunk in front of it, or by its absence (section 6.3). Counts it if
 * it is to be discarded, with the rest of its packet, and returns false.
 */
export function isAuthenticCookie(
  host: Association["host"],
  authentication: Authentication | undefined,
  context: ChunkContext,
): boolean {
  const { bytes, auth, packetEnd } = context;
  if (auth < 0) {
    if (!lacksAuth(authentication, context, ChunkType.CookieEcho)) return true;
    host.countDrop("unauthenticated-chunk");
    return false;
  }
  const verdict = authentication?.verify(bytes, auth, packetEnd) ?? "bad-auth";
  if (verdict === "authentic") noteAuthentic(context);
  else host.countDrop(verdict);
  return context.isAuthentic;
}

/** SCTP_AUTH_DEACTIVATE_KEY of RFC 6458, section 8.3.4. */
export function deactivateKey(association: Association, id: number): void {
  const { keys, tx } = association;
  keys.deactivate(id, tsnAdd(tx.outstanding.nextTsn, -1));
  reportFreeKeys(association, tx.outstanding.ackPoint);
}

/**
 * Tells of keys with which nothing is in flight any more (RFC 6458, section 6.1.8).
 * @param ackPoint the Cumulative TSN Ack Point; left out when all that was in flight is given up.
 */
export function reportFreeKeys(association: Association, ackPoint?: Tsn): void {
  const { keys, host } = association;
  for (const key of keys.takeFree(ackPoint)) {
    host.emit({ kind: "authentication", association, indication: "free-key", key });
  }
}
