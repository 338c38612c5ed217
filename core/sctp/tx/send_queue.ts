/**
 * User messages that wait to become DATA chunks: first come, first served within a stream, and among
 * the streams as the scheduler says (RFC 8260, section 3).
 *
 * A message is copied into slots of the pool. One that is longer than a slot is kept as several
 * segments, cut where chunks will be cut, so that no chunk spans two slots. A segment stays until the
 * last of its chunks has been acknowledged, because retransmissions read from it.
 */
import { KeyedHeap } from "../base/keyed_heap.ts";
import { LARGEST_SLOT, type SlabPool } from "../base/slab_pool.ts";
import { ActiveStreams, IDLE } from "./active_streams.ts";
import { type Course, Courses } from "./course.ts";
import type { PartialReliability } from "./partial_reliability.ts";
import { SegmentFlag, SegmentStore } from "./segment_store.ts";
import {
  DEFAULT_STREAM_SCHEDULER,
  STREAM_SCHEDULERS,
  type StreamScheduler,
  type StreamSchedulerName,
  type StreamTurn,
} from "./stream_scheduler.ts";

/** What the user says about a message. One object can be used for many messages. */
export interface SendOptions {
  /** Stream Identifier. */
  stream: number;
  /** Payload Protocol Identifier, passed to the peer as it is. */
  ppid: number;
  /** True: delivered without regard to the order in the stream (RFC 9260, section 6.6). */
  unordered: boolean;
  /** True: the I bit is set on the last chunk (RFC 9260, section 6.1). */
  immediate: boolean;
  /** When it is given up; by default never. Means nothing if the peer does not support it. */
  reliability?: PartialReliability;
  /** Given back with the message if it is not delivered; by default 0. */
  context?: number;
  /** Where it goes and what authenticates it; by default as all others. */
  course?: Course;
}

/** Streams whose new messages wait. */
export type HeldStreams = ReadonlySet<number> | "all";

/** No stream has to go on before others have a turn. */
const UNBOUND = -1;

/** Which streams have something to send, and whose turn it is: nothing while a queue is drained. */
class Turns {
  readonly streams = new ActiveStreams();
  /** Slots of the streams, in the order of their turns. */
  readonly order = new KeyedHeap();
  /** Virtual time until which idle streams have used their share, beyond that of the queue. */
  readonly debts = new Map<number, number>();
}

/** Stands for those of every queue that is drained; nothing is added to it. */
const NO_TURNS = new Turns();

/** Of queues that are drained now, for those that are about to fill: an idle association has none. */
const spareTurns: Turns[] = [];
const MOST_SPARE = 256;
/** Streams up to which what was used is kept. */
const WIDEST_SPARE = 256;

/** Filled in for each question to a scheduler; nothing keeps it. */
const asked: StreamTurn = { arrival: 0, turn: 0, value: 0, used: 0 };

export class SendQueue {
  readonly #segments: SegmentStore;
  #turns = NO_TURNS;
  #scheduler: StreamScheduler = STREAM_SCHEDULERS[DEFAULT_STREAM_SCHEDULER];
  #schedulerName: StreamSchedulerName = DEFAULT_STREAM_SCHEDULER;
  /** Priorities or weights of streams that the user gave one. */
  #values: Map<number, number> | undefined;
  #virtualTime = 0;
  #messages = 0;
  #turnCount = 0;
  /** Slot whose message, or packet, is not over. */
  #bound = UNBOUND;
  /** Slot and segment that the next chunk comes from; segment 0 if the queue is drained. */
  #slot = 0;
  #current = 0;
  /** Stream of the chunk that was cut last. */
  #lastStream = 0;
  #unsentBytes = 0;
  /** The only stream that has a turn has had turns since its key was worked out. */
  #isKeyOld = false;
  /** Number of the course of the chunk that was cut last. */
  #lastCourse = 0;
  /** The courses of messages, once one had one. */
  courses: Courses | undefined;
  /** Other streams may have a turn before a message is over (RFC 8260). */
  interleaves = false;
  #held: HeldStreams | undefined;
  /** Held streams with something that was queued before they were. */
  #leaving = 0;

  constructor(pool: SlabPool) {
    this.#segments = new SegmentStore(pool);
  }

