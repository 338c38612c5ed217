/** The host's addresses have changed: paths whose local address is gone rest until it is back. */
import type { Association } from "../association.ts";
import { type Instant, NEVER } from "../base/time.ts";
import type { LocalAddress } from "../path/pairing.ts";
import { markEverythingOn } from "../tx/retransmission.ts";
import { resendAsconf } from "./asconf.ts";
import { followHost } from "./follow_host.ts";
import { probe } from "./heartbeat.ts";
import { alternateFor, isMonitored } from "./path_management.ts";
import { restartMtuSearch } from "./path_mtu.ts";

/**
 * Tells an association which local addresses exist now.
 * @param before those that were known: an address that was never among them is not gone.
 */
export function applyNetworkChange(
  association: Association,
  now: Instant,
  addresses: readonly LocalAddress[],
  before: readonly LocalAddress[],
): void {
  for (const path of association.pathList) {
    const isIn = (list: readonly LocalAddress[]) =>
      list.some(({ address }) => address.equals(path.local));
    const exists = isIn(addresses) || (path.usable && !isIn(before));
    if (exists === path.usable) continue;
    path.usable = exists;
    if (exists) {
      // RFC 9260, section 7.2.5.2: what is behind the address may be another network now.
      path.congestion.reset();
      path.rtt.reset();
      restartMtuSearch(association, path);
      path.rttSentAt = NEVER;
      path.errorCount = 0;
      // What was sent into the gap is lost: it leaves now, not when an old T3-rtx expires.
      const target = path.isProven ? path : alternateFor(association, path);
      markEverythingOn(association.tx, path, target);
      target.fastRetransmitDue = target.awaitingRetransmission > 0;
      if (isMonitored(association)) probe(association, now, path);
    } else {
      const target = alternateFor(association, path);
      if (target !== path) markEverythingOn(association.tx, path, target);
    }
  }
  resendAsconf(association, now);
  followHost(association, now);
  association.host.touch(association);
}
