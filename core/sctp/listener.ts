/** A port on which an endpoint accepts associations. */
import {
  type AuthenticationOptions,
  type AuthenticationPlan,
  authenticationPlan,
} from "./auth/options.ts";
import type { IpAddress } from "./base/address.ts";
import type { Parameters } from "./parameters.ts";

/** What a listener offers. */
export interface ListenOptions extends Offer {
  /** Changes to the endpoint's. */
  readonly authentication?: AuthenticationOptions;
  /** Associations at one time through this port; default: the endpoint's limit. */
  readonly backlog?: number;
  /**
   * Offers to those who announce these adaptation code points (RFC 5061, section 4.2.6): the listener's
   * own, with changes.
   */
  readonly byAdaptation?: ReadonlyMap<number, Offer>;
}

/** What those who ask for an association are offered. */
export interface Offer {
  readonly localAddresses?: readonly IpAddress[];
  readonly parameters?: Partial<Parameters>;
  readonly adaptationIndication?: number;
}

export interface Listener {
  readonly port: number;
  /** For the associations that are accepted here. */
  parameters: Parameters;
  /** Addresses on which associations are accepted and that are offered; all if `undefined`. */
  readonly localAddresses: readonly IpAddress[] | undefined;
  /** Adaptation code point to announce (RFC 5061, section 4.2.6). */
  adaptationIndication: number | undefined;
  authentication: AuthenticationPlan;
  /** Associations that this listener may have at one time; more are refused. */
  readonly backlog: number;
  /** As which listener it meets those who announce these code points. */
  readonly byAdaptation: ReadonlyMap<number, Listener> | undefined;
}

/** What holds where a listener says nothing else. */
export interface ListenerDefaults extends Pick<Listener, "authentication" | "backlog"> {
  /** The endpoint's parameters with changes. */
  parametersWith(changes?: Partial<Parameters>): Parameters;
}

/**
 * A listener as its options say.
 * @throws RangeError if a parameter is out of range, or authentication cannot be as asked.
 */
export function newListener(
  port: number,
  options: ListenOptions,
  defaults: ListenerDefaults,
): Listener {
  const { byAdaptation, ...common } = options;
  const parameters = defaults.parametersWith(options.parameters);
  const special = [...byAdaptation ?? []].map(([indication, offer]) => {
    const changed = { ...common.parameters, ...offer.parameters };
    const changedOptions = { ...common, ...offer, parameters: changed };
    return [indication, newListener(port, changedOptions, defaults)] as const;
  });
  return {
    port,
    parameters,
    localAddresses: options.localAddresses,
    adaptationIndication: options.adaptationIndication,
    authentication: authenticationPlan(options.authentication, parameters, defaults.authentication),
    backlog: options.backlog ?? defaults.backlog,
    byAdaptation: byAdaptation && new Map(special),
  };
}

/** The listener as it meets a peer with this adaptation code point. */
export function listenerTowards(listener: Listener, peerAdaptation: number | undefined): Listener {
  if (peerAdaptation === undefined) return listener;
  return listener.byAdaptation?.get(peerAdaptation) ?? listener;
}
