/** ERROR chunks and chunks that we do not know (RFC 9260, sections 3.2, 3.3.10 and 5.2.6). */
import type { Association } from "../association.ts";
import type { ChunkContext } from "../chunk_context.ts";
import { chunkLength } from "../wire/chunk.ts";
import { chunkType } from "../wire/chunk.ts";
import { wantsReport } from "../wire/chunk_type.ts";
import { encodeError } from "../wire/error.ts";
import { CauseCode, chunkCauses } from "../wire/error_cause.ts";
import { noteUnknownAsconf } from "./asconf_answers.ts";
import { replyPath } from "./path_management.ts";
import { handleStaleCookie } from "./setup.ts";

/** Of a chunk that is reported, no more than this goes back. */
const MAX_REPORTED = 1200;
/** Reports that may wait in the queue: a peer cannot make it grow. */
export const MAX_QUEUED_REPORTS = 16;

/** ERROR from the peer: stale cookies have a procedure, the rest is for the user. */
export function handleError(association: Association, context: ChunkContext): void {
  const causes = chunkCauses(context.bytes, context.offset);
  const stale = causes.find((cause) => cause.code === CauseCode.StaleCookie);
  if (stale) handleStaleCookie(association, context.now, stale.staleness);
  const others = causes.filter((cause) => cause.code !== CauseCode.StaleCookie);
  noteUnknownAsconf(association, context.now, others);
  if (others.length > 0) {
    association.host.emit({ kind: "remote-error", association, causes: others });
  }
}

/** A chunk of unknown type, reported if its two highest bits say so (section 3.2). */
export function handleUnknownChunk(association: Association, context: ChunkContext): void {
  const { bytes, offset } = context;
  association.host.countDrop("unrecognized-chunk");
  if (!wantsReport(chunkType(bytes, offset))) return;
  if (association.control.length >= MAX_QUEUED_REPORTS) return;
  const length = Math.min(chunkLength(bytes, offset), MAX_REPORTED);
  const chunk = bytes.slice(offset, offset + length);
  const report = encodeError([{ code: CauseCode.UnrecognizedChunkType, chunk }]);
  association.sendControl(report, replyPath(association, context));
}
