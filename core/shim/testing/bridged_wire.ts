/** Two shims' bridges over real associations and a wire in virtual time; applications are fakes. */
import type { Association } from "../../sctp/association.ts";
import { instant } from "../../sctp/base/time.ts";
import type { TestEndpoint } from "../../sctp/testing/test_endpoint.ts";
import { WirePair, type WirePairOptions } from "../../sctp/testing/wire_pair.ts";
import { Bridge } from "../bridge.ts";
import { isShimPeer, passEvent } from "../bridged.ts";
import { SHIM_ADAPTATION } from "../control_message.ts";
import { TransferBuffers } from "../transfer_buffers.ts";
import { type FakeInput, FakeSocket } from "./fake_socket.ts";

const PORT = 5000;
const BUFFERS = new TransferBuffers(1 << 20);

/** One end of a connection: the application's socket, the bridge and the association behind it. */
export class BridgedEnd {
  readonly socket = new FakeSocket();
  readonly bridge: Bridge;
  readonly #wire: BridgedWire;

  constructor(wire: BridgedWire, readonly association: Association) {
    this.#wire = wire;
    this.bridge = new Bridge(association, this.socket, BUFFERS, isShimPeer(association));
  }

  /** The application does this, and epoll tells of it. */
  does(...input: FakeInput[]): void {
    this.socket.input.push(...input);
    this.bridge.handleSocket(instant(this.#wire.now), this.socket.events);
    this.#wire.turn();
  }

  /** The application reads: so many bytes more fit into its socket. */
  makesRoom(bytes: number): void {
    this.socket.room += bytes;
    this.#wire.turn();
  }
}

/** A connection that both shims carry. */
export interface BridgedConnection {
  readonly a: BridgedEnd;
  readonly b: BridgedEnd;
}

export class BridgedWire {
  readonly #pair: WirePair;
  readonly #ends: BridgedEnd[] = [];
  readonly #seen = { a: 0, b: 0 };
  #nextPort = PORT + 1;

  /** @param script what becomes of the packets. */
  constructor(script?: WirePairOptions["script"]) {
    this.#pair = new WirePair({ script });
    this.#pair.afterStep = () => this.turn();
  }

  get now(): number {
    return this.#pair.now;
  }

  /** Sets up an association, and a bridge at each end; to either the other is a shim, or a native peer. */
  connect(peer: "shim" | "native" = "shim"): BridgedConnection {
    const adaptationIndication = peer === "shim" ? SHIM_ADAPTATION : undefined;
    this.#pair.b.do((endpoint) => {
      endpoint.stopListening(PORT);
      endpoint.listen(PORT, { adaptationIndication });
    });
    const localPort = this.#nextPort++;
    const options = { localPort, adaptationIndication };
    const association = this.#pair.associate(["10.0.0.2"], options);
    const other = () =>
      this.#pair.b.associations.find(({ remotePort }) => remotePort === localPort);
    const up = () => other()?.state === "ESTABLISHED" && association.state === "ESTABLISHED";
    this.#pair.runUntil(up, 1000, "the association");
    const ends = { a: new BridgedEnd(this, association), b: new BridgedEnd(this, other()!) };
    this.#ends.push(ends.a, ends.b);
    this.turn();
    return ends;
  }

  /** Lets time pass. */
  run(milliseconds: number): void {
    this.#pair.run(milliseconds);
  }

  /** What a data plane does in a round: notifications, everybody's turn, packets. */
  turn(): void {
    for (const side of ["a", "b"] as const) this.#notify(side, this.#pair[side]);
    for (const { bridge } of this.#ends) while (bridge.run(instant(this.now)));
    for (const side of ["a", "b"] as const) this.#pair[side].drain();
    this.#pair.collect();
  }

  #notify(side: "a" | "b", { events }: TestEndpoint): void {
    for (; this.#seen[side] < events.length; this.#seen[side]++) {
      const event = events[this.#seen[side]];
      const end = this.#ends.find(({ association }) => association === event.association);
      if (end) passEvent(end.bridge, event, "the peer");
    }
  }
}
