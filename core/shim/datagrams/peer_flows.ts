/** The flows that one association carries, and what the two shims say about them. */
import type { Association } from "../../sctp/association.ts";
import { after, elapsed, type Instant, instant, isDue, NEVER } from "../../sctp/base/time.ts";
import type { SendOptions } from "../../sctp/tx/send_queue.ts";
import type { Flow } from "./flow.ts";
import { FlowRegistry } from "./flow_registry.ts";
import {
  describeRefusal,
  encodeHeader,
  encodeRefuse,
  FLAG_BEGUN,
  FLAG_TRANSLATED,
  FLAG_WITH_DATAGRAM,
  FLAG_YOURS,
  HEADER_BYTES,
  MessageType,
  openHeaderBytes,
  ReceivedMessage,
  RefuseReason,
  writeHeader,
  writeOpen,
} from "./message.ts";
import type { DatagramCounters, DroppedDatagrams } from "./status.ts";

/** Milliseconds until the peer is asked again that has not answered, or has refused. */
const ASK_AGAIN = 3000;
const AFTER_REFUSAL = 10_000;

/** How OPEN, ACCEPT, REFUSE and CLOSE are sent. */
const RELIABLY: SendOptions = { stream: 0, ppid: 0, unordered: true, immediate: true };

/** The association as it is used here. */
export type Carrying = Pick<
  Association,
  "state" | "send" | "paths" | "primaryPath" | "parameters" | "knowsPeerAddress"
>;

/** What flows need of the rest. */
export interface PeerFlowsHost {
  readonly counters: DatagramCounters;
  readonly dropped: DroppedDatagrams;
  /** How datagrams are sent: unordered, and given up as the settings say. */
  readonly datagramOptions: SendOptions;
  /** Takes a flow that the peer opens, in place of one between the same ends, or says why not. */
  accept(now: Instant, flows: PeerFlows, association: Carrying, open: ReceivedMessage): Accepted;
  /** Has a datagram delivered to the local end of a flow. */
  deliver(flow: Flow, bytes: Uint8Array, offset: number, length: number): void;
  /** The flow is over. */
  forget(flow: Flow): void;
}

/** A flow that is taken, or why not; its datagram is delivered in the case of a server that is not there. */
export type Accepted =
  | { readonly flow: Flow; readonly served: boolean }
  | RefuseReason;

export class PeerFlows {
  readonly #host: PeerFlowsHost;
  #association: Carrying | undefined;
  readonly #flows = new FlowRegistry();
  readonly #message = new ReceivedMessage();
  /** Bytes of datagrams over the association. */
  bytesOut = 0;
  bytesIn = 0;

  constructor(host: PeerFlowsHost) {
    this.#host = host;
  }

  get count(): number {
    return this.#flows.count;
  }

  /** True from {@link handleUp} to {@link handleLoss}. */
  get isUp(): boolean {
    return this.#association !== undefined;
  }

