/** Reading and setting options: who is meant, whether that can be, and the value that is checked. */
import { SctpError, type SctpErrorCode } from "../errors.ts";
import { isReadable, isWritable, type OptionRow } from "./row.ts";
import type { AssociationScope, FutureScope, SocketScope } from "./scope.ts";
import { structure } from "./shape.ts";
import {
  DEPRECATED,
  type OptionInput,
  type OptionKey,
  type OptionName,
  OPTIONS,
  type OptionSettings,
  type OptionValue,
} from "./table.ts";

/**
 * Which associations of a one-to-many socket are meant (RFC 6458, section 7.2): one by its number, those
 * that are set up from now on, those that there are, or both.
 */
export type AssociationChoice = number | "future" | "current" | "all";

/** Who is meant; one-to-one sockets take no notice, as they have one association. */
export interface OptionTarget {
  readonly association?: AssociationChoice;
}

/** What a socket has of what options work on. */
export interface OptionScopes {
  readonly style: "one-to-one" | "one-to-many" | "listener";
  /** The only association, or the one with a number. @throws RangeError if there is none. */
  readonly one?: (association?: number) => AssociationScope;
  /** All there are; empty for a connection, whose only one is meant anyway. */
  readonly current?: () => readonly AssociationScope[];
  readonly future?: FutureScope;
  readonly socket?: SocketScope;
}

/** For options that are read without more ado. */
const NO_KEY = structure({});

type AnyRow = OptionRow<unknown, unknown, unknown>;

/** Reads an option. @throws TypeError, RangeError or SctpError that says what was wrong. */
export function getOption<Name extends OptionName>(
  scopes: OptionScopes,
  name: Name,
  given: OptionKey<Name>,
  { association: choice }: OptionTarget,
): OptionValue<Name> {
  const row = find(name);
  if (!isReadable(row)) refuse("ERR_SCTP_OPTION_ACCESS", `${name} can only be set, not read`);
  checkStyle(scopes, row, name);
  const key = (row.key ?? NO_KEY).check(given, `where ${name} is read,`);
  const handlers = scopeOf(scopes, row, name, choice);
  if (!handlers.get) refuse("ERR_SCTP_OPTION_LEVEL", cannot(name, "read", handlers.what));
  return handlers.get(key) as OptionValue<Name>;
}

/** Sets an option. @throws TypeError, RangeError or SctpError that says what was wrong. */
export function setOption<Name extends OptionName>(
  scopes: OptionScopes,
  name: Name,
  input: OptionInput<Name>,
  { association: choice }: OptionTarget,
): void {
  const row = find(name);
  if (!isWritable(row)) refuse("ERR_SCTP_OPTION_ACCESS", `${name} can only be read, not set`);
  checkStyle(scopes, row, name);
  const value = row.input?.check(input, name);
  for (const handlers of targetsOf(scopes, row, name, choice)) {
    if (!handlers.set) refuse("ERR_SCTP_OPTION_LEVEL", cannot(name, "set", handlers.what));
    handlers.set(value);
  }
}

/** Sets several options of associations to come, in their order. */
export function setOptions(scopes: OptionScopes, settings: OptionSettings = {}): void {
  for (const [name, value] of Object.entries(settings)) {
    setOption(scopes, name as OptionName, value as OptionInput<OptionName>, {});
  }
}

function find(name: string): AnyRow {
  if (Object.hasOwn(OPTIONS, name)) return OPTIONS[name as OptionName] as AnyRow;
  const instead = Object.hasOwn(DEPRECATED, name) ? DEPRECATED[name] : undefined;
  throw new TypeError(
    instead
      ? `${name} is deprecated by RFC 6458 and not offered: use ${instead}`
      : `there is no socket option "${name}"; docs/rfc6458.md lists those that there are`,
  );
}

function checkStyle({ style }: OptionScopes, row: AnyRow, name: string): void {
  const own = style === "one-to-many" ? "one-to-many" : "one-to-one";
  if (row.style === "both" || row.style === own) return;
  refuse("ERR_SCTP_OPTION_LEVEL", `${name} is an option of ${row.style} sockets, not of this one`);
}

