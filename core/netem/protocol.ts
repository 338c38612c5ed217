/** What the emulator's thread and the thread that wants it say to each other. */
import type { CutDirection, DirectionPlan, LinkPlan } from "../sim/link_plan.ts";
import type { DirectionReport } from "./wire.ts";

/** One wire: a link and the devices at its ends. */
export interface WirePlan extends LinkPlan {
  /** Name of the device, at both ends. */
  readonly name: string;
}

/** What the thread is to emulate. */
export interface EmulatorPlan {
  /** Network namespaces of the two ends: names as `ip netns` has them, or paths. */
  readonly ends: readonly [string, string];
  readonly wires: readonly WirePlan[];
  /** Each direction draws a sequence of luck of its own from it: a number below 2^32. */
  readonly seed: number;
}

/** What the thread gets first. */
export interface StartMessage {
  readonly plan: EmulatorPlan;
  /** Memory of the command ring, and the eventfd that tells of commands. */
  readonly commands: SharedArrayBuffer;
  readonly wakeup: number;
}

/** A command in the ring. */
export type Command =
  /** Answered by one report. */
  | { readonly kind: "report" }
  /** Cuts a wire, or ends its cut. */
  | {
    readonly kind: "cut" | "heal";
    readonly wire: number;
    readonly direction: CutDirection;
  }
  /** Changes settings of a wire for the packets to come. */
  | {
    readonly kind: "change";
    readonly wire: number;
    readonly forward: DirectionPlan;
    readonly backward: DirectionPlan;
  }
  | { readonly kind: "stop" };

/** What has passed a wire. */
export interface WireReport {
  readonly name: string;
  readonly forward: DirectionReport;
  readonly backward: DirectionReport;
}

/** What the thread posts. */
export type Report =
  /** The devices are there. */
  | { readonly kind: "ready" }
  | { readonly kind: "report"; readonly wires: readonly WireReport[] }
  /** The devices are gone; the last numbers. */
  | { readonly kind: "stopped"; readonly wires: readonly WireReport[] }
  /** It could not start, or broke; nothing follows. */
  | { readonly kind: "failed"; readonly message: string };
