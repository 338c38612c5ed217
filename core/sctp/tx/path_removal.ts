/** Taking a path out of an association, while chunks name paths by their place in the list (RFC 5061). */
import { type Tsn, tsnAdd } from "../base/serial.ts";
import type { Path } from "../path/path.ts";
import { ChunkMark } from "./outstanding.ts";
import { markEverythingOn } from "./retransmission.ts";
import type { Transmission } from "./transmission.ts";

/**
 * What was in flight on `path`, or waited for it, is sent again on `target`; no chunk names `path` any
 * longer, not even one that was acknowledged by a Gap Ack Block and may be taken back. Paths behind it
 * are named by one less: the caller takes `path` off the list next.
 */
export function forgetPath(tx: Transmission, path: Path, target: Path): void {
  const { outstanding } = tx;
  markEverythingOn(tx, path, target);
  tx.forward?.forgetPath(path);
  const end = outstanding.nextTsn;
  for (let tsn: Tsn = outstanding.firstTsn; tsn !== end; tsn = tsnAdd(tsn, 1)) {
    const slot = outstanding.slotOf(tsn);
    if (outstanding.path[slot] === path.index) {
      outstanding.path[slot] = target.index;
      outstanding.marks[slot] |= ChunkMark.Moved;
    }
    if (outstanding.path[slot] > path.index) outstanding.path[slot]--;
  }
}
