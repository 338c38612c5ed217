/** What the peer asks for about the streams (RFC 6525, section 5.2). */
import { tsnAdd, tsnLess } from "../base/serial.ts";
import type { Association } from "../association.ts";
import type { ChunkContext } from "../chunk_context.ts";
import type { Reconfiguration, StreamChange } from "../reconfiguration.ts";
import { encodeError } from "../wire/error.ts";
import { protocolViolation } from "../wire/error_cause.ts";
import { isFault } from "../wire/fault.ts";
import {
  decodeReconfig,
  encodeReconfig,
  type ReconfigParameter,
  type ReconfigRequest,
  type ReconfigResponse,
  ReconfigResult,
} from "../wire/reconfig.ts";
import { replyPath, selectDataPath } from "./path_management.ts";
import {
  conclude,
  emitStreamCounts,
  handleResponse,
  MOST_STREAMS,
  reconfigurationOf,
} from "./reconfiguration.ts";

/** Reports that a peer can make us queue between two transmissions. */
const MAX_QUEUED_REPORTS = 16;

type Request<Kind extends ReconfigRequest["kind"]> = Extract<ReconfigRequest, { kind: Kind }>;

/** What a request comes to: a {@link ReconfigResult}, or what will answer it. */
type Outcome = ReconfigResult | "request follows" | "answer follows";

/** One RE-CONFIG chunk. */
export function handleReconfig(association: Association, context: ChunkContext): void {
  const state = reconfigurationOf(association);
  if (!state) return;
  const parameters = decodeReconfig(context.bytes, context.offset);
  if (isFault(parameters)) {
    association.host.countDrop("malformed-chunk");
    if (association.control.length >= MAX_QUEUED_REPORTS) return;
    const report = encodeError([protocolViolation(parameters.detail)]);
    association.sendControl(report, replyPath(association, context));
    return;
  }
  const requests = parameters.filter(isRequest);
  for (const parameter of parameters) {
    if (!isRequest(parameter)) handleResponse(association, context.now, parameter);
  }
  if (requests.length === 0) return;
  // Section 5.2.1: expedites what a deferred reset waits for.
  association.rx?.acks.demand();
  const answer = answerTo(association, state, requests);
  if (answer && association.control.length < MAX_QUEUED_REPORTS) {
    association.sendControl(answer, replyPath(association, context));
  }
}

function isRequest(parameter: ReconfigParameter): parameter is ReconfigRequest {
  return parameter.kind !== "response";
}

/** The chunk that answers the requests of one chunk, if there is an answer now. */
function answerTo(
  association: Association,
  state: Reconfiguration,
  requests: readonly ReconfigRequest[],
): Uint8Array | undefined {
  const [{ sequence }] = requests;
  if (sequence === state.lastSequence) {
    // Section 5.2.1: sent again, so answered as before.
    const answer = lastAnswer(state);
    if (answer || state.deferred?.kind === "reset-association") return answer;
    return encodeReconfig([respond(requests[0], ReconfigResult.InProgress)]);
  }
  if (sequence !== state.expectedSequence) {
    association.host.countDrop("bad-sequence");
    const badNumber = (request: ReconfigRequest) =>
      respond(request, ReconfigResult.BadSequenceNumber);
    return encodeReconfig(requests.map(badNumber));
  }
  const responses: ReconfigResponse[] = [];
  for (const request of requests) {
    state.expectedSequence = (request.sequence + 1) >>> 0;
    const outcome = carryOut(association, state, request);
    if (typeof outcome === "number") responses.push(responseTo(association, request, outcome));
  }
  state.lastSequence = sequence;
  state.lastResponses = responses;
  return lastAnswer(state);
}

function lastAnswer({ lastResponses }: Reconfiguration): Uint8Array | undefined {
  return lastResponses.length > 0 ? encodeReconfig(lastResponses) : undefined;
}

function respond(
  { sequence }: ReconfigRequest,
  result: number,
  next?: ReconfigResponse["next"],
): ReconfigResponse {
  return { kind: "response", sequence, result, next };
}

