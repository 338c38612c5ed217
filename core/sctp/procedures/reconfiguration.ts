/** Asking the peer for changes of streams (RFC 6525, sections 5.1 and 5.2.7). */
import { after, elapsed, type Instant } from "../base/time.ts";
import type { Association } from "../association.ts";
import { Reconfiguration, type StreamChange } from "../reconfiguration.ts";
import { AssociationTimer } from "../timer/timer_table.ts";
import {
  encodeReconfig,
  type ReconfigRequest,
  type ReconfigResponse,
  ReconfigResult,
} from "../wire/reconfig.ts";
import { alternateFor, countError, selectDataPath } from "./path_management.ts";

/** Changes that may wait for the one before them. */
export const MAX_WANTED_CHANGES = 16;

/** Streams that an association can have each way. */
export const MOST_STREAMS = 65_535;

/** Milliseconds between two resets of the association: the MSL of IP (section 5.1.4). */
const ASSOCIATION_RESET_INTERVAL = 30_000;

/** The state for changes of streams, made when it is first needed. */
export function reconfigurationOf(association: Association): Reconfiguration | undefined {
  const { rx, tx } = association;
  if (!rx) return undefined;
  return association.reconfiguration ??= new Reconfiguration(tx.initialTsn, rx.initialTsn);
}

/**
 * Sends the next request if it is time for it: none is unanswered, and what has to leave before has
 * left. Returns true if there is something to write.
 */
export function askForChange(association: Association, now: Instant): boolean {
  const { reconfiguration: state } = association;
  if (!state || state.inFlight || state.wanted.length === 0) return false;
  // A reset of all that the peer asked for holds everything: one change at a time.
  if (state.deferred?.kind === "reset-association") return false;
  const [change] = state.wanted;
  if (!isPrepared(association, now, state, change)) return false;
  const path = selectDataPath(association);
  if (!path) return false;
  if (change.kind === "reset-association" && acknowledgeBefore(association)) return true;
  const requests = requestsFor(association, state, change);
  const chunk = encodeReconfig(requests);
  state.inFlight = { change, chunk, requests, path, inProgress: false };
  if (change.kind === "reset-association") state.associationResetAt = now;
  association.sendControl(chunk, path);
  association.timers.start(AssociationTimer.Reconfiguration, after(now, path.rto));
  return true;
}

/**
 * What the peer has sent is acknowledged before its numbers start again, in a packet of its own. usrsctp
 * and FreeBSD do without rule G3 of section 5.2.4: what they have in flight at the reset makes them take
 * our next SACK for a violation. Returns true if a SACK is to leave now.
 */
function acknowledgeBefore({ rx }: Association): boolean {
  if (!rx?.acks.isPending || rx.acks.isDue) return false;
  rx.acks.demand();
  return true;
}

/** Holds back what must not be sent (A1 and C2); true once nothing stands before the request. */
function isPrepared(
  { tx, timers }: Association,
  now: Instant,
  { associationResetAt }: Reconfiguration,
  change: StreamChange,
): boolean {
  switch (change.kind) {
    case "reset-streams":
      if (!change.outgoing) return true;
      if (!tx.queue.isHolding) tx.queue.hold(heldBy(change.outgoing));
      return tx.queue.isHeldBack;
    case "reset-association": {
      const passed = associationResetAt === undefined ? Infinity : elapsed(associationResetAt, now);
      if (passed < ASSOCIATION_RESET_INTERVAL) {
        const wait = ASSOCIATION_RESET_INTERVAL - passed;
        timers.start(AssociationTimer.Reconfiguration, after(now, wait));
        return false;
      }
      if (!tx.queue.isHolding) tx.queue.hold("all");
      return tx.queue.isHeldBack && tx.outstanding.count === 0;
    }
    case "add-streams":
      return true;
    default:
      return change satisfies never;
  }
}

function heldBy(streams: readonly number[]): ReadonlySet<number> | "all" {
  return streams.length === 0 ? "all" : new Set(streams);
}

