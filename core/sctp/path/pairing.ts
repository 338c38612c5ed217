/**
 * Which pairs of addresses become paths: policy, apart from the mechanism.
 *
 * Every local and every remote address is used at least once and no more pairs are made than that
 * needs: n addresses against m give max(n, m) paths that share as little as possible, so that the
 * first alternate is the most divergent one (RFC 9260, section 6.4.1).
 */
import type { IpAddress } from "../base/address.ts";

/** A local address with what is known of its link. */
export interface LocalAddress {
  readonly address: IpAddress;
  /** Bits of the prefix that is on the link. */
  readonly prefixLength: number;
  /** The kernel's index of the interface; 0 if not known. */
  readonly interfaceIndex: number;
}

/** A pair to try. */
export interface AddressPair {
  readonly local: IpAddress;
  readonly remote: IpAddress;
}

/** The pairs to try, the preferred one first. */
export function pairAddresses(
  locals: readonly LocalAddress[],
  remotes: readonly IpAddress[],
): AddressPair[] {
  const pairs: AddressPair[] = [];
  const used = new Set<LocalAddress>();
  for (const remote of remotes) {
    const candidates = candidatesFor(locals, remote);
    const local = candidates.find((candidate) => !used.has(candidate)) ?? candidates[0];
    if (!local) continue;
    used.add(local);
    pairs.push({ local: local.address, remote });
  }
  for (const local of locals) {
    if (used.has(local)) continue;
    const remote = remotes.find((one) => candidatesFor(locals, one).includes(local));
    if (remote) pairs.push({ local: local.address, remote });
  }
  return pairs;
}

/** Local addresses that can reach `remote`: those on its link, or else all of the right scope. */
function candidatesFor(locals: readonly LocalAddress[], remote: IpAddress): LocalAddress[] {
  const fitting = locals.filter(({ address }) =>
    address.family === remote.family &&
    address.isLoopback === remote.isLoopback &&
    address.isLinkLocal === remote.isLinkLocal &&
    (remote.scope === 0 || address.scope === remote.scope)
  );
  const onLink = fitting.filter(({ address, prefixLength }) =>
    address.sharesPrefix(remote, prefixLength)
  );
  return onLink.length > 0 ? onLink : fitting;
}
