/** INIT and INIT ACK in words. */
import { hmacName } from "./auth.ts";
import {
  listedChunks,
  listedHmacs,
  type PartialAuthParameters,
  usableAuthParameters,
} from "./auth_parameters.ts";
import { chunkType } from "./chunk.ts";
import { chunkName } from "./chunk_type.ts";
import { isFault } from "./fault.ts";
import { decodeInit } from "./init.ts";
import { parameterName } from "./parameter.ts";
import { listItems } from "./text.ts";
import { tlvType } from "./tlv.ts";

/** An INIT or INIT ACK in words; any whole chunk. */
export function describeInit(bytes: Uint8Array, offset: number): string {
  const name = chunkName(chunkType(bytes, offset));
  const init = decodeInit(bytes, offset);
  if (isFault(init)) return `${name} malformed (${init.detail})`;
  const parts = [
    `${name} tag 0x${init.initiateTag.toString(16).padStart(8, "0")}`,
    `a_rwnd ${init.receiverWindow}`,
    `OS ${init.outboundStreams} MIS ${init.inboundStreams}`,
    `TSN ${init.initialTsn}`,
    listItems(init.addresses, String),
  ];
  if (init.stateCookie) parts.push(`cookie of ${init.stateCookie.length} bytes`);
  if (init.ecnCapable) parts.push("ECN");
  if (init.forwardTsnSupported) parts.push("FORWARD TSN");
  if (init.errorDetectionMethod !== undefined) {
    parts.push(`zero checksum by method ${init.errorDetectionMethod}`);
  }
  if (init.supportedAddressTypes) parts.push(`supports ${init.supportedAddressTypes.join("+")}`);
  if (init.cookiePreservative !== undefined) parts.push(`preserve ${init.cookiePreservative} ms`);
  if (init.adaptationIndication !== undefined) {
    parts.push(`adaptation 0x${init.adaptationIndication.toString(16).padStart(8, "0")}`);
  }
  if (init.supportedExtensions.length > 0) {
    parts.push(`extensions ${listItems(init.supportedExtensions, chunkName)}`);
  }
  parts.push(describeAuthParameters(init.auth));
  if (init.hostName) parts.push("host name");
  if (init.unrecognized.length > 0) {
    const names = listItems(init.unrecognized, (item) => parameterName(tlvType(item, 0)));
    parts.push(`unrecognized ${names}`);
  }
  return parts.filter((part) => part !== "").join(" ");
}

function describeAuthParameters(said: PartialAuthParameters): string {
  if (!said.random && !said.hmacList) return "";
  const parameters = usableAuthParameters(said);
  if (!parameters) return "authentication incomplete";
  const chunks = listedChunks(parameters);
  const hmacs = `authentication by ${listItems(listedHmacs(parameters), hmacName)}`;
  return chunks.length === 0 ? hmacs : `${hmacs} of ${listItems(chunks, chunkName)}`;
}
