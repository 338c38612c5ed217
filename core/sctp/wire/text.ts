/** What a peer sent, shown to a person: never raw, so that they cannot steer a terminal. */

/** Bytes that a quotation shows. */
const QUOTED_BYTES = 64;

/** Items of a list that are spelled out. */
const LISTED_ITEMS = 8;

/**
 * Bytes as a quoted string if they are printable UTF-8, else in hexadecimal; long ones are cut.
 */
export function quoteBytes(bytes: Uint8Array): string {
  const shown = bytes.subarray(0, QUOTED_BYTES);
  const cut = bytes.length > QUOTED_BYTES ? ` and ${bytes.length - QUOTED_BYTES} bytes more` : "";
  const text = new TextDecoder("utf-8").decode(shown, { stream: cut !== "" });
  const quoted = /[\p{C}\uFFFD]/u.test(text) ? toHex(shown) : `"${text}"`;
  return quoted + cut;
}

/** Bytes in hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Items in words, separated by commas; of a long list only the first ones. */
export function listItems<T>(items: readonly T[], words: (item: T) => string): string {
  const shown = items.slice(0, LISTED_ITEMS).map((item) => words(item));
  if (items.length > LISTED_ITEMS) shown.push(`and ${items.length - LISTED_ITEMS} more`);
  return shown.join(", ");
}
