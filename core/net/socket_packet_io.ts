/**
 * SCTP packets through sockets by FFI: what raw IP and UDP have in common. There is one socket per
 * local address, or one per family that stands for every address of the host.
 */
import type { IcmpError } from "../sctp/icmp_error.ts";
import type { InboundPacket, PacketBatch } from "../sctp/packet.ts";
import { type Encapsulation, ErrorQueueReader } from "./icmp.ts";
import { refreshAddressList } from "./interfaces.ts";
import { type LocalSocket, RouteFinder } from "./local_socket.ts";
import { newMetrics } from "./metrics.ts";
import type { BoundAddress, PacketIo } from "./packet_io.ts";
import { PacketReceiver } from "./packet_receiver.ts";
import { PacketSender } from "./packet_sender.ts";
import { SocketWaiter } from "./socket_waiter.ts";
import { AddressCache } from "./sockaddr.ts";

/** What tells one transport from another. */
export interface SocketPacketIoOptions {
  readonly encapsulation: Encapsulation;
  /** Our UDP port, 0 for raw IP. */
  readonly port: number;
  readonly sockets: readonly LocalSocket[];
  readonly localAddresses: readonly BoundAddress[];
  /** Every address of this host. */
  readonly hostAddresses: readonly BoundAddress[];
  /** Whether equal-sized packets may share a message (UDP_SEGMENT). */
  readonly segmentation: boolean;
  /** Where the memory of received packets comes from. */
  readonly allocate: (length: number) => Uint8Array;
}

/** A {@link PacketIo} over sockets that are open and configured; it closes them. */
export class SocketPacketIo implements PacketIo {
  readonly descriptors: readonly number[];
  readonly encapsulationPort: number;
  readonly overhead: number;
  readonly metrics = newMetrics();

  readonly #sockets: readonly LocalSocket[];
  /** What was asked for at the start. */
  readonly #named: readonly BoundAddress[];
  readonly #addresses: AddressCache;
  readonly #receiver: PacketReceiver;
  readonly #sender: PacketSender;
  readonly #errorQueue: ErrorQueueReader;
  readonly #finder: RouteFinder;
  readonly #waiter: SocketWaiter;

  constructor(options: SocketPacketIoOptions) {
    const { encapsulation, sockets, localAddresses, hostAddresses } = options;
    this.#sockets = sockets;
    this.#named = localAddresses;
    this.encapsulationPort = options.port;
    this.overhead = encapsulation === "udp" ? 8 : 0;
    this.descriptors = sockets.map((socket) => socket.descriptor);
    const addresses = new AddressCache();
    this.#addresses = addresses;
    for (const { address } of localAddresses) addresses.keep(address);
    this.#finder = new RouteFinder(sockets, localAddresses, hostAddresses);
    this.#errorQueue = new ErrorQueueReader(encapsulation, addresses);
    this.#receiver = new PacketReceiver(
      encapsulation,
      sockets,
      this.metrics,
      addresses,
      options.allocate,
    );
    this.#sender = new PacketSender(
      this.#finder,
      this.metrics,
      this.#errorQueue,
      options.segmentation,
    );
    this.#waiter = new SocketWaiter(this.descriptors);
  }

  get localAddresses(): readonly BoundAddress[] {
    return this.#finder.localAddresses;
  }

  refreshAddresses(): readonly BoundAddress[] {
    const { localAddresses, hostAddresses } = this.#finder;
    const host = refreshAddressList(hostAddresses, true);
    const isOfAll = this.#sockets.some(({ bound }) => bound === undefined);
    const local = isOfAll
      ? refreshAddressList(localAddresses, true)
      : refreshAddressList(this.#named, false);
    for (const { address } of local) this.#addresses.keep(address);
    this.#finder.update(local, host);
    return local;
  }

  receive(): number {
    return this.#receiver.receive();
  }

  get hasMore(): boolean {
    return this.#receiver.hasMore;
  }

  packetAt(index: number): InboundPacket {
    return this.#receiver.at(index);
  }

  send(batch: PacketBatch, from: number): number {
    const next = this.#sender.send(batch, from);
    const { blocked } = this.#sender;
    if (blocked) this.#waiter.watchWriting(blocked.descriptor);
    return next;
  }

  pollIcmp(): IcmpError | undefined {
    const own = this.#sender.errors.shift();
    if (own) return own;
    for (let i = 0; i < this.#sockets.length; i++) {
      const error = this.#sockets[i].errorQueued ? this.#nextError(this.#sockets[i]) : undefined;
      if (error) return error;
    }
    return undefined;
  }

  wait(milliseconds: number): Promise<void> {
    return this.#waiter.wait(milliseconds);
  }

  wake(): void {
    this.#waiter.wake();
  }

  close(): void {
    this.#waiter.close();
  }

  /**
   * The next error of a socket's queue. Left out is what says nothing of a path, and what another
   * socket of the same address reports: raw sockets all see the same errors.
   */
  #nextError(socket: LocalSocket): IcmpError | undefined {
    for (;;) {
      const error = this.#errorQueue.read(socket.descriptor, socket.bound?.address);
      if (error === "empty") {
        socket.errorQueued = false;
        return undefined;
      }
      if (error && this.#finder.socketFor(error.local, error.remote) === socket) return error;
    }
  }
}
