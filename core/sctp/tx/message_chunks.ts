/** Where the chunks of a partially reliable message are among those that are outstanding. */
import { type Tsn, tsnAdd, tsnLess, tsnLessOrEqual } from "../base/serial.ts";
import { ChunkMark, ChunkState } from "./outstanding.ts";
import type { PartialMessages } from "./partial_messages.ts";
import type { Transmission } from "./transmission.ts";

/** TSNs of the chunks of a message that are not acknowledged for good, in their order. */
export function chunksOf(
  { outstanding, queue }: Transmission,
  partial: PartialMessages,
  message: number,
): Tsn[] {
  const tsns: Tsn[] = [];
  if (!partial.hasBegun(message)) return tsns;
  const last = partial.lastTsnOf(message);
  let tsn = partial.firstTsnOf(message);
  if (tsnLess(tsn, outstanding.firstTsn)) tsn = outstanding.firstTsn;
  for (; tsnLessOrEqual(tsn, last); tsn = tsnAdd(tsn, 1)) {
    const slot = outstanding.slotOf(tsn);
    const isOwn = outstanding.state[slot] !== ChunkState.Abandoned &&
      (outstanding.marks[slot] & ChunkMark.Partial) !== 0 &&
      queue.messageOf(outstanding.segment[slot]) === message;
    if (isOwn) tsns.push(tsn);
  }
  return tsns;
}
