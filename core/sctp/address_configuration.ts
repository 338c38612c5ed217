/**
 * What is going on about an association's addresses (RFC 5061): what the peer asked last, and what it
 * was answered. Made when the first of these happens.
 */
import type { IpAddress } from "./base/address.ts";

/** An ASCONF-ACK that was sent and may have to be sent again. */
export interface SentAck {
  readonly serial: number;
  readonly chunk: Uint8Array;
}

/** ASCONF-ACKs that are kept: a packet may bring several ASCONFs (RFC 5061, section 5.5). */
const KEPT_ACKS = 16;

export class AddressConfiguration {
  /** Answers to the ASCONFs of the last packet that brought a new one (section 5.2, E1). */
  readonly #acks: SentAck[] = [];
  /** Addresses of this host that the association had and gave up; those given up last. */
  readonly departed: IpAddress[] = [];

  /**
   * @param expectedSerial Sequence Number of the peer's next ASCONF: starts as its Initial TSN (section
   *   5.1, A2).
   */
  constructor(public expectedSerial: number) {}

  /** The answer that an ASCONF got before. */
  ackOf(serial: number): Uint8Array | undefined {
    return this.#acks.find((ack) => ack.serial === serial)?.chunk;
  }

  /**
   * Keeps the answer to the ASCONF that was expected.
   * @param isFirst it was the first of its packet: answers to those before it are wanted no more.
   */
  keepAck(ack: SentAck, isFirst: boolean): void {
    if (isFirst) this.#acks.length = 0;
    else if (this.#acks.length === KEPT_ACKS) this.#acks.shift();
    this.#acks.push(ack);
    this.expectedSerial = (ack.serial + 1) >>> 0;
  }
}
