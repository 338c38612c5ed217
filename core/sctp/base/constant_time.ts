/** Comparing what an attacker must not guess byte by byte. */

/** Compares in a time that does not depend on where the difference is, only on the lengths. */
export function areEqualInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a[i] ^ b[i];
  return difference === 0;
}
