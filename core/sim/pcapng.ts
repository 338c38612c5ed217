/**
 * Captures of the virtual network that Wireshark opens: pcapng (draft-ietf-opsawg-pcapng), one
 * interface a link, link type RAW, packets with IP headers and the checksums that they were sent with.
 */
import type { Instant } from "../sctp/base/time.ts";
import { ByteWriter } from "./byte_writer.ts";
import { buildIpPacket } from "./ip_header.ts";
import type { Link, LinkLoss, LinkObserver } from "./link.ts";
import type { SimPacket } from "./packet_pool.ts";

const BLOCK = { sectionHeader: 0x0a0d0d0a, interface: 1, enhancedPacket: 6 } as const;
const OPTION = { end: 0, comment: 1, interfaceName: 2, timeResolution: 9 } as const;
const LINKTYPE_RAW = 101;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
/** Timestamps count 10^-9 s. */
const NANOSECONDS = 9;
const TWO_32 = 0x1_0000_0000;

/** A text in ASCII; link names and comments are. */
function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Where packets are recorded: as they enter a link, lost ones included, or as they arrive. */
export type CapturePoint = "sent" | "arrived";

/** Records the packets of the links it watches. Attach it with `Network.observe`. */
export class PcapngRecorder implements LinkObserver {
  /** Packets recorded. */
  packets = 0;
  readonly #writer = new ByteWriter();
  readonly #interfaces = new Map<Link, number>();
  readonly #scratch = new Uint8Array(65_536 + 48);

  constructor(private readonly point: CapturePoint = "sent") {
    const blockLength = this.#startBlock(BLOCK.sectionHeader, 28);
    this.#writer.u32(BYTE_ORDER_MAGIC);
    this.#writer.u16(1);
    this.#writer.u16(0);
    this.#writer.u32(0xffff_ffff);
    this.#writer.u32(0xffff_ffff);
    this.#endBlock(blockLength);
  }

  /** The file so far. */
  toBytes(): Uint8Array<ArrayBuffer> {
    return this.#writer.toBytes();
  }

  packetSent(now: Instant, link: Link, packet: SimPacket, lost: LinkLoss | undefined): void {
    if (this.point === "sent") this.#record(now, link, packet, lost);
  }

  packetArrived(now: Instant, link: Link, packet: SimPacket, lost: LinkLoss | undefined): void {
    if (this.point === "arrived") this.#record(now, link, packet, lost);
  }

  #record(now: Instant, link: Link, packet: SimPacket, lost: LinkLoss | undefined): void {
    const index = this.#interfaces.get(link) ?? this.#addInterface(link);
    const length = buildIpPacket(packet, this.#scratch);
    const comment = lost === undefined ? undefined : ascii(`lost: ${lost}`);
    const options = comment === undefined ? 0 : optionLength(comment) + 4;
    const blockLength = this.#startBlock(BLOCK.enhancedPacket, 32 + ((length + 3) & ~3) + options);
    const time = Math.round(now * 1_000_000);
    this.#writer.u32(index);
    this.#writer.u32(Math.floor(time / TWO_32));
    this.#writer.u32(time % TWO_32);
    this.#writer.u32(length);
    this.#writer.u32(length);
    this.#writer.padded(this.#scratch, 0, length);
    if (comment !== undefined) {
      this.#option(OPTION.comment, comment);
      this.#writer.u32(OPTION.end);
    }
    this.#endBlock(blockLength);
    this.packets++;
  }

  #addInterface(link: Link): number {
    const name = ascii(link.name);
    const blockLength = this.#startBlock(BLOCK.interface, 20 + optionLength(name) + 8 + 4);
    this.#writer.u16(LINKTYPE_RAW);
    this.#writer.u16(0);
    this.#writer.u32(0);
    this.#option(OPTION.interfaceName, name);
    this.#option(OPTION.timeResolution, Uint8Array.of(NANOSECONDS));
    this.#writer.u32(OPTION.end);
    this.#endBlock(blockLength);
    this.#interfaces.set(link, this.#interfaces.size);
    return this.#interfaces.size - 1;
  }

  #option(code: number, value: Uint8Array): void {
    this.#writer.u16(code);
    this.#writer.u16(value.length);
    this.#writer.padded(value, 0, value.length);
  }

  /** Writes type and total length; returns that length for {@link #endBlock}. */
  #startBlock(type: number, length: number): number {
    this.#writer.u32(type);
    this.#writer.u32(length);
    return length;
  }

  /** A block ends with its length once more. */
  #endBlock(length: number): void {
    this.#writer.u32(length);
  }
}

function optionLength(value: Uint8Array): number {
  return 4 + ((value.length + 3) & ~3);
}