/** Section 5.1.7, D1 to D4. */
function responseTo(
  { tx, rx }: Association,
  request: ReconfigRequest,
  result: ReconfigResult,
): ReconfigResponse {
  const tells = request.kind === "reset-association" && result === ReconfigResult.Performed && rx;
  const next = tells ? { sender: tx.outstanding.nextTsn, receiver: rx.nextTsn } : undefined;
  return respond(request, result, next);
}

function carryOut(
  association: Association,
  state: Reconfiguration,
  request: ReconfigRequest,
): Outcome {
  switch (request.kind) {
    case "reset-outgoing":
      return resetTheirs(association, state, request);
    case "reset-incoming":
      return resetOurs(association, state, request);
    case "reset-association":
      return resetAll(association, state, request);
    case "add-outgoing":
      return addTheirs(association, state, request);
    case "add-incoming":
      return addOurs(association, state, request);
    default:
      return request satisfies never;
  }
}

/** Section 5.2.2: the peer's streams start again behind its last TSN. */
function resetTheirs(
  association: Association,
  state: Reconfiguration,
  request: Request<"reset-outgoing">,
): Outcome {
  const { rx, parameters, inboundStreams } = association;
  // E1: it may be the answer to a request of ours.
  const answered = state.inFlight?.requests.find(({ kind, sequence }) =>
    kind === "reset-incoming" && sequence === request.responseSequence
  );
  if (answered) conclude(association, answered, ReconfigResult.Performed);
  if (parameters.acceptStreamReset === 0 || !rx) return ReconfigResult.Denied;
  if (request.streams.some((stream) => stream >= inboundStreams)) return ReconfigResult.WrongSsn;
  if (state.deferred) return ReconfigResult.Busy;
  if (tsnLess(rx.tracker.cumulative, request.lastTsn)) {
    state.deferred = request;
    rx.deferReset(request.lastTsn, request.streams);
    return ReconfigResult.InProgress;
  }
  performTheirs(association, request);
  return ReconfigResult.Performed;
}

function performTheirs(association: Association, request: Request<"reset-outgoing">): void {
  association.rx?.resetStreams(request.streams);
  association.host.emit({
    kind: "streams-reset",
    association,
    direction: "incoming",
    streams: request.streams,
    result: ReconfigResult.Performed,
  });
}

/** Section 5.2.3: the peer wants our streams to start again; a request of our own answers. */
function resetOurs(
  association: Association,
  state: Reconfiguration,
  { streams, sequence }: Request<"reset-incoming">,
): Outcome {
  const { parameters, tx, outboundStreams } = association;
  if (parameters.acceptStreamReset === 0) return ReconfigResult.Denied;
  if (streams.some((stream) => stream >= outboundStreams)) return ReconfigResult.WrongSsn;
  const isAsked = state.inFlight?.requests.some((request) =>
    request.kind === "reset-outgoing" && covers(request.streams, streams)
  );
  if (isAsked || tx.isFresh(streams)) return ReconfigResult.NothingToDo;
  const change = { kind: "reset-streams", outgoing: streams, incoming: undefined } as const;
  return want(association, state, { ...change, answers: sequence });
}

/** True if a list of streams, empty for all, contains another one. */
function covers(all: readonly number[], some: readonly number[]): boolean {
  if (all.length === 0) return true;
  return some.length > 0 && some.every((stream) => all.includes(stream));
}

/**
 * The answer has to be a request of our own. With another one under way it would have to wait for that
 * (section 5.1.1), and two sides that ask each other this way would wait for each other.
 */
function want(association: Association, state: Reconfiguration, change: StreamChange): Outcome {
  if (state.wanted.length > 0) return ReconfigResult.Busy;
  state.wanted.push(change);
  association.host.touch(association);
  return "request follows";
}

/**
 * Section 5.2.4. Deviation: G3 takes what is in flight for acknowledged, so that what the network loses
 * is lost; here the reset waits until it is acknowledged, and nothing new is sent meanwhile. Nor is
 * "In progress" said: it has no TSNs, and usrsctp takes it for the answer, then ends what has new ones.
 */
