/**
 * The client's side of connection setup (Bickhart 2005, sections 2.4 and 4.2.1): SCTP first, TCP
 * where there is none. Pure: a front tells what happens and does what each {@link Step} says.
 *
 * ```text
 *             cached "no"                            loss: cached "no"
 * NOTINIT ------------------> READY (TCP) <----------------+-----------------------+
 *    | rule, or by hand                                    |                       |
 *    v                                          head start |                       |
 * ENABLE_SRULES / ENABLE_MANUAL: association alone --------+-> association beside TCP
 *    | up: cached "yes"                                                     | up first
 *    v                                                                      v
 * ENABLE_*: the peer's shim connects to the server ---> ACTIVE, or refused as the server refused
 * ```
 *
 * Where SCTP may travel in several ways, a loss that would be the last word is followed by an association
 * in the next way; how a server was reached is remembered, and tried first the next time.
 *
 * Silence is a "no" only if it tells of SCTP: not if TCP is not answered either, and of a server that
 * had SCTP before not the first time. It may be busy, or the network may be down for a moment.
 *
 * Deviation: the thesis tries SCTP to its end before TCP. Here TCP starts beside it after a head
 * start, as its section 4.2.1 proposes and RFC 8305, section 5, does for address families. A peer
 * that is known to have SCTP gets all the time that its INITs have.
 */
import type { Encapsulation } from "../../net/icmp.ts";
import type { IpAddress } from "../../sctp/base/address.ts";
import { after, type Instant, isDue, NEVER } from "../../sctp/base/time.ts";
import type { LossReason } from "../../sctp/events.ts";
import { describeLoss } from "../loss.ts";
import type { ShimState } from "../shim_state.ts";
import type { Availability, AvailabilityCache } from "./availability_cache.ts";
import { judgeLoss, type Refusal } from "./refusal.ts";

/** What a front does next. */
export type Step =
  /** Nothing, until something happens. */
  | { readonly kind: "wait" }
  /** Set up an association. */
  | { readonly kind: "associate" }
  /** Try TCP beside the association. */
  | { readonly kind: "try-tcp" }
  /** TCP has the connection; an association, or the attempt at one, is to be dropped. */
  | { readonly kind: "use-tcp" }
  /** The association has the connection; an attempt by TCP is to be dropped. */
  | { readonly kind: "carry" }
  /** Nothing has it: the application gets the error that TCP would have given. */
  | { readonly kind: "refuse"; readonly refusal: Refusal };

/** What an attempt is made with. */
export interface AttemptOptions {
  readonly cache: AvailabilityCache;
  readonly address: IpAddress;
  readonly port: number;
  /** The server for people. */
  readonly name: string;
  /** In which ways SCTP may travel, the preferred one first; at least one. */
  readonly encapsulations: readonly Encapsulation[];
  /** What enabled the shim: the rules table, or an explicit front. */
  readonly enabledBy: "rules" | "manual";
  /** Milliseconds for SCTP alone; Infinity keeps TCP for the case that SCTP fails. */
  readonly headStart: number;
  /**
   * TCP that was started cannot be taken back: the kernel has it, end to end. Otherwise whichever
   * is up first has the connection.
   */
  readonly tcpIsFinal: boolean;
  /**
   * A connection of the application waits for the result, so a shim at the peer is given the time
   * to say whether its server takes the connection.
   */
  readonly awaitServer: boolean;
}

type Phase = "new" | "alone" | "beside" | "confirming" | "over";

const WAIT: Step = { kind: "wait" };
const USE_TCP: Step = { kind: "use-tcp" };
const CARRY: Step = { kind: "carry" };

/** One connection's way to its transport. */
export class Attempt {
  readonly #options: AttemptOptions;
  #phase: Phase = "new";
  #state: ShimState = "NOTINIT";
  #reason = "just seen";
  #deadline: Instant = NEVER;
  /** What was known of the server at the start. */
  #known: Availability | undefined;
  /** In which ways SCTP is still to be tried, the one at hand first. */
  readonly #ways: Encapsulation[];

  constructor(options: AttemptOptions) {
    this.#options = options;
    this.#ways = [...options.encapsulations];
  }

  /** State by the thesis's name. */
  get state(): ShimState {
    return this.#state;
  }

  /** Why it is in that state. */
  get reason(): string {
    return this.#reason;
  }

  /** How the association that a {@link Step} asks for is to travel. */
  get encapsulation(): Encapsulation {
    return this.#ways[0];
  }

  /** When {@link handleTimeout} wants to be called. */
  get deadline(): Instant {
    return this.#deadline;
  }

  /** Begins. */
  start(now: Instant): Step {
    const { cache, address, port, headStart } = this.#options;
    const known = this.#known = cache.find(now, address, port);
    if (known === "no") return this.#fallBack("remembered that the peer has no SCTP");
    if (known === undefined && headStart !== Infinity) this.#deadline = after(now, headStart);
    return this.insist();
  }

