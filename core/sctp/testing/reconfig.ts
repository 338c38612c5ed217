/** RE-CONFIG in tests (RFC 6525): a puppet that has the extension, and what was asked and answered. */
import { ChunkType } from "../wire/chunk_type.ts";
import { isFault } from "../wire/fault.ts";
import { decodeReconfig, type ReconfigParameter } from "../wire/reconfig.ts";
import { Puppet, type PuppetOptions } from "./puppet.ts";
import { chunksOfType, type SentPacket } from "./sent_packet.ts";

/** A connected puppet whose INIT offers RE-CONFIG, unless the options say otherwise. */
export function reconfigPuppet(options: PuppetOptions = {}): Puppet {
  const puppet = new Puppet({
    ...options,
    parameters: { noDelay: 1, sackDelay: 0, ...options.parameters },
    init: { supportedExtensions: [ChunkType.ReConfig], ...options.init },
  });
  puppet.connect();
  return puppet;
}

/** The parameters of all RE-CONFIG chunks in these packets. */
export function reconfigsIn(packets: readonly SentPacket[]): ReconfigParameter[] {
  return chunksOfType(packets, ChunkType.ReConfig).flatMap((chunk) => {
    const parameters = decodeReconfig(chunk, 0);
    if (isFault(parameters)) throw new Error(parameters.detail);
    return parameters;
  });
}
