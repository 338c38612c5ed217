/**
 * One stream of a trunk, which carries one connection: to a bridge it is what an association of its own
 * would be. See `trunk_message.ts` for the protocol.
 */
import type { Association } from "../../sctp/association.ts";
import type { Instant } from "../../sctp/base/time.ts";
import type { LossReason } from "../../sctp/events.ts";
import type { AssociationState } from "../../sctp/phase.ts";
import type { ReceiveInfo } from "../../sctp/rx/reassembly.ts";
import type { SendOptions } from "../../sctp/tx/send_queue.ts";
import { CauseCode } from "../../sctp/wire/error_cause.ts";
import { associationStatus } from "../bridged.ts";
import {
  CONTROL_STREAM,
  type ControlMessage,
  encodeControlMessage,
  ResetReason,
} from "../control_message.ts";
import type { Link, RemoteClient } from "../link.ts";
import type { Connection, LinkEvent } from "../plane.ts";
import type { AssociationShimState } from "../shim_state.ts";
import type { LinkStatus } from "../status.ts";
import type { Carrier } from "../stream_socket.ts";
import type { BufferPool } from "../transfer_buffers.ts";
import { StreamInbox } from "./stream_inbox.ts";
import { CONTROL_PPID } from "./trunk_message.ts";

/** What a stream needs of its trunk. */
export interface StreamTrunk {
  readonly association: Association;
  readonly pool: BufferPool;
  /** Queues a message; false if there is no room, and {@link TrunkStream.resume} follows. */
  send(now: Instant, stream: TrunkStream, data: Uint8Array, options: SendOptions): boolean;
  /** Grants the peer bytes of a stream; false likewise. */
  grant(now: Instant, stream: TrunkStream, bytes: number): boolean;
  /**
   * Has {@link TrunkStream.loseByReset} called once the connection has had its turn: bytes that came before
   * a RESET can still be read, but nobody waits for a reader who does not.
   */
  loseSoon(stream: TrunkStream): void;
  /** Nothing more is sent on the stream. */
  retire(stream: TrunkStream): void;
  /** Nobody reads what comes any more: its window is free for others. */
  giveWindow(bytes: number): void;
  /** Has the connection run. */
  schedule(connection: Connection): void;
}

const APPLICATION_RESET = encodeControlMessage({ kind: "reset", reason: ResetReason.Application });

export class TrunkStream implements Link, Carrier {
  readonly peerIsShim = true;
  readonly isUp = true;
  readonly wish = undefined;
  readonly #trunk: StreamTrunk;
  readonly #data: SendOptions;
  readonly #control: SendOptions;
  readonly #inbox: StreamInbox;
  #owner: Connection | undefined;
  /** By the names of an association: closing if SHUTDOWN-SENT, over or lost if CLOSED. */
  #state: AssociationState = "ESTABLISHED";
  /** Bytes that may be sent. */
  #credit: number;
  /** The peer's RESET, with what it says. */
  #reset: LossReason | undefined;
  /** The server has taken the connection. */
  #isConnected: boolean;
  /** Messages that found no room yet: no more than one of each kind. */
  readonly #unsent: Uint8Array[] = [];
  #isRetired = false;

  /**
   * @param window bytes that it may hold for its reader.
   * @param granted the window of the OPEN, at the server's side; `undefined` at the client's, which sends
   *   it.
   */
  constructor(
    trunk: StreamTrunk,
    readonly id: number,
    readonly remote: RemoteClient,
    readonly window: number,
    granted?: number,
  ) {
    this.#trunk = trunk;
    this.#inbox = new StreamInbox(trunk.pool, window);
    this.#isConnected = granted !== undefined;
    this.#credit = granted ?? 0;
    this.#data = { stream: id, ppid: 0, unordered: false, immediate: false };
    this.#control = { stream: id, ppid: CONTROL_PPID, unordered: false, immediate: true };
  }

  // What its connection uses.

  get carrier(): Carrier {
    return this;
  }

  get state(): AssociationState {
    return this.#state;
  }

  /** Nothing has to be waited for before a RESET: it comes behind what was sent. */
  get bufferedBytes(): number {
    return 0;
  }

  get readableBytes(): number {
    return this.#inbox.readableBytes;
  }

  own(connection: Connection): void {
    this.#owner = connection;
  }

  announce(now: Instant): void {
    this.#post(now, encodeControlMessage({ kind: "connected", takesTrunks: false }));
    this.#grant(now);
  }

  isOtherwiseBound(): boolean {
    return false;
  }

