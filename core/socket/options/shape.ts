/**
 * The shapes that values of socket options have: their TypeScript type, the values that are taken, and
 * both in words.
 */
import { IpAddress } from "../../sctp/base/address.ts";

/** A kind of value. */
export interface Shape<Value> {
  /** Type and range in words. */
  readonly words: string;
  /**
   * The value, if it is one of this kind.
   * @param name of the value, for the error.
   * @throws TypeError for a value of another type, RangeError for one out of range.
   */
  check(value: unknown, name: string): Value;
}

/** The type of a shape's values. */
export type Of<S> = S extends Shape<infer Value> ? Value : never;

/** A whole number of a range. */
export function whole(minimum: number, maximum: number, unit = ""): Shape<number> {
  const words = `${minimum} to ${maximum}${unit && ` ${unit}`}`;
  return {
    words,
    check(value, name) {
      if (typeof value !== "number") return refuseType(name, `a number, ${words}`, value);
      if (Number.isInteger(value) && value >= minimum && value <= maximum) return value;
      throw new RangeError(`${name} takes a whole number from ${words}, not ${value}`);
    },
  };
}

/** What RFC 6458 calls an integer boolean flag. */
export const flag: Shape<boolean> = {
  words: "true or false",
  check: (value, name) =>
    typeof value === "boolean" ? value : refuseType(name, "true or false", value),
};

/** One of some words. */
export function oneOf<const Word extends string>(...all: readonly Word[]): Shape<Word> {
  const words = all.map((word) => `"${word}"`).join(", ");
  return {
    words,
    check(value, name) {
      const found = all.find((word) => word === value);
      if (found !== undefined) return found;
      if (typeof value !== "string") return refuseType(name, `one of ${words}`, value);
      throw new RangeError(`${name} takes one of ${words}, not "${value}"`);
    },
  };
}

/** An IP address as text. */
export const address: Shape<string> = {
  words: "an IP address",
  check(value, name) {
    if (typeof value !== "string") return refuseType(name, "an IP address as text", value);
    return IpAddress.parse(value).text;
  },
};

/** Bytes, no more than so many. */
export function octets(most: number): Shape<Uint8Array> {
  const words = `0 to ${most} bytes`;
  return {
    words,
    check(value, name) {
      if (!(value instanceof Uint8Array)) {
        return refuseType(name, `a Uint8Array, ${words}`, value);
      }
      if (value.length <= most) return value;
      throw new RangeError(`${name} takes ${words}, not ${value.length}`);
    },
  };
}

/** Several values of a shape. */
export function list<Value>(shape: Shape<Value>): Shape<readonly Value[]> {
  return {
    words: `list of ${shape.words}`,
    check(value, name) {
      if (!Array.isArray(value)) return refuseType(name, `a list of ${shape.words}`, value);
      return value.map((each, index) => shape.check(each, `${name}[${index}]`));
    },
  };
}

type Fields = Readonly<Record<string, Shape<unknown>>>;
type Structure<Required extends Fields, Optional extends Fields> =
  & { readonly [Name in keyof Required]: Of<Required[Name]> }
  & { readonly [Name in keyof Optional]?: Of<Optional[Name]> };

/**
 * An object with these fields and no others.
 * @param optional fields that can be left out.
 */
export function structure<
  Required extends Fields,
  Optional extends Fields = Readonly<Record<never, never>>,
>(required: Required, optional?: Optional): Shape<Structure<Required, Optional>> {
  const fields: Fields = { ...required, ...optional };
  const words = Object.entries(fields).map(([name, shape]) =>
    `${name}${name in required ? "" : "?"}: ${shape.words}`
  );
  return {
    words: words.length === 0 ? "{}" : `{ ${words.join("; ")} }`,
    check(value, name) {
      if (!isRecord(value)) return refuseType(name, `an object { ${words.join("; ")} }`, value);
      checkNames(value, fields, name);
      const entries = Object.entries(fields)
        .filter(([field]) => field in required || value[field] !== undefined)
        .map(([field, shape]) => [field, shape.check(value[field], `${name}.${field}`)]);
      return Object.fromEntries(entries) as Structure<Required, Optional>;
    },
  };
}

/** An object all of whose fields can be left out. */
export function partial<Optional extends Fields>(
  optional: Optional,
): Shape<Structure<Readonly<Record<never, never>>, Optional>> {
  return structure({}, optional);
}

function checkNames(value: Record<string, unknown>, fields: Fields, name: string): void {
  const unknown = Object.keys(value).find((field) => !(field in fields));
  if (unknown === undefined) return;
  const known = Object.keys(fields).join(", ") || "none";
  throw new TypeError(`${name} has no field "${unknown}"; there are: ${known}`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refuseType(name: string, wanted: string, value: unknown): never {
  const given = value === null ? "null" : Array.isArray(value) ? "a list" : `a ${typeof value}`;
  throw new TypeError(`${name} takes ${wanted}, not ${given}`);
}
