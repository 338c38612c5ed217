/** What the two programs of this project's own implementation have in common. */
import process from "node:process";
import { IpAddress } from "../../core/sctp/base/address.ts";
import type { Parameters } from "../../core/sctp/parameters.ts";
import type { ReceiveInfo } from "../../core/sctp/rx/reassembly.ts";
import { receiveInfo } from "../../core/socket/message.ts";
import { quantile } from "../measure.ts";
import { LONGEST_MESSAGE, type Tally } from "./content.ts";
import type { PingReport, ProcessReport, ReceiveReport } from "./peer.ts";

/** As in the daemon and in usrsctp's program: no message waits for another to share its packet. */
export const PARAMETERS: Partial<Parameters> = { noDelay: 1 };

export const LOOPBACK = IpAddress.parse("127.0.0.1");

/** How an association is used by each of the four roles; the numbers are those of a role's words. */
export interface End {
  receive(udpPort: number): void | Promise<void>;
  send(
    udpPort: number,
    peerUdpPort: number,
    messageSize: number,
    milliseconds: number,
  ): void | Promise<void>;
  echo(udpPort: number): void | Promise<void>;
  ping(
    udpPort: number,
    peerUdpPort: number,
    messageSize: number,
    count: number,
  ): void | Promise<void>;
}

/** Plays the role that the words name. */
export async function play(end: End, words: readonly string[]): Promise<void> {
  const [role, ...texts] = words;
  const [a, b, c, d] = texts.map(Number);
  if (role === "receive") await end.receive(a);
  else if (role === "send") await end.send(a, b, c, d);
  else if (role === "echo") await end.echo(a);
  else if (role === "ping") await end.ping(a, b, c, d);
  else throw new TypeError(`there is no role ${role}`);
}

/** Says that the process can be reached. */
export function ready(): void {
  console.log("ready");
}

/** Prints a report. */
export function report<Report extends ProcessReport>(values: Report): void {
  console.log(JSON.stringify(values));
}

/** CPU time from a moment on. */
export class CpuClock {
  readonly #start = processCpuSeconds();

  report(): ProcessReport {
    const total = processCpuSeconds();
    return { cpuSeconds: total - this.#start, processCpuSeconds: total };
  }
}

function processCpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Joins the parts of messages. */
export class MessageReader {
  /** Where the message lies after {@link next}. */
  readonly target = new Uint8Array(LONGEST_MESSAGE);
  readonly #info = receiveInfo();
  #filled = 0;

  /** @param read what takes a part of a message from the association, as `Association.read` does. */
  constructor(readonly read: (target: Uint8Array, info: ReceiveInfo) => number) {}

  /** The length of the next message, or 0 if not all of it is there. */
  next(): number {
    for (;;) {
      const room = this.#filled === 0 ? this.target : this.target.subarray(this.#filled);
      const count = this.read(room, this.#info);
      if (count === 0) return 0;
      this.#filled += count;
      if (!this.#info.endOfMessage) continue;
      const length = this.#filled;
      this.#filled = 0;
      return length;
    }
  }
}

/** When the first and the last message came: reading the clock for each would weigh. */
export class Stopwatch {
  #messages = 0;
  #first = 0;
  #last = 0;

  /** Call when there is nothing more to read. @param messages that have come so far. */
  note(messages: number): void {
    if (messages === this.#messages) return;
    this.#messages = messages;
    this.#last = performance.now();
    if (this.#first === 0) this.#first = this.#last;
  }

  get seconds(): number {
    return (this.#last - this.#first) / 1000;
  }
}

/** The report of a `receive` process. */
export function receiveReport(tally: Tally, watch: Stopwatch, cpu: CpuClock): ReceiveReport {
  const { messages, bytes, checked, faults } = tally;
  return { messages, bytes, checked, faults, seconds: watch.seconds, ...cpu.report() };
}

/** Round trips before the ones that are counted: a compiler that learns by doing is slow at first. */
export function warmUpOf(count: number): number {
  return Math.ceil(count / 4);
}

/** The report of a `ping` process. @param milliseconds of each round trip; sorted here. */
export function pingReport(milliseconds: Float64Array, cpu: CpuClock): PingReport {
  const sorted = milliseconds.sort();
  const microseconds = (share: number) => quantile(sorted, share) * 1000;
  return {
    roundTrips: sorted.length,
    minimum: microseconds(0),
    p50: microseconds(0.5),
    p99: microseconds(0.99),
    maximum: microseconds(1),
    ...cpu.report(),
  };
}
