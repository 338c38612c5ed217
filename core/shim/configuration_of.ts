/** What a data plane begins with. */
import type { Configuration } from "../rules/configuration.ts";
import { Fault } from "../rules/fault.ts";
import { parseFile } from "../rules/file_format.ts";
import type { DataPlaneConfig } from "./protocol.ts";

/** Rules and settings; protocol parameters that are settings as well are taken as such. */
export function configurationOf({ rules = "", parameters }: DataPlaneConfig): Configuration {
  const configuration = parseFile(rules);
  if (configuration instanceof Fault) throw new TypeError(configuration.message);
  const { pathMaxRetrans, maxInitRetransmits } = parameters;
  if (pathMaxRetrans !== undefined) {
    configuration.apply({ kind: "set", key: "pathRtxMax", value: pathMaxRetrans });
  }
  if (maxInitRetransmits !== undefined) {
    configuration.apply({ kind: "set", key: "initRtxMax", value: maxInitRetransmits });
  }
  return configuration;
}
