/**
 * What must hold for an endpoint whenever it has been drained. A violation throws, with the name of
 * the invariant: these are the sums and promises by which associations get stuck or leak if broken.
 */
import { tsnAdd, tsnLess } from "../base/serial.ts";
import { NEVER } from "../base/time.ts";
import type { Association } from "../association.ts";
import type { Endpoint } from "../endpoint.ts";
import { AssociationTimer, PathTimer } from "../timer/timer_table.ts";
import { ChunkMark, ChunkState } from "../tx/outstanding.ts";
import { chunkSize } from "../tx/retransmission.ts";
import { MAX_OUTSTANDING } from "../tx/transmission.ts";
import { DataFlag } from "../wire/data.ts";

const DATA_STATES = ["ESTABLISHED", "SHUTDOWN-PENDING", "SHUTDOWN-RECEIVED"];

/** Checks every association and the endpoint's memory. */
export function checkEndpoint(endpoint: Endpoint): void {
  let payload = 0;
  for (const association of endpoint.associations) {
    checkAssociation(association);
    payload += association.bufferedBytes + association.heldBytes;
  }
  ensure(endpoint.pool.liveBytes >= payload, "the pool holds all payload");
  ensure(endpoint.pool.liveBytes <= endpoint.pool.reservedBytes, "live memory lies in pages");
}

/** Checks one association. */
export function checkAssociation(association: Association): void {
  try {
    checkSums(association);
    checkGapAcks(association);
    checkAbandoned(association);
    checkTimers(association);
    checkProgress(association);
    checkReception(association);
    checkAddresses(association);
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`association ${association.id} in ${association.state}: ${text}`, { cause });
  }
}

function ensure(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`invariant broken: ${what}`);
}

/** Flight sizes, marks and buffered bytes are the sums over the outstanding chunks. */
function checkSums({ tx, pathList }: Association): void {
  const flight = pathList.map(() => 0);
  const marked = pathList.map(() => 0);
  let [inFlight, kept, partialMarked] = [0, 0, 0];
  const { outstanding } = tx;
  for (let tsn = outstanding.firstTsn; tsn !== outstanding.nextTsn; tsn = tsnAdd(tsn, 1)) {
    const slot = outstanding.slotOf(tsn);
    const path = outstanding.path[slot];
    kept += outstanding.length[slot];
    if (outstanding.state[slot] === ChunkState.InFlight) {
      flight[path] += chunkSize(tx, slot);
      inFlight += outstanding.length[slot];
      ensure(!tsnLess(tsn, pathList[path].earliestTsn), "earliestTsn is the lowest in flight");
    } else if (outstanding.state[slot] === ChunkState.Marked) {
      marked[path]++;
      if ((outstanding.marks[slot] & ChunkMark.Partial) !== 0) partialMarked++;
      ensure(!tsnLess(tsn, tx.markedFrom), "markedFrom is at or before the first marked chunk");
    }
  }
  for (const path of pathList) {
    ensure(path.flightSize === flight[path.index], `flight size of path ${path.index} adds up`);
    ensure(path.awaitingRetransmission === marked[path.index], "chunks that wait add up");
    ensure(path.cwnd >= 0 && path.cwnd < Infinity, "cwnd is a size");
    const isMeasuring = path.rttSentAt !== NEVER;
    ensure(!isMeasuring || outstanding.holds(path.rttTsn), "what is measured is outstanding");
  }
  ensure(tx.bytesInFlight === inFlight, "bytes in flight add up");
  ensure(tx.markedCount === marked.reduce((sum, count) => sum + count, 0), "marks add up");
  ensure(tx.partialMarked === partialMarked, "marks of partially reliable messages add up");
  ensure(tx.bufferedBytes === kept + tx.queue.unsentBytes, "buffered bytes add up");
  ensure(!tx.isEmpty || tx.bufferedCost === 0, "nothing buffered costs nothing");
}

/** The ranges of the last SACK and the states of the chunks say the same. */
function checkGapAcks({ tx }: Association): void {
  const { outstanding, gapAcked } = tx;
  for (let tsn = outstanding.firstTsn; tsn !== outstanding.nextTsn; tsn = tsnAdd(tsn, 1)) {
    const slot = outstanding.slotOf(tsn);
    const state = outstanding.state[slot];
    if (state === ChunkState.Abandoned) continue;
    // What was acknowledged for good stays so, whatever a later NR-SACK says.
    if ((outstanding.marks[slot] & ChunkMark.Settled) !== 0) continue;
    const isAcked = state === ChunkState.GapAcked;
    ensure(isAcked === gapAcked.has(tsn), "gap ack ranges match the chunks");
  }
  ensure(
    outstanding.count === 0 || !gapAcked.has(outstanding.firstTsn),
    "the first outstanding chunk is in flight, marked or given up",
  );
}