  /** True while every path of the association is in doubt. */
  get isInDoubt(): boolean {
    if (!this.#association) return false;
    for (const path of this.#association.paths) {
      if (path.status === "active" && path.usable && !path.isPotentiallyFailed) return false;
    }
    return true;
  }

  /** Adds a flow that an application of this host has begun. */
  add(flow: Flow): void {
    this.#flows.add(flow);
  }

  handleUp(association: Carrying): void {
    this.#association = association;
  }

  /** Flows of this host's applications go on by plain UDP; those of the peer's are over. */
  handleLoss(): void {
    this.#association = undefined;
    this.#flows.reset();
    for (const flow of this.#flows.theirs) this.#remove(flow);
    for (const flow of this.#flows) {
      flow.translated = false;
      flow.asksAt = instant(0);
      if (flow.stage !== "left") this.#restart(flow, "");
    }
  }

  /** As DatagramPeer.forward: false if the datagram is to go by plain UDP. */
  forward(
    now: Instant,
    flow: Flow,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): boolean {
    flow.usedAt = now;
    const association = this.#association;
    if (association && this.#carries(association, flow, length)) {
      if (flow.stage === "plain" || flow.stage === "asking") this.#ask(now, association, flow);
      if (flow.stage === "carried") {
        const header = offset - HEADER_BYTES;
        writeHeader(bytes, header, MessageType.Datagram, flow.isOurs ? 0 : FLAG_YOURS, flow.id);
        return this.#send(now, association, flow, bytes, header, offset + length);
      }
      // Nothing of it went by plain UDP, so nothing has to: its datagrams open it.
      if (flow.stage === "asking" && !flow.begun) {
        const header = offset - openHeaderBytes(flow.local.address.family);
        writeOpen(bytes, header, flow.id, FLAG_WITH_DATAGRAM, flow.outbound);
        return this.#send(now, association, flow, bytes, header, offset + length);
      }
    }
    flow.begun = true;
    flow.plainOut++;
    this.#host.counters.plainOut++;
    return false;
  }

  /** A message of the peer: `length` bytes from the start of `bytes`. */
  handleMessage(now: Instant, association: Carrying, bytes: Uint8Array, length: number): void {
    const message = this.#message;
    if (!message.read(bytes, length)) return void this.#host.dropped.malformed++;
    switch (message.type) {
      case MessageType.Open:
        return this.#handleOpen(now, association, bytes);
      case MessageType.Accept:
        return this.#handleAccept(message);
      case MessageType.Refuse:
        return this.#handleRefuse(now, message);
      case MessageType.Close:
        return this.#handleClose(message);
      case MessageType.Datagram:
        return this.#handleDatagram(now, association, bytes);
    }
  }

  /** Forgets flows without datagrams; those of the peer later, for it closes them. */
  sweep(now: Instant, idle: number): void {
    for (const flow of this.#flows) {
      if (elapsed(flow.usedAt, now) < (flow.isOurs ? idle : 2 * idle)) continue;
      if (flow.id !== 0 && this.#association) {
        const flags = flow.isOurs ? 0 : FLAG_YOURS;
        this.#tell(now, this.#association, encodeHeader(MessageType.Close, flags, flow.id));
      }
      this.#remove(flow);
    }
  }

  /** A flow makes room for another one between the same ends. */
  drop(flow: Flow): void {
    this.#remove(flow);
  }

  closeAll(): void {
    for (const flow of [...this.#flows]) this.#remove(flow);
  }

  /** Whether a datagram of this flow can go over the association now. */
  #carries(association: Carrying, flow: Flow, length: number): boolean {
    if (association.state !== "ESTABLISHED" || flow.stage === "left") return false;
    if (length + openHeaderBytes(6) > association.parameters.sendBuffer) return false;
    // The far end would take it for another one if it changed over.
    return flow.translated || !this.isInDoubt;
  }

  /** Asks the peer to take a flow, unless it was asked just now. */
  #ask(now: Instant, association: Carrying, flow: Flow): void {
    if (!isDue(flow.asksAt, now)) return;
    if (flow.stage === "plain" && !this.#flows.number(flow)) return;
    flow.stage = "asking";
    flow.asksAt = after(now, ASK_AGAIN);
    if (!flow.begun && this.#flows.takes(flow) && isTried(association, flow)) return;
    // The datagram at hand goes by plain UDP already.
    flow.begun = true;
    const open = new Uint8Array(openHeaderBytes(flow.local.address.family));
    writeOpen(open, 0, flow.id, FLAG_BEGUN, flow.outbound);
    this.#tell(now, association, open);
  }

  /** Sends a datagram with its header. A full buffer loses it, as UDP's would. */
  #send(
    now: Instant,
    association: Carrying,
    flow: Flow,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    if (!association.send(now, bytes.subarray(start, end), this.#host.datagramOptions)) {
      this.#host.dropped.sendBufferFull++;
      return true;
    }
    flow.carriedOut++;
    this.#host.counters.carriedOut++;
    this.bytesOut += end - start;
    return true;
  }

  /** What does not fit is not said: who waits for it asks again. */
  #tell(now: Instant, association: Carrying, message: Uint8Array): void {
    if (association.state === "ESTABLISHED") association.send(now, message, RELIABLY);
  }

  #handleOpen(now: Instant, association: Carrying, bytes: Uint8Array): void {
    const message = this.#message;
    const known = this.#flows.find(message.flow, false);
    const again = known?.matches(message);
    if (known && !again) this.#remove(known);
    const accepted = known && again
      ? { flow: known, served: true }
      : this.#flows.isFull
      ? RefuseReason.Busy
      : this.#host.accept(now, this, association, message);
    if (typeof accepted === "number") {
      if (message.has(FLAG_WITH_DATAGRAM)) this.#host.dropped.refused++;
      return this.#tell(now, association, encodeRefuse(message.flow, accepted));
    }
    const { flow, served } = accepted;
    flow.usedAt = now;
    // Without a server the kernel tells the client so by ICMP.
    if (message.has(FLAG_WITH_DATAGRAM)) this.#deliver(flow, bytes);
    if (!served) {
      return this.#tell(now, association, encodeRefuse(message.flow, RefuseReason.NoServer));
    }
    if (!again) {
      flow.id = message.flow;
      this.#flows.add(flow);
      this.#host.counters.accepted++;
    }
    const flags = flow.translated ? FLAG_TRANSLATED : 0;
    this.#tell(now, association, encodeHeader(MessageType.Accept, flags, flow.id));
  }

  #handleAccept(message: ReceivedMessage): void {
    const flow = this.#flows.find(message.flow, true);
    if (!flow) return;
    flow.stage = "carried";
    flow.translated = message.has(FLAG_TRANSLATED);
    flow.reason = "";
    this.#flows.note(flow, true);
  }

  #handleRefuse(now: Instant, { flow: id, reason }: ReceivedMessage): void {
    const flow = this.#flows.find(id, true);
    if (!flow) return;
    this.#flows.unnumber(flow);
    this.#restart(flow, describeRefusal(reason));
    if (reason === RefuseReason.UnknownFlow) return;
    if (reason === RefuseReason.NotProved) {
      flow.asksAt = after(now, ASK_AGAIN);
      return;
    }
    flow.asksAt = after(now, AFTER_REFUSAL);
    // One that begins over the association has no other address to change from.
    this.#flows.note(flow, reason === RefuseReason.Translated);
    if (reason !== RefuseReason.Translated) return;
    flow.stage = "left";
    flow.asksAt = NEVER;
  }

