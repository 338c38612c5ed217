/**
 * When a message is given up (RFC 3758, section 4; RFC 7496, section 3), and how many were.
 *
 * A message without a policy is sent reliably.
 */

/** Why a message is given up, by the names of SCTP_PR_SCTP_TTL, _RTX and _PRIO. */
export const ABANDON_POLICIES = ["ttl", "rtx", "prio"] as const;
export type AbandonPolicy = (typeof ABANDON_POLICIES)[number];

/** PRINFO of a message that need not arrive (RFC 6458, section 5.3.7); one object can serve many. */
export interface PartialReliability {
  /**
   * - "ttl", "timed reliability": not sent, and not sent again, once `value` milliseconds are over
   *   (RFC 3758, section 4.1);
   * - "rtx": each of its chunks is sent again at most `value` times (RFC 7496, section 3.1);
   * - "prio": gives way, while it is queued, to a message with a smaller `value`, or with none, that
   *   finds the send buffer full (RFC 7496, section 3.2).
   */
  readonly policy: AbandonPolicy;
  /** 0 to 2^32 - 1; a lifetime is at least 1. */
  readonly value: number;
}

const MEANINGS = {
  ttl: { what: "a lifetime", least: 1, unit: " ms" },
  rtx: { what: "a limit of retransmissions", least: 0, unit: "" },
  prio: { what: "a priority", least: 0, unit: "" },
} as const;

const LARGEST = 0xffff_ffff;

/** What is wrong with a policy, in words, or `undefined`. */
export function checkReliability({ policy, value }: PartialReliability): string | undefined {
  const { what, least, unit } = MEANINGS[policy];
  if (Number.isInteger(value) && value >= least && value <= LARGEST) return undefined;
  return `${what} takes a whole number from ${least} to ${LARGEST}${unit}, not ${value}`;
}

/** Messages that were given up (RFC 7496, sections 4.3 and 4.4). */
export interface AbandonedCount {
  /** Before any part was sent. */
  readonly unsent: number;
  /** After a part was sent. */
  readonly sent: number;
}

/** Counts what was given up, by stream and policy. */
export class AbandonedMessages {
  /** By stream, and within it by policy: unsent, then sent. */
  readonly #counts = new Map<number, number[]>();

  add(stream: number, policy: AbandonPolicy, wasSent: boolean): void {
    let counts = this.#counts.get(stream);
    if (!counts) {
      counts = new Array(2 * ABANDON_POLICIES.length).fill(0);
      this.#counts.set(stream, counts);
    }
    counts[2 * ABANDON_POLICIES.indexOf(policy) + Number(wasSent)]++;
  }

  /** The sums over all policies and streams, or over one of them. */
  count(policy?: AbandonPolicy, stream?: number): AbandonedCount {
    const streams = stream === undefined
      ? [...this.#counts.values()]
      : [this.#counts.get(stream) ?? []];
    let [unsent, sent] = [0, 0];
    for (const counts of streams) {
      for (const [i, one] of ABANDON_POLICIES.entries()) {
        if (policy !== undefined && policy !== one) continue;
        unsent += counts[2 * i] ?? 0;
        sent += counts[2 * i + 1] ?? 0;
      }
    }
    return { unsent, sent };
  }
}
