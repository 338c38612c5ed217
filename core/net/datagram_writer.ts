/// <reference lib="deno.unstable" />
/** Writes to one of the runtime's UDP sockets, one datagram after the other. */
import type { Route } from "../sctp/packet.ts";
import { countSendError } from "./metrics.ts";
import type { PacketIoMetrics } from "./packet_io.ts";

/** Bytes and datagrams that may wait. */
const QUEUE_BYTES = 1 << 18;
const QUEUE_LENGTH = 256;

/** The queue is filled from its start, and again from there when it has run empty. */
export class DatagramWriter {
  readonly #memory = new Uint8Array(QUEUE_BYTES);
  readonly #offsets = new Int32Array(QUEUE_LENGTH + 1);
  readonly #targets: Deno.NetAddr[] = [];
  #count = 0;
  #sending = false;
  #closed = false;

  /** @param onEmpty is called when everything has left. */
  constructor(
    readonly socket: Deno.DatagramConn,
    readonly metrics: PacketIoMetrics,
    readonly onEmpty: () => void,
  ) {}

  /** Queues a copy of a packet; false if there is no room for it now. */
  add(memory: Uint8Array, offset: number, length: number, route: Route): boolean {
    const start = this.#offsets[this.#count];
    if (this.#count === QUEUE_LENGTH || start + length > QUEUE_BYTES) return false;
    this.#memory.set(memory.subarray(offset, offset + length), start);
    this.#targets[this.#count] = {
      transport: "udp",
      hostname: route.remote.text,
      port: route.encapsulationPort,
    };
    this.#offsets[++this.#count] = start + length;
    if (!this.#sending) this.#run();
    return true;
  }

  /** Drops what waits. */
  close(): void {
    this.#closed = true;
  }

  async #run(): Promise<void> {
    this.#sending = true;
    for (let i = 0; i < this.#count && !this.#closed; i++) {
      const packet = this.#memory.subarray(this.#offsets[i], this.#offsets[i + 1]);
      try {
        this.metrics.sendCalls++;
        await this.socket.send(packet, this.#targets[i]);
        this.metrics.packetsSent++;
        this.metrics.bytesSent += packet.length;
      } catch (error) {
        countSendError(this.metrics, nameOf(error));
      }
    }
    this.#count = 0;
    this.#sending = false;
    this.onEmpty();
  }
}

/** The runtime's errors carry the errno's name, or have a class of their own. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}
