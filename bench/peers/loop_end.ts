/**
 * One process of a measured association: a thread that blocks in epoll, as the data plane of the
 * daemon does. See {@link Role}.
 */
import { monotonicNow } from "../../core/net/clock.ts";
import { Epoll } from "../../core/net/epoll.ts";
import type { Association } from "../../core/sctp/association.ts";
import { Endpoint } from "../../core/sctp/endpoint.ts";
import type { SctpEvent } from "../../core/sctp/events.ts";
import { sendOptions } from "../../core/socket/message.ts";
import { Pump } from "../../core/socket/pump.ts";
import { openTransport, type Transport } from "../../core/socket/transport.ts";
import { NumberedMessage, Tally } from "./content.ts";
import {
  CpuClock,
  type End,
  LOOPBACK,
  MessageReader,
  PARAMETERS,
  pingReport,
  play,
  ready,
  receiveReport,
  report,
  Stopwatch,
  warmUpOf,
} from "./end.ts";
import { SCTP_PORT } from "./peer.ts";

const OPTIONS = sendOptions();

/** An engine with one association, and the thread's loop. */
class Loop implements Disposable {
  readonly endpoint: Endpoint;
  readonly reader = new MessageReader((target, info) =>
    this.association.read(this.now, target, info)
  );
  readonly #transport: Transport;
  readonly #pump: Pump;
  readonly #epoll = new Epoll();
  #association: Association | undefined;
  #ended = false;
  now = monotonicNow();

  constructor(udpPort: number) {
    const transport = openTransport({ transport: "udp", udpPort, localAddresses: [LOOPBACK] });
    const { io, environment, memory, pages } = this.#transport = transport;
    const { localAddresses } = io;
    this.endpoint = new Endpoint(environment, { localAddresses, parameters: PARAMETERS, pages });
    this.#pump = new Pump(this.endpoint, io, (event) => this.#handleEvent(event), memory);
    for (const descriptor of io.descriptors) this.#epoll.add(descriptor);
  }

  /** The association, once it is up. */
  get association(): Association {
    if (!this.#association) throw new Error("there is no association");
    return this.#association;
  }

  accept(): void {
    this.endpoint.listen(SCTP_PORT);
    ready();
    while (!this.#association) this.turn();
  }

  connect(encapsulationPort: number): void {
    this.endpoint.associate(this.now, {
      remotePort: SCTP_PORT,
      remoteAddresses: [LOOPBACK],
      encapsulationPort,
    });
    while (!this.#association) this.turn();
  }

  /** False once the association is over. */
  get isOpen(): boolean {
    return !this.#ended;
  }

  /** Sends what is ready, waits for packets or a timer, and takes in what has come. */
  turn(): void {
    this.#pump.flush(this.now);
    this.#epoll.wait(this.#pump.nextTimeout(this.now));
    this.now = monotonicNow();
    this.#pump.round(this.now);
  }

  send(bytes: Uint8Array): boolean {
    return this.association.send(this.now, bytes, OPTIONS);
  }

  /** Closes gracefully. */
  close(): void {
    this.association.shutdown(this.now);
    while (this.isOpen) this.turn();
  }

  get packetsSent(): number {
    return this.#transport.io.metrics.packetsSent;
  }

  [Symbol.dispose](): void {
    this.#pump.flush(this.now);
    this.#transport.io.close();
    this.#epoll.close();
  }

  #handleEvent(event: SctpEvent): void {
    if (event.kind === "communication-up") this.#association = event.association;
    if (event.kind === "shutdown-complete") this.#ended = true;
    if (event.kind === "communication-lost") throw new Error("the association was lost");
  }
}

const loopEnd: End = {
  receive(udpPort) {
    using loop = new Loop(udpPort);
    loop.accept();
    const cpu = new CpuClock();
    const [tally, watch] = [new Tally(), new Stopwatch()];
    const drain = () => {
      for (let length = loop.reader.next(); length > 0; length = loop.reader.next()) {
        tally.count(loop.reader.target, length);
      }
      watch.note(tally.messages);
    };
    while (loop.isOpen) {
      drain();
      loop.turn();
    }
    drain();
    report(receiveReport(tally, watch, cpu));
  },

  send(udpPort, peerUdpPort, messageSize, milliseconds) {
    using loop = new Loop(udpPort);
    loop.connect(peerUdpPort);
    const cpu = new CpuClock();
    const message = new NumberedMessage(messageSize);
    const start = performance.now();
    let messages = 0;
    while (performance.now() - start < milliseconds) {
      message.number = messages;
      while (loop.send(message.bytes)) message.number = ++messages;
      loop.turn();
    }
    loop.close();
    report({
      messages,
      bytes: messages * messageSize,
      seconds: (performance.now() - start) / 1000,
      packets: loop.packetsSent,
      retransmitted: loop.association.metrics.dataChunksRetransmitted,
      ...cpu.report(),
    });
  },

  echo(udpPort) {
    using loop = new Loop(udpPort);
    loop.accept();
    const cpu = new CpuClock();
    while (loop.isOpen) {
      for (let length = loop.reader.next(); length > 0; length = loop.reader.next()) {
        loop.send(loop.reader.target.subarray(0, length));
      }
      loop.turn();
    }
    report(cpu.report());
  },

  ping(udpPort, peerUdpPort, messageSize, count) {
    using loop = new Loop(udpPort);
    loop.connect(peerUdpPort);
    const cpu = new CpuClock();
    const { bytes } = new NumberedMessage(messageSize);
    const times = new Float64Array(count);
    for (let i = -warmUpOf(count); i < count; i++) {
      const start = performance.now();
      loop.send(bytes);
      while (loop.reader.next() === 0) loop.turn();
      if (i >= 0) times[i] = performance.now() - start;
    }
    loop.close();
    report(pingReport(times, cpu));
  },
};

await play(loopEnd, Deno.args);
