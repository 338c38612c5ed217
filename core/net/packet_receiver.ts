/** Takes SCTP packets from sockets: a few datagrams a call, several packets a datagram. */
import type { IpAddress } from "../sctp/base/address.ts";
import type { Ecn, InboundPacket } from "../sctp/packet.ts";
import { EAGAIN, EINTR } from "./constants.ts";
import type { Encapsulation } from "./icmp.ts";
import { errno } from "./libc.ts";
import type { LocalSocket } from "./local_socket.ts";
import { MessageReceiver } from "./message_receiver.ts";
import type { PacketIoMetrics } from "./packet_io.ts";
import { ReceivedPackets } from "./received_packets.ts";
import type { AddressCache } from "./sockaddr.ts";

/** Datagrams a call; those of UDP may hold many packets each (UDP_GRO). */
const SLOTS = { raw: 64, udp: 16 } as const;
/** The most segments that the kernel joins into one datagram (UDP_MAX_SEGMENTS; 64 before Linux 6.9). */
const SEGMENTS = 128;
/** SCTP common header (RFC 9260, section 3.1). */
const SHORTEST_PACKET = 12;
/** Errors of earlier packets that a socket may report before it gives what it has received. */
const ATTEMPTS = 3;

/** The receiving side of a {@link SocketPacketIo}. */
export class PacketReceiver {
  readonly #messages: MessageReceiver;
  readonly #packets: ReceivedPackets;
  #firstSocket = 0;
  /** False if the last {@link receive} took all that was waiting. */
  hasMore = false;

  constructor(
    readonly encapsulation: Encapsulation,
    readonly sockets: readonly LocalSocket[],
    readonly metrics: PacketIoMetrics,
    addresses: AddressCache,
    allocate: (length: number) => Uint8Array,
  ) {
    const slots = SLOTS[encapsulation];
    this.#messages = new MessageReceiver(slots, allocate, addresses);
    const capacity = encapsulation === "udp" ? slots * SEGMENTS : slots;
    this.#packets = new ReceivedPackets(this.#messages.memory, capacity, slots);
  }

  /** Takes what waits, up to one batch; returns the number of packets. */
  receive(): number {
    this.#packets.clear();
    const count = this.sockets.length;
    let slot = 0;
    for (let i = 0; i < count && slot < this.#messages.slots; i++) {
      slot = this.#receiveFrom(this.sockets[(this.#firstSocket + i) % count], slot);
    }
    // A call that found less than it had room for has emptied its socket.
    this.hasMore = slot === this.#messages.slots;
    // The next call begins with another socket, so that a busy one does not starve the others.
    this.#firstSocket = (this.#firstSocket + 1) % count;
    return this.#packets.count;
  }

  /** The packet `index` of the last {@link receive}: always the same object. */
  at(index: number): InboundPacket {
    return this.#packets.at(index);
  }

  /** Receives from one socket into the slots from `first` on; returns the first slot left free. */
  #receiveFrom(socket: LocalSocket, first: number): number {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      this.metrics.receiveCalls++;
      const count = this.#messages.receive(socket.descriptor, first);
      if (count >= 0) {
        for (let slot = first; slot < first + count; slot++) this.#accept(socket, slot);
        return first + count;
      }
      const error = errno();
      if (error === EAGAIN || error === EINTR) return first;
      // An ICMP error about an earlier packet: the queue has the details, the packets come after it.
      socket.errorQueued = true;
    }
    return first;
  }

  /** Adds the packets of a datagram. */
  #accept({ bound, family }: LocalSocket, slot: number): void {
    const messages = this.#messages;
    const raw = this.encapsulation === "raw";
    messages.readControl(slot);
    let offset = messages.offset(slot);
    let length = messages.length(slot);
    let ecn = messages.ecn;
    if (raw && family === 4) {
      ecn = (messages.memory[offset + 1] & 3) as Ecn;
      const header = (messages.memory[offset] & 0x0f) * 4;
      offset += header;
      length -= header;
    }
    const segment = messages.segmentSize || length;
    const source = messages.source(slot);
    const destination = bound ? bound.address : messages.destination;
    const port = raw ? 0 : messages.sourcePort(slot);
    messages.release(slot);
    const answerable = source !== undefined && isUnicast(source) && (raw || port !== 0);
    if (!answerable || !destination || length < SHORTEST_PACKET) {
      this.metrics.receivedUnusable++;
      return;
    }
    this.#packets.beginDatagram(source, destination, port, ecn);
    this.#split(offset, length, segment);
  }

  /** A datagram that UDP_GRO joined is several packets of `segment` bytes, the last perhaps shorter. */
  #split(offset: number, length: number, segment: number): void {
    const end = offset + length;
    for (let at = offset; at < end; at += segment) {
      const size = Math.min(segment, end - at);
      if (size < SHORTEST_PACKET || this.#packets.count === this.#packets.capacity) {
        this.metrics.receivedUnusable++;
      } else {
        this.#packets.add(at, size);
        this.metrics.packetsReceived++;
        this.metrics.bytesReceived += size;
      }
    }
  }
}

/** False for what no host may send from: 0.0.0.0/8, multicast, broadcast. */
function isUnicast({ family, bytes }: IpAddress): boolean {
  const first = bytes[0];
  return family === 4 ? first !== 0 && first < 224 : first !== 0xff;
}
