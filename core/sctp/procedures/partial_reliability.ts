/** Partial reliability in an association (RFC 3758): giving up, and skipping what the peer gave up. */
import type { Association } from "../association.ts";
import type { Instant } from "../base/time.ts";
import type { ChunkContext } from "../chunk_context.ts";
import { ForwardVerdict } from "../rx/skipping.ts";
import { AssociationTimer } from "../timer/timer_table.ts";
import { abandonDue, makeRoom } from "../tx/abandonment.ts";
import { undeliveredOf } from "../tx/send_failure.ts";
import type { SendOptions } from "../tx/send_queue.ts";
import { forwardTsnIsWellFormed } from "../wire/forward_tsn.ts";
import { iForwardTsnIsWellFormed } from "../wire/i_forward_tsn.ts";
import { advanceShutdown } from "./shutdown.ts";

/** One FORWARD TSN or I-FORWARD-TSN chunk, in a state in which DATA is taken (section 3.6). */
export function handleForwardTsn(association: Association, context: ChunkContext): void {
  const { rx, host, metrics } = association;
  const { bytes, offset } = context;
  if (!rx) return;
  const isWellFormed = association.interleaves
    ? iForwardTsnIsWellFormed(bytes, offset)
    : forwardTsnIsWellFormed(bytes, offset);
  if (!isWellFormed) {
    host.countDrop("malformed-chunk");
    return;
  }
  // As with SACKs, more than one in a packet would be work without bound for its sender's little.
  if (context.hasForwardTsn) {
    host.countDrop("unexpected-chunk");
    return;
  }
  context.hasForwardTsn = true;
  metrics.forwardTsnsReceived++;
  switch (rx.handleForwardTsn(bytes, offset)) {
    case ForwardVerdict.Skipped:
      break;
    case ForwardVerdict.OutOfDate:
      host.countDrop("old-forward-tsn");
      return;
    case ForwardVerdict.Postponed:
      host.countDrop("postponed-forward-tsn");
      return;
    case ForwardVerdict.BeyondWindow:
    case ForwardVerdict.Absurd:
      host.countDrop("absurd-forward-tsn");
      break;
  }
  for (let message = rx.takeAborted(); message; message = rx.takeAborted()) {
    host.emit({ kind: "partial-delivery-aborted", association, message });
  }
}

/**
 * Gives up what is due: called before anything is transmitted, so that nothing that has expired gets a
 * TSN or is sent again (section 4.1, TR3 and TR4).
 */
export function giveUpMessages(association: Association, now: Instant): void {
  const { tx } = association;
  if (!tx.partial) return;
  if (abandonDue(tx, now)) {
    reportFailures(association);
    association.reportRoom();
    association.reportDry();
    if (tx.isEmpty) advanceShutdown(association, now);
  }
  tx.forward?.advance(tx);
}

/** Has the next queued message that expires given up in time: called once all has been transmitted. */
export function timeLifetimes({ tx, timers }: Association): void {
  if (tx.partial && tx.abandons) timers.start(AssociationTimer.Lifetime, tx.partial.nextExpiry);
}

/** Makes room in the send buffer for a message by giving up queued ones that matter less. */
export function makeRoomFor(
  association: Association,
  length: number,
  { reliability }: SendOptions,
): boolean {
  const priority = reliability?.policy === "prio" ? reliability.value : -1;
  if (!makeRoom(association.tx, length, priority)) return false;
  reportFailures(association);
  return true;
}

/**
 * SEND FAILURE (RFC 9260, section 11.2.2): the association is over, or its peer has restarted. Whoever
 * wants to know gets back all that was not acknowledged.
 */
export function reportUndelivered(association: Association): void {
  const { tx } = association;
  tx.failures?.push(...undeliveredOf(tx));
  reportFailures(association);
}

function reportFailures(association: Association): void {
  for (const failure of association.tx.failures?.splice(0) ?? []) {
    association.host.emit({ kind: "send-failed", association, failure });
  }
}