  /** How the streams take turns. */
  get scheduler(): StreamSchedulerName {
    return this.#schedulerName;
  }

  /** Another scheduler, from the next message on. */
  set scheduler(name: StreamSchedulerName) {
    this.#schedulerName = name;
    this.#scheduler = STREAM_SCHEDULERS[name];
    if (this.#bound !== UNBOUND && this.#mayTurn) this.#bound = UNBOUND;
    this.#turns.debts.clear();
    this.#orderAnew();
  }

  /** Priority (0 is served first) or weight of a stream: what the scheduler makes of it. */
  streamValue(stream: number): number {
    return this.#values?.get(stream) ?? 0;
  }

  /** Gives a stream a priority or weight. */
  setStreamValue(stream: number, value: number): void {
    this.#values ??= new Map();
    this.#values.set(stream, value);
    this.#orderAnew();
  }

  /** Takes turns as another queue does: that of the association before its peer restarted. */
  scheduleLike(other: SendQueue): void {
    this.#values = other.#values && new Map(other.#values);
    this.scheduler = other.scheduler;
  }

  /** Bytes that have not been put into a chunk yet. */
  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  /** True if there is nothing to cut: all that is left, if anything, is of streams that are held. */
  get isDrained(): boolean {
    return this.#current === 0;
  }

  /**
   * Takes a copy of a message.
   * @param chunkPayload bytes of user data in a full chunk: segments are multiples of it.
   * @param message record of a partially reliable message.
   * @returns its first segment.
   */
  push(data: Uint8Array, options: SendOptions, chunkPayload: number, message = 0): number {
    const longest = data.length <= LARGEST_SLOT
      ? data.length
      : LARGEST_SLOT - LARGEST_SLOT % Math.min(chunkPayload, LARGEST_SLOT);
    const found = this.#turns.streams.find(options.stream);
    const slot = found === IDLE ? this.#open(options.stream) : found;
    const isSpecial = options.course !== undefined || (options.context ?? 0) !== 0;
    this.#messages++;
    let first = 0;
    for (let start = 0; start < data.length; start += longest) {
      const length = Math.min(longest, data.length - start);
      let flags = 0;
      if (start === 0) flags |= SegmentFlag.Begin;
      if (start + length === data.length) flags |= SegmentFlag.End;
      if (options.unordered) flags |= SegmentFlag.Unordered;
      if (options.immediate) flags |= SegmentFlag.Immediate;
      if (message !== 0) flags |= SegmentFlag.Partial;
      if (isSpecial) flags |= SegmentFlag.Special;
      const segment = this.#append(slot, data, start, length, flags, options.ppid);
      if (message !== 0) this.#segments.setMessage(segment, message);
      if (isSpecial) this.#noteSpecial(segment, options);
      if (start === 0) first = segment;
    }
    this.#unsentBytes += data.length;
    if (found !== IDLE || this.#isHeld(options.stream)) return first;
    this.#enter(slot);
    this.#select();
    return first;
  }

  #noteSpecial(segment: number, { context = 0, course }: SendOptions): void {
    const number = course ? (this.courses ??= new Courses()).numberOf(course) : 0;
    this.#segments.setSpecial(segment, context, number);
  }

  /**
   * Messages of these streams that are queued from now on wait for {@link resume}; those before them
   * still leave. An earlier hold must have been resumed.
   */
  hold(held: HeldStreams): void {
    const { streams, order } = this.#turns;
    this.#held = held;
    for (let slot = 0; slot < streams.count; slot++) {
      if (!order.has(slot) || !this.#isHeld(streams.stream[slot])) continue;
      streams.last[slot] = streams.tail[slot];
      this.#leaving++;
    }
  }

  /** True while streams are held. */
  get isHolding(): boolean {
    return this.#held !== undefined;
  }

  /** True if all that was queued on the held streams before {@link hold} is in chunks. */
  get isHeldBack(): boolean {
    return this.#leaving === 0;
  }

  /** Lets the held streams go on. */
  resume(): void {
    const { streams, order } = this.#turns;
    this.#held = undefined;
    this.#leaving = 0;
    for (let slot = 0; slot < streams.count; slot++) {
      streams.last[slot] = 0;
      if (streams.head[slot] !== 0 && !order.has(slot)) this.#enter(slot);
    }
    this.#select();
  }

  #isHeld(stream: number): boolean {
    if (this.#held === undefined) return false;
    return this.#held === "all" || this.#held.has(stream);
  }

  #open(stream: number): number {
    if (this.#turns === NO_TURNS) this.#turns = spareTurns.pop() ?? new Turns();
    const used = Math.max(this.#virtualTime, this.#turns.debts.get(stream) ?? 0);
    return this.#turns.streams.open(stream, ++this.#turnCount, used);
  }

  #append(
    slot: number,
    data: Uint8Array,
    start: number,
    length: number,
    flags: number,
    ppid: number,
  ): number {
    const { streams } = this.#turns;
    const segment = this.#segments.take(data, start, length, flags, ppid, this.#messages);
    if (streams.head[slot] === 0) streams.head[slot] = segment;
    else this.#segments.link(streams.tail[slot], segment);
    streams.tail[slot] = segment;
    return segment;
  }

  /** A packet is begun: where streams take turns by the packet, this is where. */
  beginPacket(): void {
    if (this.#scheduler.switching !== "packet" || this.#bound === UNBOUND) return;
    if (!this.#mayTurn) return;
    this.#turns.order.set(this.#bound, this.#keyOf(this.#bound));
    this.#bound = UNBOUND;
    this.#select();
  }

  /** True if the next chunk must not follow the last one into the same packet. */
  get endsPacket(): boolean {
    if (this.courses && this.courseOf(this.#current) !== this.#lastCourse) return true;
    return this.#scheduler.switching === "packet" && this.currentStream !== this.#lastStream;
  }

  /** Stream of the chunk that was cut last. */
  get lastStream(): number {
    return this.#lastStream;
  }

  /** The segment that the next chunk comes from. */
  get current(): number {
    return this.#current;
  }

  /** Bytes of the current segment that are not in a chunk yet; 0 if the queue is drained. */
  get currentRest(): number {
    return this.#current === 0 ? 0 : this.#segments.restOf(this.#current);
  }

  /** True if nothing of the current segment's message has been cut yet. */
  get atMessageStart(): boolean {
    return this.#segments.isWhole(this.#current) && (this.currentFlags & SegmentFlag.Begin) !== 0;
  }

  /** True if the current segment is the last one of its message. */
  get inLastSegment(): boolean {
    return (this.currentFlags & SegmentFlag.End) !== 0;
  }

  /** Fragment Sequence Number of the next chunk, with interleaving. */
  get currentFsn(): number {
    return this.#turns.streams.chunks[this.#slot];
  }

  get #mayTurn(): boolean {
    return this.interleaves || this.atMessageStart;
  }

  get currentStream(): number {
    return this.#turns.streams.stream[this.#slot];
  }

  get currentPpid(): number {
    return this.#segments.ppidOf(this.#current);
  }

  /** {@link SegmentFlag} bits of the current segment. */
  get currentFlags(): number {
    return this.#segments.flagsOf(this.#current);
  }

  /** Cuts `length` bytes off the current segment; returns where they lie in the pool. */
  cut(length: number): number {
    const segment = this.#current;
    const slot = this.#slot;
    const { streams } = this.#turns;
    const address = this.#segments.cut(segment, length);
    const { switching, cost } = this.#scheduler;
    this.#unsentBytes -= length;
    this.#lastStream = streams.stream[slot];
    if (this.courses) this.#lastCourse = this.#segments.courseOf(segment);
    this.#virtualTime = streams.used[slot];
    streams.used[slot] += length * cost(this.streamValue(this.#lastStream));
    this.#bound = slot;
    const isCut = this.#segments.restOf(segment) === 0;
    const next = isCut ? this.#segments.nextOf(segment) : segment;
    if (isCut) this.#current = streams.head[slot] = next;
    if (!isCut || (this.#segments.flagsOf(segment) & SegmentFlag.End) === 0) {
      if (this.interleaves) this.#endChunk(slot);
      return address;
    }
    streams.chunks[slot] = 0;
    const isLast = segment === streams.last[slot];
    if (isLast) this.#leaving--;
    if (next === 0) this.#close(slot);
    else if (isLast) this.#suspend(slot);
    else this.#endTurn(slot, switching === "message");
    return address;
  }

  /** True if no other stream has a turn while this one has something. */
  get isOneStream(): boolean {
    return this.#turns.order.count === 1;
  }

  /**
   * Cuts `chunks` chunks of `length` bytes off the current segment, one after the other; it has more
   * than that, and with interleaving {@link isOneStream} holds. Returns where the first one lies in the pool.
   */
  cutMany(length: number, chunks: number): number {
    const slot = this.#slot;
    const { streams } = this.#turns;
    const address = this.#segments.cut(this.#current, length, chunks);
    this.#unsentBytes -= length * chunks;
    this.#lastStream = streams.stream[slot];
    const cost = length * this.#scheduler.cost(this.streamValue(this.#lastStream));
    this.#virtualTime = streams.used[slot] + cost * (chunks - 1);
    streams.used[slot] += cost * chunks;
    this.#bound = slot;
    if (!this.interleaves) return address;
    // As if the only stream that has a turn had had so many.
    streams.chunks[slot] += chunks - 1;
    this.#turnCount += chunks - 1;
    this.#endChunk(slot);
    return address;
  }

  /** What follows on a stream is held. */
  #suspend(slot: number): void {
    this.#turns.streams.last[slot] = 0;
    this.#turns.order.remove(slot);
    if (this.#bound === slot) this.#bound = UNBOUND;
    this.#select();
  }

  /** A chunk is over, but not its message. */
  #endChunk(slot: number): void {
    this.#turns.streams.chunks[slot]++;
    this.#endTurn(slot, this.#scheduler.switching === "message");
  }

  /** A message, or with interleaving a chunk, is over, and its stream has more to send. */
  #endTurn(slot: number, lettingOthersIn: boolean): void {
    this.#turns.streams.turn[slot] = ++this.#turnCount;
    if (!lettingOthersIn) return;
    this.#bound = UNBOUND;
    this.#isKeyOld = this.isOneStream;
    if (this.#isKeyOld) return;
    this.#turns.order.set(slot, this.#keyOf(slot));
    this.#select();
  }

  /** A stream takes part in the turns: now the key of one that was alone means something. */
  #enter(slot: number): void {
    const { order } = this.#turns;
    if (this.#isKeyOld && this.isOneStream) order.set(order.first, this.#keyOf(order.first));
    this.#isKeyOld = false;
    order.set(slot, this.#keyOf(slot));
  }

  /** A stream has nothing left. */
  #close(slot: number): void {
    const { streams, order, debts } = this.#turns;
    if (streams.used[slot] > this.#virtualTime) debts.set(streams.stream[slot], streams.used[slot]);
    order.remove(slot);
    streams.close(slot);
    if (this.#bound === slot) this.#bound = UNBOUND;
    this.#select();
  }

  /**
   * Takes a partially reliable message out of the queue, or what is left of it there; its chunks have
   * been released.
   * @param segment its first segment with bytes that are not in a chunk.
   * @returns how many bytes those were.
   */
  remove(stream: number, segment: number): number {
    const segments = this.#segments;
    const { streams } = this.#turns;
    const slot = streams.find(stream);
    const before = segment === streams.head[slot] ? 0 : segments.previousOf(segment);
    let bytes = 0;
    let wasLast = false;
    let one = segment;
    for (let isOver = false; !isOver;) {
      const next = segments.nextOf(one);
      isOver = (segments.flagsOf(one) & SegmentFlag.End) !== 0;
      bytes += segments.restOf(one);
      wasLast ||= one === streams.last[slot];
      if (one === streams.tail[slot]) streams.tail[slot] = before;
      segments.free(one);
      one = next;
    }
    this.#unsentBytes -= bytes;
    if (wasLast) streams.last[slot] = before;
    if (wasLast && before === 0) this.#leaving--;
    if (before !== 0) segments.link(before, one);
    else this.#replaceHead(slot, one, wasLast);
    return bytes;
  }

  /**
   * The first message of a stream is gone without having been sent to its end.
   * @param wasLast it was the last one that might leave while the stream is held.
   */
  #replaceHead(slot: number, segment: number, wasLast: boolean): void {
    const { streams, order } = this.#turns;
    streams.head[slot] = segment;
    streams.chunks[slot] = 0;
    if (segment === 0) return this.#close(slot);
    if (wasLast) return this.#suspend(slot);
    if (this.#bound === slot) {
      this.#current = segment;
      return this.#endTurn(slot, this.#scheduler.switching === "message");
    }
    if (order.has(slot)) order.set(slot, this.#keyOf(slot));
    this.#select();
  }

  #select(): void {
    if (this.#bound !== UNBOUND) return;
    const { order, streams } = this.#turns;
    if (order.count === 0) return this.#becomeDrained();
    this.#slot = order.first;
    this.#current = streams.head[this.#slot];
  }

  /** Nobody waits, so nobody is owed anything; but for what is held. */
  #becomeDrained(): void {
    const turns = this.#turns;
    this.#current = 0;
    if (this.#unsentBytes > 0) return;
    this.#virtualTime = 0;
    this.#turns = NO_TURNS;
    turns.debts.clear();
    const isWorthKeeping = turns.streams.width <= WIDEST_SPARE && spareTurns.length < MOST_SPARE;
    if (turns !== NO_TURNS && isWorthKeeping) spareTurns.push(turns);
  }

  #keyOf(slot: number): number {
    const { streams } = this.#turns;
    asked.arrival = this.#segments.arrivalOf(streams.head[slot]);
    asked.turn = streams.turn[slot];
    asked.used = streams.used[slot];
    asked.value = this.streamValue(streams.stream[slot]);
    return this.#scheduler.key(asked);
  }

  #orderAnew(): void {
    const { streams, order } = this.#turns;
    for (let slot = 0; slot < streams.count; slot++) {
      if (order.has(slot)) order.set(slot, this.#keyOf(slot));
    }
    this.#select();
  }

  /** What is queued of each message, from which segment on, by stream and in its order. */
  messages(): { stream: number; segment: number; hasBegun: boolean }[] {
    const { streams } = this.#turns;
    const messages: { stream: number; segment: number; hasBegun: boolean }[] = [];
    for (const [slot, head] of streams.head.entries()) {
      const stream = streams.stream[slot];
      for (let segment = head, isFirst = true; segment !== 0;) {
        const flags = this.#segments.flagsOf(segment);
        const isUntouched = (flags & SegmentFlag.Begin) !== 0 && this.#segments.isWhole(segment);
        if (isFirst) messages.push({ stream, segment, hasBegun: !isUntouched });
        isFirst = (flags & SegmentFlag.End) !== 0;
        segment = this.#segments.nextOf(segment);
      }
    }
    return messages;
  }

  /** {@link SegmentFlag} bits of a segment. */
  flagsOf(segment: number): number {
    return this.#segments.flagsOf(segment);
  }

  ppidOf(segment: number): number {
    return this.#segments.ppidOf(segment);
  }

  contextOf(segment: number): number {
    return this.#segments.contextOf(segment);
  }

  /** Number of the course that a segment's message takes; 0 if it has none of its own. */
  courseOf(segment: number): number {
    return this.#segments.courseOf(segment);
  }

  /** Record of the partially reliable message that a segment is of. */
  messageOf(segment: number): number {
    return this.#segments.messageOf(segment);
  }

  /** The first segment, from this one on, of the same message that is not all in chunks; 0 if none. */
  queuedFrom(segment: number): number {
    if (this.#segments.restOf(segment) > 0) return segment;
    const isLast = (this.#segments.flagsOf(segment) & SegmentFlag.End) !== 0;
    return isLast ? 0 : this.#segments.nextOf(segment);
  }

  /** Bytes of a message, from this segment on, that are not in a chunk yet; 0 for segment 0. */
  restFrom(segment: number): number {
    return this.#segments.restFrom(segment);
  }

  /** Copies those bytes. */
  copyFrom(segment: number, target: Uint8Array): void {
    this.#segments.copyFrom(segment, target);
  }

  /** One chunk of a segment was acknowledged for good. */
  releaseChunk(segment: number): void {
    this.#segments.releaseChunk(segment);
  }

  /** Releases all memory. */
  clear(): void {
    this.#segments.clear();
    this.#turns.streams.clear();
    this.#turns.order.clear();
    this.#bound = UNBOUND;
    this.#unsentBytes = 0;
    this.#held = undefined;
    this.#leaving = 0;
    this.#select();
  }
}
