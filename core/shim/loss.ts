/** Why an association ended, in the shim's words. */
import type { LossReason } from "../sctp/events.ts";
import { CauseCode } from "../sctp/wire/error_cause.ts";
import { lossError } from "../socket/errors.ts";
import { decodeControlMessage, describeResetReason } from "./control_message.ts";

/**
 * The reason in words; where the peer is a shim that said why, in its words.
 * @param established whether the association was up before.
 */
export function describeLoss(reason: LossReason, peer: string, established: boolean): string {
  const reset = resetReasonOf(reason);
  if (reset !== undefined) return `reset by the peer: ${describeResetReason(reset)}`;
  return lossError(reason, peer, established).message;
}

/** The reason that a RESET in the peer's ABORT gives; `undefined` if there is none. */
export function resetReasonOf(reason: LossReason): number | undefined {
  if (reason.kind !== "aborted-by-peer") return undefined;
  for (const cause of reason.causes) {
    if (cause.code !== CauseCode.UserInitiatedAbort) continue;
    const message = decodeControlMessage(cause.reason);
    if (message.kind === "reset") return message.reason;
  }
  return undefined;
}
