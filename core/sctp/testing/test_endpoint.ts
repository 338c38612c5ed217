/** An endpoint with a virtual clock of its own: every input is followed by a drain, as drivers do. */
import { IpAddress } from "../base/address.ts";
import { type Instant, instant } from "../base/time.ts";
import type { Association } from "../association.ts";
import { Endpoint, type EndpointOptions } from "../endpoint.ts";
import type { Environment } from "../environment.ts";
import type { SctpEvent } from "../events.ts";
import { Ecn, type InboundPacket, PacketBatch } from "../packet.ts";
import type { LocalAddress } from "../path/pairing.ts";
import { simEnvironment } from "../../sim/environment.ts";
import { checkEndpoint } from "./invariants.ts";
import { packetsOf, type SentPacket } from "./sent_packet.ts";

/** Rounds in which an endpoint must have said all that it has to say. */
const MAX_ROUNDS = 20_000;
const BATCH_BYTES = 256 * 1024;
const BATCH_PACKETS = 256;

export interface TestEndpointOptions extends Omit<EndpointOptions, "localAddresses"> {
  readonly seed?: number;
  /** Local addresses; text, all with /24 or /64. */
  readonly addresses?: readonly string[];
  /** Time at the start in milliseconds. */
  readonly start?: number;
  /** Tags, TSNs and nonces are the last before 2^32, so that TSNs wrap soon. */
  readonly highNumbers?: boolean;
  /** Nothing but the lower layer is asked to find errors (RFC 9653). */
  readonly isInsideDtls?: boolean;
  /** Bytes and packets of a transmit batch. */
  readonly batchBytes?: number;
  readonly batchPackets?: number;
}

/** What may be said of a packet that arrives, next to its bytes. */
export interface Arrival {
  readonly from: string;
  readonly to: string;
  readonly encapsulationPort?: number;
  readonly ecn?: Ecn;
}

const addressCache = new Map<string, IpAddress>();

/** The address that a text names; the same object each time, as receivers promise. */
export function address(text: string): IpAddress {
  let found = addressCache.get(text);
  if (!found) addressCache.set(text, found = IpAddress.parse(text));
  return found;
}

/** Local addresses as an endpoint takes them. */
export function localAddresses(texts: readonly string[]): LocalAddress[] {
  return texts.map((text, i) => ({
    address: address(text),
    prefixLength: text.includes(":") ? 64 : 24,
    interfaceIndex: i + 1,
  }));
}

/** The environment with random numbers from the last 4,096 below 2^32 only. */
function nearTheEnd(environment: Environment): Environment {
  const { random } = environment;
  return {
    ...environment,
    random: {
      uint32: () => (random.uint32() | 0xffff_f000) >>> 0,
      fill: (bytes) => random.fill(bytes),
    },
  };
}

export class TestEndpoint {
  readonly endpoint: Endpoint;
  /** Everything that was reported. */
  readonly events: SctpEvent[] = [];
  now: Instant;
  /** Checks invariants after each drain; tests that break them on purpose switch it off. */
  checks = true;
  readonly #batch: PacketBatch;
  readonly #sent: SentPacket[] = [];

  constructor(options: TestEndpointOptions = {}) {
    const { seed = 1, addresses = ["10.0.0.1"], start = 1000, ...rest } = options;
    const environment = { ...simEnvironment(seed), isInsideDtls: options.isInsideDtls };
    this.endpoint = new Endpoint(options.highNumbers ? nearTheEnd(environment) : environment, {
      developmentChecks: true,
      localAddresses: localAddresses(addresses),
      ...rest,
    });
    this.#batch = new PacketBatch(
      new Uint8Array(options.batchBytes ?? BATCH_BYTES),
      options.batchPackets ?? BATCH_PACKETS,
    );
    this.now = instant(start);
  }

  /** The associations that are not CLOSED. */
  get associations(): Association[] {
    return [...this.endpoint.associations];
  }

  /** What was sent since the last call. */
  take(): SentPacket[] {
    return this.#sent.splice(0);
  }

  /** Kinds of all events so far. */
  get eventKinds(): string[] {
    return this.events.map(({ kind }) => kind);
  }

  /** Carries out a command, then drains. */
  do<Result>(command: (endpoint: Endpoint, now: Instant) => Result): Result {
    const result = command(this.endpoint, this.now);
    this.drain();
    return result;
  }

  /** Takes a packet, then drains. */
  arrive(bytes: Uint8Array, arrival: Arrival): void {
    this.arriveUndrained(bytes, arrival);
    this.drain();
  }

  /** Takes a packet as one of a batch: the caller drains. */
  arriveUndrained(bytes: Uint8Array, arrival: Arrival): void {
    // At an odd place between other bytes, so that reads beyond the packet show.
    const buffer = new Uint8Array(bytes.length + 24).fill(0xee);
    buffer.set(bytes, 11);
    const packet: InboundPacket = {
      buffer,
      offset: 11,
      length: bytes.length,
      source: address(arrival.from),
      destination: address(arrival.to),
      encapsulationPort: arrival.encapsulationPort ?? 0,
      ecn: arrival.ecn ?? Ecn.NotEct,
    };
    this.endpoint.handlePacket(this.now, packet);
  }

  /** Polls until nothing is left; throws if that never happens. */
  drain(): void {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const more = this.endpoint.pollTransmit(this.now, this.#batch);
      this.#sent.push(...packetsOf(this.#batch, this.now));
      this.#batch.clear();
      if (more) continue;
      for (let event = this.endpoint.pollEvent(); event; event = this.endpoint.pollEvent()) {
        this.events.push(event);
      }
      this.endpoint.pollTimeout();
      if (this.checks) checkEndpoint(this.endpoint);
      return;
    }
    throw new Error(`the endpoint still wants to transmit after ${MAX_ROUNDS} batches`);
  }

  /** When the endpoint wants to be woken. */
  get nextTimeout(): Instant {
    return this.endpoint.pollTimeout();
  }

  /** Lets time pass, handling each timer when it is due. */
  advance(milliseconds: number): void {
    this.advanceTo(this.now + milliseconds);
  }

  /** Lets time pass up to an instant. */
  advanceTo(end: number): void {
    for (let round = 0; this.nextTimeout <= end; round++) {
      if (round > MAX_ROUNDS) throw new Error(`timers spin at ${this.now} ms`);
      this.fireNext();
    }
    this.now = instant(Math.max(end, this.now));
  }

  /** Goes on to the next timer, handles it and drains. */
  fireNext(): void {
    const next = this.nextTimeout;
    if (next === Infinity) throw new Error("no timer is running");
    this.now = instant(Math.max(next, this.now));
    this.endpoint.handleTimeout(this.now);
    this.drain();
  }
}
