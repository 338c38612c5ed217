/** Packets outside of any association, or after its end: one chunk each, answered and forgotten. */
import type { PacketBatch, Route } from "./packet.ts";
import { COMMON_HEADER_LENGTH } from "./wire/common_header.ts";
import type { PacketWriter } from "./tx/packet_writer.ts";

/** Answers that may wait: a flood of packets cannot make more memory be used. */
const CAPACITY = 4096;

/** One answer. */
export interface Reply {
  readonly route: Route;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Verification Tag of the packet. */
  readonly tag: number;
  /** The chunk with its padding. */
  readonly chunk: Uint8Array;
}

export class ReplyQueue {
  #replies: Reply[] = [];
  #sent = 0;

  get isEmpty(): boolean {
    return this.#sent === this.#replies.length;
  }

  /** Queues an answer; false if there is no room. */
  push(reply: Reply): boolean {
    if (this.#replies.length - this.#sent >= CAPACITY) return false;
    this.#replies.push(reply);
    return true;
  }

  /** Writes what fits into the batch; true if something is left. */
  drain(writer: PacketWriter, batch: PacketBatch): boolean {
    while (!this.isEmpty) {
      const { route, sourcePort, destinationPort, tag, chunk } = this.#replies[this.#sent];
      const length = COMMON_HEADER_LENGTH + chunk.length;
      if (!batch.hasRoom(length)) return true;
      writer.begin(batch, length, sourcePort, destinationPort, tag);
      writer.append(chunk);
      writer.finish(batch, route);
      this.#sent++;
    }
    if (this.#sent > 0) {
      this.#replies = [];
      this.#sent = 0;
    }
    return false;
  }
}
