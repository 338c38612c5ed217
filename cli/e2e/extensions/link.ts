/** An association between us and a far end, as the scenes of the extensions work with it. */
import assert from "node:assert/strict";
import { IpAddress } from "../../../core/sctp/base/address.ts";
import type { SctpConnection } from "../../../core/socket/connection.ts";
import type { Message } from "../../../core/socket/message.ts";
import type { ConnectionEvent } from "../../../core/socket/notifications.ts";
import type { SctpStack } from "../../../core/socket/stack.ts";
import { type FarEnd, type FarHost, type FarSetting, openOurs, UDP } from "../lab/far_hosts.ts";
import { until } from "../lab/process.ts";
import type { OurSetting, Setting } from "./scene.ts";

/** Who sends INIT. */
export type Initiator = "ours" | "theirs";

/** Stream of the commands to the far end. */
const COMMANDS = 0;
/** Losses are made good soon: no scene is about how long that takes. */
const RTO = { ours: { rtoInitial: 300, rtoMin: 300 }, theirs: "rto=300" } as const;

/** The payload of the numbered messages, as `fill` of c/extensions/commands.c writes it. */
export function numbered(number: number, size: number): Uint8Array {
  const bytes = Uint8Array.from(
    { length: size },
    (_, i) => (number * 31 + i * 7 + (i >> 8) * 13) & 0xff,
  );
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

/** The number of a message of {@link numbered}; -1 for what is none. */
export function numberOf({ data }: Message): number {
  const number = new DataView(data.buffer, data.byteOffset).getUint32(0);
  const expected = numbered(number, data.length);
  return data.every((byte, i) => byte === expected[i]) ? number : -1;
}

export class Link implements AsyncDisposable {
  readonly stack: SctpStack;
  readonly ours: SctpConnection;
  readonly theirs: FarEnd;
  readonly host: FarHost;
  readonly events: ConnectionEvent[] = [];
  readonly messages: Message[] = [];
  readonly #reading: Promise<unknown>;

  private constructor(host: FarHost, stack: SctpStack, ours: SctpConnection, theirs: FarEnd) {
    this.host = host;
    this.stack = stack;
    this.ours = ours;
    this.theirs = theirs;
    const listening = (async () => {
      for await (const event of ours.events) this.events.push(event);
    })();
    const reading = (async () => {
      for await (const message of ours.messages()) this.messages.push(message);
    })();
    // How it ended is told by the end of the connection.
    this.#reading = Promise.allSettled([listening, reading]);
  }

  /**
   * Sets up the association, from one address of each side to one of the other.
   * @throws Error if either side is told that there is none.
   */
  static async open(
    host: FarHost,
    port: number,
    initiator: Initiator,
    { ours = {}, words = [], sysctls = {}, carrier = "raw IP" }: Setting,
  ): Promise<Link> {
    const far = { carrier, words: [`local=${theirAddress(host)}`, RTO.theirs, ...words], sysctls };
    const parameters = { ...RTO.ours, ...ours.parameters };
    const stack = openOurs(host, carrier, { parameters, authentication: ours.authentication });
    const open = initiator === "ours" ? Link.#connect : Link.#accept;
    try {
      return await open(host, stack, port, ours, far);
    } catch (error) {
      await stack.close(0);
      throw error;
    }
  }

  static async #connect(
    host: FarHost,
    stack: SctpStack,
    port: number,
    ours: OurSetting,
    far: FarSetting,
  ): Promise<Link> {
    const theirs = await host.start(`listen ${port}`, far);
    const place = { port, addresses: theirAddress(host), encapsulationPort: UDP.theirs };
    const connection = await stack.connect({ ...place, ...associationOptions(host, ours) });
    await theirs.line(/^up$/);
    return new Link(host, stack, connection, theirs);
  }

  static async #accept(
    host: FarHost,
    stack: SctpStack,
    port: number,
    ours: OurSetting,
    far: FarSetting,
  ): Promise<Link> {
    const listener = stack.listen({ port, ...associationOptions(host, ours) });
    const theirs = await host.start(`connect ${ourAddress(host)} ${port}`, far);
    const outcome = await theirs.line(/^up$|^connect: /);
    if (outcome !== "up") throw new Error(`the far end was refused, ${outcome}`);
    return new Link(host, stack, await listener.accept(), theirs);
  }

  /** Has the far end do something, and waits until it says that it has begun. */
  async command(text: string): Promise<void> {
    await this.ours.send(new TextEncoder().encode(text), { stream: COMMANDS });
    const line = await this.theirs.line(new RegExp(`^(done|failed) ${text}(:|$)`));
    assert.ok(line.startsWith("done"), line);
  }

  /** Waits for a notification of ours. */
  async told<K extends ConnectionEvent["kind"]>(
    kind: K,
    matches: (event: ConnectionEvent & { kind: K }) => boolean = () => true,
  ): Promise<ConnectionEvent & { kind: K }> {
    const find = () =>
      this.events.find((event): event is ConnectionEvent & { kind: K } =>
        event.kind === kind && matches(event as ConnectionEvent & { kind: K })
      );
    await this.#until(`a notification of ${kind}`, () => find() !== undefined);
    return find()!;
  }

  /** Waits until so many messages in all have come on a stream. */
  async arrived(stream: number, count: number): Promise<readonly Message[]> {
    const find = () => this.messages.filter((message) => message.stream === stream);
    await this.#until(`${count} messages on stream ${stream}`, () => find().length >= count);
    return find();
  }

  /** Sends numbered messages on a stream, and checks that they come back whole and in order. */
  async exchange(stream: number, { count = 4, size = 3000 } = {}): Promise<void> {
    const before = this.messages.filter((message) => message.stream === stream).length;
    for (let n = 0; n < count; n++) await this.ours.send(numbered(n, size), { stream });
    const messages = await this.arrived(stream, before + count);
    assert.deepEqual(
      messages.slice(before).map(numberOf),
      Array.from({ length: count }, (_, n) => n),
    );
  }

  /** True once the association has ended. */
  get isOver(): boolean {
    return this.events.some(({ kind }) => kind === "closed");
  }

  /** Ends it gracefully, which both sides must see. */
  async close(): Promise<void> {
    await this.ours.close();
    assert.deepEqual(await this.ours.closed, { graceful: true });
    assert.equal(await this.theirs.exitStatus(), 0, this.theirs.lines.join("\n"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stack.close(0);
    await this.#reading;
  }

  async #until(what: string, condition: () => boolean): Promise<void> {
    const ended = () => this.events.find((event) => event.kind === "closed");
    await until(what, () => condition() || ended() !== undefined).catch((error: Error) => {
      throw new Error(`${error.message}; the far end told:\n${this.theirs.lines.join("\n")}`);
    });
    if (!condition()) throw new Error(`${what}: the association ended, ${Deno.inspect(ended())}`);
  }
}

/** What the engine is told of one association. */
function associationOptions(host: FarHost, { adaptationIndication }: OurSetting) {
  return { localAddresses: [IpAddress.parse(ourAddress(host))], adaptationIndication };
}

/** The address of our host on a wire. */
export function ourAddress({ wires }: FarHost, wire: 0 | 1 = 0): string {
  return wires[wire].a.v4;
}

/** That of the far host. */
export function theirAddress({ wires }: FarHost, wire: 0 | 1 = 0): string {
  return wires[wire].b.v4;
}
