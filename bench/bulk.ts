/** Bulk transfer over UDP between two processes, beside usrsctp in turns. */
import type { Benchmark, Context } from "./benchmark.ts";
import { pairRatios } from "./measure.ts";
import type { Peer, ReceiveReport, SendReport } from "./peers/peer.ts";
import { runSession } from "./peers/session.ts";
import { USRSCTP } from "./peers/usrsctp.ts";
import { describeSize } from "./sizes.ts";

const SIZES = [1024, 64 * 1024];

/** What a turn of one implementation amounts to. */
interface Turn {
  /** 10^6 payload bytes a second, at the receiver. */
  readonly megabytesPerSecond: number;
  /** CPU seconds of both ends for 10^9 payload bytes. */
  readonly cpuPerGigabyte: number;
}

export const bulk: Benchmark = {
  name: "bulk",
  title: "Bulk transfer over UDP on loopback, two processes, IP packets of 1,500 bytes",
  async run(context) {
    const peers = await context.peers();
    for (const size of SIZES) await measure(context, peers, size);
    context.note("CPU seconds are user and system time of both processes while associated.");
    context.note("Checksums on, Nagle's delay off; buffers: the defaults, 256 KiB and 4 MiB.");
  },
};

async function measure(context: Context, peers: readonly Peer[], size: number): Promise<void> {
  const turns = new Map<string, Turn[]>(peers.map(({ name }) => [name, []]));
  const { effort } = context;
  for (let i = 0; i < effort.turns; i++) {
    for (const peer of peers) {
      context.progress(`${describeSize(size)}, turn ${i + 1} of ${effort.turns}, ${peer.name}`);
      turns.get(peer.name)?.push(await takeTurn(context, peer, size));
    }
  }
  keepFigures(context, turns, size);
}

async function takeTurn(context: Context, peer: Peer, size: number): Promise<Turn> {
  const milliseconds = context.effort.bulkMilliseconds;
  const { passive, active } = await runSession<ReceiveReport, SendReport>(
    peer,
    (port) => ["receive", port],
    (port, peerPort) => ["send", port, peerPort, size, milliseconds],
    milliseconds,
  );
  context.record("bulk", { peer: peer.name, size, sender: active, receiver: passive });
  checkTransfer(peer.name, passive, active);
  return {
    megabytesPerSecond: passive.bytes / 1e6 / passive.seconds,
    cpuPerGigabyte: (passive.cpuSeconds + active.cpuSeconds) / passive.bytes * 1e9,
  };
}

/** @throws Error if not exactly what was sent has arrived: such a transfer has no speed. */
function checkTransfer(name: string, received: ReceiveReport, sent: SendReport): void {
  const complete = received.bytes === sent.bytes && received.messages === sent.messages;
  if (complete && received.faults === 0 && received.checked > 0) return;
  throw new Error(
    `${name} delivered ${received.bytes} of ${sent.bytes} bytes, ` +
      `${received.messages} of ${sent.messages} messages, ${received.faults} of them wrong`,
  );
}

function keepFigures(
  context: Context,
  turns: ReadonlyMap<string, readonly Turn[]>,
  size: number,
): void {
  const theirs = turns.get(USRSCTP)?.map(({ megabytesPerSecond }) => megabytesPerSecond);
  for (const [row, samples] of turns) {
    const column = describeSize(size);
    const speed = samples.map(({ megabytesPerSecond }) => megabytesPerSecond);
    const cpu = samples.map(({ cpuPerGigabyte }) => cpuPerGigabyte);
    context.keep({ row, column, unit: "MB/s", samples: speed });
    if (theirs && row !== USRSCTP) {
      const ratio = pairRatios(speed, theirs);
      context.keep({ row, column, unit: `times ${USRSCTP}`, samples: ratio });
    }
    context.keep({ row, column, unit: "CPU s/GB", samples: cpu });
  }
}
