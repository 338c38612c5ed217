/** The same scene in both styles of sockets (RFC 6458, sections 3 and 4). */
import type { Association } from "../../sctp/association.ts";
import type { SctpConnection } from "../connection.ts";
import type { WhereArguments } from "../connection_types.ts";
import type { Message, MessageOptions } from "../message.ts";
import type { ConnectionEvent } from "../notifications.ts";
import type { OneToManySocket } from "../one_to_many.ts";
import type { AssociationControl } from "../one_to_many_types.ts";
import type { OptionTarget } from "../options/access.ts";
import {
  type OptionInput,
  type OptionKey,
  type OptionName,
  OPTIONS,
  type OptionSettings,
  type OptionValue,
} from "../options/table.ts";
import type { Received, SendvInfo } from "../vectors.ts";
import { type PairOptions, PORT, StackPair } from "./pair.ts";

const CLIENT_PORT = 4000;

/** One end of one association, whatever the style. */
export interface End {
  /** Number of the association. */
  readonly id: number;
  /** The engine's side of it. */
  readonly association: Association;
  readonly control: AssociationControl;
  getOption<Name extends OptionName>(name: Name, key?: OptionKey<Name>): OptionValue<Name>;
  setOption<Name extends OptionName>(name: Name, value: OptionInput<Name>): void;
  send(data: Uint8Array, options?: MessageOptions): Promise<unknown>;
  sendv(data: Uint8Array | readonly Uint8Array[], info?: SendvInfo): Promise<unknown>;
  receive(): Promise<Message | undefined>;
  recvv(target?: Uint8Array): Promise<Received | undefined>;
  /** The next event of a kind, from now on. */
  told<Kind extends ConnectionEvent["kind"]>(
    kind: Kind,
  ): Promise<Extract<ConnectionEvent, { kind: Kind }>>;
  close(): Promise<void>;
  abort(): void;
}

/** How a scene begins. */
export interface SceneOptions extends PairOptions {
  readonly clientOptions?: OptionSettings;
  readonly serverOptions?: OptionSettings;
}

/** Both ends of an association. */
export interface Ends {
  readonly client: End;
  readonly server: End;
  readonly pair: StackPair;
}

export const STYLES = ["one-to-one", "one-to-many"] as const;
export type Style = (typeof STYLES)[number];

/** Registers a test for each style: `title (style)`. */
export function inBothStyles(
  title: string,
  scene: (ends: Ends, style: Style) => Promise<void>,
  options: SceneOptions = {},
): void {
  for (const style of STYLES) {
    Deno.test(`${title} (${style})`, async () => {
      await using pair = new StackPair(options);
      await scene({ pair, ...await OPENERS[style](pair, options) }, style);
    });
  }
}

const OPENERS = { "one-to-one": openConnections, "one-to-many": openSockets };

async function openConnections(pair: StackPair, options: SceneOptions) {
  const listener = pair.server.listen({ port: PORT, options: options.serverOptions });
  const accepted = listener.accept();
  const client = await pair.client.connect({ ...pair.target, options: options.clientOptions });
  return { client: endOfConnection(client), server: endOfConnection(await accepted) };
}

async function openSockets(pair: StackPair, options: SceneOptions) {
  const server = pair.server.openSocket({ port: PORT, options: options.serverOptions });
  const client = pair.client.openSocket({ port: CLIENT_PORT, options: options.clientOptions });
  const up = firstOf(server.events, "up");
  const id = await client.connect(pair.target);
  await up;
  const [incoming] = server.associations.keys();
  return { client: endOfSocket(client, id), server: endOfSocket(server, incoming) };
}

/** The first event of a kind. */
export async function firstOf<Event extends { kind: string }, Kind extends Event["kind"]>(
  events: AsyncIterable<Event>,
  kind: Kind,
): Promise<Extract<Event, { kind: Kind }>> {
  for await (const event of events) {
    if (event.kind === kind) return event as Extract<Event, { kind: Kind }>;
  }
  throw new Error(`no ${kind} before the end`);
}

function endOfConnection(connection: SctpConnection): End {
  return {
    id: connection.scope.association.id,
    association: connection.scope.association,
    control: connection,
    getOption: <Name extends OptionName>(name: Name, key?: OptionKey<Name>) =>
      connection.getOption(name, ...[key] as unknown as WhereArguments<OptionKey<Name>>),
    setOption: (name, value) => connection.setOption(name, value),
    send: (data, options) => connection.send(data, options),
    sendv: (data, info) => connection.sendv(data, info),
    receive: () => connection.receive(),
    recvv: (target) => connection.recvv(target),
    told: (kind) => firstOf(connection.events, kind),
    close: () => connection.close(),
    abort: () => connection.abort(),
  };
}

function endOfSocket(socket: OneToManySocket, id: number): End {
  // What a socket has as a whole is not named with an association.
  const whose = (name: OptionName) => OPTIONS[name].level === "socket" ? {} : { association: id };
  const control = socket.control(id);
  return {
    id,
    association: (control as SctpConnection).scope.association,
    control,
    getOption: <Name extends OptionName>(name: Name, key?: OptionKey<Name>) => {
      const where = [Object.assign({}, key, whose(name))] as unknown;
      return socket.getOption(name, ...where as WhereArguments<OptionKey<Name> & OptionTarget>);
    },
    setOption: (name, value) => socket.setOption(name, value, whose(name)),
    send: (data, options) => socket.send(data, { ...options, association: id }),
    sendv: (data, info = {}) =>
      socket.sendv(data, { ...info, sndinfo: { ...info.sndinfo, association: id } }),
    receive: () => socket.receive(),
    recvv: (target) => socket.recvv(target),
    told: (kind) => firstOf(socket.events, kind) as Promise<never>,
    close: () => socket.shutdown(id),
    abort: () => socket.abort(id),
  };
}

/** Bytes of a text. */
export function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** The text of bytes. */
export function text(data: Uint8Array | undefined): string {
  return new TextDecoder().decode(data);
}

/** Resolves once a condition holds. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2));
}
