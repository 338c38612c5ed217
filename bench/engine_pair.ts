/** Two engines in one process, joined by a wire without cost or by a simulated link that loses packets. */
import { DirectLink } from "../core/sim/direct_link.ts";
import { simEnvironment } from "../core/sim/environment.ts";
import { Network } from "../core/sim/network.ts";
import type { Association } from "../core/sctp/association.ts";
import { IpAddress } from "../core/sctp/base/address.ts";
import { after, type Instant } from "../core/sctp/base/time.ts";
import { packetPages } from "../core/sctp/checksum/packet_pages.ts";
import { createPacketMemory } from "../core/sctp/checksum/simd.ts";
import { Endpoint, type LocalAddress } from "../core/sctp/endpoint.ts";
import type { SctpEvent } from "../core/sctp/events.ts";

/** Two engines with an association from the first to the second. */
export interface EnginePair {
  /** Moves messages from one application to the other, and returns when all have been read. */
  transfer(messageSize: number, messages: number): void;
  /** Packets that both engines have sent so far. */
  readonly packets: number;
}

const PORT = 5001;
const ADDRESSES = ["10.0.0.1", "10.0.0.2"] as const;
const READ_BYTES = 256 * 1024;
const LONGEST_MESSAGE = 64 * 1024;
/** For the batches of both directions. */
const PACKET_BYTES = 512 * 1024;
/** For what both sides hold. */
const DATA_BYTES = 32 << 20;

/** What the two applications are doing. */
class Applications {
  sender: Association | undefined;
  receiver: Association | undefined;
  received = 0;
  readonly #message: Uint8Array;
  readonly #target: Uint8Array;
  readonly #options = { stream: 0, ppid: 0, unordered: false, immediate: false };
  readonly #info = { stream: 0, ssn: 0, ppid: 0, unordered: false, endOfMessage: false };
  #data: Uint8Array;
  #toSend = 0;

  /** @param allocate where messages lie before they are sent and after they were received. */
  constructor(allocate: (length: number) => Uint8Array) {
    this.#data = this.#message = allocate(LONGEST_MESSAGE);
    this.#target = allocate(READ_BYTES);
  }

  begin(messageSize: number, messages: number): void {
    this.#data = this.#message.subarray(0, messageSize);
    this.#toSend = messages;
    this.received = 0;
  }

  /** Sends what there is room for. */
  send(now: Instant): void {
    while (this.#toSend > 0 && this.sender?.send(now, this.#data, this.#options)) this.#toSend--;
  }

  /** Reads what is there. */
  read(now: Instant): void {
    const { receiver } = this;
    if (!receiver) return;
    while (receiver.read(now, this.#target, this.#info) > 0) {
      if (this.#info.endOfMessage) this.received++;
    }
  }

  handleEvent(event: SctpEvent, now: Instant): void {
    if (event.kind === "communication-lost") throw new Error("the association was lost");
    if (event.kind === "communication-up" && event.incoming) this.receiver = event.association;
    else if (event.kind === "communication-up" || event.kind === "writable") this.send(now);
    else if (event.kind === "readable") this.read(now);
  }
}

function associate(endpoint: Endpoint, now: Instant): Association {
  return endpoint.associate(now, {
    remotePort: PORT,
    remoteAddresses: [IpAddress.parse(ADDRESSES[1])],
  });
}

/** Milliseconds of virtual time a round of {@link DirectPair}: a short round trip. */
const ROUND = 0.1;

/** Joined in memory: nothing but the two engines does any work. */
export class DirectPair implements EnginePair {
  readonly #link: DirectLink;
  readonly #endpoints: readonly [Endpoint, Endpoint];
  readonly #applications: Applications;

  constructor(seed: number) {
    const packets = createPacketMemory(PACKET_BYTES + DATA_BYTES);
    const memory = packets.allocate(PACKET_BYTES);
    const pages = packetPages(packets);
    this.#applications = new Applications(packets.allocate);
    const endpoint = (i: number) =>
      new Endpoint(simEnvironment(seed + i, packets.crc32c), {
        localAddresses: [local(ADDRESSES[i])],
        pages,
      });
    const [left, right] = this.#endpoints = [endpoint(0), endpoint(1)];
    this.#link = new DirectLink(left, right, { memory });
    right.listen(PORT);
    this.#applications.sender = associate(left, this.#link.now);
    this.#round();
  }

  get packets(): number {
    return this.#link.packets;
  }

  transfer(messageSize: number, messages: number): void {
    const applications = this.#applications;
    applications.begin(messageSize, messages);
    while (applications.received < messages) {
      applications.send(this.#link.now);
      if (this.#round() === 0 && !this.#link.skipToTimeout()) throw new Error("nothing moves");
    }
  }

  /** Carries what wants to leave, then lets the applications react; returns the packets. */
  #round(): number {
    const link = this.#link;
    const packets = link.settle();
    link.now = after(link.now, ROUND);
    for (const endpoint of this.#endpoints) {
      for (let event = endpoint.pollEvent(); event; event = endpoint.pollEvent()) {
        this.#applications.handleEvent(event, link.now);
      }
    }
    return packets;
  }
}

function local(text: string): LocalAddress {
  return { address: IpAddress.parse(text), prefixLength: 24, interfaceIndex: 1 };
}

/** Joined by a link of the simulator that drops packets, both ways. */
export class LossyPair implements EnginePair {
  readonly #network: Network;
  readonly #applications = new Applications((length) => new Uint8Array(length));

  /**
   * @param loss probability that a packet is lost.
   * @param delay of the link in milliseconds.
   */
  constructor(seed: number, loss: number, delay: number) {
    this.#network = new Network(seed);
    const [left, right] = ADDRESSES.map((address, i) =>
      this.#network.addHost(`host ${i}`, [address], {
        boot: (localAddresses) => new Endpoint(simEnvironment(seed + i), { localAddresses }),
        handleEvent: (event: SctpEvent, now) => this.#applications.handleEvent(event, now),
      })
    );
    this.#network.connect(...ADDRESSES, { loss, delay, queuePackets: Infinity });
    right.command((endpoint) => endpoint.listen(PORT));
    this.#applications.sender = left.command(associate);
  }

  get packets(): number {
    return this.#network.hosts.reduce((sum, host) => sum + host.statistics.packetsSent, 0);
  }

  transfer(messageSize: number, messages: number): void {
    const [sender] = this.#network.hosts;
    const applications = this.#applications;
    applications.begin(messageSize, messages);
    sender.command((_, now) => applications.send(now));
    while (applications.received < messages) {
      if (!this.#network.clock.step()) throw new Error("nothing moves");
    }
  }
}
