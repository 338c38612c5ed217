/** The message that is read next, as NXTINFO describes it (RFC 6458, section 5.3.6). */
import { DataFlag } from "../wire/data.ts";
import type { ChunkStore } from "./chunk_store.ts";

/** What is known of a message before it is read. */
export interface NextMessage {
  readonly stream: number;
  readonly ppid: number;
  readonly unordered: boolean;
  /** Bytes of it that are here and not read. */
  readonly length: number;
  /** {@link length} is all that is left of the message: nothing of it is still to come. */
  readonly complete: boolean;
}

/**
 * Describes the message that begins with a record.
 * @param consumed bytes of that record that were read already.
 */
export function nextMessage(
  store: ChunkStore,
  first: number,
  consumed: number,
  complete: boolean,
): NextMessage {
  let length = -consumed;
  for (let record = first; record !== 0; record = store.next[record]) {
    length += store.length[record];
  }
  return {
    stream: store.stream[first],
    ppid: store.ppid[first],
    unordered: (store.flags[first] & DataFlag.Unordered) !== 0,
    length,
    complete,
  };
}