function requestsFor(
  { tx }: Association,
  state: Reconfiguration,
  change: StreamChange,
): ReconfigRequest[] {
  const requests: ReconfigRequest[] = [];
  switch (change.kind) {
    case "reset-streams": {
      const { outgoing, incoming, answers } = change;
      if (outgoing) {
        requests.push({
          kind: "reset-outgoing",
          sequence: state.takeSequence(),
          responseSequence: answers ?? state.lastReceived,
          lastTsn: tx.lastAssignedTsn,
          streams: outgoing,
        });
      }
      if (incoming) {
        const sequence = state.takeSequence();
        requests.push({ kind: "reset-incoming", sequence, streams: incoming });
      }
      return requests;
    }
    case "reset-association":
      return [{ kind: "reset-association", sequence: state.takeSequence() }];
    case "add-streams": {
      const { outgoing, incoming } = change;
      if (outgoing > 0) {
        const sequence = state.takeSequence();
        requests.push({ kind: "add-outgoing", sequence, count: outgoing });
      }
      if (incoming > 0) {
        const sequence = state.takeSequence();
        requests.push({ kind: "add-incoming", sequence, count: incoming });
      }
      return requests;
    }
    default:
      return change satisfies never;
  }
}

/** The Re-configuration Timer expired: the request goes again, on another path (section 5.1.1). */
export function onReconfigurationTimer(association: Association, now: Instant): void {
  const { inFlight } = association.reconfiguration ?? {};
  if (!inFlight) return;
  const { path, chunk, inProgress } = inFlight;
  path.rtt.backOff();
  if (!inProgress && !countError(association, path, true)) return;
  inFlight.inProgress = false;
  inFlight.path = alternateFor(association, path);
  association.sendControl(chunk, inFlight.path);
  association.timers.start(AssociationTimer.Reconfiguration, after(now, inFlight.path.rto));
}

/** A response of the peer's (section 5.2.7). */
export function handleResponse(
  association: Association,
  now: Instant,
  response: ReconfigResponse,
): void {
  const { inFlight } = association.reconfiguration ?? {};
  const request = inFlight?.requests.find(({ sequence }) => sequence === response.sequence);
  if (!inFlight || !request) return;
  if (response.result === ReconfigResult.InProgress) {
    inFlight.inProgress = true;
    const deadline = after(now, inFlight.path.rto);
    association.timers.start(AssociationTimer.Reconfiguration, deadline);
    return;
  }
  conclude(association, request, response.result, response);
}

/** A request of ours is answered. */
export function conclude(
  association: Association,
  request: ReconfigRequest,
  result: number,
  response?: ReconfigResponse,
): void {
  const { inFlight, wanted } = association.reconfiguration ?? {};
  if (!inFlight || !wanted) return;
  inFlight.requests.splice(inFlight.requests.indexOf(request), 1);
  apply(association, request, result, response);
  if (inFlight.requests.length > 0) return;
  association.timers.stop(AssociationTimer.Reconfiguration);
  wanted.shift();
  association.reconfiguration!.inFlight = undefined;
}

/** H4 to H6; without success only what was held goes on. */
function apply(
  association: Association,
  request: ReconfigRequest,
  result: number,
  response?: ReconfigResponse,
): void {
  const { tx, rx, host } = association;
  const isDone = result === ReconfigResult.Performed || result === ReconfigResult.NothingToDo;
  switch (request.kind) {
    case "reset-outgoing":
      if (isDone) tx.resetStreams(request.streams);
      tx.queue.resume();
      host.emit({
        kind: "streams-reset",
        association,
        direction: "outgoing",
        streams: request.streams,
        result,
      });
      return;
    case "reset-incoming":
      // What the peer did about its streams is told when its own request comes.
      if (isDone && result !== ReconfigResult.NothingToDo) return;
      host.emit({
        kind: "streams-reset",
        association,
        direction: "incoming",
        streams: request.streams,
        result,
      });
      return;
    case "reset-association": {
      const next = isDone ? response?.next : undefined;
      if (next) {
        tx.restartAt(next.receiver);
        rx?.restartAt(next.sender);
      }
      tx.queue.resume();
      const tsns = { localTsn: tx.outstanding.nextTsn, peerTsn: rx?.nextTsn ?? next?.sender };
      host.emit({ kind: "association-reset", association, result, ...tsns });
      return;
    }
    case "add-outgoing":
      if (isDone) association.outboundStreams += request.count;
      emitStreamCounts(association, result);
      return;
    case "add-incoming":
      if (!isDone) emitStreamCounts(association, result);
      return;
    default:
      request satisfies never;
  }
}

/** Tells how many streams there are now, or why there are not more. */
export function emitStreamCounts(association: Association, result: number): void {
  const { outboundStreams: outbound, inboundStreams: inbound, host } = association;
  host.emit({ kind: "streams-changed", association, outbound, inbound, result });
}