  status(shimState: AssociationShimState): LinkStatus {
    const association = associationStatus(this.#trunk.association, shimState);
    return { association, stream: this.id };
  }

  send(now: Instant, data: Uint8Array, { stream, ppid, immediate }: SendOptions): boolean {
    if (this.#unsent.length > 0) return false;
    if (stream === CONTROL_STREAM) return this.#trunk.send(now, this, data, this.#control);
    if (data.length > this.#credit) return false;
    this.#data.ppid = ppid;
    this.#data.immediate = immediate;
    if (!this.#trunk.send(now, this, data, this.#data)) return false;
    this.#credit -= data.length;
    return true;
  }

  read(now: Instant, target: Uint8Array, info: ReceiveInfo): number {
    const count = this.#inbox.read(target, info);
    if (this.#inbox.due > 0) this.#grant(now);
    return count;
  }

  /** Both directions have ended. */
  shutdown(): void {
    if (this.#state !== "ESTABLISHED") return;
    this.#state = "SHUTDOWN-SENT";
    this.#retire();
  }

  abort(now: Instant, reason: Uint8Array = APPLICATION_RESET): void {
    const wasOpen = this.#state === "ESTABLISHED";
    this.#close();
    if (!wasOpen) return;
    this.#post(now, reason);
    this.#retire();
  }

  notifyWhenDry(): void {}

  // What its trunk uses.

  /** The client's side has come into being: sends its OPEN. */
  open(now: Instant, message: Uint8Array): void {
    this.#post(now, message);
    this.#inbox.grant();
  }

  /**
   * Takes bytes of the connection.
   * @param isUrgent the last of them is.
   * @returns false if the peer had no right to send them.
   */
  receive(bytes: Uint8Array, count: number, isUrgent: boolean): boolean {
    if (this.#state === "CLOSED") return this.#inbox.drop(count);
    this.#wakeOwner();
    return this.#inbox.add(bytes, count, isUrgent);
  }

  /** Takes a control message of the stream; false if it has no place there. */
  receiveControl(now: Instant, message: ControlMessage, bytes: Uint8Array): boolean {
    switch (message.kind) {
      case "connected":
        return this.#handleConnected(now);
      case "half-close":
        this.#wakeOwner();
        return this.#inbox.addEnd(bytes);
      case "reset":
        return this.#handleReset(now, bytes.slice());
      default:
        return message satisfies never;
    }
  }

  /** So many bytes more may be sent. */
  addCredit(bytes: number): void {
    this.#credit += bytes;
    this.#wakeOwner();
  }

  /** There is room again: what was refused can be tried. */
  resume(now: Instant): void {
    while (this.#unsent.length > 0) {
      if (!this.#trunk.send(now, this, this.#unsent[0], this.#control)) return;
      this.#unsent.shift();
    }
    if (this.#isRetired) return this.#trunk.retire(this);
    this.#grant(now);
    this.#wakeOwner();
  }

  /** What the peer's RESET says is carried out. */
  loseByReset(now: Instant): void {
    if (this.#reset) this.#lose(now, this.#reset);
  }

  /** The peer sends nothing more: if it has not said so, it has broken the rules. */
  handlePeerReset(now: Instant): void {
    if (!this.#inbox.hasEnded) this.#lose(now, { kind: "aborted-by-peer", causes: [] });
  }

  /** The trunk is lost: nothing is sent any more. */
  loseTrunk(now: Instant, reason: LossReason): void {
    if (this.#state === "CLOSED") return;
    this.#close();
    if (this.#isConnected) this.#tell(now, { kind: "communication-lost", reason });
    else this.#tell(now, { kind: "trunk-lost" });
  }

  /** The peer has got everything, and knows that nothing more comes. */
  finish(now: Instant): void {
    if (this.#state !== "SHUTDOWN-SENT") return;
    this.#close();
    this.#tell(now, { kind: "shutdown-complete" });
  }

  #handleConnected(now: Instant): boolean {
    if (this.#isConnected) return false;
    this.#isConnected = true;
    this.#tell(now, { kind: "readable" });
    return true;
  }

  /** As an association of its own would bring it: as the reason of an ABORT. */
  #handleReset(now: Instant, reason: Uint8Array): boolean {
    if (this.#reset) return false;
    const cause = { code: CauseCode.UserInitiatedAbort, reason } as const;
    this.#reset = { kind: "aborted-by-peer", causes: [cause] };
    this.#inbox.hasEnded = true;
    if (this.#inbox.isEmpty) this.loseByReset(now);
    else this.#trunk.loseSoon(this);
    return true;
  }

  #lose(now: Instant, reason: LossReason): void {
    if (this.#state === "CLOSED") return;
    this.#close();
    this.#retire();
    this.#tell(now, { kind: "communication-lost", reason });
  }

  #close(): void {
    if (this.#state !== "CLOSED") this.#trunk.giveWindow(this.window);
    this.#state = "CLOSED";
    this.#inbox.clear();
  }

  #post(now: Instant, message: Uint8Array): void {
    const isSent = this.#unsent.length === 0 &&
      this.#trunk.send(now, this, message, this.#control);
    if (!isSent) this.#unsent.push(message);
  }

  /** What waits for room goes first. */
  #retire(): void {
    this.#isRetired = true;
    if (this.#unsent.length === 0) this.#trunk.retire(this);
  }

  /** At the server's side the first time once the server has taken the connection. */
  #grant(now: Instant): void {
    const { due } = this.#inbox;
    if (due === 0 || this.#state !== "ESTABLISHED") return;
    if (this.#trunk.grant(now, this, due)) this.#inbox.grant();
  }

  #wakeOwner(): void {
    if (this.#owner) this.#trunk.schedule(this.#owner);
  }

  #tell(now: Instant, event: LinkEvent): void {
    this.#owner?.handleEvent(now, event);
    this.#wakeOwner();
  }
}
