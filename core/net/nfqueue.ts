/**
 * Packets that a firewall rule holds until this process says what becomes of them
 * (linux/netfilter/nfnetlink_queue.h).
 *
 * If the process dies or closes the queue, the kernel drops what is held, and rules with
 * `--queue-bypass` let everything after that pass: TCP sends a SYN again within a second or so.
 */
import { readU32, writeU16, writeU32 } from "../sctp/base/bytes.ts";
import {
  AF_INET6,
  ENOENT,
  EPERM,
  NETLINK_NETFILTER,
  NETLINK_NO_ENOBUFS,
  SOL_NETLINK,
} from "./constants.ts";
import {
  AttributeReader,
  NetlinkReader,
  NetlinkWriter,
  NLM_F_ACK,
  NLM_F_REQUEST,
  NLMSG_ERROR,
} from "./netlink.ts";
import { NetlinkSocket } from "./netlink_socket.ts";
import { orClose, setOption } from "./socket.ts";
import { SystemError } from "./system_error.ts";

/** What becomes of a held packet. */
export const Verdict = {
  Drop: 0,
  /** It goes on behind the rule that held it. */
  Accept: 1,
  /** It starts the hook again: the rule must know by the mark that it has been here. */
  Repeat: 4,
} as const;
export type Verdict = typeof Verdict[keyof typeof Verdict];

/** Options of {@link NetfilterQueue}. */
export interface QueueOptions {
  /** 0 .. 65535: the number that the rules name. */
  readonly queue: number;
  /** Packets held at a time; 4096 by default. */
  readonly maxLength?: number;
  /** A full queue lets packets pass (the default), or drops them. */
  readonly failOpen?: boolean;
  /**
   * The first bytes of a packet that are wanted, up to {@link LONGEST_COPY}; 512 by default, enough for
   * any SYN's headers.
   */
  readonly copyBytes?: number;
}

/** The most of a packet that an attribute of netlink has room for. */
export const LONGEST_COPY = 0xffff - 4;

/** A packet that waits for its verdict. Reused: read it before the next {@link NetfilterQueue.receive}. */
export class HeldPacket {
  /** What the verdict is given for. */
  id = 0;
  family: 4 | 6 = 4;
  /** Firewall mark; 0 if it has none. */
  mark = 0;
  /** Owner of the socket that sent it; -1 if the kernel does not say. */
  uid = -1;
  gid = -1;
  /** Index of the interface that it is about to leave by; 0 if there is none. */
  outputInterface = 0;
  /** The packet from its IP header on: where it starts in {@link NetfilterQueue.memory}. */
  offset = 0;
  /** Bytes of it that are there. */
  length = 0;
}

const SUBSYSTEM = 3 << 8;
const [PACKET, VERDICT, CONFIG, VERDICT_BATCH] = [0, 1, 2, 3].map((message) => SUBSYSTEM | message);

/** Attributes of a configuration. */
const CFG_CMD = 1;
const CFG_PARAMS = 2;
const CFG_QUEUE_MAXLEN = 3;
const CFG_MASK = 4;
const CFG_FLAGS = 5;
const CMD_BIND = 1;
const CMD_UNBIND = 2;
const COPY_PACKET = 2;
const FLAG_FAIL_OPEN = 1;
const FLAG_UID_GID = 8;

/** Attributes of packets and verdicts. */
const NFQA_PACKET_HDR = 1;
const NFQA_VERDICT_HDR = 2;
const NFQA_MARK = 3;
const NFQA_IFINDEX_OUTDEV = 6;
const NFQA_PAYLOAD = 10;
const NFQA_UID = 16;
const NFQA_GID = 17;

/** struct nfgenmsg: family, version, queue in network order. */
const NFGENMSG_BYTES = 4;
const SLOTS = 32;
const RECEIVE_BUFFER = 4 << 20;

/** Starts a message about a queue. */
function beginMessage(
  message: NetlinkWriter,
  type: number,
  flags: number,
  sequence: number,
  queue: number,
): void {
  message.begin(type, flags, sequence);
  writeU16(message.bytes, message.reserve(NFGENMSG_BYTES) + 2, queue);
}

