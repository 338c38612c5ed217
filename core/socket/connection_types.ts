/** What a connection is told, and tells. */
import type { MessageOptions } from "./message.ts";

/** One end of an association. */
export interface SctpAddress {
  readonly transport: "sctp";
  /** The first of {@link addresses}. */
  readonly hostname: string;
  readonly port: number;
  readonly addresses: readonly string[];
}

/** How a connection treats its application. */
export interface ConnectionOptions {
  /** How the messages of `write` and `writable` are sent. */
  readonly send?: MessageOptions;
  /**
   * Bytes of the longest message that `receive` takes; by default 16 MiB. With interleaving all that are
   * not whole count together.
   */
  readonly maximumMessageSize?: number;
}

/** What has to be said to read an option, if anything. */
export type WhereArguments<Key> = Readonly<Record<never, never>> extends Key ? [where?: Key]
  : [where: Key];