function resetAll(
  association: Association,
  state: Reconfiguration,
  request: Request<"reset-association">,
): Outcome {
  const { parameters, tx } = association;
  if (parameters.acceptAssociationReset === 0) return ReconfigResult.Denied;
  if (state.deferred || state.wanted.length > 0) return ReconfigResult.Busy;
  if (tx.outstanding.count > 0) {
    state.deferred = request;
    tx.queue.hold("all");
    return "answer follows";
  }
  performAll(association);
  return ReconfigResult.Performed;
}

/** Half of the numbers away: no TSN of before can be taken for one of after (section 5.1.7, D4). */
const PEER_TSN_JUMP = 2 ** 31;

/**
 * Deviation: G2 lets our TSNs count on. With a gap that no SACK can report, what we send before our
 * response has arrived is sent again, and not delivered by the old Stream Sequence Numbers. The gap stays
 * below the peer's window in bytes: usrsctp and FreeBSD end the association for more.
 */
const OWN_TSN_JUMP = 2 ** 16;

function ownTsnJump({ tx }: Association): number {
  return Math.max(0, Math.min(OWN_TSN_JUMP, tx.peerWindow - 1));
}

function performAll(association: Association): void {
  const { tx, rx, host } = association;
  if (!rx) return;
  rx.restartAt(tsnAdd(rx.nextTsn, PEER_TSN_JUMP));
  tx.restartAt(tsnAdd(tx.outstanding.nextTsn, ownTsnJump(association)));
  tx.queue.resume();
  host.emit({
    kind: "association-reset",
    association,
    result: ReconfigResult.Performed,
    localTsn: tx.outstanding.nextTsn,
    peerTsn: rx.nextTsn,
  });
}

/** Section 5.2.5: the peer wants more streams to send on. */
function addTheirs(
  association: Association,
  state: Reconfiguration,
  { count }: Request<"add-outgoing">,
): Outcome {
  const { parameters, rx, inboundStreams } = association;
  const answered = state.inFlight?.requests.find(({ kind }) => kind === "add-incoming");
  if (answered) conclude(association, answered, ReconfigResult.Performed);
  if (count === 0) return ReconfigResult.NothingToDo;
  const isTooMany = inboundStreams + count > parameters.inboundStreams;
  if (parameters.acceptStreamAddition === 0 || isTooMany || !rx) return ReconfigResult.Denied;
  association.inboundStreams += count;
  rx.inboundStreams = association.inboundStreams;
  emitStreamCounts(association, ReconfigResult.Performed);
  return ReconfigResult.Performed;
}

/** Section 5.2.6: the peer wants us to have more; a request of our own answers. */
function addOurs(
  association: Association,
  state: Reconfiguration,
  { count }: Request<"add-incoming">,
): Outcome {
  const { parameters, outboundStreams } = association;
  if (count === 0) return ReconfigResult.NothingToDo;
  const isTooMany = outboundStreams + count > MOST_STREAMS;
  if (parameters.acceptStreamAddition === 0 || isTooMany) return ReconfigResult.Denied;
  return want(association, state, { kind: "add-streams", outgoing: count, incoming: 0 });
}

/** Carries out what was deferred, once what it waits for has come (section 5.2.2, E3 to E6). */
export function finishDeferred(association: Association): void {
  const { reconfiguration: state, rx, tx } = association;
  const request = state?.deferred;
  if (!state || !request || !rx) return;
  if (request.kind === "reset-association") {
    if (tx.outstanding.count > 0) return;
    performAll(association);
  } else {
    if (tsnLess(rx.tracker.cumulative, request.lastTsn)) return;
    rx.endDeferral();
    performTheirs(association, request);
  }
  state.deferred = undefined;
  const performed = responseTo(association, request, ReconfigResult.Performed);
  const orPerformed = (response: ReconfigResponse) =>
    response.sequence === request.sequence ? performed : response;
  const isAnswered = state.lastResponses.length > 0;
  state.lastResponses = isAnswered ? state.lastResponses.map(orPerformed) : [performed];
  const chunk = encodeReconfig(state.lastResponses);
  const path = selectDataPath(association);
  if (path) association.sendControl(chunk, path);
}
