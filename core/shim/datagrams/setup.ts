/**
 * When an association for datagrams is tried, and in which way. Pure.
 *
 * What is learnt is shared with TCP's attempts (Bickhart 2005, section 4.2.2), under the port that such
 * associations have. Nothing waits for an attempt, so there is no head start, and none is urgent.
 */
import type { Encapsulation } from "../../net/icmp.ts";
import type { IpAddress } from "../../sctp/base/address.ts";
import { after, type Instant, instant, isDue } from "../../sctp/base/time.ts";
import type { LossReason } from "../../sctp/events.ts";
import { describeLoss } from "../loss.ts";
import type { AvailabilityCache } from "../policy/availability_cache.ts";
import { judgeLoss } from "../policy/refusal.ts";
import { DATAGRAM_PORT } from "./message.ts";

/** Milliseconds until a peer is tried again that failed without saying that it has no SCTP. */
const RETRY_PAUSE = 5000;

/** Milliseconds between two looks at what is remembered of a peer. */
const LOOK_PAUSE = 1000;

export class Setup {
  readonly #cache: AvailabilityCache;
  readonly #address: IpAddress;
  readonly #encapsulations: readonly Encapsulation[];
  /** In which ways SCTP is still to be tried, the one at hand first. */
  #ways: Encapsulation[] = [];
  #nextTry: Instant = instant(0);
  /** Why there is no association, in words. */
  reason = "no association was asked for yet";

  /** @param encapsulations in which ways SCTP may travel, the preferred one first; at least one. */
  constructor(
    cache: AvailabilityCache,
    address: IpAddress,
    encapsulations: readonly Encapsulation[],
  ) {
    this.#cache = cache;
    this.#address = address;
    this.#encapsulations = encapsulations;
  }

  /** A datagram is there: the way in which an association is to be tried now, if it is. */
  begin(now: Instant): Encapsulation | undefined {
    if (!isDue(this.#nextTry, now)) return undefined;
    this.#nextTry = after(now, LOOK_PAUSE);
    if (this.#cache.find(now, this.#address, DATAGRAM_PORT) === "no") {
      this.reason = "remembered that the peer's host carries no datagrams";
      return undefined;
    }
    const known = this.#cache.encapsulationOf(this.#address, DATAGRAM_PORT);
    const others = this.#encapsulations.filter((way) => way !== known);
    this.#ways = others.length < this.#encapsulations.length ? [known!, ...others] : others;
    this.reason = "setting up an association";
    return this.#ways[0];
  }

  /** The association is up. */
  handleUp(now: Instant): void {
    this.reason = "no datagram of it since the association stands";
    this.#note(now, "yes", "an association for datagrams was set up", this.#ways[0]);
  }

  /** The association is up, but is not for this: the peer means something else by the port. */
  handleStranger(now: Instant): void {
    this.#fail(now, "the peer carries no datagrams");
    this.#note(now, "no", this.reason);
  }

  /**
   * The association, or the attempt at it, is lost.
   * @returns the way in which another one is to be tried at once, if it is.
   */
  handleLoss(now: Instant, reason: LossReason, established: boolean): Encapsulation | undefined {
    const why = describeLoss(reason, this.#address.text, established);
    if (established) {
      this.#cache.doubt(this.#address, DATAGRAM_PORT);
      this.#fail(now, why);
      return undefined;
    }
    const hasNone = judgeLoss(reason, false).available === "no";
    if (hasNone && this.#ways.length > 1) {
      this.#ways.shift();
      return this.#ways[0];
    }
    this.#fail(now, why);
    if (hasNone) this.#note(now, "no", why);
    return undefined;
  }

  /** The association ended in peace, could not even be asked for, or was ended here. */
  handleEnd(now: Instant, why: string): void {
    this.#fail(now, why);
  }

  #fail(now: Instant, why: string): void {
    this.reason = why;
    this.#nextTry = after(now, RETRY_PAUSE);
  }

  #note(now: Instant, available: "yes" | "no", why: string, way?: Encapsulation): void {
    this.#cache.note(now, this.#address, DATAGRAM_PORT, available, why, way);
  }
}
