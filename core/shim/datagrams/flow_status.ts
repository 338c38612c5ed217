/** A flow as the status shows it. */
import { formatHostPort } from "../endpoint_spec.ts";
import type { ShimState } from "../shim_state.ts";
import type { Flow, Place } from "./flow.ts";
import type { FlowStatus } from "./status.ts";

/** What counts of the peer. */
export interface PeerView {
  /** Every path of its association is in doubt. */
  readonly isInDoubt: boolean;
  /** Why it has no association, if it has none. */
  readonly reason: string;
}

export function flowStatus(flow: Flow, peer: PeerView): FlowStatus {
  const { carriedOut, plainOut, carriedIn } = flow;
  return {
    side: flow.isOurs ? "client" : "server",
    state: stateOf(flow),
    reason: reasonOf(flow, peer),
    carrier: isCarried(flow, peer) ? "sctp" : "udp",
    local: nameOf(flow.local),
    remote: nameOf(flow.remote),
    carriedOut,
    plainOut,
    carriedIn,
  };
}

function stateOf({ isOurs, stage }: Flow): ShimState {
  if (!isOurs) return "NATIVE";
  if (stage === "carried") return "ACTIVE";
  return stage === "asking" ? "ENABLE_SRULES" : "READY";
}

function isCarried({ stage, begun, translated }: Flow, { isInDoubt }: PeerView): boolean {
  if (isInDoubt && !translated) return false;
  return stage === "carried" || (stage === "asking" && !begun);
}

function reasonOf({ stage, isOurs, reason, translated }: Flow, peer: PeerView): string {
  if (stage !== "left" && peer.isInDoubt && !translated) {
    return "plain UDP: every path of the association is in doubt";
  }
  if (stage === "carried") return isOurs ? "carried over SCTP" : "carried over SCTP from a shim";
  if (stage === "asking") return "the peer's shim was asked to take it";
  return `plain UDP: ${reason || peer.reason}`;
}

function nameOf({ address, port }: Place): string {
  return formatHostPort(address.text, port);
}