  #handleClose(message: ReceivedMessage): void {
    const flow = this.#flowOf(message);
    if (!flow) return;
    if (!flow.isOurs) return this.#remove(flow);
    this.#flows.unnumber(flow);
    this.#restart(flow, "");
  }

  #handleDatagram(now: Instant, association: Carrying, bytes: Uint8Array): void {
    const message = this.#message;
    const flow = this.#flowOf(message);
    if (flow) {
      flow.usedAt = now;
      return this.#deliver(flow, bytes);
    }
    this.#host.dropped.unknownFlow++;
    const answer = message.has(FLAG_YOURS)
      ? encodeHeader(MessageType.Close, 0, message.flow)
      : encodeRefuse(message.flow, RefuseReason.UnknownFlow);
    this.#tell(now, association, answer);
  }

  #flowOf(message: ReceivedMessage): Flow | undefined {
    return this.#flows.find(message.flow, message.has(FLAG_YOURS));
  }

  #deliver(flow: Flow, bytes: Uint8Array): void {
    const { offset, length } = this.#message;
    flow.carriedIn++;
    this.#host.counters.carriedIn++;
    this.bytesIn += length;
    this.#host.deliver(flow, bytes, offset, length);
  }

  /** By plain UDP, until it is asked for again. */
  #restart(flow: Flow, reason: string): void {
    flow.stage = "plain";
    flow.reason = reason;
  }

  #remove(flow: Flow): void {
    this.#flows.delete(flow);
    this.#host.forget(flow);
  }
}

/** The peer is reached from the flow's own address, so it will have found that address to be ours too. */
function isTried({ paths }: Carrying, { local }: Flow): boolean {
  return paths.some((path) => path.status === "active" && path.local.equals(local.address));
}
