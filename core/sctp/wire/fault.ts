/** What a parser returns instead of a value: parsers never throw and never loop. */

/** Why bytes could not be read. */
export type FaultCode =
  /** The fixed fields of the item do not fit into its length, or the item into the packet. */
  | "too-short"
  /** A length field that cannot be: smaller than its own header, or reaching past the end. */
  | "bad-length"
  /** A known parameter whose length does not suit its type. */
  | "bad-parameter"
  /** A parameter without which the chunk means nothing is not there. */
  | "missing-parameter";

/** A malformed item of a packet. */
export interface WireFault {
  /** What is wrong. */
  readonly fault: FaultCode;
  /** Type of the chunk that holds the item, or -1 where the caller did not say. */
  readonly chunkType: number;
  /** Where the item starts, in bytes from the start of the buffer. */
  readonly offset: number;
  /** The fault in words. */
  readonly detail: string;
}

/** True if a parser returned a fault. */
export function isFault(result: unknown): result is WireFault {
  return typeof result === "object" && result !== null && "fault" in result;
}

/** Makes a fault. */
export function fault(
  code: FaultCode,
  chunkType: number,
  offset: number,
  detail: string,
): WireFault {
  return { fault: code, chunkType, offset, detail };
}
