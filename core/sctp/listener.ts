/** A port on which an endpoint accepts associations. */
import type { AuthenticationPlan } from "./auth/options.ts";
import type { IpAddress } from "./base/address.ts";
import type { Parameters } from "./parameters.ts";

export interface Listener {
  readonly port: number;
  /** For the associations that are accepted here. */
  readonly parameters: Parameters;
  /** Addresses on which associations are accepted and that are offered; all if `undefined`. */
  readonly localAddresses: readonly IpAddress[] | undefined;
  /** Adaptation code point to announce (RFC 5061, section 4.2.6). */
  readonly adaptationIndication: number | undefined;
  readonly authentication: AuthenticationPlan;
  /** Associations that this listener may have at one time; more are refused. */
  readonly backlog: number;
}
