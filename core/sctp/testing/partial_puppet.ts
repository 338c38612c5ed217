/** For tests of partial reliability: a peer that has it, policies in short, and FORWARD TSNs in words. */
import { tsn } from "../base/serial.ts";
import type { SendOptions } from "../tx/send_queue.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { describeForwardTsn } from "../wire/forward_tsn.ts";
import { PLAIN, Puppet, type PuppetOptions } from "./puppet.ts";
import { chunksOfType, type SentPacket } from "./sent_packet.ts";

/** A lifetime in milliseconds. */
export function timed(lifetime: number): Pick<SendOptions, "reliability"> {
  return { reliability: { policy: "ttl", value: lifetime } };
}

/** So many retransmissions. */
export function limited(retransmissions: number): Pick<SendOptions, "reliability"> {
  return { reliability: { policy: "rtx", value: retransmissions } };
}

export function priority(value: number): Pick<SendOptions, "reliability"> {
  return { reliability: { policy: "prio", value } };
}

/** A puppet that says that it understands FORWARD TSN. */
export function partialPuppet({ init, parameters, ...rest }: PuppetOptions = {}): Puppet {
  return new Puppet({
    init: { forwardTsnSupported: true, ...init },
    parameters: { noDelay: 1, ...parameters },
    ...rest,
  });
}

/** The same, with an association. */
export function connectedPartial(options: PuppetOptions = {}): Puppet {
  const puppet = partialPuppet(options);
  puppet.connect();
  return puppet;
}

/** Lets the subject queue a message; false if there is no room. */
export function send(puppet: Puppet, length: number, options: Partial<SendOptions>): boolean {
  const data = new Uint8Array(length).fill(length);
  return puppet.subject.do((_, now) =>
    puppet.association.send(now, data, { ...PLAIN, ...options })
  );
}

/** FORWARD TSNs as `TSN (streams)`, the TSN counted from 0 as the puppet counts those of DATA. */
export function forwardsOf(puppet: Puppet, packets: readonly SentPacket[]): string[] {
  return chunksOfType(packets, ChunkType.ForwardTsn).map((chunk) =>
    describeForwardTsn(chunk, 0).replace(
      /^FORWARD TSN to (\d+)/,
      (_, to) => String(tsn(Number(to) - puppet.subjectTsn) | 0),
    )
  );
}
