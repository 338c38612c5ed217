/** IP and UDP headers around a simulated SCTP packet, for captures. Data packets only; nothing is parsed. */
import { writeU16, writeU32 } from "../sctp/base/bytes.ts";
import type { SimPacket } from "./packet_pool.ts";

const PROTOCOL = { udp: 17, sctp: 132 } as const;
const TTL = 64;

/** Builds the IP packet that would carry `packet` on a real wire into `target`; returns its length. */
export function buildIpPacket(packet: SimPacket, target: Uint8Array): number {
  const total = packet.ipLength;
  const headerLength = packet.source.family === 4 ? 20 : 40;
  const payload = total - packet.length;
  target.fill(0, 0, payload);
  if (packet.source.family === 4) writeIpv4(packet, target, total);
  else writeIpv6(packet, target, total - headerLength);
  target.set(packet.buffer.subarray(packet.offset, packet.offset + packet.length), payload);
  if (packet.destinationPort !== 0) writeUdp(packet, target, headerLength, total);
  return total;
}

function protocolOf(packet: SimPacket): number {
  return packet.destinationPort === 0 ? PROTOCOL.sctp : PROTOCOL.udp;
}

/** RFC 791, section 3.1. */
function writeIpv4(packet: SimPacket, target: Uint8Array, total: number): void {
  target[0] = 0x45;
  target[1] = packet.ecn;
  writeU16(target, 2, total);
  target[6] = 0x40;
  target[8] = TTL;
  target[9] = protocolOf(packet);
  target.set(packet.source.bytes, 12);
  target.set(packet.destination.bytes, 16);
  writeU16(target, 10, internetChecksum(target, 0, 20, 0));
}

/** RFC 8200, section 3. */
function writeIpv6(packet: SimPacket, target: Uint8Array, payload: number): void {
  writeU32(target, 0, (0x6000_0000 | (packet.ecn << 20)) >>> 0);
  writeU16(target, 4, payload);
  target[6] = protocolOf(packet);
  target[7] = TTL;
  target.set(packet.source.bytes, 8);
  target.set(packet.destination.bytes, 24);
}

/** RFC 768; the checksum covers the pseudo header with the addresses. */
function writeUdp(packet: SimPacket, target: Uint8Array, at: number, total: number): void {
  const length = total - at;
  writeU16(target, at, packet.encapsulationPort);
  writeU16(target, at + 2, packet.destinationPort);
  writeU16(target, at + 4, length);
  const addresses = packet.source.bytes.length * 2;
  const pseudo = sumWords(target, at - addresses, at) + PROTOCOL.udp + length;
  writeU16(target, at + 6, internetChecksum(target, at, total, pseudo) || 0xffff);
}

/** RFC 1071. */
function internetChecksum(bytes: Uint8Array, start: number, end: number, sum: number): number {
  let total = sum + sumWords(bytes, start, end);
  while (total > 0xffff) total = (total & 0xffff) + Math.floor(total / 0x1_0000);
  return ~total & 0xffff;
}

function sumWords(bytes: Uint8Array, start: number, end: number): number {
  let sum = 0;
  for (let i = start; i < end; i++) sum += (i - start) & 1 ? bytes[i] : bytes[i] << 8;
  return sum;
}
