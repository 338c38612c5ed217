/** What the peer asks for about its addresses (RFC 5061, sections 5.2 to 5.4). */
import { AddressConfiguration } from "../address_configuration.ts";
import type { Association } from "../association.ts";
import type { IpAddress } from "../base/address.ts";
import type { ChunkContext } from "../chunk_context.ts";
import {
  type Asconf,
  type AsconfResponse,
  decodeAsconf,
  encodeAsconfAck,
  type ReceivedRequest,
} from "../wire/asconf.ts";
import { encodeError } from "../wire/error.ts";
import { CauseCode, type ErrorCause, protocolViolation } from "../wire/error_cause.ts";
import { isFault } from "../wire/fault.ts";
import { parameterStopsProcessing, parameterWantsReport } from "../wire/parameter.ts";
import { MAX_QUEUED_REPORTS } from "./operation_error.ts";
import { replyPath } from "./path_management.ts";
import { addPeerAddress, deletePeerAddress, preferPeerAddress } from "./peer_addresses.ts";

/** Requests of one ASCONF that are carried out: the answers to all fit into one small packet (C5). */
export const MAX_REQUESTS = 24;

/** The state for changes of addresses, made when it is first needed. */
export function addressingOf(association: Association): AddressConfiguration | undefined {
  const { rx, tx } = association;
  if (!rx) return undefined;
  return association.addressing ??= new AddressConfiguration(tx.initialTsn, rx.initialTsn);
}

/** One ASCONF chunk. It may come from an address that is not the peer's yet (section 5.3.2). */
export function handleAsconf(association: Association, context: ChunkContext): void {
  const state = addressingOf(association);
  if (!state) return;
  const asconf = decodeAsconf(context.bytes, context.offset);
  if (isFault(asconf)) {
    association.host.countDrop("malformed-chunk");
    if (context.path) report(association, context, protocolViolation(asconf.detail));
    return;
  }
  const isNew = asconf.serial === state.expectedSerial;
  // A repeated one may name an address that it has deleted, and come from the next address already.
  if (isNew && !context.path && !isTheirs(association, asconf.lookup)) {
    association.host.countDrop("unknown-source");
    return;
  }
  const isFirst = !context.hasAsconf;
  context.hasAsconf = true;
  if (isNew) {
    const responses = carryOut(association, context, asconf);
    const chunk = encodeAsconfAck({ serial: asconf.serial, responses });
    state.keepAck({ serial: asconf.serial, chunk }, isFirst);
    context.path ??= association.findPath(context.destination, context.source);
  }
  const answer = state.ackOf(asconf.serial);
  // Rules E2 and E5: a stray of before, or nobody's.
  if (!answer) association.host.countDrop("bad-sequence");
  else sendAnswer(association, context, answer);
}

function report(association: Association, context: ChunkContext, cause: ErrorCause): void {
  if (association.control.length >= MAX_QUEUED_REPORTS) return;
  association.sendControl(encodeError([cause]), replyPath(association, context));
}

/** Section 4.1.1: the Address Parameter is one of the association's, or says nothing. */
function isTheirs(association: Association, lookup: IpAddress): boolean {
  return lookup.isWildcard || association.knowsPeerAddress(lookup);
}

/** Rule E6: the answer goes to where the request came from, whatever that address is. */
function sendAnswer(association: Association, context: ChunkContext, answer: Uint8Array): void {
  const { control, authentication, host, localPort, remotePort, peerTag } = association;
  if (control.length >= MAX_QUEUED_REPORTS) return;
  if (context.path) {
    association.sendControl(answer, context.path);
    return;
  }
  const { destination: local, source: remote, encapsulationPort } = context;
  const route = { ...association.pathList[0].controlRoute, local, remote, encapsulationPort };
  host.reply(route, localPort, remotePort, peerTag, authentication?.protect(answer) ?? answer);
}

/** Rules V1 to V3 and F11: one request after the other; once a change failed, all others do. */
function carryOut(
  association: Association,
  context: ChunkContext,
  { requests }: Asconf,
): AsconfResponse[] {
  const responses: AsconfResponse[] = [];
  let hasFailed = false;
  for (const [i, request] of requests.entries()) {
    const { correlation, action, parameter } = request;
    if (action === "unknown") {
      if (parameterWantsReport(request.type)) {
        const cause = { code: CauseCode.UnrecognizedParameters, parameters: parameter } as const;
        responses.push({ kind: "error", correlation, causes: [cause] });
        hasFailed = true;
      }
      if (parameterStopsProcessing(request.type)) break;
      continue;
    }
    const isChange = action !== "set-primary";
    const isBeyond = i >= MAX_REQUESTS;
    if (isBeyond) association.host.countDrop("address-limit");
    const cause: ErrorCause | undefined = isBeyond || (isChange && hasFailed)
      ? { code: CauseCode.ResourceShortage, request: parameter }
      : perform(association, context, request);
    // Rule A7: what follows a failure has failed as well, unless it is told otherwise.
    if (cause) responses.push({ kind: "error", correlation, causes: [cause] });
    else if (hasFailed) responses.push({ kind: "success", correlation });
    hasFailed ||= cause !== undefined;
    if (isBeyond) break;
  }
  return responses;
}

/** Carries out one request; what stands against it, or `undefined` if it is done. */
function perform(
  association: Association,
  context: ChunkContext,
  request: Exclude<ReceivedRequest, { action: "unknown" }>,
): ErrorCause | undefined {
  if (association.parameters.acceptAddressChanges === 0) {
    return { code: CauseCode.NoAuthorization, request: request.parameter };
  }
  switch (request.action) {
    case "add":
      return addPeerAddress(association, context, request);
    case "delete":
      return deletePeerAddress(association, context, request);
    case "set-primary":
      return preferPeerAddress(association, context, request);
    default:
      return request.action satisfies never;
  }
}
