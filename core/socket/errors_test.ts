import assert from "node:assert/strict";
import type { LossReason } from "../sctp/events.ts";
import { lossError, type SctpErrorCode } from "./errors.ts";

const PEER = "192.0.2.1 port 7";

function check(reason: LossReason, established: boolean, code: SctpErrorCode, words: RegExp): void {
  const error = lossError(reason, PEER, established);
  assert.equal(error.code, code);
  assert.equal(error.reason, reason);
  assert.match(error.message, words);
  assert.ok(error.message.includes(PEER));
}

Deno.test("every way to lose an association has a code of its own, and words that name the peer", () => {
  const causes: never[] = [];
  check({ kind: "unreachable", during: "setup" }, false, "ERR_SCTP_CONNECT_TIMEOUT", /not answer/);
  check({ kind: "unreachable", during: "transfer" }, true, "ERR_SCTP_CONNECTION_LOST", /stopped/);
  check({ kind: "unreachable", during: "shutdown" }, true, "ERR_SCTP_CONNECTION_LOST", /shutdown/);
  check({ kind: "aborted-by-peer", causes }, false, "ERR_SCTP_CONNECT_REFUSED", /listens/);
  check({ kind: "aborted-by-peer", causes }, true, "ERR_SCTP_ABORTED_BY_PEER", /aborted/);
  check({ kind: "aborted-locally" }, true, "ERR_SCTP_ABORTED", /aborted/);
  check({ kind: "protocol-violation", causes }, true, "ERR_SCTP_PROTOCOL_VIOLATION", /protocol/);
  check({ kind: "no-sctp-at-peer" }, false, "ERR_SCTP_NOT_SUPPORTED", /ICMP/);
  check({ kind: "stale-cookie" }, false, "ERR_SCTP_STALE_COOKIE", /stale/);
  check({ kind: "no-path" }, true, "ERR_SCTP_NO_PATH", /local address/);
  const streams = { kind: "too-few-streams", offered: 2, wanted: 5 } as const;
  check(streams, false, "ERR_SCTP_TOO_FEW_STREAMS", /2 streams.*stream 5/);
});
