/** Real IP packets in the simulator's links: ECN is in their own header, and their length is all of them. */
import { copyBytes } from "../sctp/base/copy.ts";
import { readU16, writeU16 } from "../sctp/base/bytes.ts";
import type { Ecn } from "../sctp/packet.ts";
import { SimPacket } from "../sim/packet_pool.ts";

/** The longest IPv4 packet; IPv6 jumbograms are not for devices like these. */
export const LONGEST_PACKET = 65_535;

/** Bytes of most packets: the buffers of others are larger, and kept apart. */
const USUAL = 2048;

const ECN_BITS = 3;

/** One IP packet, headers included, in {@link SimPacket.buffer}. */
export class IpPacket extends SimPacket {
  /** As the kernel takes it. */
  readonly bytes: Uint8Array<ArrayBuffer>;

  constructor(capacity: number) {
    super(capacity);
    this.bytes = this.buffer as Uint8Array<ArrayBuffer>;
  }

  override get ipLength(): number {
    return this.length;
  }

  /** Takes the ECN codepoint over from the header (RFC 3168, section 5; RFC 8200, section 3). */
  noteEcn(): void {
    const { bytes } = this;
    this.ecn = (isV4(bytes) ? bytes[1] & ECN_BITS : (bytes[1] >> 4) & ECN_BITS) as Ecn;
  }

  /** Puts the codepoint, which a link may have changed, back into the header. */
  writeEcn(): void {
    const { bytes, ecn } = this;
    if (!isV4(bytes)) {
      bytes[1] = (bytes[1] & ~(ECN_BITS << 4)) | (ecn << 4);
      return;
    }
    const before = readU16(bytes, 0);
    bytes[1] = (bytes[1] & ~ECN_BITS) | ecn;
    // RFC 1624, section 3, equation 3.
    const sum = (~readU16(bytes, 10) & 0xffff) + (~before & 0xffff) + readU16(bytes, 0);
    const folded = (sum & 0xffff) + (sum >>> 16);
    writeU16(bytes, 10, ~((folded & 0xffff) + (folded >>> 16)));
  }
}

function isV4(bytes: Uint8Array): boolean {
  return bytes[0] >> 4 === 4;
}

/** Lends packets out, and takes them back. */
export class IpPacketPool {
  readonly #usual: IpPacket[] = [];
  readonly #large: IpPacket[] = [];

  /** A packet with a copy of the first `length` bytes. */
  take(source: Uint8Array, length: number): IpPacket {
    const packet = length <= USUAL
      ? this.#usual.pop() ?? new IpPacket(USUAL)
      : this.#large.pop() ?? new IpPacket(LONGEST_PACKET);
    copyBytes(source, 0, packet.buffer, 0, length);
    packet.length = length;
    packet.noteEcn();
    return packet;
  }

  copy(packet: SimPacket): IpPacket {
    const twin = this.take(packet.buffer, packet.length);
    twin.ecn = packet.ecn;
    return twin;
  }

  release(packet: SimPacket): void {
    if (!(packet instanceof IpPacket)) return;
    packet.carrier = undefined;
    (packet.buffer.length === USUAL ? this.#usual : this.#large).push(packet);
  }
}
