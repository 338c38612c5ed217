/** The packets of one receive: where each lies and what its datagram said, in reused arrays. */
import { IpAddress } from "../sctp/base/address.ts";
import { Ecn, type InboundPacket } from "../sctp/packet.ts";

const NOWHERE = IpAddress.parse("0.0.0.0");

/** Packets are added datagram by datagram; a datagram may hold several of equal size. */
export class ReceivedPackets {
  /** Packets in the list. */
  count = 0;

  readonly #offsets: Int32Array;
  readonly #lengths: Int32Array;
  readonly #datagramOf: Int32Array;
  readonly #sources: IpAddress[];
  readonly #destinations: IpAddress[];
  readonly #ports: Int32Array;
  readonly #ecns: Uint8Array;
  readonly #packet: InboundPacket;
  #datagrams = 0;

  /**
   * @param memory where the datagrams lie.
   * @param capacity the most packets that the list takes.
   * @param datagrams the most datagrams.
   */
  constructor(memory: Uint8Array, readonly capacity: number, datagrams: number) {
    this.#offsets = new Int32Array(capacity);
    this.#lengths = new Int32Array(capacity);
    this.#datagramOf = new Int32Array(capacity);
    this.#sources = new Array(datagrams).fill(NOWHERE);
    this.#destinations = new Array(datagrams).fill(NOWHERE);
    this.#ports = new Int32Array(datagrams);
    this.#ecns = new Uint8Array(datagrams);
    this.#packet = {
      buffer: memory,
      offset: 0,
      length: 0,
      source: NOWHERE,
      destination: NOWHERE,
      encapsulationPort: 0,
      ecn: Ecn.NotEct,
    };
  }

  /** Empties the list. */
  clear(): void {
    this.count = 0;
    this.#datagrams = 0;
  }

  /** Says what the packets that {@link add} brings from now on have in common. */
  beginDatagram(source: IpAddress, destination: IpAddress, port: number, ecn: Ecn): void {
    const index = this.#datagrams++;
    this.#sources[index] = source;
    this.#destinations[index] = destination;
    this.#ports[index] = port;
    this.#ecns[index] = ecn;
  }

  /** Adds a packet of the datagram that was begun last. */
  add(offset: number, length: number): void {
    const index = this.count++;
    this.#offsets[index] = offset;
    this.#lengths[index] = length;
    this.#datagramOf[index] = this.#datagrams - 1;
  }

  /** The packet `index`: always the same object. */
  at(index: number): InboundPacket {
    const packet = this.#packet;
    const datagram = this.#datagramOf[index];
    packet.offset = this.#offsets[index];
    packet.length = this.#lengths[index];
    packet.source = this.#sources[datagram];
    packet.destination = this.#destinations[datagram];
    packet.encapsulationPort = this.#ports[datagram];
    packet.ecn = this.#ecns[datagram] as Ecn;
    return packet;
  }
}
