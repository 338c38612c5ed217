/** One trunk: an association whose streams carry a connection each. See `trunk_message.ts`. */
import type { Association } from "../../sctp/association.ts";
import type { IpAddress } from "../../sctp/base/address.ts";
import { after, type Instant, isDue, NEVER } from "../../sctp/base/time.ts";
import type { LossReason, SctpEvent } from "../../sctp/events.ts";
import { Extension } from "../../sctp/extensions.ts";
import type { SendOptions } from "../../sctp/tx/send_queue.ts";
import { encodeControlMessage, ResetReason, TRUNK_ADAPTATION } from "../control_message.ts";
import { associationStatus } from "../bridged.ts";
import { formatHostPort } from "../endpoint_spec.ts";
import { describeLoss } from "../loss.ts";
import type { Connection, Owner, Plane } from "../plane.ts";
import type { TrunkStatus } from "../status.ts";
import type { BufferPool } from "../transfer_buffers.ts";
import { clientOf, reachedAddress } from "./arrival.ts";
import {
  CONTROL_PPID,
  CREDIT_STREAM,
  encodeCredit,
  encodeOpen,
  type OpenMessage,
  SMALLEST_WINDOW,
} from "./trunk_message.ts";
import { TrunkInput } from "./trunk_input.ts";
import { type StreamTrunk, TrunkStream } from "./trunk_stream.ts";
import type { WindowBudget } from "./window_budget.ts";
import { TrunkStreams } from "./trunk_streams.ts";

/**
 * Bytes up to which a message is an interactive one: it may use the last quarter of the send buffer,
 * which bulk data leaves free for it.
 */
const SMALL_MESSAGE = 4096;

/** What a trunk needs of its data plane. */
export interface TrunkPlane
  extends Pick<Plane, "schedule" | "wake" | "buffers" | "configuration" | "counters" | "log"> {
  /**
   * A client's shim has opened a stream to a port: it goes to a server, or is aborted.
   * @param reached the address of this host, unless the client has not reached it.
   */
  welcomeStream(stream: TrunkStream, port: number, reached: IpAddress | undefined): void;
}

/** Where a trunk is in its life. */
type Phase = "setup" | "up" | "over";

const CREDIT: SendOptions = {
  stream: CREDIT_STREAM,
  ppid: CONTROL_PPID,
  unordered: false,
  immediate: true,
};

/** True if both sides want the association to be a trunk, and have what it takes. */
export function isTrunk(
  { peerAdaptationIndication, interleaves, extensions }: Association,
): boolean {
  return peerAdaptationIndication === TRUNK_ADAPTATION && interleaves &&
    (extensions & Extension.Reconfiguration) !== 0;
}

export class Trunk implements Owner, StreamTrunk {
  readonly pool: BufferPool;
  readonly #plane: TrunkPlane;
  readonly #ended: (trunk: Trunk, isRefused: boolean) => void;
  readonly #streams: TrunkStreams;
  readonly #budget: WindowBudget;
  readonly #input: TrunkInput;
  /** Streams that were refused for want of room in the send buffer. */
  readonly #waiting = new Set<TrunkStream>();
  /** Streams with a RESET that waits for the turn of their connections, and those that have had it. */
  #losing: TrunkStream[] = [];
  #lost: TrunkStream[] = [];
  #phase: Phase = "setup";
  /** When it is closed if nobody uses it until then. */
  #closesAt: Instant = NEVER;

