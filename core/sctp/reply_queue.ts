/** Packets outside of any association, or after its end: one chunk each, answered and forgotten. */
import type { PacketBatch, Route } from "./packet.ts";
import { COMMON_HEADER_LENGTH } from "./wire/common_header.ts";
import type { PacketWriter } from "./tx/packet_writer.ts";

/** Bytes of memory for answers that wait: a flood of packets cannot make more be used. */
export const REPLY_MEMORY = 2 << 20;
/** What an answer is charged for next to its chunk. */
const REPLY_COST = 256;

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
  readonly #replies: Reply[] = [];
  #cost = 0;

  get isEmpty(): boolean {
    return this.#replies.length === 0;
  }

  /** Queues an answer; false if there is no room. */
  push(reply: Reply): boolean {
    const cost = REPLY_COST + reply.chunk.length;
    if (this.#cost + cost > REPLY_MEMORY) return false;
    this.#cost += cost;
    this.#replies.push(reply);
    return true;
  }

  /** Writes what fits into the batch; true if something is left. */
  drain(writer: PacketWriter, batch: PacketBatch): boolean {
    let taken = 0;
    for (const { route, sourcePort, destinationPort, tag, chunk } of this.#replies) {
      const length = COMMON_HEADER_LENGTH + chunk.length;
      if (!batch.hasRoom(length)) break;
      writer.begin(batch, length, sourcePort, destinationPort, tag);
      writer.append(chunk);
      writer.finish(batch, route);
      this.#cost -= REPLY_COST + chunk.length;
      taken++;
    }
    if (taken > 0) this.#replies.splice(0, taken);
    return !this.isEmpty;
  }
}
