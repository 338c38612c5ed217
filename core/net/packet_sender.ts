/**
 * Sends SCTP packets by sockets: packets that leave one after the other by one socket share a system
 * call, and over UDP equal-sized ones of one route share a message (UDP_SEGMENT), which costs a tenth
 * per packet.
 */
import type { IcmpError } from "../sctp/icmp_error.ts";
import { Ecn, type PacketBatch, type Route } from "../sctp/packet.ts";
import { EAGAIN, EINVAL, EIO, EMSGSIZE } from "./constants.ts";
import type { ErrorQueueReader } from "./icmp.ts";
import { errno } from "./libc.ts";
import type { LocalSocket, RouteFinder } from "./local_socket.ts";
import { MessageSender } from "./message_sender.ts";
import { countSendError } from "./metrics.ts";
import type { PacketIoMetrics } from "./packet_io.ts";
import { allowFragmentation, forbidFragmentation } from "./socket.ts";
import { errnoName } from "./system_error.ts";

/** The most segments of one message that every kernel takes. */
const SEGMENTS = 64;
/** The longest payload of one UDP message over IPv4: 65,535 less both headers. */
const LONGEST_MESSAGE = 65_507;
const MESSAGES_PER_CALL = 64;
/** A call may report the error of an earlier packet before it does its own work. */
const ATTEMPTS = 2;
/** Bytes of a refused packet that its {@link IcmpError} quotes: enough for an INIT's Initiate Tag. */
const QUOTE_BYTES = 64;
/** Refused packets of which errors are kept: after the first the engine knows the path's MTU. */
const ERRORS_KEPT = 64;

/** The sending side of a {@link SocketPacketIo}. */
export class PacketSender {
  /** Errors of packets that the kernel itself found too big. */
  readonly errors: IcmpError[] = [];
  /** The socket that took no more at the end of the last {@link send}, if one did. */
  blocked: LocalSocket | undefined;

  /** The first packet of each message of the call, and the one behind the last. */
  readonly #firsts: Int32Array;
  /** Packets before this index of the batch go one a message. */
  #singlesUntil = 0;
  /** The call's only message is to be cut up into fragments no longer than this; 0 for none. */
  #fragment = 0;
  /** A run was refused for a reason that may be the segmentation itself. */
  #suspicious = false;

  /**
   * @param segmentation whether equal-sized packets may share a message.
   * @param messages the memory of the system call.
   */
  constructor(
    readonly finder: RouteFinder,
    readonly metrics: PacketIoMetrics,
    readonly errorQueue: ErrorQueueReader,
    public segmentation: boolean,
    readonly messages = new MessageSender(MESSAGES_PER_CALL),
  ) {
    this.#firsts = new Int32Array(messages.capacity + 1);
  }

  /** Sends the packets from `from` on; returns the first that would block, or `batch.count`. */
  send(batch: PacketBatch, from: number): number {
    this.#singlesUntil = 0;
    this.blocked = undefined;
    let next = from;
    while (next < batch.count) {
      const { local, remote } = batch.routes[next]!;
      const socket = this.finder.socketFor(local, remote);
      if (!socket) {
        countSendError(this.metrics, "EADDRNOTAVAIL");
        next++;
        continue;
      }
      this.#fill(batch, next, socket);
      next = this.#sendMessages(batch, socket);
      if (this.blocked) return next;
    }
    return next;
  }

