/** The columns of `docs/rfc6458.md` that are told by the table of options itself. */
import { isReadable, isWritable, type OptionRow } from "./row.ts";

/** What the document says of an option beside what other stacks do. */
export interface DocumentedOption {
  /** What it is set to or gives, and what must be said to read it. */
  readonly value: string;
  readonly level: string;
  readonly access: "read, set" | "read" | "set";
}

/** These columns of a row. */
export function documentOption(row: OptionRow<unknown, unknown, unknown>): DocumentedOption {
  const { input, output, key, level, style } = row;
  const value = [
    input?.words,
    output && (input ? `gives ${output}` : output),
    key && `of ${key.words}`,
  ].filter((part) => part !== undefined && part !== "");
  const access = isReadable(row) ? isWritable(row) ? "read, set" : "read" : "set";
  return {
    value: value.join("; "),
    level: style === "both" ? level : `${level} (${style})`,
    access,
  };
}