/** The message that gives a queue up; it must be sent by the socket that has the queue. */
export function unbindMessage(queue: number): Uint8Array {
  const message = new NetlinkWriter(64);
  beginMessage(message, CONFIG, NLM_F_REQUEST, 0, queue);
  message.bytes[message.attribute(CFG_CMD, 4)] = CMD_UNBIND;
  return message.bytes.subarray(0, message.length);
}

/** One queue, which only one process can have. */
export class NetfilterQueue {
  readonly queue: number;
  /** Verdicts that came too late, as far as received: the kernel had the packet no longer. */
  lateVerdicts = 0;
  readonly #socket: NetlinkSocket;
  readonly #message = new NetlinkWriter(128);
  readonly #reader = new NetlinkReader();
  readonly #attributes = new AttributeReader();
  readonly #packets: HeldPacket[] = Array.from({ length: SLOTS }, () => new HeldPacket());
  #count = 0;
  /** Packets came while the queue was being set up. */
  #unseen = false;
  #lastError = 0;
  #sequence = 0;
  #lastId = 0;

  /**
   * Takes the queue: from now on rules that name it hold packets.
   * @throws SystemError without CAP_NET_ADMIN, if another process has the queue, or if the kernel has
   * no NFQUEUE.
   */
  constructor(options: QueueOptions) {
    const { queue } = options;
    if (!Number.isInteger(queue) || queue < 0 || queue > 0xffff) {
      throw new RangeError(`queue ${queue}: queues have numbers from 0 to 65535`);
    }
    this.queue = queue;
    this.#socket = new NetlinkSocket({
      protocol: NETLINK_NETFILTER,
      what: "netfilter queue",
      slots: SLOTS,
      receiveBuffer: RECEIVE_BUFFER,
    });
    orClose(this.descriptor, () => {
      // Otherwise a flood would show as an error here; with it, the full queue's policy applies.
      setOption(this.descriptor, SOL_NETLINK, NETLINK_NO_ENOBUFS, 1, "NETLINK_NO_ENOBUFS");
      this.#configure(options);
    });
  }

  /** For an epoll set: readable when packets are held that were not received yet. */
  get descriptor(): number {
    return this.#socket.descriptor;
  }

  /** Where received packets lie. */
  get memory(): Uint8Array {
    return this.#socket.memory;
  }

  /**
   * Takes held packets, up to a limit: call it until it returns 0, the first time without waiting
   * for the descriptor.
   * @returns how many {@link packet} now shows.
   * @throws SystemError with the code ENOTSOCK if a watchdog has taken the queue away.
   */
  receive(): number {
    if (this.#unseen) {
      this.#unseen = false;
      return this.#count;
    }
    // A datagram that was no packet must not look like the end of what is there.
    while (this.#receiveDatagrams() > 0 && this.#count === 0);
    return this.#count;
  }

  /** The packet `index` of the last {@link receive}. */
  packet(index: number): HeldPacket {
    return this.#packets[index];
  }

  /**
   * Says what becomes of a held packet. One that the kernel has no longer is counted, not an error.
   * @param mark the mark that the packet has from now on; it keeps its own by default.
   */
  verdict(id: number, verdict: Verdict, mark?: number): void {
    this.#beginVerdict(VERDICT, id, verdict);
    if (mark !== undefined) {
      writeU32(this.#message.bytes, this.#message.attribute(NFQA_MARK, 4), mark);
    }
    this.#socket.send(this.#message);
  }

  /** Says what becomes of every packet that is held up to this one: of those that came before it too. */
  verdictUpTo(id: number, verdict: Verdict): void {
    this.#beginVerdict(VERDICT_BATCH, id, verdict);
    this.#socket.send(this.#message);
  }

  /** Lets everything pass that is held now, received or not: for an orderly end. */
  acceptAll(): void {
    while (this.receive() > 0);
    if (this.#lastId !== 0) this.verdictUpTo(this.#lastId, Verdict.Accept);
  }

  /** Gives the queue up; the kernel drops what is held. */
  close(): void {
    this.#socket.close();
  }

  #beginVerdict(message: number, id: number, verdict: Verdict): void {
    this.#begin(message, NLM_F_REQUEST);
    const at = this.#message.attribute(NFQA_VERDICT_HDR, 8);
    writeU32(this.#message.bytes, at, verdict);
    writeU32(this.#message.bytes, at + 4, id);
  }

  #begin(message: number, flags: number): void {
    beginMessage(this.#message, message, flags, ++this.#sequence, this.queue);
  }

  /** One message, so that there is no moment when the queue exists and drops what it gets. */
  #configure({ maxLength = 4096, failOpen = true, copyBytes = 512 }: QueueOptions): void {
    this.#begin(CONFIG, NLM_F_REQUEST | NLM_F_ACK);
    const { bytes } = this.#message;
    bytes[this.#message.attribute(CFG_CMD, 4)] = CMD_BIND;
    const parameters = this.#message.attribute(CFG_PARAMS, 5);
    writeU32(bytes, parameters, copyBytes);
    bytes[parameters + 4] = COPY_PACKET;
    writeU32(bytes, this.#message.attribute(CFG_QUEUE_MAXLEN, 4), maxLength);
    writeU32(bytes, this.#message.attribute(CFG_MASK, 4), FLAG_FAIL_OPEN | FLAG_UID_GID);
    const flags = FLAG_UID_GID | (failOpen ? FLAG_FAIL_OPEN : 0);
    writeU32(bytes, this.#message.attribute(CFG_FLAGS, 4), flags);
    this.#socket.send(this.#message);
    this.#expectAcknowledgement();
  }

  /** The kernel's answer is there already, perhaps between the first packets. */
  #expectAcknowledgement(): void {
    this.#receiveDatagrams();
    this.#unseen = this.#count > 0;
    const error = this.#lastError;
    if (error === 0) return;
    const advice = error === EPERM
      ? "Another process may have this queue (/proc/net/netfilter/nfnetlink_queue lists them), " +
        "or this one lacks CAP_NET_ADMIN"
      : undefined;
    throw new SystemError(error, `take netfilter queue ${this.queue}`, advice);
  }

  #receiveDatagrams(): number {
    this.#count = 0;
    const datagrams = this.#socket.receive();
    for (let slot = 0; slot < datagrams; slot++) this.#read(slot);
    return datagrams;
  }

  #read(slot: number): void {
    const { memory } = this.#socket;
    this.#reader.reset(memory, this.#socket.offset(slot), this.#socket.length(slot));
    while (this.#reader.next()) {
      if (this.#reader.type === PACKET) this.#readPacket(memory);
      else if (this.#reader.type === NLMSG_ERROR) this.#readError(this.#reader.error);
    }
  }

  #readError(error: number): void {
    this.#lastError = error;
    if (error === ENOENT) this.lateVerdicts++;
  }

  #readPacket(memory: Uint8Array): void {
    const { start, end } = this.#reader;
    if (this.#count === this.#packets.length) this.#packets.push(new HeldPacket());
    const packet = this.#packets[this.#count];
    packet.family = memory[start] === AF_INET6 ? 6 : 4;
    packet.mark = packet.outputInterface = packet.length = 0;
    packet.uid = packet.gid = -1;
    let identified = false;
    this.#attributes.reset(memory, start + NFGENMSG_BYTES, end);
    while (this.#attributes.next()) {
      if (this.#attributes.length < 4) continue;
      if (this.#attributes.type === NFQA_PACKET_HDR) identified = true;
      this.#readAttribute(packet, memory);
    }
    if (!identified) return;
    this.#lastId = packet.id;
    this.#count++;
  }

  #readAttribute(packet: HeldPacket, memory: Uint8Array): void {
    const { type, start, length } = this.#attributes;
    if (type === NFQA_PAYLOAD) {
      packet.offset = start;
      packet.length = length;
      return;
    }
    const value = readU32(memory, start);
    if (type === NFQA_PACKET_HDR) packet.id = value;
    else if (type === NFQA_MARK) packet.mark = value;
    else if (type === NFQA_IFINDEX_OUTDEV) packet.outputInterface = value;
    else if (type === NFQA_UID) packet.uid = value;
    else if (type === NFQA_GID) packet.gid = value;
  }
}