  /** Fills the call's messages with the packets from `from` on that leave by one socket. */
  #fill(batch: PacketBatch, from: number, socket: LocalSocket): void {
    const messages = this.messages;
    messages.clear(batch.memory);
    this.#fragment = 0;
    let next = from;
    while (next < batch.count && messages.count < messages.capacity && this.#fragment === 0) {
      const route = batch.routes[next]!;
      if (next > from && this.finder.socketFor(route.local, route.remote) !== socket) break;
      if (isOversized(batch, next)) {
        if (next > from) break;
        this.#fragment = longestFragment(route);
      }
      const end = this.#runEnd(batch, next);
      const offset = batch.offsets[next];
      const length = batch.offsets[end - 1] + batch.lengths[end - 1] - offset;
      this.#firsts[messages.count] = next;
      messages.add(offset, length, route.remote, route.encapsulationPort);
      if (end - next > 1) messages.segment(batch.lengths[next]);
      this.#addControl(route, socket);
      next = end;
    }
    this.#firsts[messages.count] = next;
  }

  #addControl(route: Route, socket: LocalSocket): void {
    if (route.ecn !== Ecn.NotEct) this.messages.mark(route.ecn, socket.family);
    const interfaceIndex = this.finder.interfaceFor(route.local, route.remote);
    if (interfaceIndex > 0 || !socket.bound) {
      this.messages.leaveFrom(route.local, interfaceIndex);
    }
  }

  /**
   * The packet behind the run that starts at `first`: packets of one route that lie back to back
   * and have equal sizes, except that the last may be shorter.
   */
  #runEnd(batch: PacketBatch, first: number): number {
    const isSingle = first < this.#singlesUntil || isOversized(batch, first);
    if (!this.segmentation || isSingle) return first + 1;
    const { routes, lengths, offsets } = batch;
    const size = lengths[first];
    const limit = Math.min(batch.count, first + SEGMENTS);
    const longest = offsets[first] + LONGEST_MESSAGE;
    let end = first + 1;
    let behind = offsets[first] + size;
    while (
      end < limit && lengths[end - 1] === size && lengths[end] <= size &&
      routes[end] === routes[first] && offsets[end] === behind && behind + lengths[end] <= longest
    ) {
      behind += lengths[end++];
    }
    return end;
  }

  /** Sends the filled messages; returns the packet to go on with. */
  #sendMessages(batch: PacketBatch, socket: LocalSocket): number {
    const firsts = this.#firsts;
    for (let attempt = 1;; attempt++) {
      const sent = this.#fragment > 0
        ? this.#sendFragmented(socket, this.#fragment)
        : this.messages.send(socket.descriptor);
      this.metrics.sendCalls++;
      if (sent > 0) return this.#succeeded(batch, sent);
      const error = errno();
      if (error === EAGAIN) {
        this.blocked = socket;
        return firsts[0];
      }
      if (firsts[1] - firsts[0] > 1 && mayBeSegmentation(error)) {
        this.#singlesUntil = firsts[1];
        this.#suspicious = error !== EMSGSIZE;
        return firsts[0];
      }
      if (error === EMSGSIZE) {
        this.#reportTooBig(batch, firsts[0], socket);
        if (batch.routes[firsts[0]]!.unfragmented !== Infinity) {
          this.metrics.sendCalls++;
          const fragmented = this.#sendFragmented(socket, 0);
          if (fragmented > 0) return this.#succeeded(batch, fragmented);
        }
      } else {
        socket.errorQueued = true;
      }
      if (error === EMSGSIZE || attempt === ATTEMPTS) {
        countSendError(this.metrics, errnoName(error), firsts[1] - firsts[0]);
        return firsts[1];
      }
    }
  }

  /**
   * Sends the filled messages in pieces where they are too big (RFC 9260, section 6.9): a chunk that
   * has its TSN cannot be cut again when the path has become narrower.
   */
  #sendFragmented({ descriptor, family }: LocalSocket, longest: number): number {
    allowFragmentation(descriptor, family, longest);
    const sent = this.messages.send(descriptor);
    // Calls that succeed leave errno alone.
    forbidFragmentation(descriptor, family);
    return sent;
  }

  #succeeded(batch: PacketBatch, messages: number): number {
    const first = this.#firsts[0];
    const end = this.#firsts[messages];
    // What went one by one was refused together: this kernel or this device cannot cut messages up.
    if (this.#suspicious && first < this.#singlesUntil) this.segmentation = false;
    this.#suspicious = false;
    this.metrics.packetsSent += end - first;
    for (let i = first; i < end; i++) this.metrics.bytesSent += batch.lengths[i];
    return end;
  }

  /** Turns the kernel's refusal of a packet into the error that a router would have sent. */
  #reportTooBig(batch: PacketBatch, packet: number, socket: LocalSocket): void {
    this.#suspicious = false;
    const start = batch.offsets[packet];
    const end = start + Math.min(batch.lengths[packet], QUOTE_BYTES);
    const { local } = batch.routes[packet]!;
    while (this.errors.length < ERRORS_KEPT) {
      const quoted = batch.memory.slice(start, end);
      const error = this.errorQueue.read(socket.descriptor, local, quoted);
      if (error === "empty") return;
      if (error) this.errors.push(error);
    }
    socket.errorQueued = true;
  }
}

/** The engine wants it cut up: it has learnt that less passes than the kernel thinks. */
function isOversized(batch: PacketBatch, index: number): boolean {
  return batch.lengths[index] > (batch.routes[index]!.unfragmented ?? Infinity);
}

/** Bytes of the IP packets that a packet of this route is to be cut up into. */
function longestFragment({ remote, encapsulationPort, unfragmented = 0 }: Route): number {
  return unfragmented + (remote.family === 4 ? 20 : 40) + (encapsulationPort === 0 ? 0 : 8);
}

function mayBeSegmentation(error: number): boolean {
  return error === EMSGSIZE || error === EINVAL || error === EIO;
}
