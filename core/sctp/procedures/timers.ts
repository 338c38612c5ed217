/** What each timer does when it is due: the only place where timers meet procedures. */
import type { Instant } from "../base/time.ts";
import type { Association } from "../association.ts";
import { AssociationTimer, PathTimer } from "../timer/timer_table.ts";
import { onT4Asconf } from "./asconf.ts";
import { onT3Rtx } from "./data_transfer.ts";
import { onHeartbeatTimeout, onHeartbeatTimer } from "./heartbeat.ts";
import { dropLostCandidate } from "./nat_following.ts";
import { onReconfigurationTimer } from "./reconfiguration.ts";
import { onMtuSearchTimer } from "./path_mtu.ts";
import { giveUpMessages } from "./partial_reliability.ts";
import { onT1Cookie, onT1Init } from "./setup.ts";
import { onT2Shutdown, onT5ShutdownGuard } from "./shutdown.ts";

/** Handles every timer of the association and its paths that is due. */
export function handleAssociationTimers(association: Association, now: Instant): void {
  const { timers } = association;
  if (timers.takeIfDue(AssociationTimer.T5ShutdownGuard, now)) onT5ShutdownGuard(association);
  if (timers.takeIfDue(AssociationTimer.T1Init, now)) onT1Init(association, now);
  if (timers.takeIfDue(AssociationTimer.T1Cookie, now)) onT1Cookie(association, now);
  if (timers.takeIfDue(AssociationTimer.T2Shutdown, now)) onT2Shutdown(association, now);
  if (timers.takeIfDue(AssociationTimer.SackDelay, now)) association.rx?.acks.demand();
  if (timers.takeIfDue(AssociationTimer.Reconfiguration, now)) {
    onReconfigurationTimer(association, now);
  }
  if (timers.takeIfDue(AssociationTimer.Lifetime, now)) giveUpMessages(association, now);
  if (timers.takeIfDue(AssociationTimer.T4Asconf, now)) onT4Asconf(association, now);
  for (const path of association.pathList) {
    if (path.timers.takeIfDue(PathTimer.T3Rtx, now)) onT3Rtx(association, now, path);
    if (path.timers.takeIfDue(PathTimer.HeartbeatTimeout, now)) {
      onHeartbeatTimeout(association, now, path);
    }
    if (path.timers.takeIfDue(PathTimer.Heartbeat, now)) onHeartbeatTimer(association, now, path);
    if (path.timers.takeIfDue(PathTimer.MtuSearch, now)) onMtuSearchTimer(association, now, path);
  }
  if (association.candidate) dropLostCandidate(association, now);
}