/** The handlers of a row, bound to what they work on. */
interface Bound {
  /** What that is, in words. */
  readonly what: string;
  readonly get?: (key: unknown) => unknown;
  readonly set?: (value: unknown) => void;
}

function ofAssociation({ association }: AnyRow, scope: AssociationScope): Bound {
  return {
    what: "an association that is up",
    get: association?.get && ((key) => association.get?.(scope, key)),
    set: association?.set && ((value) => association.set?.(scope, value)),
  };
}

function ofFuture({ future }: AnyRow, scope: FutureScope): Bound {
  return {
    what: "associations that are not set up yet",
    get: future?.get && ((key) => future.get?.(scope, key)),
    set: future?.set && ((value) => future.set?.(scope, value)),
  };
}

function ofSocket({ socket }: AnyRow, scope: SocketScope): Bound {
  return {
    what: "a socket",
    get: socket?.get && ((key) => socket.get?.(scope, key)),
    set: socket?.set && ((value) => socket.set?.(scope, value)),
  };
}

/** Whom a value is read of. */
function scopeOf(
  scopes: OptionScopes,
  row: AnyRow,
  name: string,
  choice: AssociationChoice | undefined,
): Bound {
  const { style, one, future, socket } = scopes;
  if (style === "one-to-one" && one) return ofAssociation(row, one());
  checkChoice(row, name, choice, style);
  if (choice === "current" || choice === "all") {
    refuse("ERR_SCTP_OPTION_LEVEL", `${name} cannot be read of "${choice}": name an association`);
  }
  if (socket && row.socket) return ofSocket(row, socket);
  if (typeof choice === "number" && one) return ofAssociation(row, one(choice));
  if (row.level === "association") refuseUnnamed(name, style);
  return ofFuture(row, future!);
}

/** Whom a value is set for. */
function targetsOf(
  scopes: OptionScopes,
  row: AnyRow,
  name: string,
  choice: AssociationChoice | undefined,
): readonly Bound[] {
  const { style, one, current = () => [], future, socket } = scopes;
  if (style === "one-to-one" && one) return [ofAssociation(row, one())];
  checkChoice(row, name, choice, style);
  if (socket && row.socket) return [ofSocket(row, socket)];
  if (typeof choice === "number" && one) return [ofAssociation(row, one(choice))];
  if (row.level === "association") refuseUnnamed(name, style);
  const wide = row.level === "socket" ? "all" : choice;
  const ofCurrent = () => current().map((scope) => ofAssociation(row, scope));
  if (wide === "current") return ofCurrent();
  return wide === "all" ? [ofFuture(row, future!), ...ofCurrent()] : [ofFuture(row, future!)];
}

/** Whether associations can be named so with an option (RFC 6458, section 8, at each option). */
function checkChoice(
  { level }: AnyRow,
  name: string,
  choice: AssociationChoice | undefined,
  style: OptionScopes["style"],
): void {
  if (choice === undefined) return;
  if (style === "listener" && choice !== "future") {
    refuse("ERR_SCTP_OPTION_LEVEL", `a listener has no associations: ${name} is for those to come`);
  }
  const isAllowed = typeof choice === "number"
    ? level === "association" || level === "association or future" || level === "any"
    : choice === "future"
    ? level !== "association" && level !== "socket"
    : level === "any";
  if (isAllowed) return;
  const who = typeof choice === "number" ? `association ${choice}` : `"${choice}"`;
  const how = level === "socket" ? "for the socket as a whole" : `for: ${level}`;
  refuse("ERR_SCTP_OPTION_LEVEL", `${name} cannot be used with ${who}; it is ${how}`);
}

function refuseUnnamed(name: string, style: OptionScopes["style"]): never {
  const what = style === "listener"
    ? "a listener has none: use it on a connection that was accepted"
    : "say which, by its number";
  refuse("ERR_SCTP_OPTION_LEVEL", `${name} is an option of one association: ${what}`);
}

function cannot(name: string, what: "read" | "set", scope: string): string {
  return `${name} cannot be ${what} for ${scope}`;
}

function refuse(code: SctpErrorCode, message: string): never {
  throw new SctpError(code, message);
}