  /**
   * @param association that is being set up, or is up if the peer has set it up.
   * @param ended is called once, when it can carry nothing any more; whether the host has no trunks.
   */
  constructor(
    plane: TrunkPlane,
    readonly association: Association,
    budget: WindowBudget,
    ended: (trunk: Trunk, isRefused: boolean) => void,
  ) {
    this.#plane = plane;
    this.#budget = budget;
    this.#ended = ended;
    this.pool = plane.buffers.outbound;
    this.#streams = new TrunkStreams(association);
    this.#input = new TrunkInput(
      association,
      this.#streams,
      (now, id, open) => this.#welcome(now, id, open),
    );
  }

  get over(): boolean {
    return this.#phase === "over";
  }

  /** The association is up: if it is no trunk, it is given up. */
  begin(now: Instant): void {
    if (!isTrunk(this.association)) {
      this.#abort(now, ResetReason.NotServed);
      return this.#end("the peer makes nothing of it", true);
    }
    this.#phase = "up";
    this.#log("up");
    this.association.setStreamScheduler("rr");
    this.#plane.counters.trunks++;
    this.#closeWhenIdle(now);
  }

  /**
   * True if it leads from one address to the other, by a path that has worked, and if some path works now:
   * a connection may well outlive the one to the address that it asks for.
   */
  joins(source: IpAddress | undefined, destination: IpAddress): boolean {
    if (this.#phase !== "up" || this.association.state !== "ESTABLISHED") return false;
    const { paths } = this.association;
    return paths.some(({ isConfirmed, errorCount }) => isConfirmed && errorCount === 0) &&
      paths.some(({ local, remote, rtt }) =>
        rtt.hasSample && remote.equals(destination) &&
        (source === undefined || local.equals(source))
      );
  }

  /** Opens a stream; `undefined` if none is free now, or there is no memory for its window. */
  open(now: Instant, { destination, source }: Pick<OpenMessage, "destination" | "source">) {
    const window = this.#takeWindow();
    const id = window === 0 ? undefined : this.#streams.takeFree();
    if (id === undefined) {
      this.giveWindow(window);
      return undefined;
    }
    const remote = { port: destination.port, address: () => destination.address };
    const stream = new TrunkStream(this, id, remote, window);
    this.#streams.add(stream);
    this.#closesAt = NEVER;
    this.#plane.counters.multiplexed++;
    stream.open(now, encodeOpen({ window, destination, source }));
    return stream;
  }

  handleEvent(now: Instant, event: SctpEvent): void {
    if (this.#phase === "setup") {
      if (event.kind === "communication-up") this.begin(now);
      else if (event.kind === "communication-lost") this.#handleNotUp(event.reason);
    }
    if (this.#phase !== "up") return;
    switch (event.kind) {
      case "readable":
        this.#drain(now);
        return;
      case "writable":
        return this.#resume(now);
      case "streams-reset":
        if (event.direction === "outgoing") this.#handleReset(now, event.result);
        else this.#handlePeerReset(now, event.streams);
        return;
      case "streams-changed":
        return this.#streams.handleGrowth(event.result);
      case "communication-lost":
        return this.#lose(now, event.reason);
      case "restart":
      case "shutdown-received":
      case "shutdown-complete":
        return this.#lose(now, { kind: "aborted-by-peer", causes: [] }, "ended by the peer");
    }
  }

  run(now: Instant): boolean {
    if (this.#phase !== "up") return false;
    if (isDue(this.#closesAt, now)) this.#close(now);
    this.#carryOutResets(now);
    const more = this.#drain(now);
    this.#streams.askForResets();
    return more || this.#lost.length > 0;
  }

  status(): TrunkStatus {
    const { association } = this;
    const [side, state] = association.incoming
      ? ["server", "NATIVE"] as const
      : ["client", "HIDDEN"] as const;
    return {
      side,
      remote: this.#peer,
      connections: this.#streams.inUse,
      association: associationStatus(association, state),
    };
  }

  /** Takes it down with every connection, because the daemon stops. */
  stop(now: Instant): void {
    if (this.over) return;
    this.#abort(now, ResetReason.Stopping);
    this.#end("the shim was stopped");
  }

  // What its streams use.

  send(now: Instant, stream: TrunkStream, data: Uint8Array, options: SendOptions): boolean {
    const { association } = this;
    if (association.state !== "ESTABLISHED") return false;
    if (data.length > SMALL_MESSAGE && this.#isNearlyFull) association.wantsRoom = true;
    else if (association.send(now, data, options)) return true;
    this.#waiting.add(stream);
    return false;
  }

  grant(now: Instant, stream: TrunkStream, bytes: number): boolean {
    return this.send(now, stream, encodeCredit(stream.id, bytes), CREDIT);
  }

  loseSoon(stream: TrunkStream): void {
    this.#losing.push(stream);
    this.#plane.schedule(this);
  }

  retire({ id }: TrunkStream): void {
    this.#streams.retire(id);
    this.#plane.schedule(this);
  }

  giveWindow(bytes: number): void {
    this.#budget.give(bytes);
  }

  schedule(connection: Connection): void {
    this.#plane.schedule(connection);
  }

  /** Half of what an association of its own would hold: less would slow down long fat paths. */
  #takeWindow(): number {
    const { receiveBuffer } = this.association.parameters;
    return this.#budget.take(Math.max(SMALLEST_WINDOW, receiveBuffer >> 1));
  }

  /** Between two turns of the trunk everybody has had his. */
  #carryOutResets(now: Instant): void {
    if (this.#lost.length + this.#losing.length === 0) return;
    const due = this.#lost;
    this.#lost = this.#losing;
    this.#losing = [];
    for (const stream of due) stream.loseByReset(now);
  }

  /** As where "writable" says that there is room again. */
  get #isNearlyFull(): boolean {
    const { bufferedBytes, parameters: { sendBuffer } } = this.association;
    return bufferedBytes > sendBuffer - (sendBuffer >> 2);
  }

  /** Takes what has come off the association; true if there is more. */
  #drain(now: Instant): boolean {
    const turn = this.#input.run(now);
    if (turn === "malformed") this.#breakDown(now);
    else if (turn === "more") this.#plane.schedule(this);
    return turn === "more";
  }

  /** Only a client's shim opens streams. */
  #welcome(now: Instant, id: number, open: OpenMessage): boolean {
    const { association } = this;
    if (!this.#streams.isFreeForPeer(id)) return false;
    const window = this.#takeWindow();
    const client = clientOf(association, open.source);
    const stream = new TrunkStream(this, id, client, window, open.window);
    this.#streams.add(stream);
    this.#plane.counters.multiplexed++;
    if (window === 0) {
      stream.abort(now, encodeControlMessage({ kind: "reset", reason: ResetReason.Busy }));
      return true;
    }
    const { address, port } = open.destination;
    this.#plane.welcomeStream(stream, port, reachedAddress(association, address));
    return true;
  }

  #handleReset(now: Instant, result: number): void {
    this.#streams.handleReset(now, result);
    this.#closeWhenIdle(now);
  }

  /** What came before a reset is read before it: the end of the connection, best. */
  #handlePeerReset(now: Instant, ids: readonly number[]): void {
    while (this.#drain(now));
    this.#streams.handlePeerReset(now, ids);
  }

  #resume(now: Instant): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const stream of waiting) stream.resume(now);
  }

  /** The side that has set it up ends it. */
  #closeWhenIdle(now: Instant): void {
    if (this.association.incoming || this.#streams.inUse > 0) return;
    this.#closesAt = after(now, this.#plane.configuration.settings.multiplexIdle * 1000);
    this.#plane.wake(this, this.#closesAt);
  }

  #close(now: Instant): void {
    this.#closesAt = NEVER;
    if (this.#streams.inUse > 0) return;
    this.association.shutdown(now);
    this.#end("nobody has used it for a while");
  }

  /** The peer does not keep to the rules: who does that with one stream is not trusted with the others. */
  #breakDown(now: Instant): void {
    this.#plane.counters.malformedTrunks++;
    this.#abort(now, ResetReason.Malformed);
    this.#lose(now, { kind: "aborted-locally" }, "the peer has broken the rules of trunks");
  }

  #abort(now: Instant, reason: ResetReason): void {
    if (this.association.state === "CLOSED") return;
    this.association.abort(now, encodeControlMessage({ kind: "reset", reason }));
  }

  #lose(now: Instant, reason: LossReason, why = this.#describe(reason)): void {
    this.#end(why);
    this.#waiting.clear();
    for (const stream of this.#streams) stream.loseTrunk(now, reason);
  }

  /** A server that has gone meanwhile says nothing about its host. */
  #handleNotUp(reason: LossReason): void {
    this.#end(this.#describe(reason), reason.kind !== "aborted-by-peer");
  }

  #end(why: string, isRefused = false): void {
    this.#log(`over: ${why}`);
    this.#phase = "over";
    this.#plane.wake(this, NEVER);
    this.#ended(this, isRefused);
  }

  #describe(reason: LossReason): string {
    return describeLoss(reason, this.#peer, this.#phase === "up");
  }

  get #peer(): string {
    const { primaryPath, remotePort } = this.association;
    return formatHostPort(primaryPath?.remote.text ?? "unknown", remotePort);
  }

  #log(what: string): void {
    this.#plane.log("info", `trunk ${this.association.id} with ${this.#peer}: ${what}`);
  }
}
