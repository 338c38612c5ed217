/** A bridge without a network: an association and a TCP connection whose other ends are the test. */
import assert from "node:assert/strict";
import { instant } from "../../sctp/base/time.ts";
import type { AssociationState } from "../../sctp/phase.ts";
import type { ReceiveInfo } from "../../sctp/rx/reassembly.ts";
import type { SendOptions } from "../../sctp/tx/send_queue.ts";
import { Bridge } from "../bridge.ts";
import {
  CONTROL_STREAM,
  decodeControlMessage,
  encodeControlMessage,
  URGENT_PPID,
} from "../control_message.ts";
import type { Carrier } from "../stream_socket.ts";
import { TransferBuffers } from "../transfer_buffers.ts";
import { type FakeInput, FakeSocket } from "./fake_socket.ts";

/** When everything happens. */
export const NOW = instant(0);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (words: string) => new TextEncoder().encode(words);

/** An association whose peer is the test. */
export class FakeAssociation implements Carrier {
  state: AssociationState = "ESTABLISHED";
  readonly sent: [stream: number, data: Uint8Array, ppid: number][] = [];
  readonly input: [stream: number, data: Uint8Array, ppid?: number][] = [];
  full = false;
  /** Bytes that the peer has not acknowledged. */
  bufferedBytes = 0;
  toldWhenDry = false;
  shutdowns = 0;
  abortReason: Uint8Array | undefined;

  get readableBytes(): number {
    return this.input.reduce((sum, [, data]) => sum + data.length, 0);
  }

  send(_now: number, data: Uint8Array, options: SendOptions): boolean {
    assert.equal(this.state, "ESTABLISHED", "send in a state that takes nothing");
    if (this.full) return false;
    this.sent.push([options.stream, data.slice(), options.ppid]);
    return true;
  }

  read(_now: number, target: Uint8Array, info: ReceiveInfo): number {
    const next = this.input.shift();
    if (!next) return 0;
    const [stream, data, ppid = 0] = next;
    target.set(data);
    Object.assign(info, { stream, ppid, endOfMessage: true });
    return data.length;
  }

  shutdown(): void {
    this.shutdowns++;
    this.state = "SHUTDOWN-PENDING";
  }

  abort(_now: number, reason?: Uint8Array): void {
    this.abortReason = reason;
    this.state = "CLOSED";
  }

  notifyWhenDry(): void {
    this.toldWhenDry = true;
  }

  /** What was sent, in words; urgent data in brackets. */
  get log(): string[] {
    return this.sent.map(([stream, data, ppid]) => {
      if (ppid === URGENT_PPID) return `[${text(data)}]`;
      if (stream !== CONTROL_STREAM) return text(data);
      const message = decodeControlMessage(data);
      return message.kind === "half-close" ? `half-close ${message.bytes}` : message.kind;
    });
  }

  peerSends(words: string, stream = 0): void {
    this.input.push([stream, bytes(words)]);
  }

  peerSendsUrgent(words: string): void {
    this.input.push([0, bytes(words), URGENT_PPID]);
  }

  peerHalfCloses(count: number): void {
    this.input.push([CONTROL_STREAM, encodeControlMessage({ kind: "half-close", bytes: count })]);
  }
}

/** A bridge between an application and a peer that are the test. */
export function makeBridge(peer: "shim" | "native" = "shim") {
  const socket = new FakeSocket();
  const association = new FakeAssociation();
  const bridge = new Bridge(association, socket, new TransferBuffers(1 << 20), peer === "shim");
  /** The application does this, and epoll tells of it. */
  const application = (...input: FakeInput[]) => {
    socket.input.push(...input);
    bridge.handleSocket(NOW, socket.events);
  };
  return { socket, association, bridge, application, run: () => bridge.run(NOW) };
}

/** The reason of the reset that an abort carried. */
export function resetReason(association: FakeAssociation): number | undefined {
  const message = association.abortReason && decodeControlMessage(association.abortReason);
  return message?.kind === "reset" ? message.reason : undefined;
}
