/**
 * The association's state machine as a table: what each event does in each state, with the section of
 * the RFC that says so. Chunks are dispatched by it; `shimkit sctp states` prints it.
 */
import type { Association } from "./association.ts";
import type { AssociationState } from "./phase.ts";
import type { ChunkContext } from "./chunk_context.ts";
import { handleAbort } from "./procedures/abort.ts";
import { handleAsconfAck } from "./procedures/asconf_answers.ts";
import { handleAsconf } from "./procedures/asconf_requests.ts";
import { handleAuth } from "./procedures/authentication.ts";
import { handleData, handleSack } from "./procedures/data_transfer.ts";
import { handleCwr, handleEcne } from "./procedures/ecn.ts";
import { handleHeartbeat } from "./procedures/heartbeat.ts";
import { handleAnyHeartbeatAck } from "./procedures/nat_following.ts";
import { handleForwardTsn } from "./procedures/partial_reliability.ts";
import { handleError } from "./procedures/operation_error.ts";
import { handleReconfig } from "./procedures/reconfiguration_requests.ts";
import { handleCookieAck, handleInitAck } from "./procedures/setup.ts";
import {
  handleShutdown,
  handleShutdownAck,
  handleShutdownComplete,
} from "./procedures/shutdown.ts";
import { CHUNK_TYPES, ChunkType } from "./wire/chunk_type.ts";

/** What a chunk does to an association. */
export type ChunkHandler = (association: Association, context: ChunkContext) => void;

/** One transition. */
export interface StateTableRow {
  readonly state: AssociationState;
  /** Chunk received, request of the user, or timer. */
  readonly event: string;
  readonly action: string;
  /** State afterwards; the same one if `undefined`. */
  readonly next: AssociationState | undefined;
  /** Section of {@link rfc}. */
  readonly section: string;
  /** RFC that says so. */
  readonly rfc: number;
  /** Chunk type, where the event is a chunk that is dispatched through this table. */
  readonly chunk?: number;
  readonly handle?: ChunkHandler;
}

/** States in the order of RFC 9260, section 4. */
export const STATES: readonly AssociationState[] = [
  "CLOSED",
  "COOKIE-WAIT",
  "COOKIE-ECHOED",
  "ESTABLISHED",
  "SHUTDOWN-PENDING",
  "SHUTDOWN-SENT",
  "SHUTDOWN-RECEIVED",
  "SHUTDOWN-ACK-SENT",
];

type Next = AssociationState | undefined;

/** The standard of whatever is no extension. */
const BASE = 9260;

/** Rows for one chunk in several states. */
function onChunk(
  chunk: number,
  event: string,
  handle: ChunkHandler,
  action: string,
  section: string,
  states: Partial<Record<AssociationState, Next>>,
  rfc = BASE,
): StateTableRow[] {
  return Object.entries(states).map(([state, next]) => ({
    state: state as AssociationState,
    event,
    action,
    next,
    section,
    rfc,
    chunk,
    handle,
  }));
}

/** A row that other code carries out: requests, timers, and chunks that need the endpoint. */
function row(
  state: AssociationState,
  event: string,
  action: string,
  next: Next,
  section: string,
): StateTableRow {
  return { state, event, action, next, section, rfc: BASE };
}

const stays = undefined;

function passOver(): void {}

