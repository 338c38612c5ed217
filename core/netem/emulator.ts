/**
 * The emulator's loop: what the kernel sends by one device comes out of the other when the link says.
 *
 * The links are those of the simulator, on a clock that follows the real one. The thread blocks until
 * there is a packet or one is due, to the nanosecond as far as the kernel goes.
 */
import { monotonicNow } from "../net/clock.ts";
import type { CommandRing } from "../net/command_ring.ts";
import { PR_SET_TIMERSLACK } from "../net/constants.ts";
import { Epoll, type Wakeup } from "../net/epoll.ts";
import { libc } from "../net/libc.ts";
import { inNamespace } from "../net/network_namespace.ts";
import { Tun } from "../net/tun.ts";
import { VirtualClock } from "../sim/clock.ts";
import { luckOf, setCut, settingsOf } from "../sim/link_plan.ts";
import { IpPacketPool } from "./ip_packet.ts";
import type { Command, EmulatorPlan, Report, WireReport } from "./protocol.ts";
import { Wire } from "./wire.ts";

/** Nanoseconds by which the kernel may be late to save power: as few as there are. */
const TIMER_SLACK = 1n;

/** Milliseconds after which it looks at the clock although nothing is due. */
const LONGEST_WAIT = 1000;

/** Takes the place of a device in events. */
const WAKEUP = 0xffff_ffff;

export interface EmulatorParts {
  readonly plan: EmulatorPlan;
  readonly commands: CommandRing;
  readonly wakeup: Wakeup;
  readonly report: (report: Report) => void;
}

export class Emulator {
  readonly #parts: EmulatorParts;
  readonly #clock = new VirtualClock();
  readonly #epoll: Epoll;
  readonly #devices: Tun[] = [];
  readonly #wires: Wire[] = [];
  #isStopped = false;

  /**
   * Makes the devices, which need addresses then, and to be put up. Call {@link run} next.
   * @throws SystemError with what is not to be had.
   */
  constructor(parts: EmulatorParts) {
    this.#parts = parts;
    const { plan, wakeup } = parts;
    this.#epoll = new Epoll(2 * plan.wires.length + 1);
    try {
      this.#epoll.add(wakeup.descriptor, undefined, WAKEUP);
      this.#makeWires(plan);
    } catch (error) {
      this.#close();
      throw error;
    }
  }

  /** Emulates until it is told to stop. */
  run(): void {
    libc().prctl(PR_SET_TIMERSLACK, TIMER_SLACK, 0n, 0n, 0n);
    try {
      while (!this.#isStopped) this.#turn();
      this.#parts.report({ kind: "stopped", wires: this.#reports() });
    } finally {
      this.#close();
    }
  }

  #makeWires({ ends, wires, seed }: EmulatorPlan): void {
    const pool = new IpPacketPool();
    let drawn = 0;
    const random = () => luckOf(seed, drawn++);
    for (const plan of wires) {
      const devices = [this.#open(ends[0], plan.name), this.#open(ends[1], plan.name)] as const;
      const surroundings = { clock: this.#clock, pool, now: monotonicNow, random };
      this.#wires.push(new Wire(plan.name, devices, plan, surroundings));
    }
  }

  /** The devices of wire `i` have the tokens 2i and 2i + 1. */
  #open(end: string, name: string): Tun {
    const device = inNamespace(end, () => new Tun(name));
    this.#epoll.add(device.descriptor, undefined, this.#devices.length);
    this.#devices.push(device);
    return device;
  }

  #turn(): void {
    const untilDue = this.#clock.next - monotonicNow();
    const events = this.#epoll.wait(Math.max(0, Math.min(untilDue, LONGEST_WAIT)));
    this.#clock.advanceTo(monotonicNow());
    for (let i = 0; i < events; i++) {
      const token = this.#epoll.token(i);
      if (token === WAKEUP) this.#obey();
      else this.#wires[token >> 1].pull(this.#clock.now, token & 1 ? 1 : 0);
    }
  }

  #obey(): void {
    const { commands, wakeup } = this.#parts;
    wakeup.drain();
    for (let next = commands.take(); next !== undefined; next = commands.take()) {
      this.#carryOut(next as Command);
    }
  }

  #carryOut(command: Command): void {
    switch (command.kind) {
      case "report":
        return this.#parts.report({ kind: "report", wires: this.#reports() });
      case "cut":
      case "heal":
        return setCut(this.#wires[command.wire].link, command.direction, command.kind === "cut");
      case "change": {
        const { link } = this.#wires[command.wire];
        link.forward.change(settingsOf(command.forward));
        link.backward.change(settingsOf(command.backward));
        return;
      }
      case "stop":
        this.#isStopped = true;
    }
  }

  #reports(): WireReport[] {
    return this.#wires.map((wire) => {
      const [forward, backward] = wire.report();
      return { name: wire.name, forward, backward };
    });
  }

  #close(): void {
    for (const device of this.#devices.splice(0)) device.close();
    this.#epoll.close();
  }
}
