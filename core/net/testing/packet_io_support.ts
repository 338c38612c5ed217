/** Building, sending and collecting packets in tests of transports. */
import assert from "node:assert/strict";
import { IpAddress } from "../../sctp/base/address.ts";
import type { IcmpError } from "../../sctp/icmp_error.ts";
import { Ecn, type InboundPacket, PacketBatch, type Route } from "../../sctp/packet.ts";
import type { PacketIo } from "../packet_io.ts";

/** A packet as it was when it was received. */
export interface Received extends Omit<InboundPacket, "buffer" | "offset"> {
  readonly bytes: Uint8Array;
}

/** The address that a text names. */
export function address(text: string): IpAddress {
  return IpAddress.parse(text);
}

/** A route between two transports. */
export function routeBetween(
  local: IpAddress,
  remote: IpAddress,
  to: PacketIo,
  ecn: Ecn = Ecn.NotEct,
): Route {
  return { local, remote, encapsulationPort: to.encapsulationPort, ecn };
}

/** A batch of packets of these lengths, each full of its own index, each on the route given for it. */
export function batchOf(
  lengths: readonly number[],
  routeOf: (index: number) => Route,
): PacketBatch {
  const bytes = lengths.reduce((sum, length) => sum + length, 0);
  const batch = new PacketBatch(new Uint8Array(bytes), Math.max(lengths.length, 1));
  for (const [index, length] of lengths.entries()) {
    batch.memory.fill(index, batch.used, batch.used + length);
    batch.commit(length, routeOf(index));
  }
  return batch;
}

/** Receives until `count` packets have come, or nothing more does for a second. */
export async function collect(io: PacketIo, count: number): Promise<Received[]> {
  const received: Received[] = [];
  const deadline = performance.now() + 1000;
  while (received.length < count && performance.now() < deadline) {
    const waiting = io.receive();
    for (let i = 0; i < waiting; i++) received.push(copy(io.packetAt(i)));
    if (waiting === 0) await io.wait(50);
  }
  return received;
}

/** Waits for an ICMP error; `undefined` if none comes within a second. */
export async function awaitIcmp(io: PacketIo): Promise<IcmpError | undefined> {
  const deadline = performance.now() + 1000;
  while (performance.now() < deadline) {
    io.receive();
    const error = io.pollIcmp();
    if (error) return error;
    await io.wait(50);
  }
  return undefined;
}

function copy({ buffer, offset, length, ...rest }: InboundPacket): Received {
  return { ...rest, length, bytes: buffer.slice(offset, offset + length) };
}

/** Sends a whole batch, waiting where it blocks. */
export async function sendAll(io: PacketIo, batch: PacketBatch): Promise<void> {
  for (let next = 0; (next = io.send(batch, next)) < batch.count;) await io.wait(50);
}

/** Checks that the packets are those of {@link batchOf}, in order. */
export function assertPackets(received: readonly Received[], lengths: readonly number[]): void {
  assert.deepEqual(received.map((packet) => packet.length), lengths);
  for (const [index, { bytes }] of received.entries()) {
    assert.ok(bytes.every((byte) => byte === (index & 0xff)), `packet ${index} is intact`);
  }
}
