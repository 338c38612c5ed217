/**
 * A link as plain data: what the emulator of real links and the simulator both are told, so that an
 * experiment on the one can be repeated on the other.
 */
import { type RandomSource, SeededRandom } from "../sctp/base/random.ts";
import { type Instant, instant } from "../sctp/base/time.ts";
import type { VirtualClock } from "./clock.ts";
import type { DuplexLink } from "./duplex_link.ts";
import type { LinkSettings } from "./link_settings.ts";
import type { Network } from "./network.ts";
import { GilbertElliott, type GilbertElliottSettings } from "./loss.ts";

/** Loss: a probability, 0 .. 1, or the probabilities of loss in bursts. */
export type LossPlan = number | GilbertElliottSettings;

/** Settings of one direction, as data. */
export interface DirectionPlan extends Omit<LinkSettings, "loss"> {
  readonly loss?: LossPlan;
}

/** Which packets a cut takes: "forward" are those that the first end sends. */
export type CutDirection = "both" | "forward" | "backward";

/** A time during which packets vanish, in milliseconds from the start. */
export interface CutPlan {
  readonly from: number;
  /** Infinity if it does not end. */
  readonly until: number;
  readonly direction: CutDirection;
}

/** Both directions of a link, and what happens to it. */
export interface LinkPlan {
  /** From the first end to the second. */
  readonly forward: DirectionPlan;
  readonly backward: DirectionPlan;
  readonly cuts: readonly CutPlan[];
}

/** Settings for one link: a loss model that remembers serves no other. */
export function settingsOf({ loss, ...rest }: DirectionPlan): LinkSettings {
  return { ...rest, loss: typeof loss === "object" ? new GilbertElliott(loss) : loss };
}

/**
 * Lays a link by its plan between two addresses of a simulated network, the time now being its start.
 * @throws RangeError if an address belongs to no host, or a setting is out of range.
 */
export function layLink(network: Network, a: string, b: string, plan: LinkPlan): DuplexLink {
  const { clock } = network;
  const link = network.connect(a, b, settingsOf(plan.forward), settingsOf(plan.backward));
  scheduleCuts(clock, clock.now, plan, link);
  return link;
}

/** The luck of direction `index`, from 0, of all that draw from one seed: apart from each other's. */
export function luckOf(seed: number, index: number): RandomSource {
  return new SeededRandom(seed + Math.imul(index + 1, 0x9e3779b1));
}

/** Has the cuts of a plan happen to a link, from `start` on. */
export function scheduleCuts(
  clock: VirtualClock,
  start: Instant,
  { cuts }: LinkPlan,
  link: DuplexLink,
): void {
  for (const { from, until, direction } of cuts) {
    clock.at(instant(start + from), () => setCut(link, direction, true));
    if (until !== Infinity) clock.at(instant(start + until), () => setCut(link, direction, false));
  }
}

/** Cuts directions of a link, or ends their cut. */
export function setCut(link: DuplexLink, direction: CutDirection, isCut: boolean): void {
  for (const one of ["forward", "backward"] as const) {
    if (direction !== "both" && direction !== one) continue;
    if (isCut) link[one].cut();
    else link[one].heal();
  }
}
