/** What every packet transport offers: the sockets below it differ, the drivers above it do not. */
import type { IpAddress } from "../sctp/base/address.ts";
import type { IcmpError } from "../sctp/icmp_error.ts";
import type { InboundPacket, PacketBatch } from "../sctp/packet.ts";

/** Counters of a transport since it was opened. */
export interface PacketIoMetrics {
  packetsSent: number;
  bytesSent: number;
  /** System calls that sent something: packetsSent / sendCalls is the batching achieved. */
  sendCalls: number;
  packetsReceived: number;
  bytesReceived: number;
  receiveCalls: number;
  /** Packets that the kernel refused to send, by errno name. */
  readonly sendErrors: Map<string, number>;
  /** Datagrams too short, too long or from an address of no use. */
  receivedUnusable: number;
}

/** An address of this host, and what is known of its link. */
export interface BoundAddress {
  readonly address: IpAddress;
  /** Bits of the prefix that is on the link. */
  readonly prefixLength: number;
  /** Kernel's index of the interface, 0 if not known. */
  readonly interfaceIndex: number;
}

/**
 * A way for SCTP packets to leave and arrive: raw IP, UDP through FFI, or UDP through
 * `Deno.listenDatagram`.
 */
export interface PacketIo {
  /** File descriptors to watch for reading; none where the runtime does the waiting. */
  readonly descriptors: readonly number[];
  /** Addresses that packets can leave from. */
  readonly localAddresses: readonly BoundAddress[];
  /** UDP port on which peers reach us, or 0 for raw IP. */
  readonly encapsulationPort: number;
  /** Bytes that the transport puts between IP header and SCTP packet: 8 for UDP, 0 for raw IP. */
  readonly overhead: number;
  readonly metrics: Readonly<PacketIoMetrics>;
  /** Takes what is waiting, up to one batch; returns how many packets {@link packetAt} now shows. Never blocks. */
  receive(): number;
  /** False if the last {@link receive} took all that was waiting. */
  readonly hasMore: boolean;
  /** The packet `index` of the last {@link receive}: the same object each time, valid until the next `receive`. */
  packetAt(index: number): InboundPacket;
  /**
   * Sends the packets from index `from` on, equal-sized runs of one route as segmented sends.
   * Returns the index of the first packet that would block, or `batch.count` if none is left: the next
   * {@link wait} then also ends when there is room again; a loop of one's own watches for writing.
   * A packet that the kernel refuses is counted and dropped: to the engine that is a loss.
   */
  send(batch: PacketBatch, from: number): number;
  /**
   * The next ICMP error that the kernel has queued for these sockets, or its own refusal of a packet
   * too big for the path. Ask after every `receive` and `send` until there is none: a descriptor
   * counts as ready as long as errors are queued.
   */
  pollIcmp(): IcmpError | undefined;
  /**
   * Resolves when {@link receive} may have something, after `milliseconds` at the latest, or on
   * {@link wake}. One at a time. It always gives the event loop a turn.
   */
  wait(milliseconds: number): Promise<void>;
  /** Ends a {@link wait} that is under way. */
  wake(): void;
  /**
   * Looks at the host's addresses again: those that it has got can be used from now on, unless addresses
   * were named when this was opened; those that it has lost are left out.
   * @returns {@link localAddresses} as they are now.
   */
  refreshAddresses(): readonly BoundAddress[];
  /** Closes the sockets; a `wait` under way resolves. */
  close(): void;
}
