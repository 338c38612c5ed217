/** Doing without the checksum where the lower layer finds errors (RFC 9653). */
import type { Association } from "../association.ts";
import type { Endpoint } from "../endpoint.ts";
import type { Environment } from "../environment.ts";
import type { InboundPacket } from "../packet.ts";
import type { Parameters } from "../parameters.ts";
import { chunkType } from "../wire/chunk.ts";
import { needsChecksum } from "../wire/chunk_type.ts";
import { checksumIsZero, COMMON_HEADER_LENGTH, verificationTag } from "../wire/common_header.ts";

/**
 * @returns the parameters, which an association may have in these surroundings.
 * @throws RangeError if checksums are to be left out where nothing else finds errors.
 */
export function fitForLowerLayer(parameters: Parameters, environment: Environment): Parameters {
  if (parameters.zeroChecksum === 1 && !environment.isInsideDtls) {
    throw new RangeError(
      "zeroChecksum needs packets that travel inside DTLS (RFC 9653, section 6), and this transport " +
        "has nothing but the checksum to find errors: leave zeroChecksum at 0",
    );
  }
  return parameters;
}

/**
 * True if a packet may be taken without looking at its checksum (section 5.3): it has none, and is from a
 * peer who was told that it need not have one, or whom nothing is known of any more: a SHUTDOWN ACK whose
 * answer was lost wants another one. What sets an association up has a checksum (section 5.2).
 */
export function mayLackChecksum(endpoint: Endpoint, { buffer, offset }: InboundPacket): boolean {
  if (!endpoint.environment.isInsideDtls || !checksumIsZero(buffer, offset)) return false;
  const association = endpoint.demultiplexer.byTag(verificationTag(buffer, offset));
  if (association) return hasAnnounced(association);
  return !needsChecksum(chunkType(buffer, offset + COMMON_HEADER_LENGTH));
}

/** Our INIT says it unasked, our INIT ACK to those who say it too. */
function hasAnnounced({ incoming, omitsChecksum, parameters }: Association): boolean {
  return incoming ? omitsChecksum : parameters.zeroChecksum === 1;
}
