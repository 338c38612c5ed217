/** What both kinds of connections do with a bridge once they have one. */
import type { Association } from "../sctp/association.ts";
import { connectionInfo } from "../socket/info.ts";
import type { Bridge } from "./bridge.ts";
import { SHIM_ADAPTATION, TRUNK_ADAPTATION } from "./control_message.ts";
import { describeLoss } from "./loss.ts";
import type { LinkEvent } from "./plane.ts";
import type { AssociationShimState } from "./shim_state.ts";
import type { AssociationStatus } from "./status.ts";

/** True if the peer said in the handshake that it is a shim, and has a stream for control messages. */
export function isShimPeer(association: Association): boolean {
  const { peerAdaptationIndication: indication, outboundStreams } = association;
  return (indication === SHIM_ADAPTATION || indication === TRUNK_ADAPTATION) && outboundStreams > 1;
}

/** Hands a notification about what carries the bridge's bytes on. */
export function passEvent(bridge: Bridge, event: LinkEvent, peer: string): void {
  switch (event.kind) {
    case "shutdown-received":
      return bridge.handleShutdownReceived();
    case "shutdown-complete":
      return bridge.handleShutdownComplete();
    case "communication-lost":
      return bridge.handleLoss(describeLoss(event.reason, peer, true));
    case "sender-dry":
      return bridge.handleSenderDry();
    // A restart makes a new association of the same object: the old connection's bytes are gone.
    case "restart":
      return bridge.handleLoss(`${peer} restarted`);
  }
}

/** What the status shows of an association. */
export function associationStatus(
  association: Association,
  shimState: AssociationShimState,
): AssociationStatus {
  return {
    id: association.id,
    shimState,
    peerIsShim: isShimPeer(association),
    ...connectionInfo(association),
  };
}
