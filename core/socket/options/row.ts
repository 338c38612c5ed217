/** One row of the table of socket options: what an option is, and how it is read and set. */
import type { AssociationScope, FutureScope, SocketScope } from "./scope.ts";
import type { Shape } from "./shape.ts";

/**
 * What an option belongs to, and so which associations of a one-to-many socket can be named with it
 * (RFC 6458, section 7.2):
 *
 * - "association": one association;
 * - "future": associations that are set up from then on;
 * - "association or future": either;
 * - "any": either, or with "current" and "all" many at once;
 * - "socket": the socket, and so each of its associations; none is named.
 */
export type OptionLevel = "association" | "future" | "association or future" | "any" | "socket";

/** Which kind of socket has an option. */
export type OptionStyle = "one-to-one" | "one-to-many" | "both";

/** How an option is read and set where it applies; what is left out cannot be done. */
export interface Handlers<Scope, Value, Input, Key> {
  get?(scope: Scope, key: Key): Value;
  /** @throws RangeError, TypeError or SctpError for what cannot be. */
  set?(scope: Scope, value: Input): void;
}

/** What is known about one option. */
export interface OptionRow<Value, Input, Key> {
  /** Where it is defined. */
  readonly source: string;
  /** What it does, in one sentence. */
  readonly help: string;
  readonly level: OptionLevel;
  readonly style: OptionStyle;
  /** What it is set to; left out if it cannot be set. */
  readonly input?: Shape<Input>;
  /** What reading gives, in words; left out if it cannot be read, or gives what it is set to. */
  readonly output?: string;
  /** What is to be said when it is read. */
  readonly key?: Shape<Key>;
  readonly association?: Handlers<AssociationScope, Value, Input, Key>;
  readonly future?: Handlers<FutureScope, Value, Input, Key>;
  /** Of a one-to-many socket as a whole. */
  readonly socket?: Handlers<SocketScope, Value, Input, Key>;
}

/** Nothing has to be said. */
export type NoKey = Readonly<Record<never, never>>;

type Given<Value, Input, Key> =
  & Omit<OptionRow<Value, Input, Key>, "source" | "help" | "style">
  & { readonly style?: OptionStyle };

/** Makes a row, for both styles unless it says otherwise. */
export function row<Value, Input = never, Key = NoKey>(
  source: string,
  help: string,
  rest: Given<Value, Input, Key>,
): OptionRow<Value, Input, Key> {
  return { source, help, style: "both", ...rest };
}

/** True if an option can be read. */
export function isReadable(row: OptionRow<unknown, unknown, unknown>): boolean {
  return [row.association, row.future, row.socket].some((handlers) => handlers?.get);
}

/** True if an option can be set. */
export function isWritable(row: OptionRow<unknown, unknown, unknown>): boolean {
  return [row.association, row.future, row.socket].some((handlers) => handlers?.set);
}