/** What was given up is told to the peer, and holds nothing (RFC 3758, section 3.5). */
function checkAbandoned(association: Association): void {
  const { tx, pathList, state, timers, conditions } = association;
  const { outstanding, forward, partial } = tx;
  let messages = 0;
  let leading = true;
  for (let tsn = outstanding.firstTsn; tsn !== outstanding.nextTsn; tsn = tsnAdd(tsn, 1)) {
    const slot = outstanding.slotOf(tsn);
    const isAbandoned = outstanding.state[slot] === ChunkState.Abandoned;
    leading &&= isAbandoned;
    ensure(!isAbandoned || outstanding.length[slot] === 0, "what was given up holds no payload");
    ensure(!isAbandoned || forward !== undefined, "what was given up is told");
    if (forward && leading) {
      ensure(!tsnLess(forward.advanced, tsn), "Advanced.Peer.Ack.Point is far");
    }
    const isPartial = (outstanding.marks[slot] & ChunkMark.Partial) !== 0 && !isAbandoned;
    if (isPartial && (outstanding.flags[slot] & DataFlag.End) !== 0) messages++;
  }
  ensure(messages <= (partial?.count ?? 0), "each partially reliable message has a record");
  ensure(!tx.isEmpty || !partial || partial.count === 0, "records go with their messages");
  if (!DATA_STATES.includes(state) || !tx.abandons) return;
  const expiry = partial?.nextExpiry ?? NEVER;
  ensure(
    timers.deadlineOf(AssociationTimer.Lifetime) === expiry,
    "Lifetime runs to the next expiry",
  );
  const waits = forward && tsnLess(outstanding.ackPoint, forward.advanced);
  if (!waits || !conditions.dataPath) return;
  const isTimed = pathList.some((path) =>
    forward.isTimedOn(path) && path.timers.isRunning(PathTimer.T3Rtx)
  );
  ensure(isTimed, "a FORWARD TSN that is not answered has T3-rtx (C5)");
}

/** Whatever waits for an answer has a timer. */
function checkTimers(association: Association): void {
  const { state, timers, pathList } = association;
  const runs = (timer: number) => timers.isRunning(timer);
  ensure(runs(AssociationTimer.T1Init) === (state === "COOKIE-WAIT"), "T1-init");
  ensure(runs(AssociationTimer.T1Cookie) === (state === "COOKIE-ECHOED"), "T1-cookie");
  const isEnding = state === "SHUTDOWN-SENT" || state === "SHUTDOWN-ACK-SENT";
  ensure(runs(AssociationTimer.T2Shutdown) === isEnding, "T2-shutdown");
  ensure(runs(AssociationTimer.T5ShutdownGuard) === isEnding, "T5-shutdown-guard");
  if (!DATA_STATES.includes(state)) return;
  for (const path of pathList) {
    const needsT3 = path.flightSize > 0;
    ensure(!needsT3 || path.timers.isRunning(PathTimer.T3Rtx), "data in flight has T3-rtx");
    const isProbed = path.timers.isRunning(PathTimer.Heartbeat) || path.standing !== "member";
    ensure(isProbed, "each path has a heartbeat timer");
  }
}

/** Nothing waits without end: what may leave has left, what may not has a reason with a timer. */
function checkProgress(association: Association): void {
  const { state, tx, pathList, conditions } = association;
  ensure(association.control.length === 0, "control chunks have left");
  if (state === "SHUTDOWN-SENT" || state === "SHUTDOWN-ACK-SENT") {
    ensure(tx.isEmpty, "nothing is outstanding once the shutdown was sent");
  }
  if (!DATA_STATES.includes(state)) return;
  ensure(state === "ESTABLISHED" || !tx.isEmpty, "a shutdown goes on once all is acknowledged");
  for (const path of pathList) {
    const waits = path.awaitingRetransmission > 0;
    const isFull = path.flightSize >= (path.oneInFlight ? 1 : path.cwnd);
    ensure(!waits || isFull || !path.isProven, "retransmissions leave as cwnd allows");
    ensure(waits || !path.fastRetransmitDue, "only what waits may ignore cwnd");
  }
  if (tx.queue.isDrained || !conditions.dataPath) return;
  const hasT3 = pathList.some(({ timers }) => timers.isRunning(PathTimer.T3Rtx));
  ensure(hasT3 || tx.outstanding.count >= MAX_OUTSTANDING, "queued data waits for a timer");
}

function checkReception({ rx, timers, state, parameters, pathList }: Association): void {
  if (!rx) return;
  const mayAck = pathList.some(({ isProven }) => isProven);
  ensure(!rx.acks.isDue || !mayAck, "a SACK that is due has left");
  const delays = timers.isRunning(AssociationTimer.SackDelay);
  const waits = rx.acks.isPending && !rx.acks.isDue;
  ensure(!waits || delays || !DATA_STATES.includes(state), "SACK.Delay runs");
  ensure(rx.window >= 0 && rx.window <= parameters.receiveBuffer, "the window is in range");
  ensure(rx.readableBytes <= rx.heldBytes, "readable bytes are held");
}

/**
 * RFC 9260, section 5.4: nothing but probes goes to an address that is not confirmed. Data waits for
 * such a one only while there is no other (RFC 5061).
 */
function checkAddresses({ pathList }: Association): void {
  const isAnyProven = pathList.some(({ isProven }) => isProven);
  pathList.forEach((path, index) => {
    ensure(path.index === index, "paths know their place");
    const mayCarry = path.isConfirmed || (path.flightSize === 0 && !isAnyProven);
    const carries = path.flightSize > 0 || path.awaitingRetransmission > 0;
    ensure(!carries || mayCarry, "data goes to confirmed addresses only");
  });
}
