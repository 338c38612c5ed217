/** One process of a measured association: the socket that a library user has. See {@link Role}. */
import type { SctpConnection } from "../../core/socket/connection.ts";
import { sendOptions } from "../../core/socket/message.ts";
import { SctpStack } from "../../core/socket/stack.ts";
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

function open(udpPort: number): SctpStack {
  return SctpStack.open({
    transport: "udp",
    udpPort,
    localAddresses: [LOOPBACK],
    parameters: PARAMETERS,
  });
}

async function accept(stack: SctpStack): Promise<SctpConnection> {
  const listener = stack.listen({ port: SCTP_PORT });
  ready();
  for await (const connection of listener) return connection;
  throw new Error("the listener was closed");
}

function connect(stack: SctpStack, encapsulationPort: number): Promise<SctpConnection> {
  return stack.connect({ port: SCTP_PORT, addresses: LOOPBACK, encapsulationPort });
}

function readerOf(connection: SctpConnection): MessageReader {
  return new MessageReader((target, info) => connection.tryRead(target, info));
}

const socketEnd: End = {
  async receive(udpPort) {
    await using stack = open(udpPort);
    const connection = await accept(stack);
    const cpu = new CpuClock();
    const [reader, tally, watch] = [readerOf(connection), new Tally(), new Stopwatch()];
    do {
      for (let length = reader.next(); length > 0; length = reader.next()) {
        tally.count(reader.target, length);
      }
      watch.note(tally.messages);
    } while (await connection.waitReadable());
    await connection.closed;
    report(receiveReport(tally, watch, cpu));
  },

  async send(udpPort, peerUdpPort, messageSize, milliseconds) {
    await using stack = open(udpPort);
    const connection = await connect(stack, peerUdpPort);
    const cpu = new CpuClock();
    const message = new NumberedMessage(messageSize);
    const start = performance.now();
    let messages = 0;
    while (performance.now() - start < milliseconds) {
      message.number = messages;
      while (connection.trySend(message.bytes, OPTIONS)) message.number = ++messages;
      await connection.waitWritable();
    }
    await connection.close();
    report({
      messages,
      bytes: messages * messageSize,
      seconds: (performance.now() - start) / 1000,
      packets: stack.transportMetrics.packetsSent,
      retransmitted: connection.info.metrics.dataChunksRetransmitted,
      ...cpu.report(),
    });
  },

  async echo(udpPort) {
    await using stack = open(udpPort);
    const connection = await accept(stack);
    const cpu = new CpuClock();
    const reader = readerOf(connection);
    do {
      for (let length = reader.next(); length > 0; length = reader.next()) {
        await connection.send(reader.target.subarray(0, length));
      }
    } while (await connection.waitReadable());
    await connection.closed;
    report(cpu.report());
  },

  async ping(udpPort, peerUdpPort, messageSize, count) {
    await using stack = open(udpPort);
    const connection = await connect(stack, peerUdpPort);
    const cpu = new CpuClock();
    const reader = readerOf(connection);
    const { bytes } = new NumberedMessage(messageSize);
    const times = new Float64Array(count);
    for (let i = -warmUpOf(count); i < count; i++) {
      const start = performance.now();
      await connection.send(bytes);
      while (reader.next() === 0) await connection.waitReadable();
      if (i >= 0) times[i] = performance.now() - start;
    }
    await connection.close();
    report(pingReport(times, cpu));
  },
};

await play(socketEnd, Deno.args);
