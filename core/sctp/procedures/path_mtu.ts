/**
 * The path MTU: probes with HEARTBEAT and PAD, black holes, and "packet too big" (RFC 8899, sections 4
 * and 6.2). Where the search goes is for {@link MtuSearch} to say.
 */
import { after, type Instant } from "../base/time.ts";
import type { Association } from "../association.ts";
import type { Path } from "../path/path.ts";
import { PathTimer } from "../timer/timer_table.ts";
import { markOversized } from "../tx/retransmission.ts";
import { heartbeatFor, newNonce } from "./heartbeat_info.ts";
import { isMonitored } from "./path_management.ts";

/**
 * Expirations of T3-rtx for packets that may have been too large after which that is looked into: one
 * says nothing (section 4.3, "excessive loss of data sent with a specific packet size").
 */
const SUSPICIOUS_LOSSES = 2;

/** PROBE_TIMER or PMTU_RAISE_TIMER expired (section 5.1.1). */
export function onMtuSearchTimer(association: Association, now: Instant, path: Path): void {
  const { mtuSearch } = path;
  path.mtuProbe = undefined;
  if (mtuSearch.probe === undefined) mtuSearch.raise();
  else mtuSearch.lost();
  search(association, now, path);
}

/** T3-rtx expired on a path with data in flight. */
export function noteDataLoss(association: Association, now: Instant, path: Path): void {
  const { mtuSearch } = path;
  // From the second expiration on one packet is in flight, so its size is known.
  if (!isSearched(path) || !path.isLarge(path.flightSize)) return;
  if (++path.largeLosses < SUSPICIOUS_LOSSES) return;
  path.largeLosses = 0;
  mtuSearch.suspect();
  if (mtuSearch.probe !== undefined && !path.mtuProbe) search(association, now, path);
}

/** The probe came through (section 6.2.1.2): its size is used from now on. */
export function onMtuProbeAcked(association: Association, now: Instant, path: Path): void {
  path.mtuProbe = undefined;
  path.metrics.mtuProbesAcked++;
  change(association, path, () => path.mtuSearch.acknowledged());
  search(association, now, path);
}

/** A validated ICMP error: a packet did not pass a link of `mtu` bytes. Counted if that is no news, or cannot be. */
export function onPacketTooBig(
  association: Association,
  now: Instant,
  path: Path,
  mtu: number,
): void {
  if (!isSearched(path)) return change(association, path, () => path.mtuSearch.believe(mtu));
  let isNews = false;
  change(association, path, () => isNews = path.mtuSearch.packetTooBig(mtu));
  if (!isNews) return association.host.countDrop("useless-mtu");
  path.mtuProbe = undefined;
  search(association, now, path);
}

/** What is behind the local address may be another network now: its MTU is that of the interface. */
export function restartMtuSearch(association: Association, path: Path): void {
  path.mtuProbe = undefined;
  path.timers.stop(PathTimer.MtuSearch);
  change(association, path, () => path.mtuSearch.reset());
}

function isSearched({ parameters }: Path): boolean {
  return parameters.pathMtuDiscovery === 1;
}

/** Sends the probe that is due, or waits for the time to look whether the path has become wider. */
function search(association: Association, now: Instant, path: Path): void {
  const { mtuSearch, timers, parameters } = path;
  const size = mtuSearch.probe;
  if (size !== undefined) {
    if (isMonitored(association) && path.maySend) {
      sendProbe(association, now, path, size);
    }
    timers.start(PathTimer.MtuSearch, after(now, parameters.mtuProbeTimer));
  } else if (path.pmtu < mtuSearch.maximum) {
    timers.start(PathTimer.MtuSearch, after(now, parameters.mtuRaiseTimer));
  } else timers.stop(PathTimer.MtuSearch);
}

function sendProbe(association: Association, now: Instant, path: Path, size: number): void {
  path.mtuProbe = { ...newNonce(association.host.environment.random), sentAt: now };
  path.metrics.mtuProbesSent++;
  association.sendProbe(heartbeatFor(path, path.mtuProbe), path, path.packetWithin(size));
}

/** Carries out what may change the PMTU; what was larger than a smaller one leaves again at once. */
function change({ tx }: Association, path: Path, carryOut: () => void): void {
  const before = path.pmtu;
  carryOut();
  if (path.pmtu === before) return;
  path.noteMtu();
  tx.updateChunkPayload();
  if (path.pmtu < before) markOversized(tx, path);
}