/** Every transition, by event. */
export const STATE_TABLE: readonly StateTableRow[] = [
  row("CLOSED", "ASSOCIATE", "send INIT, start T1-init", "COOKIE-WAIT", "5.1, A"),
  row("CLOSED", "INIT", "send INIT ACK with a cookie, keep nothing", stays, "5.1, B"),
  row("CLOSED", "COOKIE ECHO", "check the cookie, send COOKIE ACK", "ESTABLISHED", "5.1.5"),
  row("COOKIE-WAIT", "INIT", "send INIT ACK with the parameters of the INIT", stays, "5.2.1"),
  row("COOKIE-ECHOED", "INIT", "send INIT ACK, unless addresses are new", stays, "5.2.1"),
  row(
    "ESTABLISHED",
    "INIT",
    "send INIT ACK with tie-tags, unless addresses are new",
    stays,
    "5.2.2",
  ),
  row("SHUTDOWN-PENDING", "INIT", "send INIT ACK with tie-tags", stays, "5.2.2"),
  row("SHUTDOWN-SENT", "INIT", "send INIT ACK with tie-tags", stays, "5.2.2"),
  row("SHUTDOWN-RECEIVED", "INIT", "send INIT ACK with tie-tags", stays, "5.2.2"),
  row("SHUTDOWN-ACK-SENT", "INIT", "send SHUTDOWN ACK again", stays, "9.2"),
  row(
    "COOKIE-WAIT",
    "COOKIE ECHO",
    "table 12: action B resolves a collision",
    "ESTABLISHED",
    "5.2.4",
  ),
  row("COOKIE-ECHOED", "COOKIE ECHO", "table 12: actions B and D", "ESTABLISHED", "5.2.4"),
  row("ESTABLISHED", "COOKIE ECHO", "table 12: A restart, B, D COOKIE ACK again", stays, "5.2.4"),
  row("SHUTDOWN-PENDING", "COOKIE ECHO", "table 12: A restart, D COOKIE ACK again", stays, "5.2.4"),
  row("SHUTDOWN-SENT", "COOKIE ECHO", "table 12: A restart, D COOKIE ACK again", stays, "5.2.4"),
  row(
    "SHUTDOWN-RECEIVED",
    "COOKIE ECHO",
    "table 12: A restart, D COOKIE ACK again",
    stays,
    "5.2.4",
  ),
  row("SHUTDOWN-ACK-SENT", "COOKIE ECHO", "send SHUTDOWN ACK and ERROR", stays, "5.2.4, A"),
  ...onChunk(
    ChunkType.InitAck,
    "INIT ACK",
    handleInitAck,
    "stop T1-init, send COOKIE ECHO, start T1-cookie",
    "5.1, C",
    { "COOKIE-WAIT": "COOKIE-ECHOED" },
  ),
  ...onChunk(
    ChunkType.CookieAck,
    "COOKIE ACK",
    handleCookieAck,
    "stop T1-cookie, probe the paths",
    "5.1, E",
    { "COOKIE-ECHOED": "ESTABLISHED" },
  ),
  ...onChunk(
    ChunkType.Data,
    "DATA",
    handleData,
    "keep, acknowledge",
    "6.2",
    { "ESTABLISHED": stays, "SHUTDOWN-PENDING": stays, "SHUTDOWN-SENT": stays },
  ),
  ...onChunk(
    ChunkType.IData,
    "I-DATA",
    handleData,
    "keep, acknowledge",
    "2.2.3",
    { "ESTABLISHED": stays, "SHUTDOWN-PENDING": stays, "SHUTDOWN-SENT": stays },
    8260,
  ),
  ...onChunk(
    ChunkType.ForwardTsn,
    "FORWARD TSN",
    handleForwardTsn,
    "skip what was given up, acknowledge",
    "3.6",
    { "ESTABLISHED": stays, "SHUTDOWN-PENDING": stays, "SHUTDOWN-SENT": stays },
    3758,
  ),
  ...onChunk(
    ChunkType.IForwardTsn,
    "I-FORWARD-TSN",
    handleForwardTsn,
    "skip what was given up, acknowledge",
    "2.3.1",
    { "ESTABLISHED": stays, "SHUTDOWN-PENDING": stays, "SHUTDOWN-SENT": stays },
    8260,
  ),
  ...onChunk(
    ChunkType.Sack,
    "SACK",
    handleSack,
    "release, adjust cwnd and rwnd, retransmit",
    "6.2.1",
    {
      "COOKIE-ECHOED": stays,
      "ESTABLISHED": stays,
      "SHUTDOWN-PENDING": stays,
      "SHUTDOWN-RECEIVED": stays,
    },
  ),
  ...onChunk(
    ChunkType.NrSack,
    "NR-SACK",
    handleSack,
    "release for good, adjust cwnd and rwnd, retransmit",
    "6.2.1",
    {
      "COOKIE-ECHOED": stays,
      "ESTABLISHED": stays,
      "SHUTDOWN-PENDING": stays,
      "SHUTDOWN-RECEIVED": stays,
    },
  ),
  ...onChunk(
    ChunkType.Heartbeat,
    "HEARTBEAT",
    handleHeartbeat,
    "send HEARTBEAT ACK",
    "8.3",
    {
      "COOKIE-ECHOED": stays,
      "ESTABLISHED": stays,
      "SHUTDOWN-PENDING": stays,
      "SHUTDOWN-SENT": stays,
      "SHUTDOWN-RECEIVED": stays,
    },
  ),
  ...onChunk(
    ChunkType.Pad,
    "PAD",
    passOver,
    "pass over",
    "3",
    Object.fromEntries(STATES.slice(1).map((state) => [state, stays])),
    4820,
  ),
  ...onChunk(
    ChunkType.HeartbeatAck,
    "HEARTBEAT ACK",
    handleAnyHeartbeatAck,
    "check the nonce, measure the RTT, confirm the path",
    "8.3",
    {
      "COOKIE-ECHOED": stays,
      "ESTABLISHED": stays,
      "SHUTDOWN-PENDING": stays,
      "SHUTDOWN-SENT": stays,
      "SHUTDOWN-RECEIVED": stays,
    },
  ),
  ...onChunk(
    ChunkType.Abort,
    "ABORT",
    handleAbort,
    "report, forget",
    "9.1",
    {
      "COOKIE-WAIT": "CLOSED",
      "COOKIE-ECHOED": "CLOSED",
      "ESTABLISHED": "CLOSED",
      "SHUTDOWN-PENDING": "CLOSED",
      "SHUTDOWN-SENT": "CLOSED",
      "SHUTDOWN-RECEIVED": "CLOSED",
      "SHUTDOWN-ACK-SENT": "CLOSED",
    },
  ),
  ...onChunk(
    ChunkType.Error,
    "ERROR",
    handleError,
    "Stale Cookie: INIT again with a Cookie Preservative; others: report",
    "5.2.6",
    { "COOKIE-ECHOED": "COOKIE-WAIT" },
  ),
  ...onChunk(
    ChunkType.Error,
    "ERROR",
    handleError,
    "report",
    "3.3.10",
    {
      "ESTABLISHED": stays,
      "SHUTDOWN-PENDING": stays,
      "SHUTDOWN-SENT": stays,
      "SHUTDOWN-RECEIVED": stays,
    },
  ),
  ...onChunk(
    ChunkType.Shutdown,
    "SHUTDOWN",
    handleShutdown,
    "take the acknowledgement; SHUTDOWN ACK once nothing is outstanding",
    "9.2",
    {
      "ESTABLISHED": "SHUTDOWN-RECEIVED",
      "SHUTDOWN-PENDING": "SHUTDOWN-RECEIVED",
      "SHUTDOWN-SENT": "SHUTDOWN-ACK-SENT",
      "SHUTDOWN-RECEIVED": stays,
      "SHUTDOWN-ACK-SENT": stays,
    },
  ),
  ...onChunk(
    ChunkType.ShutdownAck,
    "SHUTDOWN ACK",
    handleShutdownAck,
    "send SHUTDOWN COMPLETE, forget",
    "9.2",
    { "SHUTDOWN-SENT": "CLOSED", "SHUTDOWN-ACK-SENT": "CLOSED" },
  ),
  row(
    "COOKIE-WAIT",
    "SHUTDOWN ACK",
    "as out of the blue: SHUTDOWN COMPLETE with T",
    stays,
    "8.5.1, E",
  ),
  row(
    "COOKIE-ECHOED",
    "SHUTDOWN ACK",
    "as out of the blue: SHUTDOWN COMPLETE with T",
    stays,
    "8.5.1, E",
  ),
  ...onChunk(
    ChunkType.ShutdownComplete,
    "SHUTDOWN COMPLETE",
    handleShutdownComplete,
    "stop T2-shutdown, forget",
    "9.2",
    { "SHUTDOWN-ACK-SENT": "CLOSED" },
  ),
  ...onChunk(
    ChunkType.Ecne,
    "ECNE",
    handleEcne,
    "reduce cwnd once per window, send CWR",
    "3.2, table 1",
    { "ESTABLISHED": stays, "SHUTDOWN-PENDING": stays, "SHUTDOWN-RECEIVED": stays },
  ),
  ...onChunk(
    ChunkType.Cwr,
    "CWR",
    handleCwr,
    "stop echoing congestion",
    "3.2, table 1",
    { "ESTABLISHED": stays, "SHUTDOWN-PENDING": stays, "SHUTDOWN-SENT": stays },
  ),
  ...onChunk(
    ChunkType.Auth,
    "AUTH",
    handleAuth,
    "check the HMAC, or discard the rest of the packet",
    "6.3",
    {
      "COOKIE-ECHOED": stays,
      "ESTABLISHED": stays,
      "SHUTDOWN-PENDING": stays,
      "SHUTDOWN-SENT": stays,
      "SHUTDOWN-RECEIVED": stays,
      "SHUTDOWN-ACK-SENT": stays,
    },
    4895,
  ),
  ...onChunk(
    ChunkType.ReConfig,
    "RE-CONFIG",
    handleReconfig,
    "change streams as asked, answer requests",
    "5.2",
    {
      "ESTABLISHED": stays,
      "SHUTDOWN-PENDING": stays,
      "SHUTDOWN-SENT": stays,
      "SHUTDOWN-RECEIVED": stays,
    },
    6525,
  ),
  ...onChunk(
    ChunkType.Asconf,
    "ASCONF",
    handleAsconf,
    "change the peer's addresses as asked, send ASCONF-ACK",
    "5.2",
    {
      "ESTABLISHED": stays,
      "SHUTDOWN-PENDING": stays,
      "SHUTDOWN-SENT": stays,
      "SHUTDOWN-RECEIVED": stays,
    },
    5061,
  ),
  ...onChunk(
    ChunkType.AsconfAck,
    "ASCONF-ACK",
    handleAsconfAck,
    "stop T4-RTO, change our addresses as agreed",
    "5.1, A5",
    {
      "ESTABLISHED": stays,
      "SHUTDOWN-PENDING": stays,
      "SHUTDOWN-SENT": stays,
      "SHUTDOWN-RECEIVED": stays,
    },
    5061,
  ),
  row("COOKIE-WAIT", "T1-init", "send INIT again, to the next address", stays, "5.1.6"),
  row("COOKIE-WAIT", "T1-init, Max.Init.Retransmits passed", "report", "CLOSED", "5.1.6"),
  row("COOKIE-ECHOED", "T1-cookie", "send COOKIE ECHO again", stays, "5.1.4"),
  row("COOKIE-ECHOED", "T1-cookie, Max.Init.Retransmits passed", "report", "CLOSED", "5.1.4"),
  row("ESTABLISHED", "SHUTDOWN request", "take no more from the user", "SHUTDOWN-PENDING", "9.2"),
  row(
    "SHUTDOWN-PENDING",
    "all acknowledged",
    "send SHUTDOWN, start T2-shutdown",
    "SHUTDOWN-SENT",
    "9.2",
  ),
  row(
    "SHUTDOWN-RECEIVED",
    "all acknowledged",
    "send SHUTDOWN ACK, start T2-shutdown",
    "SHUTDOWN-ACK-SENT",
    "9.2",
  ),
  row("SHUTDOWN-SENT", "DATA taken", "send SHUTDOWN at once, restart T2-shutdown", stays, "9.2"),
  row("SHUTDOWN-SENT", "T2-shutdown", "send SHUTDOWN again", stays, "9.2"),
  row("SHUTDOWN-ACK-SENT", "T2-shutdown", "send SHUTDOWN ACK again", stays, "9.2"),
  row("SHUTDOWN-SENT", "T5-shutdown-guard", "send ABORT, report", "CLOSED", "9.2"),
  row("SHUTDOWN-ACK-SENT", "T5-shutdown-guard", "send ABORT, report", "CLOSED", "9.2"),
  row("ESTABLISHED", "Association.Max.Retrans passed", "report", "CLOSED", "8.1"),
  row("SHUTDOWN-PENDING", "Association.Max.Retrans passed", "report", "CLOSED", "8.1"),
  row("SHUTDOWN-RECEIVED", "Association.Max.Retrans passed", "report", "CLOSED", "8.1"),
];

/** Handlers by state and chunk type, made from the table. */
const DISPATCH: Record<AssociationState, readonly (ChunkHandler | undefined)[]> = Object
  .fromEntries(
    STATES.map((state) => {
      const handlers: (ChunkHandler | undefined)[] = new Array(CHUNK_TYPES).fill(undefined);
      for (const entry of STATE_TABLE) {
        if (entry.state === state && entry.chunk !== undefined) {
          handlers[entry.chunk] = entry.handle;
        }
      }
      return [state, handlers];
    }),
  ) as Record<AssociationState, (ChunkHandler | undefined)[]>;

/** What a chunk of a known type does in a state; `undefined`: it is discarded. */
export function handlerFor(state: AssociationState, chunkType: number): ChunkHandler | undefined {
  return DISPATCH[state][chunkType];
}
