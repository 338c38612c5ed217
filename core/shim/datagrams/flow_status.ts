/** A flow as the status shows it. */
import { formatHostPort } from "../endpoint_spec.ts";
import type { ShimState } from "../shim_state.ts";
import type { Flow, Place } from "./flow.ts";
import type { FlowStatus } from "./status.ts";

/** @param peerReason why the peer has no association, if it has none. */
export function flowStatus(flow: Flow, peerReason: string): FlowStatus {
  const { carriedOut, plainOut, carriedIn } = flow;
  return {
    side: flow.isOurs ? "client" : "server",
    state: stateOf(flow),
    reason: reasonOf(flow, peerReason),
    carrier: flow.stage === "carried" || (flow.stage === "asking" && !flow.begun) ? "sctp" : "udp",
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

function reasonOf({ stage, isOurs, reason }: Flow, peerReason: string): string {
  if (stage === "carried") return isOurs ? "carried over SCTP" : "carried over SCTP from a shim";
  if (stage === "asking") return "the peer's shim was asked to take it";
  return `plain UDP: ${reason || peerReason}`;
}

function nameOf({ address, port }: Place): string {
  return formatHostPort(address.text, port);
}
