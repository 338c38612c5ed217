/** What the user wants changed about the streams, checked (RFC 6525, section 6.3). */
import type { Association } from "../association.ts";
import { Extension } from "../extensions.ts";
import type { StreamChange } from "../reconfiguration.ts";
import { MAX_LISTED_STREAMS } from "../wire/reconfig.ts";
import { MAX_WANTED_CHANGES, MOST_STREAMS, reconfigurationOf } from "./reconfiguration.ts";

/** Streams of each direction whose numbers are to start again; an empty list for all. */
export interface StreamReset {
  /** Streams on which this side sends. */
  readonly outgoing?: readonly number[];
  /** Streams on which the peer sends. */
  readonly incoming?: readonly number[];
}

/** Thrown when a change of streams cannot be asked for. */
export class ReconfigurationError extends Error {
  override readonly name = "ReconfigurationError";

  constructor(
    /** The peer, or this side, has no RFC 6525; not ESTABLISHED; too many changes wait already. */
    readonly code: "not-supported" | "not-established" | "too-many",
    message: string,
  ) {
    super(message);
  }
}

/** See {@link Association.resetStreams}. */
export function wantStreamReset(association: Association, reset: StreamReset): void {
  const { outgoing, incoming } = reset;
  checkStreams(outgoing ?? [], association.outboundStreams, "outbound");
  checkStreams(incoming ?? [], association.inboundStreams, "inbound");
  if (!outgoing && !incoming) throw new TypeError("cannot reset streams of neither direction");
  wantChange(association, { kind: "reset-streams", outgoing, incoming, answers: undefined });
}

function checkStreams(streams: readonly number[], count: number, which: string): void {
  if (streams.length > MAX_LISTED_STREAMS) {
    throw new RangeError(
      `cannot reset ${streams.length} streams at once: list ${MAX_LISTED_STREAMS}, or none for all`,
    );
  }
  for (const stream of streams) {
    if (Number.isInteger(stream) && stream >= 0 && stream < count) continue;
    throw new RangeError(`cannot reset stream ${stream}: there are ${count} ${which} streams`);
  }
}

/** See {@link Association.resetAssociation}. */
export function wantAssociationReset(association: Association): void {
  wantChange(association, { kind: "reset-association" });
}

/** See {@link Association.addStreams}. */
export function wantStreams(association: Association, outgoing: number, incoming: number): void {
  const { outboundStreams, inboundStreams } = association;
  const isPossible = [outgoing, incoming].every((count) => Number.isInteger(count) && count >= 0) &&
    outgoing + incoming > 0 && outboundStreams + outgoing <= MOST_STREAMS &&
    inboundStreams + incoming <= MOST_STREAMS;
  if (!isPossible) {
    throw new RangeError(
      `cannot add ${outgoing} outbound and ${incoming} inbound streams to ${outboundStreams} and ` +
        `${inboundStreams}: there are ${MOST_STREAMS} at most`,
    );
  }
  wantChange(association, { kind: "add-streams", outgoing, incoming });
}

/** Wants a change of streams; it is asked for once the changes before it are done. */
function wantChange(association: Association, change: StreamChange): void {
  const { id, state: phase } = association;
  const attempted = `cannot change the streams of association ${id}`;
  if (phase !== "ESTABLISHED") {
    throw new ReconfigurationError("not-established", `${attempted}: it is ${phase}`);
  }
  const state = hasExtension(association) ? reconfigurationOf(association) : undefined;
  if (!state) {
    throw new ReconfigurationError("not-supported", `${attempted}: its peer lacks RFC 6525`);
  }
  if (state.wanted.length >= MAX_WANTED_CHANGES) {
    const words = `${attempted}: ${MAX_WANTED_CHANGES} changes wait already`;
    throw new ReconfigurationError("too-many", words);
  }
  state.wanted.push(change);
  association.host.touch(association);
}

function hasExtension({ extensions }: Association): boolean {
  return (extensions & Extension.Reconfiguration) !== 0;
}
