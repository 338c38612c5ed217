/**
 * What is going on about an association's addresses (RFC 5061): the changes that this side wants, the
 * ASCONF that is under way, and what the peer was answered. Made when the first of these happens.
 */
import type { IpAddress } from "./base/address.ts";
import type { Instant } from "./base/time.ts";
import type { LocalAddress } from "./path/pairing.ts";
import type { Path } from "./path/path.ts";
import type { AddressAction } from "./wire/asconf.ts";

/** A change of this side's addresses that the peer is asked for. */
export interface AddressChange {
  readonly action: AddressAction;
  readonly local: LocalAddress;
  /**
   * The peer does not know the address by its name, as there is a NAT in between: the request says so
   * with the wildcard, and leaves from the address itself.
   */
  readonly isHidden: boolean;
}

/** A change with the Correlation ID of its request. */
export interface RequestedChange extends AddressChange {
  readonly correlation: number;
}

/** An ASCONF that is not acknowledged. */
export interface AsconfInFlight {
  readonly serial: number;
  readonly chunk: Uint8Array;
  readonly changes: readonly RequestedChange[];
  /** Where the chunk went last. */
  path: Path;
  /** When it went; `undefined` once it went more than once: its answer measures nothing. */
  sentAt: Instant | undefined;
}

/** An ASCONF-ACK that was sent and may have to be sent again. */
export interface SentAck {
  readonly serial: number;
  readonly chunk: Uint8Array;
}

/** ASCONF-ACKs that are kept: a packet may bring several ASCONFs (RFC 5061, section 5.5). */
const KEPT_ACKS = 16;
/** Addresses that were given up and are remembered. */
const KEPT_DEPARTED = 64;

export class AddressConfiguration {
  /** Changes that this side wants, in their order; none of them is in flight. */
  readonly wanted: AddressChange[] = [];
  inFlight: AsconfInFlight | undefined;
  /** Actions that the peer does not understand: they are not asked for again (rules A9, F3a and F3b). */
  readonly notUnderstood = new Set<AddressAction>();
  /** Addresses of this side that the peer knows by another name. */
  readonly hidden: IpAddress[] = [];
  /** Addresses of this host that the association had and gave up; those given up last. */
  readonly departed: IpAddress[] = [];
  /** Answers to the ASCONFs of the last packet that brought a new one (section 5.2, E1). */
  readonly #acks: SentAck[] = [];
  #nextCorrelation = 1;

  /**
   * @param nextSerial Sequence Number of our next ASCONF: starts as our Initial TSN (section 5.1, A2).
   * @param expectedSerial of the peer's next one: starts as its Initial TSN.
   */
  constructor(public nextSerial: number, public expectedSerial: number) {}

  /** All changes that are not answered yet, in their order. */
  get pending(): readonly AddressChange[] {
    return [...this.inFlight?.changes ?? [], ...this.wanted];
  }

  /** True if the peer knows an address of this side by another name. */
  isHidden(address: IpAddress): boolean {
    return this.hidden.some((each) => each.equals(address));
  }

  /** Changes with Correlation IDs of their own (section 5.1, A1). */
  number(changes: readonly AddressChange[]): RequestedChange[] {
    return changes.map((change) => ({ ...change, correlation: this.#nextCorrelation++ >>> 0 }));
  }

  /** The next Sequence Number. */
  takeSerial(): number {
    const serial = this.nextSerial;
    this.nextSerial = (serial + 1) >>> 0;
    return serial;
  }

  /** An address is no longer the association's: packets that come there are not taken. */
  depart(address: IpAddress): void {
    if (this.departed.push(address) > KEPT_DEPARTED) this.departed.shift();
    forget(this.hidden, address);
  }

  /** An address is the association's again. */
  welcome(address: IpAddress): void {
    forget(this.departed, address);
  }

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

function forget(list: IpAddress[], address: IpAddress): void {
  const at = list.findIndex((each) => each.equals(address));
  if (at >= 0) list.splice(at, 1);
}
