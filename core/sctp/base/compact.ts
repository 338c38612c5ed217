/**
 * The same elements in an array that has no room to spare: one that has grown has it for sixteen more,
 * which counts where every association keeps it.
 */
export function compact<T>(elements: readonly T[]): T[] {
  return elements.slice();
}
