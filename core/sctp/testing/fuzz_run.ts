/** One run of a list of commands against two endpoints and the reference model. */
import type { Association } from "../association.ts";
import type { AuthenticationOptions } from "../auth/options.ts";
import { SeededRandom, uniform } from "../base/random.ts";
import type { SctpEvent } from "../events.ts";
import type { Parameters } from "../parameters.ts";
import { changeParameters, limitChunks } from "../procedures/retune.ts";
import type { PartialReliability } from "../tx/partial_reliability.ts";
import type { StreamSchedulerName } from "../tx/stream_scheduler.ts";
import { contentOf, ReferenceModel } from "./reference_model.ts";
import type { SentPacket } from "./sent_packet.ts";
import { localAddresses, type TestEndpoint } from "./test_endpoint.ts";
import { type Fate, type SideName, WirePair } from "./wire_pair.ts";

/** How the wire treats packets from now on. */
export interface Weather {
  readonly loss: number;
  readonly duplicates: number;
  /** Milliseconds. */
  readonly delay: number;
  readonly jitter: number;
  /** Links that let nothing through: 0 and 1. */
  readonly cut: readonly number[];
}

export type Command =
  | {
    readonly kind: "send";
    readonly side: SideName;
    readonly stream: number;
    readonly length: number;
    readonly unordered: boolean;
    readonly immediate: boolean;
    readonly reliability?: PartialReliability;
    /** The path and the shared key that it asks for. */
    readonly over?: number;
    readonly key?: number;
  }
  | { readonly kind: "retune"; readonly side: SideName; readonly changes: Partial<Parameters> }
  | { readonly kind: "limit"; readonly side: SideName; readonly bytes: number }
  | { readonly kind: "schedule"; readonly side: SideName; readonly scheduler: StreamSchedulerName }
  | { readonly kind: "read"; readonly side: SideName; readonly room: number }
  | { readonly kind: "wait"; readonly milliseconds: number }
  | { readonly kind: "weather"; readonly weather: Weather }
  | { readonly kind: "shutdown"; readonly side: SideName }
  | { readonly kind: "abort"; readonly side: SideName }
  | { readonly kind: "primary"; readonly side: SideName; readonly path: number }
  | { readonly kind: "heartbeat"; readonly side: SideName; readonly path: number }
  | { readonly kind: "addresses"; readonly side: SideName; readonly lost: readonly number[] }
  | { readonly kind: "mtu"; readonly side: SideName; readonly path: number; readonly mtu: number };

export interface FuzzPlan {
  readonly seed: number;
  readonly links: readonly ("4" | "6")[];
  readonly highNumbers: boolean;
  readonly encapsulated: boolean;
  readonly parameters: Readonly<Record<SideName, Partial<Parameters>>>;
  readonly authentication: Readonly<Record<SideName, AuthenticationOptions>>;
  readonly commands: readonly Command[];
}

const FAIR: Weather = { loss: 0, duplicates: 0, delay: 5, jitter: 0, cut: [] };
/** Virtual time after which an association counts as stuck. */
const STUCK = 3_600_000;
const OTHER = { a: "b", b: "a" } as const;
const SIDES = ["a", "b"] as const;

/** Nothing but an abort may keep a message from arriving. */
const PATIENCE = { associationMaxRetrans: 1000, pathMaxRetrans: 5, maxInitRetransmits: 1000 };

function addressesOf(side: SideName, links: FuzzPlan["links"]): string[] {
  const host = side === "a" ? 1 : 2;
  return links.map((family, i) => family === "4" ? `10.0.${i}.${host}` : `fd00:0:0:${i}::${host}`);
}

/** What one side of the run knows. */
class RunSide {
  association: Association | undefined;
  readonly received = new ReferenceModel(() => this.association?.interleaves === true);
  isUp = false;
  isReadable = false;
  /** A send was refused, and no notification came since. */
  isWaiting = false;
  ended: SctpEvent | undefined;

  constructor(readonly name: SideName, readonly end: TestEndpoint) {}
}

export class FuzzRun {
  readonly #pair: WirePair;
  readonly #random: SeededRandom;
  readonly #sides: Record<SideName, RunSide>;
  #weather = FAIR;
  #aborted = false;

