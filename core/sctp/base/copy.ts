/** The one way user data is copied. */

/** Up to here a loop is faster than making a view for the runtime's own copy. */
const SHORT = 32;

/** Copies `length` bytes; source and target may be one array, and overlap if they are. */
export function copyBytes(
  source: Uint8Array,
  sourceOffset: number,
  target: Uint8Array,
  targetOffset: number,
  length: number,
): void {
  if (source === target) {
    target.copyWithin(targetOffset, sourceOffset, sourceOffset + length);
  } else if (length <= SHORT) {
    for (let i = 0; i < length; i++) target[targetOffset + i] = source[sourceOffset + i];
  } else {
    target.set(source.subarray(sourceOffset, sourceOffset + length), targetOffset);
  }
}
