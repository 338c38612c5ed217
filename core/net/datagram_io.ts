/// <reference lib="deno.unstable" />
/**
 * SCTP packets in UDP datagrams (RFC 6951) through the runtime's own sockets: for systems without
 * FFI, or without the permission to use it. A packet costs several times more than in `udp_io.ts`;
 * ECN, ICMP errors and the Don't Fragment bit are out of reach (RFC 6951, sections 5.5, 5.6, 5.8).
 */
import { IpAddress } from "../sctp/base/address.ts";
import type { IcmpError } from "../sctp/icmp_error.ts";
import type { InboundPacket, PacketBatch, Route } from "../sctp/packet.ts";
import { DatagramReader, SLOT_BYTES } from "./datagram_reader.ts";
import { DatagramWriter } from "./datagram_writer.ts";
import { hostAddressesIfAllowed, refreshAddressList, resolveBoundAddresses } from "./interfaces.ts";
import { countSendError, newMetrics } from "./metrics.ts";
import type { BoundAddress, PacketIo } from "./packet_io.ts";
import { ReceivedPackets } from "./received_packets.ts";
import { Signal } from "./signal.ts";

/** Options of {@link openDatagramIo}. */
export interface DatagramIoOptions {
  /** Our UDP port: 9899 is the registered one (RFC 6951, section 7); 0 lets the system choose. */
  readonly port: number;
  /** Addresses that packets leave from and come to; every address of the host if none is named. */
  readonly addresses?: readonly IpAddress[];
  /** Where the memory of received packets comes from. */
  readonly allocate?: (length: number) => Uint8Array;
}

/** Attempts to find a port that is free on every address. */
const PORT_ATTEMPTS = 16;
/** Datagrams that are read ahead, shared out among the sockets; each gets two at least, and enough. */
const SLOTS = 64;
const [FEWEST_SLOTS, MOST_SLOTS] = [2, 32];
/** Remote addresses whose objects are kept. */
const ADDRESSES_KEPT = 1024;

/**
 * Opens the transport.
 * @throws Error without `--unstable-net`, and naming the address and port which cannot be had.
 */
export function openDatagramIo(options: DatagramIoOptions): PacketIo {
  const { addresses = [], allocate = (length: number) => new Uint8Array(length) } = options;
  const bound = addresses.length > 0 ? resolveBoundAddresses(addresses) : hostAddressesIfAllowed();
  if (bound.length === 0) {
    throw new TypeError("name the local addresses, or allow the question for them: --allow-sys");
  }
  const sockets = listenOnAll(bound, options.port);
  return new DatagramIo(sockets, bound, allocate);
}

/** One socket per address, all on one port. */
function listenOnAll(bound: readonly BoundAddress[], wanted: number): Deno.DatagramConn[] {
  for (let attempt = 1;; attempt++) {
    const sockets: Deno.DatagramConn[] = [];
    try {
      let port = wanted;
      for (const { address } of bound) {
        sockets.push(listenOn(address, port));
        port = portOf(sockets[0]);
      }
      return sockets;
    } catch (error) {
      for (const socket of sockets) socket.close();
      // The port that the system chose for the first address may be taken on another one.
      const retry = wanted === 0 && sockets.length > 0 && attempt < PORT_ATTEMPTS;
      if (!retry) throw error;
    }
  }
}

function listenOn(address: IpAddress, port: number): Deno.DatagramConn {
  if (!Deno.listenDatagram) {
    throw new Error("UDP needs --allow-ffi, or --unstable-net for the runtime's slower sockets");
  }
  try {
    return Deno.listenDatagram({ transport: "udp", hostname: address.text, port });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`bind a UDP socket to ${address} port ${port}: ${reason}`, { cause: error });
  }
}

function portOf(socket: Deno.DatagramConn): number {
  return (socket.addr as Deno.NetAddr).port;
}

class DatagramIo implements PacketIo {
  /** The runtime does the waiting. */
  readonly descriptors: readonly number[] = [];
  readonly encapsulationPort: number;
  readonly overhead = 8;
  readonly metrics = newMetrics();

  readonly #signal = new Signal();
  readonly #readers: readonly DatagramReader[];
  readonly #writers: readonly DatagramWriter[];
  readonly #received: ReceivedPackets;
  readonly #addresses = new Map<string, IpAddress | undefined>();
  #closed = false;

  constructor(
    sockets: readonly Deno.DatagramConn[],
    readonly localAddresses: readonly BoundAddress[],
    allocate: (length: number) => Uint8Array,
  ) {
    this.encapsulationPort = portOf(sockets[0]);
    for (const { address } of localAddresses) this.#addresses.set(address.text, address);
    const share = Math.floor(SLOTS / sockets.length);
    const slots = Math.min(Math.max(share, FEWEST_SLOTS), MOST_SLOTS);
    const all = sockets.length * slots;
    const memory = allocate(all * SLOT_BYTES);
    this.#received = new ReceivedPackets(memory, all, all);
    const notify = () => this.#signal.notify();
    const toAddress = (text: string) => this.#toAddress(text);
    this.#readers = sockets.map((socket, i) => {
      const start = i * slots * SLOT_BYTES;
      const bound = localAddresses[i];
      return new DatagramReader(socket, bound, memory, start, slots, toAddress, notify);
    });
    this.#writers = sockets.map((socket) => new DatagramWriter(socket, this.metrics, notify));
  }

  receive(): number {
    const { metrics } = this;
    this.#received.clear();
    for (const reader of this.#readers) metrics.receivedUnusable += reader.take(this.#received);
    const { count } = this.#received;
    metrics.receiveCalls += count;
    metrics.packetsReceived += count;
    for (let i = 0; i < count; i++) metrics.bytesReceived += this.#received.at(i).length;
    return count;
  }

  get hasMore(): boolean {
    return this.#readers.some((reader) => reader.waiting);
  }

  packetAt(index: number): InboundPacket {
    return this.#received.at(index);
  }

  send(batch: PacketBatch, from: number): number {
    for (let i = from; i < batch.count; i++) {
      const route = batch.routes[i]!;
      const writer = this.#writerFor(route);
      if (!writer) countSendError(this.metrics, "EADDRNOTAVAIL");
      else if (!writer.add(batch.memory, batch.offsets[i], batch.lengths[i], route)) return i;
    }
    return batch.count;
  }

  pollIcmp(): IcmpError | undefined {
    return undefined;
  }

  wait(milliseconds: number): Promise<void> {
    const waiting = this.#closed || this.#readers.some((reader) => reader.waiting);
    return this.#signal.wait(waiting ? 0 : milliseconds);
  }

  wake(): void {
    this.#signal.notify();
  }

  /** There is a socket for each address: none can come, and one that has gone may come back. */
  refreshAddresses(): readonly BoundAddress[] {
    return refreshAddressList(this.localAddresses, false);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const writer of this.#writers) writer.close();
    for (const reader of this.#readers) reader.close();
    this.#signal.notify();
  }

  #writerFor({ local }: Route): DatagramWriter | undefined {
    const index = this.localAddresses.findIndex(({ address }) => address.equals(local));
    return this.#writers[index];
  }

  /** The same object for the same text, as long as there are not too many of them. */
  #toAddress(text: string): IpAddress | undefined {
    const known = this.#addresses.get(text);
    if (known) return known;
    if (this.#addresses.size >= ADDRESSES_KEPT) this.#addresses.clear();
    const address = IpAddress.tryParse(text);
    this.#addresses.set(text, address);
    return address;
  }
}
