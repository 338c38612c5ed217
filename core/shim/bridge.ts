/**
 * One TCP connection and one association, joined: bytes both ways, the end of each direction, and
 * resets.
 *
 * Between two shims each direction ends by itself: the application's FIN becomes HALF-CLOSE, and
 * the association is shut down once both directions have ended. A native SCTP peer knows no
 * half-close (Bickhart 2005, sections 2.7 and 3.2): the application's FIN then becomes SHUTDOWN, after
 * which the peer can send no more, and the peer's SHUTDOWN becomes FIN; what the application still
 * sends then has nowhere to go. docs/native-peers.md says what that means for both.
 *
 * Urgent data keeps its mark between two shims; a native peer gets it in line.
 *
 * Both sides lose the connection together: a TCP reset becomes ABORT with RESET as its reason, and
 * an association that is lost becomes a TCP reset. TCP's reset comes behind the bytes that were sent
 * before it, and those that have arrived can still be read; ABORT discards them at both ends (RFC
 * 9260, section 9). So it waits for their acknowledgement, but not for a peer that takes nothing.
 */
import { EPOLLERR } from "../net/constants.ts";
import type { TcpSocket } from "../net/tcp_socket.ts";
import { after, type Instant, instant, isDue, NEVER } from "../sctp/base/time.ts";
import type { SendOptions } from "../sctp/tx/send_queue.ts";
import {
  CONTROL_STREAM,
  describeResetReason,
  encodeControlMessage,
  ResetReason,
} from "./control_message.ts";
import { SctpToTcp } from "./sctp_to_tcp.ts";
import type { Carrier, StreamSocket } from "./stream_socket.ts";
import { TcpToSctp } from "./tcp_to_sctp.ts";
import type { TransferBuffers } from "./transfer_buffers.ts";

/** Milliseconds that ABORT waits for bytes: the longest delay of a SACK (RFC 9260, section 6.2). */
const ABORT_PATIENCE = 500;

/** How every control message is sent. */
export const CONTROL: SendOptions = {
  stream: CONTROL_STREAM,
  ppid: 0,
  unordered: false,
  immediate: true,
};

/** What a bridge needs of the TCP connection; it closes it at the end. */
export type BridgeSocket =
  & StreamSocket
  & Pick<TcpSocket, "endIsAcknowledged" | "close" | "reset">;

/** How the connection ended. */
export interface BridgeOutcome {
  /** Both ends closed it, and every byte arrived. */
  readonly clean: boolean;
  readonly reason: string;
}

/** Where one direction stands. */
type Direction = "open" | "ending" | "ended";

export class Bridge {
  readonly #association: Carrier;
  readonly #socket: BridgeSocket;
  readonly #peerIsShim: boolean;
  readonly #outbound: TcpToSctp;
  readonly #inbound: SctpToTcp;
  #out: Direction = "open";
  #in: Direction = "open";
  /** The peer has taken its leave before the application had ended: the rest goes nowhere. */
  #unheard = false;
  /** The association is shut down or lost: it takes nothing, what it received can still be read. */
  #over = false;
  #socketOpen = true;
  /** When ABORT follows a reset of the application at the latest. */
  #abortsAt: Instant = NEVER;
  #outcome: BridgeOutcome | undefined;

  /** @param socket a connected socket. The association is up. */
  constructor(
    association: Carrier,
    socket: BridgeSocket,
    buffers: TransferBuffers,
    peerIsShim: boolean,
  ) {
    this.#association = association;
    this.#socket = socket;
    this.#peerIsShim = peerIsShim;
    this.#outbound = new TcpToSctp(socket, association, buffers.outbound, peerIsShim);
    this.#inbound = new SctpToTcp(socket, association, buffers.inbound, peerIsShim);
  }

  /** Set once nothing is left to do; both the socket and the association are done with then. */
  get outcome(): BridgeOutcome | undefined {
    return this.#socketOpen || !this.#over ? undefined : this.#outcome;
  }

  /** When {@link run} is to be called although nothing has happened. */
  get deadline(): Instant {
    return this.#abortsAt;
  }

  /** Bytes of the application that the association has taken. */
  get bytesOut(): number {
    return this.#outbound.bytes;
  }

  /** Bytes of the peer that have been read for the application. */
  get bytesIn(): number {
    return this.#inbound.bytes;
  }

  /** The peer has said that many connections may share an association. */
  get peerTakesTrunks(): boolean {
    return this.#inbound.peerTakesTrunks;
  }

