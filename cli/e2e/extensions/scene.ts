/** What a scene is: both sides are set to something, do it, and it is seen in the capture. */
import type { AuthenticationOptions } from "../../../core/sctp/auth/options.ts";
import type { Parameters } from "../../../core/sctp/parameters.ts";
import type { Carrier, PeerName } from "../lab/far_hosts.ts";
import type { Link } from "./link.ts";

/** Our side. */
export interface OurSetting {
  readonly parameters?: Partial<Parameters>;
  readonly authentication?: AuthenticationOptions;
  readonly adaptationIndication?: number;
}

export interface Setting {
  readonly ours?: OurSetting;
  /** Words of c/extensions/main.c, and the kernel's sysctls. */
  readonly words?: readonly string[];
  readonly sysctls?: Readonly<Record<string, number>>;
  /** Raw IP unless it is said. */
  readonly carrier?: Carrier;
}

/** A chunk, or a parameter in one, in some packet of a side. */
export interface Sight {
  readonly from: "ours" | "theirs";
  readonly chunk?: number;
  readonly parameter?: number;
}

/** What one peer does otherwise. */
export interface Exception {
  /** For docs/peers.md: whose fault it is, and what comes of it. */
  readonly why: string;
  /** What is done instead. */
  readonly use: (link: Link) => Promise<void>;
  readonly seen?: readonly Sight[];
  readonly unseen?: readonly Sight[];
}

export interface Scene {
  /** As a row of docs/peers.md says it. */
  readonly name: string;
  readonly setting: (peer: PeerName) => Setting;
  /** "refused" if there must be no association. */
  readonly use: ((link: Link) => Promise<void>) | "refused";
  readonly seen?: readonly Sight[];
  readonly unseen?: readonly Sight[];
  readonly except?: Readonly<Partial<Record<PeerName, Exception>>>;
}

/** An extension and its scenes. */
export interface Chapter {
  readonly rfc: string;
  readonly title: string;
  readonly scenes: readonly Scene[];
}

const SIDES = ["ours", "theirs"] as const;

/** Chunks from either side, or from both. */
export function chunks(from: Sight["from"] | "both", ...types: readonly number[]): Sight[] {
  const sides = from === "both" ? SIDES : [from];
  return sides.flatMap((from) => types.map((chunk) => ({ from, chunk })));
}

/** The same of parameters. */
export function parameters(from: Sight["from"] | "both", ...types: readonly number[]): Sight[] {
  const sides = from === "both" ? SIDES : [from];
  return sides.flatMap((from) => types.map((parameter) => ({ from, parameter })));
}
