/** ASCONF in tests (RFC 5061): a puppet that has the extension, and what was asked and answered. */
import type { IpAddress } from "../base/address.ts";
import {
  type AddressAction,
  type Asconf,
  type AsconfAck,
  type AsconfResponse,
  decodeAsconf,
  decodeAsconfAck,
  encodeAsconf,
  encodeAsconfAck,
} from "../wire/asconf.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import type { ErrorCause } from "../wire/error_cause.ts";
import { isFault } from "../wire/fault.ts";
import { AuthPuppet, type AuthPuppetOptions } from "./auth_puppet.ts";
import type { Envelope } from "./puppet.ts";
import { chunksOfType, namesOf, type SentPacket } from "./sent_packet.ts";
import { address } from "./test_endpoint.ts";

/** "add 10.0.0.3", "delete 10.0.0.2" or "set-primary 0.0.0.0". */
export type RequestWords = `${AddressAction} ${string}`;

const CHUNKS = [ChunkType.Asconf, ChunkType.AsconfAck];

export class AsconfPuppet extends AuthPuppet {
  /** Sequence Number of the puppet's next ASCONF. */
  serial = this.nextTsn;

  constructor(options: AuthPuppetOptions = {}) {
    super({
      wants: CHUNKS,
      ...options,
      parameters: { addressReconfiguration: 1, noDelay: 1, sackDelay: 0, ...options.parameters },
      init: { supportedExtensions: CHUNKS, ...options.init },
    });
  }

  /** An ASCONF with the next Sequence Number; Correlation IDs count from 1. */
  asconf(requests: readonly RequestWords[], lookup = this.addresses[0]): Uint8Array {
    return encodeAsconf({
      serial: this.serial++ >>> 0,
      lookup: address(lookup),
      requests: requests.map((words, i) => ({ ...requestOf(words), correlation: i + 1 })),
    });
  }

  /**
   * Answers an ASCONF of the subject's where it came from.
   * @param causes of the requests that are refused, by their place.
   */
  acknowledge(
    packets: readonly SentPacket[],
    causes: Readonly<Record<number, ErrorCause>> = {},
  ): SentPacket[] {
    const { asconf: { serial, requests }, packet } = onlyAsconf(packets);
    const responses = requests.flatMap(({ correlation }, i): AsconfResponse[] =>
      causes[i] ? [{ kind: "error", correlation, causes: [causes[i]] }] : []
    );
    const { from: to, to: from } = packet;
    return this.sendSealed({}, { from, to }, encodeAsconfAck({ serial, responses }));
  }

  /** Sends an authenticated ASCONF; returns what comes back. */
  ask(requests: readonly RequestWords[], envelope: Envelope = {}, lookup?: string): SentPacket[] {
    return this.sendSealed({}, envelope, this.asconf(requests, lookup));
  }
}

/** The only ASCONF among these packets, and the packet that it was in. */
export function onlyAsconf(packets: readonly SentPacket[]): { asconf: Asconf; packet: SentPacket } {
  const found = packets.filter(({ names }) => names.includes("ASCONF") && !names.includes("-ACK"));
  const [asconf, ...others] = asconfsIn(packets);
  if (!asconf || others.length > 0) throw new Error(`not one ASCONF: ${namesOf(packets)}`);
  return { asconf, packet: found[0] };
}

/** "add 10.0.0.3, delete 10.0.0.1" */
export function wordsOf({ requests }: Asconf): string {
  return requests.map((request) =>
    request.action === "unknown" ? "unknown" : `${request.action} ${request.address}`
  ).join(", ");
}

function requestOf(words: RequestWords): { action: AddressAction; address: IpAddress } {
  const [action, text] = words.split(" ");
  return { action: action as AddressAction, address: address(text) };
}

/** A connected puppet that has the extension, unless the options say otherwise. */
export function asconfPuppet(options: AuthPuppetOptions = {}): AsconfPuppet {
  const puppet = new AsconfPuppet(options);
  puppet.connect();
  puppet.answerHeartbeats(puppet.wait(5000));
  return puppet;
}

/** All ASCONF chunks in these packets. */
export function asconfsIn(packets: readonly SentPacket[]): Asconf[] {
  return chunksOfType(packets, ChunkType.Asconf).map((chunk) => {
    const asconf = decodeAsconf(chunk, 0);
    if (isFault(asconf)) throw new Error(asconf.detail);
    return asconf;
  });
}

/** All ASCONF-ACK chunks in these packets. */
export function acksIn(packets: readonly SentPacket[]): AsconfAck[] {
  return chunksOfType(packets, ChunkType.AsconfAck).map((chunk) => {
    const ack = decodeAsconfAck(chunk, 0);
    if (isFault(ack)) throw new Error(ack.detail);
    return ack;
  });
}