  /** What the connection is doing, in words. */
  get activity(): string {
    if (!this.#socketOpen) return "closing the association";
    const blocked = this.#inbound.blocked
      ? "waiting for the application to read"
      : this.#outbound.blocked
      ? "waiting for the peer to read"
      : "carrying";
    if (this.#out === "open" && this.#in === "open") return blocked;
    if (this.#out === "ended" && this.#in === "ended") {
      return "waiting for the application to take the end";
    }
    const open = this.#out === "open"
      ? "sending"
      : this.#in === "open"
      ? "receiving"
      : "neither way";
    return `${blocked}, half-closed: ${open}`;
  }

  /** What epoll says of the socket. An error, such as a reset, shows at once where nothing is read. */
  handleSocket(now: Instant, events: number): void {
    const unread = this.#outbound.blocked || this.#out !== "open";
    if ((events & EPOLLERR) !== 0 && unread) this.#resetByApplication(now);
    else this.#outbound.handleEvents(events);
  }

  /** The peer asked for a shutdown: it takes no more data. */
  handleShutdownReceived(): void {
    this.#stopHearing();
  }

  /** The association was shut down by both ends. */
  handleShutdownComplete(): void {
    this.#over = true;
    this.#stopHearing();
  }

  /** The peer has acknowledged everything: what waited for that is due. */
  handleSenderDry(): void {
    if (this.#abortsAt !== NEVER) this.#abortsAt = instant(0);
  }

  /** The association is lost: so is the TCP connection. */
  handleLoss(reason: string): void {
    this.#over = true;
    this.#end(false, reason);
  }

  /** Takes the connection down on both sides. */
  reset(now: Instant, reason: ResetReason): void {
    this.#abort(now, reason, describeResetReason(reason));
  }

  /** Moves what can be moved both ways; true if there is more to do at once. */
  run(now: Instant): boolean {
    if (isDue(this.#abortsAt, now)) this.#resetPeer(now);
    const more = this.#runInbound(now);
    return this.#runOutbound(now) || more;
  }

  #runOutbound(now: Instant): boolean {
    if (this.#socketOpen && this.#out === "open" && !this.#over) {
      const turn = this.#outbound.run(now);
      if (turn === "reset") this.#resetByApplication(now);
      else if (turn === "ended") this.#out = "ending";
      if (turn !== "ended") return turn === "more";
    }
    if (this.#out === "ending" && this.#announceEnd(now)) this.#stopSending();
    const turn = this.#unheard && this.#socketOpen ? this.#outbound.discard() : "waiting";
    if (turn === "reset") this.#resetByApplication(now);
    this.#closeWhenDone(now);
    return turn === "more";
  }

  #runInbound(now: Instant): boolean {
    if (!this.#socketOpen || this.#in === "ended") return false;
    const turn = this.#inbound.run(now);
    if (turn === "more") return true;
    if (turn === "malformed") this.#abort(now, ResetReason.Malformed, "malformed control message");
    else if (turn === "reset") this.#handleInboundReset(now);
    else if (turn === "ended") this.#endInbound();
    else if (this.#inbound.drained && this.#peerHasFinished()) this.#endByShutdown();
    return false;
  }

  /** True from the peer's SHUTDOWN on: it sends that only when all its data is acknowledged. */
  #peerHasFinished(): boolean {
    const { state } = this.#association;
    return this.#over || state === "SHUTDOWN-RECEIVED" || state === "SHUTDOWN-ACK-SENT";
  }

  /** For a native peer its SHUTDOWN is the end of the stream; a shim announces the end before it. */
  #endByShutdown(): void {
    if (!this.#peerIsShim) this.#endInbound();
    else if (this.#over) {
      this.#end(false, "the peer ended the association in the middle of the stream");
    }
  }

  #endInbound(): void {
    this.#in = "ended";
    this.#socket.shutdownWrite();
  }

  #handleInboundReset(now: Instant): void {
    const reason = this.#inbound.resetReason;
    if (reason === undefined) this.#resetByApplication(now);
    else this.#abort(now, ResetReason.Application, describeResetReason(reason));
  }

  /** Tells the peer that no data follows; false if there is no room for that yet. */
  #announceEnd(now: Instant): boolean {
    if (this.#over) return true;
    if (!this.#peerIsShim) {
      this.#association.shutdown(now);
      return true;
    }
    const message = encodeControlMessage({ kind: "half-close", bytes: this.#outbound.bytes });
    return this.#association.send(now, message, CONTROL);
  }

  #stopSending(): void {
    this.#out = "ended";
    this.#outbound.release();
  }

  #stopHearing(): void {
    if (this.#out === "ended") return;
    this.#unheard = true;
    this.#out = "ended";
  }

  #closeWhenDone(now: Instant): void {
    if (!this.#socketOpen || this.#in !== "ended" || this.#out !== "ended") return;
    const { discarded, ended } = this.#outbound;
    const resets = this.#unheard && (discarded > 0 || !ended);
    // A reset takes away what the application's kernel has not got yet.
    if (resets && !this.#socket.endIsAcknowledged) return;
    if (this.#association.state === "ESTABLISHED") this.#association.shutdown(now);
    if (discarded === 0) this.#end(true, "closed by both ends");
    else this.#end(false, `the peer shut down and did not take ${discarded} bytes or more`);
  }

  /** The socket is of no use any more; ABORT follows once the peer has what was sent before. */
  #resetByApplication(now: Instant): void {
    if (this.#over || this.#association.bufferedBytes === 0) return this.#resetPeer(now);
    this.#end(false, describeResetReason(ResetReason.Application));
    this.#abortsAt = after(now, ABORT_PATIENCE);
    this.#association.notifyWhenDry();
  }

  #resetPeer(now: Instant): void {
    this.#abortsAt = NEVER;
    this.#abort(now, ResetReason.Application, describeResetReason(ResetReason.Application));
  }

  #abort(now: Instant, reason: ResetReason, words: string): void {
    if (!this.#over) {
      this.#association.abort(now, encodeControlMessage({ kind: "reset", reason }));
      this.#over = true;
    }
    this.#end(false, words);
  }

  #end(clean: boolean, reason: string): void {
    this.#outcome ??= { clean, reason };
    this.#outbound.release();
    this.#inbound.release();
    if (!this.#socketOpen) return;
    this.#socketOpen = false;
    if (this.#outcome.clean) this.#socket.close();
    else this.#socket.reset();
  }
}
