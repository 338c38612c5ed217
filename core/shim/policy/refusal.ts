/** What the loss of an association, or of the attempt at one, says about the server. Pure. */
import type { LossReason } from "../../sctp/events.ts";
import { CauseCode } from "../../sctp/wire/error_cause.ts";
import { ResetReason } from "../control_message.ts";
import { resetReasonOf } from "../loss.ts";
import type { Availability } from "./availability_cache.ts";

/** How the peer's host refused the connection; TCP would have told the same. */
export type Refusal =
  /** Nobody listens: ECONNREFUSED. */
  | "refused"
  /** The peer's shim did not reach the server: EHOSTUNREACH. */
  | "unreachable";

/** What follows from a loss. */
export interface Judgement {
  /** What is known now; `undefined` if it was an accident that says nothing. */
  readonly available: Availability | undefined;
  /** Set if TCP need not be tried: the server's own host has answered. */
  readonly refusal: Refusal | undefined;
}

const TELLS_NOTHING: Judgement = { available: undefined, refusal: undefined };
const HAS_NO_SCTP: Judgement = { available: "no", refusal: undefined };

/** @param established whether the association was up before. */
export function judgeLoss(reason: LossReason, established: boolean): Judgement {
  const reset = resetReasonOf(reason);
  if (reset === ResetReason.Refused) return { available: "yes", refusal: "refused" };
  if (reset === ResetReason.Unreachable) return { available: "yes", refusal: "unreachable" };
  if (reset === ResetReason.NotServed) return HAS_NO_SCTP;
  if (established || reset !== undefined) return TELLS_NOTHING;
  return isAccident(reason) ? TELLS_NOTHING : HAS_NO_SCTP;
}

/** True if the next attempt may well fare better. */
function isAccident(reason: LossReason): boolean {
  switch (reason.kind) {
    case "aborted-by-peer":
      return reason.causes.some(({ code }) => code === CauseCode.OutOfResource);
    case "aborted-locally":
    case "destination-unreachable":
    case "no-path":
      return true;
    case "unreachable":
    case "no-sctp-at-peer":
    case "protocol-violation":
    case "stale-cookie":
    case "too-few-streams":
    case "no-authentication":
    case "no-shared-key":
      return false;
    default:
      return reason satisfies never;
  }
}