  constructor(readonly plan: FuzzPlan) {
    this.#random = new SeededRandom(plan.seed);
    const optionsOf = (side: SideName) => ({
      seed: plan.seed + (side === "a" ? 1 : 2),
      addresses: addressesOf(side, plan.links),
      highNumbers: plan.highNumbers,
      parameters: { ...plan.parameters[side], ...PATIENCE },
      authentication: plan.authentication[side],
    });
    this.#pair = new WirePair({
      a: optionsOf("a"),
      b: optionsOf("b"),
      script: (packet) => this.#fateOf(packet),
    });
    this.#sides = { a: new RunSide("a", this.#pair.a), b: new RunSide("b", this.#pair.b) };
    this.#pair.afterStep = () => this.#takeEvents();
  }

  /** Carries out the plan; throws when a promise is broken. */
  run(): void {
    const association = this.#pair.associate(addressesOf("b", this.plan.links), {
      encapsulationPort: this.plan.encapsulated ? 9899 : 0,
    });
    this.#meet(this.#sides.a, association);
    for (const command of this.plan.commands) this.#carryOut(command);
    this.#settle();
  }

  #fateOf(packet: SentPacket): Fate {
    const { loss, duplicates, delay, jitter, cut } = this.#weather;
    const link = this.plan.links.findIndex((_, i) =>
      packet.from === addressesOf("a", this.plan.links)[i] ||
      packet.from === addressesOf("b", this.plan.links)[i]
    );
    if (cut.includes(link) || uniform(this.#random) < loss) return [];
    const once = () => delay + uniform(this.#random) * jitter;
    return uniform(this.#random) < duplicates ? [once(), once()] : [once()];
  }

  #takeEvents(): void {
    for (const name of SIDES) {
      const side = this.#sides[name];
      for (const event of side.end.events.splice(0)) this.#note(side, event);
    }
  }

  #note(side: RunSide, event: SctpEvent): void {
    if (!("association" in event)) return;
    this.#meet(side, event.association);
    switch (event.kind) {
      case "communication-up":
        if (side.isUp) throw new Error(`${side.name} came up twice`);
        side.isUp = true;
        break;
      case "readable":
        side.isReadable = true;
        break;
      case "writable":
        side.isWaiting = false;
        break;
      case "send-failed":
        if (!this.#aborted) this.#sides[OTHER[side.name]].received.failed(event.failure);
        break;
      case "partial-delivery-aborted":
        side.received.aborted(event.message);
        break;
      case "restart":
        throw new Error(`${side.name} saw a restart that was none`);
      case "communication-lost":
      case "shutdown-complete":
        if (side.ended) throw new Error(`${side.name} ended twice`);
        side.ended = event;
        this.#checkEnd(side, event);
        break;
    }
  }

  #meet(side: RunSide, association: Association): void {
    if (side.association) return;
    side.association = association;
    association.notifySendFailures(true);
  }

  /** Nobody gives up here, so only an abort ends an association otherwise than gracefully. */
  #checkEnd(side: RunSide, event: SctpEvent): void {
    if (event.kind !== "communication-lost" || this.#aborted) return;
    // A request for shutdown before anything was sent takes the attempt back.
    if (event.reason.kind === "aborted-locally" && !side.isUp) {
      this.#aborted = true;
      return;
    }
    throw new Error(`${side.name} lost the association: ${JSON.stringify(event.reason)}`);
  }

  #carryOut(command: Command): void {
    switch (command.kind) {
      case "send":
        return this.#send(command);
      case "read":
        return this.#read(this.#sides[command.side], command.room, 1);
      case "wait":
        return this.#pair.run(command.milliseconds);
      case "weather":
        this.#weather = command.weather;
        return;
      default:
        this.#command(command);
        this.#pair.collect();
        this.#takeEvents();
    }
  }

  #command(command: Exclude<Command, { kind: "send" | "read" | "wait" | "weather" }>): void {
    const side = this.#sides[command.side];
    const { association } = side;
    if (!association) return;
    side.end.do((endpoint, now) => {
      switch (command.kind) {
        case "shutdown":
          return association.shutdown(now);
        case "abort":
          this.#aborted = true;
          return association.abort(now);
        case "primary":
          return association.setPrimary(this.#pathOf(association, command.path));
        case "retune":
          return changeParameters(association, now, command.changes);
        case "limit":
          return limitChunks(association, command.bytes);
        case "schedule":
          return association.setStreamScheduler(command.scheduler);
        case "heartbeat":
          return association.requestHeartbeat(now, this.#pathOf(association, command.path));
        case "addresses":
          return endpoint.handleNetworkChange(now, this.#addressesWithout(side, command.lost));
        case "mtu": {
          const path = this.#pathOf(association, command.path);
          const { local, remote } = path;
          const quoted = quoteOf(association);
          const error = {
            kind: "packet-too-big",
            local,
            remote,
            mtu: command.mtu,
            quoted,
          } as const;
          return endpoint.handleIcmp(now, error);
        }
      }
    });
  }

  #pathOf(association: Association, index: number) {
    return association.paths[index % association.paths.length];
  }

  #addressesWithout(side: RunSide, lost: readonly number[]) {
    const all = localAddresses(addressesOf(side.name, this.plan.links));
    return all.filter((_, i) => !lost.includes(i));
  }

  #send(command: Extract<Command, { kind: "send" }>): void {
    const { stream, length, unordered, immediate, reliability, over, key } = command;
    const side = this.#sides[command.side];
    const { association } = side;
    if (!association || !maySend(association) || stream >= association.outboundStreams) return;
    if (length > association.parameters.sendBuffer) return;
    const model = this.#sides[OTHER[side.name]].received;
    const ppid = model.nextId;
    const course = {
      path: over === undefined ? undefined : this.#pathOf(association, over).id,
      key: key !== undefined && association.keys.ids.includes(key) ? key : undefined,
    };
    const options = { stream, ppid, unordered, immediate, reliability, course };
    const taken = side.end.do((_, now) => {
      try {
        return association.send(now, contentOf(ppid, length), options);
      } catch (error) {
        // A shutdown was asked for while the association was forming.
        if (error instanceof Error && error.name === "SendAfterShutdownError") return undefined;
        throw error;
      }
    });
    if (taken) model.sent(length, stream, unordered, reliability && this.#isPartial);
    if (taken === false) side.isWaiting = true;
    this.#pair.collect();
    this.#takeEvents();
  }

  /** Reads as the notifications say: not before "readable", and until there is nothing. */
  #read(side: RunSide, room: number, times: number): void {
    const { association, received } = side;
    for (let i = 0; i < times && association && side.isReadable; i++) {
      const target = new Uint8Array(room);
      const info = { stream: -1, ssn: -1, ppid: -1, unordered: false, endOfMessage: false };
      const length = side.end.do((_, now) => association.read(now, target, info));
      if (length === 0) side.isReadable = false;
      else received.read(target.subarray(0, length), info);
    }
    this.#pair.collect();
    this.#takeEvents();
  }

  /** The weather clears, both users read, and everything must arrive and end. */
  #settle(): void {
    this.#weather = FAIR;
    for (const name of SIDES) {
      const side = this.#sides[name];
      const all = localAddresses(addressesOf(name, this.plan.links));
      side.end.do((endpoint, now) => endpoint.handleNetworkChange(now, all));
    }
    this.#pair.collect();
    this.#pair.afterStep = () => {
      this.#takeEvents();
      for (const name of SIDES) this.#read(this.#sides[name], 5000, Infinity);
    };
    this.#pair.afterStep();
    this.#pair.runUntil(() => this.#isDelivered, STUCK, "delivery");
    this.#checkNobodyWaits();
    this.#end();
    this.#pair.runUntil(() => this.#isOver, STUCK, "the end");
    this.#pair.run(STUCK);
    this.#checkNothingLeft();
  }

  get #isDelivered(): boolean {
    const { a, b } = this.#sides;
    if (this.#aborted) return true;
    if (a.received.pending > 0 || b.received.pending > 0) return false;
    return (a.isUp || a.ended !== undefined) && (b.isUp || b.ended !== undefined);
  }

  #checkNobodyWaits(): void {
    for (const { association, isWaiting, name, ended } of Object.values(this.#sides)) {
      const isEmpty = association?.bufferedBytes === 0;
      if (!ended && isEmpty && isWaiting) throw new Error(`${name} was never told of room`);
    }
  }

  #end(): void {
    const side = this.#sides.a.association ? this.#sides.a : this.#sides.b;
    side.end.do((_, now) => side.association?.shutdown(now));
    this.#pair.collect();
    this.#takeEvents();
  }

  get #isOver(): boolean {
    return SIDES.every((name) => this.#sides[name].end.associations.length === 0);
  }

  /** Both sides have partial reliability, so that a policy means something. */
  get #isPartial(): boolean {
    return SIDES.every((name) => this.plan.parameters[name].partialReliability !== 0);
  }

  #checkNothingLeft(): void {
    if (!this.#aborted) {
      for (const { received } of Object.values(this.#sides)) received.checkFailures();
    }
    for (const { end, name, association, isReadable } of Object.values(this.#sides)) {
      if (isReadable && association && association.readableBytes > 0) {
        throw new Error(`${name} has not read everything`);
      }
      const { pool } = end.endpoint;
      if (pool.liveBytes !== 0) throw new Error(`${name} still holds ${pool.liveBytes} bytes`);
      if (end.nextTimeout !== Infinity) throw new Error(`${name} still has a timer`);
    }
  }
}

function maySend({ state }: Association): boolean {
  return state === "COOKIE-WAIT" || state === "COOKIE-ECHOED" || state === "ESTABLISHED";
}

/** The start of a packet of the association, as an ICMP error quotes it. */
function quoteOf({ localPort, remotePort, peerTag }: Association): Uint8Array {
  const quoted = new Uint8Array(12);
  const view = new DataView(quoted.buffer);
  view.setUint16(0, localPort);
  view.setUint16(2, remotePort);
  view.setUint32(4, peerTag);
  return quoted;
}
