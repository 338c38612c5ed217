/** The association shared key (RFC 4895, section 6.1). */
import { authParameterList, type AuthParameters } from "../wire/auth_parameters.ts";

/** RANDOM, CHUNKS and HMAC-ALGO of one side, in this order and without padding. */
export function keyVector(parameters: AuthParameters): Uint8Array {
  return concatenate(authParameterList(parameters));
}

/** The endpoint pair shared key, then the smaller key vector, then the larger one. */
export function associationKey(
  secret: Uint8Array,
  one: Uint8Array,
  other: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return isSmaller(other, one)
    ? concatenate([secret, other, one])
    : concatenate([secret, one, other]);
}

/**
 * Compares key vectors as numbers in network byte order. None begins with a zero, as a parameter type
 * is first, so that a longer one is the larger number.
 */
function isSmaller(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return a.length < b.length;
  const first = a.findIndex((byte, i) => byte !== b[i]);
  return first >= 0 && a[first] < b[first];
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
