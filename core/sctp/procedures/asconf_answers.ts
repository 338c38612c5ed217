/** What the peer says to changes of this side's addresses (RFC 5061, sections 5.1, A5 to A9, and 5.3). */
import type { AddressConfiguration, AsconfInFlight } from "../address_configuration.ts";
import type { Association } from "../association.ts";
import { tsn, tsnLess } from "../base/serial.ts";
import { elapsed, type Instant } from "../base/time.ts";
import type { ChunkContext } from "../chunk_context.ts";
import { AssociationTimer } from "../timer/timer_table.ts";
import { type AsconfAck, decodeAsconfAck } from "../wire/asconf.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { CauseCode, type ErrorCause } from "../wire/error_cause.ts";
import { isFault } from "../wire/fault.ts";
import { abortForViolation } from "./abort.ts";
import { performChange, rejectChange } from "./local_addresses.ts";
import { confirmPath, pathAnswered } from "./path_management.ts";

/** One ASCONF-ACK chunk. */
export function handleAsconfAck(association: Association, context: ChunkContext): void {
  const { addressing: state, host } = association;
  const ack = decodeAsconfAck(context.bytes, context.offset);
  if (isFault(ack)) {
    host.countDrop("malformed-chunk");
    return;
  }
  const inFlight = state?.inFlight;
  if (!state || !inFlight || ack.serial !== inFlight.serial) {
    const next = state?.nextSerial ?? association.tx.initialTsn;
    // Rule F0: an answer to what was never asked.
    const isIllegal = !inFlight && !tsnLess(tsn(ack.serial), tsn(next));
    if (isIllegal) abortForViolation(association, [{ code: CauseCode.IllegalAsconfAck }]);
    else host.countDrop("bad-sequence");
    return;
  }
  noteAnswer(association, context, inFlight);
  conclude(association, context.now, state, inFlight, ack);
  // The answer to what left from a new address proves that its path leads to the peer.
  const { path } = context;
  if (path && path === inFlight.path && path.standing === "member") confirmPath(association, path);
}

/** Rule A5: the errors of association and path are forgiven. */
function noteAnswer(
  association: Association,
  context: ChunkContext,
  inFlight: AsconfInFlight,
): void {
  const { path, sentAt } = inFlight;
  association.tx.errorCount = 0;
  if (context.path !== path) return;
  if (sentAt !== undefined) path.rtt.addSample(elapsed(sentAt, context.now));
  pathAnswered(association, path);
}

/** Rules A6 to A8: without a word about it a request had success, unless one before it had none. */
function conclude(
  association: Association,
  now: Instant,
  state: AddressConfiguration,
  { changes }: AsconfInFlight,
  { responses }: AsconfAck,
): void {
  association.timers.stop(AssociationTimer.T4Asconf);
  state.inFlight = undefined;
  let hasFailed = false;
  for (const change of changes) {
    const response = responses.find(({ correlation }) => correlation === change.correlation);
    const isDone = response ? response.kind === "success" : !hasFailed;
    const causes = response?.kind === "error" ? response.causes : [];
    hasFailed ||= response?.kind === "error";
    if (isMisunderstood(causes)) state.notUnderstood.add(change.action);
    // What the peer does not know is gone from it already.
    const isGone = change.action === "delete" &&
      causes.some(({ code }) => code === CauseCode.UnresolvableAddress);
    if (isDone || isGone) performChange(association, now, change);
    else rejectChange(association, now, change, causes);
    if (association.state === "CLOSED") return;
  }
}

function isMisunderstood(causes: readonly ErrorCause[]): boolean {
  return causes.some(({ code }) => code === CauseCode.UnrecognizedParameters);
}

/** Rule A9: the peer says in an ERROR that it does not know ASCONF. */
export function noteUnknownAsconf(
  association: Association,
  now: Instant,
  causes: readonly ErrorCause[],
): void {
  const { addressing: state } = association;
  const isMeant = causes.some((cause) =>
    cause.code === CauseCode.UnrecognizedChunkType && cause.chunk[0] === ChunkType.Asconf
  );
  if (!isMeant || !state?.inFlight) return;
  const { changes } = state.inFlight;
  for (const action of ["add", "delete", "set-primary"] as const) state.notUnderstood.add(action);
  association.timers.stop(AssociationTimer.T4Asconf);
  state.inFlight = undefined;
  for (const change of changes) rejectChange(association, now, change, causes);
}
