/**
 * Serial number arithmetic for TSNs and Stream Sequence Numbers (RFC 9260, section 1.6).
 *
 * `<`, `sort()` and `%` are all wrong for numbers that wrap, so every comparison in the engine
 * comes from this file, and the brands keep a plain number from slipping in.
 */
declare const tsnBrand: unique symbol;
declare const ssnBrand: unique symbol;

/** A Transmission Sequence Number: 32 bits, wraps to 0. */
export type Tsn = number & { readonly [tsnBrand]: true };

/** A Stream Sequence Number: 16 bits, wraps to 0. */
export type Ssn = number & { readonly [ssnBrand]: true };

/** Names the low 32 bits of a number as a {@link Tsn}. */
export function tsn(value: number): Tsn {
  return (value >>> 0) as Tsn;
}

/** The TSN `count` after `start`; `count` may be negative. */
export function tsnAdd(start: Tsn, count: number): Tsn {
  return ((start + count) >>> 0) as Tsn;
}

/** Steps from `start` to `end`, in -2^31 .. 2^31 - 1: positive when `end` is the later one. */
export function tsnDistance(start: Tsn, end: Tsn): number {
  return (end - start) | 0;
}

/** True if `a` comes before `b`. */
export function tsnLess(a: Tsn, b: Tsn): boolean {
  return ((a - b) | 0) < 0;
}

/** True if `a` is `b` or comes before it. */
export function tsnLessOrEqual(a: Tsn, b: Tsn): boolean {
  return ((a - b) | 0) <= 0;
}

/** Names the low 16 bits of a number as an {@link Ssn}. */
export function ssn(value: number): Ssn {
  return (value & 0xffff) as Ssn;
}

/** True if `a` comes before `b` in 16-bit serial order. */
export function ssnLess(a: Ssn, b: Ssn): boolean {
  return ((a - b) << 16) < 0;
}
