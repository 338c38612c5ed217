/**
 * Datagrams for UDP sockets of this host that seem to come from elsewhere: what recvfrom() shows is the
 * address and the port of the far end, and a connected socket takes them.
 *
 * They are written as IP packets to raw sockets, and so pass the loopback. The kernel fills in the
 * checksum of an IPv4 header; that of UDP may be left out there (RFC 768), over IPv6 it must be right
 * (RFC 8200, section 8.1).
 */
import type { IpAddress } from "../sctp/base/address.ts";
import { writeU16 } from "../sctp/base/bytes.ts";
import { EAFNOSUPPORT, IPPROTO_RAW, IPPROTO_UDP, SO_MARK, SOCK_RAW } from "./constants.ts";
import { AF_INET, AF_INET6, EAGAIN, SOL_SOCKET } from "./constants.ts";
import { errno } from "./libc.ts";
import { MessageSender } from "./message_sender.ts";
import { nativeBytes } from "./native_memory.ts";
import { closeSocket, openSocket, orClose, setBufferSizes, setOption } from "./socket.ts";
import { SystemError } from "./system_error.ts";
import { UDP_HEADER_BYTES } from "./udp_packet.ts";

const MEMORY_BYTES = 256 * 1024;
const PACKETS = 64;
const BUFFER_BYTES = 4 << 20;
const HOPS = 64;

/** Where a datagram is to seem to come from, and the socket that is to get it. */
export interface DatagramEnds {
  readonly source: IpAddress;
  readonly sourcePort: number;
  readonly destination: IpAddress;
  readonly destinationPort: number;
}

export class UdpDelivery {
  readonly #v4: FamilyDelivery;
  readonly #v6: FamilyDelivery | undefined;

  /**
   * @param mark firewall mark of the packets.
   * @throws SystemError without CAP_NET_RAW.
   */
  constructor(mark: number) {
    this.#v4 = new FamilyDelivery(4, mark);
    try {
      this.#v6 = new FamilyDelivery(6, mark);
    } catch (error) {
      if (error instanceof SystemError && error.errno === EAFNOSUPPORT) return;
      this.#v4.close();
      throw error;
    }
  }

  /** Datagrams that the kernel did not take. */
  get refused(): number {
    return this.#v4.refused + (this.#v6?.refused ?? 0);
  }

  /**
   * Adds `length` bytes of `payload` from `offset` on as one datagram, which leaves by the next
   * {@link flush} at the latest. Both addresses have one family.
   * @returns false if there is no such datagram: it is too long, or the kernel has no such family.
   */
  add(ends: DatagramEnds, payload: Uint8Array, offset: number, length: number): boolean {
    const delivery = ends.destination.family === 4 ? this.#v4 : this.#v6;
    return delivery?.add(ends, payload, offset, length) ?? false;
  }

  /** Hands everything to the kernel. */
  flush(): void {
    this.#v4.flush();
    this.#v6?.flush();
  }

  close(): void {
    this.#v4.close();
    this.#v6?.close();
  }
}

class FamilyDelivery {
  refused = 0;
  readonly #descriptor: number;
  readonly #headerBytes: number;
  readonly #memory = nativeBytes(MEMORY_BYTES);
  readonly #sender = new MessageSender(PACKETS);
  #end = 0;

  constructor(readonly family: 4 | 6, mark: number) {
    this.#headerBytes = (family === 4 ? 20 : 40) + UDP_HEADER_BYTES;
    const domain = family === 4 ? AF_INET : AF_INET6;
    this.#descriptor = openSocket(domain, SOCK_RAW, IPPROTO_RAW, "raw IP socket");
    orClose(this.#descriptor, () => {
      if (mark !== 0) setOption(this.#descriptor, SOL_SOCKET, SO_MARK, mark, "SO_MARK");
      setBufferSizes(this.#descriptor, 4096, BUFFER_BYTES);
    });
    this.#sender.clear(this.#memory);
  }

  add(ends: DatagramEnds, payload: Uint8Array, offset: number, length: number): boolean {
    const total = this.#headerBytes + length;
    // What the loopback takes in one piece: its links have no longer packets.
    if (total > 0xffff) return false;
    if (this.#sender.count === PACKETS || this.#end + total > MEMORY_BYTES) this.flush();
    const start = this.#end;
    this.#end += total;
    const udp = start + this.#headerBytes - UDP_HEADER_BYTES;
    for (let i = 0; i < length; i++) {
      this.#memory[udp + UDP_HEADER_BYTES + i] = payload[offset + i];
    }
    this.#writeUdp(udp, ends, length);
    if (this.family === 4) this.#writeV4(start, total, ends);
    else this.#writeV6(start, udp, ends, length + UDP_HEADER_BYTES);
    this.#sender.add(start, total, ends.destination, 0);
    return true;
  }

  flush(): void {
    const { count } = this.#sender;
    for (let first = 0; first < count;) {
      const sent = this.#sender.send(this.#descriptor, first);
      if (sent > 0) first += sent;
      else if (errno() === EAGAIN) {
        this.refused += count - first;
        break;
      } else {
        this.refused++;
        first++;
      }
    }
    this.#sender.clear(this.#memory);
    this.#end = 0;
  }

  close(): void {
    closeSocket(this.#descriptor);
  }

  #writeUdp(at: number, { sourcePort, destinationPort }: DatagramEnds, length: number): void {
    writeU16(this.#memory, at, sourcePort);
    writeU16(this.#memory, at + 2, destinationPort);
    writeU16(this.#memory, at + 4, length + UDP_HEADER_BYTES);
    writeU16(this.#memory, at + 6, 0);
  }

  #writeV4(at: number, total: number, { source, destination }: DatagramEnds): void {
    const memory = this.#memory;
    memory.fill(0, at, at + 12);
    memory[at] = 0x45;
    writeU16(memory, at + 2, total);
    memory[at + 8] = HOPS;
    memory[at + 9] = IPPROTO_UDP;
    for (let i = 0; i < 4; i++) {
      memory[at + 12 + i] = source.bytes[i];
      memory[at + 16 + i] = destination.bytes[i];
    }
  }

  #writeV6(at: number, udp: number, { source, destination }: DatagramEnds, length: number): void {
    const memory = this.#memory;
    memory.fill(0, at, at + 8);
    memory[at] = 0x60;
    writeU16(memory, at + 4, length);
    memory[at + 6] = IPPROTO_UDP;
    memory[at + 7] = HOPS;
    for (let i = 0; i < 16; i++) {
      memory[at + 8 + i] = source.bytes[i];
      memory[at + 24 + i] = destination.bytes[i];
    }
    // The pseudo-header of RFC 8200, section 8.1: both addresses, the length, the protocol.
    const pseudo = sumWords(memory, at + 8, 32) + length + IPPROTO_UDP;
    const checksum = ~fold(pseudo + sumWords(memory, udp, length)) & 0xffff;
    writeU16(memory, udp + 6, checksum === 0 ? 0xffff : checksum);
  }
}

/** The sum of 16-bit words, the last one filled up with zeros: less than 2^32 for a packet. */
function sumWords(bytes: Uint8Array, at: number, length: number): number {
  const even = at + (length & ~1);
  let sum = 0;
  for (let i = at; i < even; i += 2) sum += (bytes[i] << 8) | bytes[i + 1];
  return length & 1 ? sum + (bytes[even] << 8) : sum;
}

/** In ones' complement (RFC 1071). */
function fold(sum: number): number {
  let rest = sum;
  while (rest > 0xffff) rest = (rest & 0xffff) + Math.floor(rest / 0x1_0000);
  return rest;
}
