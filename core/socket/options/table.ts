/**
 * The socket options of RFC 6458 and of the RFCs that extend it, as one table: type, range, level, and how
 * each is read and set. `docs/rfc6458.md` shows it with what other stacks do.
 */
import { AUTHENTICATION_ROWS } from "./authentication_rows.ts";
import { MESSAGE_ROWS } from "./message_rows.ts";
import { PARAMETER_ROWS } from "./parameter_rows.ts";
import { PATH_ROWS } from "./path_rows.ts";
import type { OptionRow } from "./row.ts";
import { SETUP_ROWS } from "./setup_rows.ts";
import { STATUS_ROWS } from "./status_rows.ts";
import { STREAM_ROWS } from "./stream_rows.ts";
import { THRESHOLD_ROWS } from "./threshold_rows.ts";

/** Every option. */
export const OPTIONS = {
  ...PARAMETER_ROWS,
  ...SETUP_ROWS,
  ...PATH_ROWS,
  ...THRESHOLD_ROWS,
  ...MESSAGE_ROWS,
  ...STREAM_ROWS,
  ...AUTHENTICATION_ROWS,
  ...STATUS_ROWS,
};

/** Name of an option. */
export type OptionName = keyof typeof OPTIONS;

/** All of them, in the order of the table. */
export const OPTION_NAMES = Object.keys(OPTIONS) as OptionName[];

type Row<Name extends OptionName> = (typeof OPTIONS)[Name];

/** What reading an option gives. */
export type OptionValue<Name extends OptionName> = Row<Name> extends
  OptionRow<infer Value, infer _Input, infer _Key> ? Value : never;

/** What an option is set to. */
export type OptionInput<Name extends OptionName> = Row<Name> extends
  OptionRow<infer _Value, infer Input, infer _Key> ? Input : never;

/** What has to be said when an option is read. */
export type OptionKey<Name extends OptionName> = Row<Name> extends
  OptionRow<infer _Value, infer _Input, infer Key> ? Key : never;

/** Options of RFC 6458 that it calls deprecated, and what takes their place. */
export const DEPRECATED: Readonly<Record<string, OptionName>> = {
  SCTP_EVENTS: "SCTP_EVENT",
  SCTP_DEFAULT_SEND_PARAM: "SCTP_DEFAULT_SNDINFO",
  SCTP_USE_EXT_RCVINFO: "SCTP_RECVNXTINFO",
};

/** Several options with what they are set to. */
export type OptionSettings = { readonly [Name in OptionName]?: OptionInput<Name> };