  /** Begins, whatever is remembered: for those to whom TCP is no way out. */
  insist(): Step {
    const { enabledBy, cache, address, port } = this.#options;
    this.#prefer(cache.encapsulationOf(address, port));
    this.#phase = "alone";
    this.#enter(
      enabledBy === "rules" ? "ENABLE_SRULES" : "ENABLE_MANUAL",
      enabledBy === "rules"
        ? "enabled by the rules; setting up an association"
        : "enabled by an explicit front; setting up an association",
    );
    return { kind: "associate" };
  }

  /** The association could not even be asked for. */
  handleNoWay(why: string): Step {
    return this.#fallBack(why);
  }

  /** Something is due. */
  handleTimeout(now: Instant): Step {
    if (this.#phase !== "alone" || !isDue(this.#deadline, now)) return WAIT;
    this.#deadline = NEVER;
    this.#phase = "beside";
    const why = `no answer over SCTP within ${this.#options.headStart} ms`;
    if (this.#options.tcpIsFinal) this.#enter("READY", `${why}: TCP has the connection`);
    else this.#enter(this.#state, `${why}; trying TCP beside it`);
    return { kind: "try-tcp" };
  }

  /**
   * The association is up.
   * @param peerIsShim the peer's shim will tell when its server has taken the connection.
   * @param isShared it was up before, for other connections: whether it still is shows then.
   */
  handleUp(now: Instant, peerIsShim: boolean, isShared = false): Step {
    this.#learn(now, "yes", `an association was set up ${inWords(this.encapsulation)}`);
    this.#deadline = NEVER;
    if (this.#phase === "beside" && this.#options.tcpIsFinal) {
      this.#phase = "over";
      return USE_TCP;
    }
    if (this.#phase !== "alone" && this.#phase !== "beside") return WAIT;
    if (!peerIsShim) return this.#carry("carried over SCTP to a native peer");
    if (!this.#options.awaitServer && !isShared) return this.#carry("carried over SCTP to a shim");
    this.#phase = "confirming";
    this.#enter(this.#state, "the peer's shim is connecting to the server");
    return WAIT;
  }

  /** The peer's shim has connected to its server. */
  handleServerConnected(): Step {
    return this.#phase === "confirming" ? this.#carry("carried over SCTP to a shim") : WAIT;
  }

  /**
   * The association, or the attempt at it, is lost.
   * @param tcpIsSilent TCP is tried beside it, and is not answered either.
   */
  handleLoss(now: Instant, reason: LossReason, tcpIsSilent = false): Step {
    const established = this.#phase === "confirming";
    const { available, refusal } = judgeLoss(reason, established);
    const why = describeLoss(reason, this.#options.name, established);
    if (available === "no" && this.#ways.length > 1 && this.#phase !== "over") {
      this.#ways.shift();
      this.#enter(this.#state, `${why}; trying ${inWords(this.encapsulation)}`);
      return { kind: "associate" };
    }
    if (available === "no" && reason.kind === "unreachable") {
      this.#noteSilence(now, why, tcpIsSilent);
    } else if (available) this.#learn(now, available, why);
    if (this.#phase === "over") return WAIT;
    const tcpHasIt = this.#phase === "beside" && this.#options.tcpIsFinal;
    if (refusal && !tcpHasIt) return this.#refuse(refusal, why);
    return tcpHasIt ? this.#end(USE_TCP) : this.#fallBack(why);
  }

  /** The trunk is lost on a stream of which the connection waited: an association of its own may do. */
  handleTrunkLost(): Step {
    if (this.#phase !== "confirming") return WAIT;
    this.#phase = "alone";
    this.#enter(this.#state, "the trunk was lost; setting up an association");
    return { kind: "associate" };
  }

  /** TCP beside the association was up first. */
  handleTcpConnected(): Step {
    return this.#phase === "beside" ? this.#fallBack("TCP was up before SCTP had answered") : WAIT;
  }

  /** TCP beside the association has failed; the association may still come up. */
  handleTcpFailed(): Step {
    if (this.#phase === "beside") this.#phase = "alone";
    return WAIT;
  }

  /** The application gave up, or the daemon stops. */
  abandon(why: string): void {
    this.#end(WAIT);
    this.#enter(this.#state, why);
  }

  #carry(why: string): Step {
    this.#enter("ACTIVE", why);
    return this.#end(CARRY);
  }

  #fallBack(why: string): Step {
    this.#enter("READY", `fell back to TCP: ${why}`);
    return this.#end(USE_TCP);
  }

  #refuse(refusal: Refusal, why: string): Step {
    this.#enter("READY", why);
    return this.#end({ kind: "refuse", refusal });
  }

  #end(step: Step): Step {
    this.#phase = "over";
    this.#deadline = NEVER;
    return step;
  }

  #enter(state: ShimState, reason: string): void {
    this.#state = state;
    this.#reason = reason;
  }

  #learn(now: Instant, available: "yes" | "no", reason: string): void {
    const { cache, address, port } = this.#options;
    const way = available === "yes" ? this.encapsulation : undefined;
    cache.note(now, address, port, available, reason, way);
  }

  /** A server that does not answer has no SCTP, or is away or busy altogether. */
  #noteSilence(now: Instant, why: string, tcpIsSilent: boolean): void {
    const { cache, address, port } = this.#options;
    if (tcpIsSilent) return;
    // It had some not long ago: the next attempt tells, with TCP beside it after the head start.
    if (this.#known === "yes") cache.doubt(address, port);
    else this.#learn(now, "no", why);
  }

  /** Has a way tried first, if it is one at all. */
  #prefer(way: Encapsulation | undefined): void {
    const at = way === undefined ? -1 : this.#ways.indexOf(way);
    if (at > 0) this.#ways.unshift(...this.#ways.splice(at, 1));
  }
}

function inWords(encapsulation: Encapsulation): string {
  return encapsulation === "udp" ? "over UDP" : "directly over IP";
}
