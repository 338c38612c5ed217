/** Which connections the kernel is to bring to the shim: plain data. */
import type { IpAddress } from "../sctp/base/address.ts";

/** Some destinations. What is left open is a wildcard. */
export interface Selection {
  /** Whether connections to them are brought to the shim. */
  readonly intercept: boolean;
  readonly network?: { readonly address: IpAddress; readonly prefixLength: number };
  /** Both ends are among them. */
  readonly ports?: { readonly low: number; readonly high: number };
}

/** How connections come to the shim. */
export type FrontKind =
  /** Each SYN is held until the shim gives a verdict; see nfqueue.ts and firewall_marks.ts. */
  | "nfqueue"
  /** Each connection comes to the shim, which asks for its original destination. */
  | "redirect";

/** What is wanted of the kernel. */
export interface InterceptionPlan {
  readonly front: FrontKind;
  /** The first that matches decides. */
  readonly selections: readonly Selection[];
  /** Whether connections that no selection matches are brought to the shim. */
  readonly otherwise: boolean;
  /**
   * Cgroups whose connections are brought to the shim before any selection is looked at: paths
   * below the root of the unified hierarchy, such as `shimkit/17`. They must exist. NFQUEUE only.
   */
  readonly cgroups?: readonly string[];
  /** NFQUEUE: the number of the queue. */
  readonly queue: number;
  /** The port on 127.0.0.1 and on ::1 that carried connections come to. */
  readonly redirectPort: number;
  /** Families that are intercepted; both by default. */
  readonly families?: readonly (4 | 6)[];
}

/** The families of a plan. */
export function familiesOf(plan: InterceptionPlan): readonly (4 | 6)[] {
  return plan.families ?? [4, 6];
}
