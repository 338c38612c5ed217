/// <reference lib="deno.unstable" />
/** Reads one of the runtime's UDP sockets ahead, into a ring of slots. */
import type { IpAddress } from "../sctp/base/address.ts";
import { Ecn } from "../sctp/packet.ts";
import type { BoundAddress } from "./packet_io.ts";
import type { ReceivedPackets } from "./received_packets.ts";

/** The longest datagram: what a slot takes. */
export const SLOT_BYTES = 65536;

/**
 * Slots between `#shown` and `#taken` show the datagrams of the last {@link take}, those up to
 * `#filled` wait for the next one; the others are free. The three only ever grow.
 */
export class DatagramReader {
  readonly #views: readonly Uint8Array[];
  readonly #lengths: Int32Array;
  readonly #ports: Int32Array;
  readonly #sources: (IpAddress | undefined)[];
  #shown = 0;
  #taken = 0;
  #filled = 0;
  #freed: (() => void) | undefined;
  #closed = false;

  /**
   * @param memory where all readers' datagrams lie.
   * @param start where this reader's part begins.
   * @param slots datagrams that it reads ahead, of {@link SLOT_BYTES} each.
   * @param toAddress gives the address object of a text.
   * @param onDatagram is called after a datagram has come.
   */
  constructor(
    readonly socket: Deno.DatagramConn,
    readonly bound: BoundAddress,
    memory: Uint8Array,
    readonly start: number,
    readonly slots: number,
    readonly toAddress: (text: string) => IpAddress | undefined,
    readonly onDatagram: () => void,
  ) {
    this.#lengths = new Int32Array(slots);
    this.#ports = new Int32Array(slots);
    this.#sources = new Array(slots).fill(undefined);
    this.#views = Array.from({ length: slots }, (_, slot) => {
      const offset = start + slot * SLOT_BYTES;
      return memory.subarray(offset, offset + SLOT_BYTES);
    });
    this.#run();
  }

  /** True if a {@link take} would find something. */
  get waiting(): boolean {
    return this.#filled > this.#taken;
  }

  /**
   * Adds the datagrams that have come to `packets`, where they stay valid until the next call.
   * @returns how many were of no use.
   */
  take(packets: ReceivedPackets): number {
    this.#shown = this.#taken;
    let unusable = 0;
    for (; this.#taken < this.#filled; this.#taken++) {
      const slot = this.#taken % this.slots;
      const source = this.#sources[slot];
      if (source && this.#lengths[slot] >= 12) {
        packets.beginDatagram(source, this.bound.address, this.#ports[slot], Ecn.NotEct);
        packets.add(this.start + slot * SLOT_BYTES, this.#lengths[slot]);
      } else {
        unusable++;
      }
    }
    this.#freed?.();
    return unusable;
  }

  /** Closes the socket. */
  close(): void {
    this.#closed = true;
    this.socket.close();
    this.#freed?.();
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      if (this.#filled - this.#shown === this.slots) {
        await new Promise<void>((resolve) => this.#freed = resolve);
        this.#freed = undefined;
        continue;
      }
      const slot = this.#filled % this.slots;
      try {
        const [datagram, from] = await this.socket.receive(this.#views[slot]);
        const { hostname, port } = from as Deno.NetAddr;
        this.#sources[slot] = this.toAddress(hostname);
        this.#lengths[slot] = datagram.length;
        this.#ports[slot] = port;
      } catch (error) {
        if (this.#closed || error instanceof Deno.errors.BadResource) return;
        this.#lengths[slot] = 0;
      }
      this.#filled++;
      this.onDatagram();
    }
  }
}
