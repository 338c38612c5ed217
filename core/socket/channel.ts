/**
 * One association below its socket: calls that never wait, and signals that say when to try again.
 * What waits, queues and streams is built on it.
 */
import type { Association } from "../sctp/association.ts";
import type { LossReason, SctpEvent } from "../sctp/events.ts";
import type { ReceiveInfo } from "../sctp/rx/reassembly.ts";
import type { SendOptions } from "../sctp/tx/send_queue.ts";
import type { Driver } from "./driver.ts";
import { lossError, SctpError } from "./errors.ts";
import {
  type ConnectionEnd,
  type ConnectionEvent,
  connectionEvent,
  kindOf,
} from "./notifications.ts";
import { Notifier } from "./notifier.ts";
import { Signal } from "./queue.ts";

export class Channel {
  /** Something can be read, or nothing will come any more. */
  readonly readable = new Signal();
  /** There is room to send, or nothing can be sent any more. */
  readonly writable = new Signal();
  readonly events = new Notifier<ConnectionEvent>({
    stopped: { kind: "notifications-stopped" },
    onDemand: ["send-failed", "sender-dry"],
    onChange: () => this.#tellWanted(),
  });
  /** Paths that may have failed are told of (SCTP_EXPOSE_POTENTIALLY_FAILED_STATE). */
  exposesFailing = false;
  /**
   * Streams on which no more comes of the message that was read in part: it was given up, or the peer
   * restarted ("all"). Whoever puts messages together takes them out.
   */
  readonly broken = new Set<number | "all">();
  readonly #established = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<ConnectionEnd>();
  #end: ConnectionEnd | undefined;
  #isEstablished = false;
  #endsOnceUp = false;
  #peerIsDone = false;
  #restarts = 0;
  #discarding = false;
  #wantsDry = false;

  constructor(readonly association: Association, readonly driver: Driver) {
    this.#established.promise.catch(() => {});
  }

  /** Resolves when the association is up; rejects if it never comes up. */
  get established(): Promise<void> {
    return this.#established.promise;
  }

  /** Resolves when the association is over; never rejects. */
  get closed(): Promise<ConnectionEnd> {
    return this.#closed.promise;
  }

  /** How it ended, once it has. */
  get end(): ConnectionEnd | undefined {
    return this.#end;
  }

  /** True once the peer has asked for a shutdown: it has sent everything. */
  get peerIsDone(): boolean {
    return this.#peerIsDone;
  }

  /** How often the peer restarted. */
  get restarts(): number {
    return this.#restarts;
  }

  /** The peer in words. */
  get peer(): string {
    const { paths, remotePort } = this.association;
    const texts = [...new Set(paths.map((path) => path.remote.text))];
    return `${texts.join(", ") || "the peer"} port ${remotePort}`;
  }

  /**
   * Hands a message to the engine, which copies it. False if there is no room now.
   * @throws SctpError `ERR_SCTP_CLOSED` once the end has begun, or what ended the association.
   * @throws RangeError for a message or options that cannot be sent.
   */
  trySend(data: Uint8Array, options: SendOptions): boolean {
    if (!this.#canSend) this.#throwClosed();
    const taken = this.association.send(this.driver.now(), data, options);
    if (taken && this.#wantsDry) this.association.notifyWhenDry();
    this.driver.flush();
    return taken;
  }

  /** Reads as {@link Association.read} does; 0 if nothing is readable now. */
  tryRead(target: Uint8Array, info: ReceiveInfo): number {
    const count = this.association.read(this.driver.now(), target, info);
    if (count > 0) this.driver.flush();
    return count;
  }

  /** Begins the graceful end: what was accepted for sending still goes out. */
  shutdown(): void {
    if (this.#end) return;
    if (!this.#isEstablished) return this.#shutdownOnceUp();
    this.association.shutdown(this.driver.now());
    this.driver.flush();
  }

  /** Ends at once; the peer gets the reason. */
  abort(reason: string | Uint8Array): void {
    if (this.#end) return;
    const bytes = typeof reason === "string" ? new TextEncoder().encode(reason) : reason;
    this.association.abort(this.driver.now(), bytes);
    this.driver.flush();
  }

  /** Drops what has been received and what still comes: nobody reads any more. */
  discardInput(): void {
    this.#discarding = true;
    this.#handleReadable();
    this.driver.flush();
  }

  /** Takes a notification of the engine about this association. */
  handleEvent(event: SctpEvent): void {
    switch (event.kind) {
      case "readable":
        return this.#handleReadable();
      case "writable":
        return this.writable.notify();
      case "communication-up":
        this.#handleUp();
        break;
      case "communication-lost":
        return this.#handleLoss(event.reason);
      case "shutdown-complete":
        return this.finish({ graceful: true });
      case "shutdown-received":
        this.#peerIsDone = true;
        break;
      case "restart":
        this.#restarts++;
        this.broken.add("all");
        break;
      case "partial-delivery-aborted":
        this.broken.add(event.message.stream);
        break;
    }
    this.#wakeAll();
    this.#report(event);
  }

  /** What nobody wants to know is not even made. */
  #report(event: SctpEvent): void {
    const kind = kindOf(event);
    if (!kind || !this.events.wants(kind)) return;
    if (event.kind === "path-failing" && !this.exposesFailing) return;
    const report = connectionEvent(event);
    if (report) this.events.emit(report);
  }

  /** What costs something is asked of the engine only while somebody wants it. */
  #tellWanted(): void {
    if (this.#end) return;
    this.association.notifySendFailures(this.events.wants("send-failed"));
    const wantsDry = this.events.wants("sender-dry");
    // RFC 6458, section 6.1.9: told at once if that is so now.
    if (wantsDry && !this.#wantsDry) {
      this.association.notifyWhenDry();
      this.driver.flush();
    }
    this.#wantsDry = wantsDry;
  }

  /** Marks the end and releases everybody who waits. */
  finish(end: ConnectionEnd): void {
    if (this.#end) return;
    this.#end = end;
    if (end.graceful) this.#established.resolve();
    else this.#established.reject(end.error);
    this.#closed.resolve(end);
    this.#wakeAll();
    this.events.end({ kind: "closed", end });
  }

  #handleReadable(): void {
    if (this.#discarding) this.association.discardReceived();
    this.readable.notify();
  }

  #handleUp(): void {
    this.#isEstablished = true;
    this.#established.resolve();
    if (this.#endsOnceUp) this.shutdown();
  }

  /** What was sent before the association is up goes out first. */
  #shutdownOnceUp(): void {
    if (this.association.bufferedBytes > 0) this.#endsOnceUp = true;
    else this.abort("the application gave up");
  }

  #handleLoss(reason: LossReason): void {
    const error = lossError(reason, this.peer, this.#isEstablished);
    this.finish({ graceful: false, error });
  }

  #wakeAll(): void {
    this.readable.notify();
    this.writable.notify();
  }

  get #canSend(): boolean {
    const { state } = this.association;
    return state === "ESTABLISHED" || state === "COOKIE-WAIT" || state === "COOKIE-ECHOED";
  }

  #throwClosed(): never {
    if (this.#end && !this.#end.graceful) throw this.#end.error;
    throw new SctpError(
      "ERR_SCTP_CLOSED",
      `cannot send: the association with ${this.peer} is shutting down or closed`,
    );
  }
}
