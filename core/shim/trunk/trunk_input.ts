/** What comes over a trunk, handed to its streams: all at once, so that none waits for another's reader. */
import type { Association } from "../../sctp/association.ts";
import type { Instant } from "../../sctp/base/time.ts";
import type { ReceiveInfo } from "../../sctp/rx/reassembly.ts";
import { URGENT_PPID } from "../control_message.ts";
import {
  CONTROL_PPID,
  CREDIT_STREAM,
  decodeTrunkMessage,
  LONGEST_MESSAGE,
  MAX_TRUNK_MESSAGE,
  type OpenMessage,
} from "./trunk_message.ts";
import type { TrunkStreams } from "./trunk_streams.ts";

/** Messages taken off the association in one turn. */
const READS_PER_TURN = 64;

/** Filled in by each read; nothing keeps them. */
const info: ReceiveInfo = { stream: 0, ssn: 0, ppid: 0, unordered: false, endOfMessage: false };
const message = new Uint8Array(LONGEST_MESSAGE);

export class TrunkInput {
  readonly #association: Association;
  readonly #streams: TrunkStreams;
  readonly #welcome: (now: Instant, id: number, open: OpenMessage) => boolean;

  /** @param welcome opens a stream for the peer; false if that has no business to. */
  constructor(
    association: Association,
    streams: TrunkStreams,
    welcome: (now: Instant, id: number, open: OpenMessage) => boolean,
  ) {
    this.#association = association;
    this.#streams = streams;
    this.#welcome = welcome;
  }

  /** Takes what has come. `waiting` once nothing is left; `malformed` if the peer breaks the rules. */
  run(now: Instant): "waiting" | "more" | "malformed" {
    for (let i = 0; i < READS_PER_TURN; i++) {
      const count = this.#association.read(now, message, info);
      if (count === 0) return "waiting";
      if (!this.#take(now, count)) return "malformed";
    }
    return "more";
  }

  /** One message, or a part of a long one. */
  #take(now: Instant, count: number): boolean {
    const { stream, ppid, endOfMessage } = info;
    if (ppid === CONTROL_PPID) {
      return endOfMessage && count <= MAX_TRUNK_MESSAGE && this.#takeControl(now, stream, count);
    }
    const isUrgent = ppid === URGENT_PPID && endOfMessage;
    return this.#streams.find(stream)?.receive(message, count, isUrgent) ?? false;
  }

  #takeControl(now: Instant, id: number, count: number): boolean {
    const control = decodeTrunkMessage(message, count);
    switch (control.kind) {
      case "unknown-type":
        return true;
      case "credit":
        // That for a connection which is over at this side comes late, and means nothing.
        if (id === CREDIT_STREAM) this.#streams.find(control.stream)?.addCredit(control.bytes);
        return id === CREDIT_STREAM;
      case "open":
        return this.#welcome(now, id, control);
      case "connected":
      case "half-close":
      case "reset": {
        const bytes = message.subarray(0, count);
        return this.#streams.find(id)?.receiveControl(now, control, bytes) ?? false;
      }
      default:
        return false;
    }
  }
}
