/** What those are offered who ask for an association with a served port. */
import type { Settings } from "../../rules/settings.ts";
import type { IpAddress } from "../../sctp/base/address.ts";
import type { ListenOptions } from "../../sctp/listener.ts";
import { SHIM_ADAPTATION, TRUNK_ADAPTATION } from "../control_message.ts";
import { Multiplex, TRUNK_PARAMETERS } from "../trunk/trunk_options.ts";

/** The offer at these addresses or, if there is none named, at all: by the settings of the moment. */
export function servedPort(
  { pathRtxMax, multiplex }: Settings,
  localAddresses?: readonly IpAddress[],
): ListenOptions {
  const trunk = {
    localAddresses: undefined,
    adaptationIndication: TRUNK_ADAPTATION,
    parameters: TRUNK_PARAMETERS,
  };
  return {
    localAddresses,
    adaptationIndication: SHIM_ADAPTATION,
    parameters: { pathMaxRetrans: pathRtxMax },
    byAdaptation: multiplex === Multiplex.Off ? undefined : new Map([[TRUNK_ADAPTATION, trunk]]),
  };
}
