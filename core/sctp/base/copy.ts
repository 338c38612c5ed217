/** Copying user data. */

/** Copies `length` bytes; source and target may be one array, and overlap if they are. */
export type CopyBytes = (
  source: Uint8Array,
  sourceOffset: number,
  target: Uint8Array,
  targetOffset: number,
  length: number,
) => void;

/** Up to here a loop is faster than making a view for the runtime's own copy. */
const SHORT = 32;

/** Copies between any arrays. */
export const copyBytes: CopyBytes = (source, sourceOffset, target, targetOffset, length) => {
  if (source === target) {
    target.copyWithin(targetOffset, sourceOffset, sourceOffset + length);
  } else if (length <= SHORT) {
    for (let i = 0; i < length; i++) target[targetOffset + i] = source[sourceOffset + i];
  } else {
    target.set(source.subarray(sourceOffset, sourceOffset + length), targetOffset);
  }
};
