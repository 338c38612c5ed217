/**
 * Memory that the kernel reads and writes: addresses of arrays, and pointers inside C structures.
 *
 * Structures are filled through `Uint32Array`s, pointers as two halves: no BigInt is made per call.
 * 64-bit Linux is little-endian on every machine that Deno runs on.
 */

const addresses = new WeakMap<Uint8Array, number>();

/**
 * The address of an array's first byte. It stays valid as long as the array is referenced and its
 * buffer is neither transferred nor grown.
 */
export function addressOf(bytes: Uint8Array): number {
  let address = addresses.get(bytes);
  if (address === undefined) {
    const pointer = Deno.UnsafePointer.of(bytes as Uint8Array<ArrayBuffer>);
    address = Number(Deno.UnsafePointer.value(pointer));
    addresses.set(bytes, address);
  }
  return address;
}

/** Writes a 64-bit number, such as a pointer or a size_t, at `index` (in 32-bit words). */
export function writeWord64(words: Uint32Array, index: number, value: number): void {
  words[index] = value;
  words[index + 1] = value / 0x1_0000_0000;
}

/** Zeroed bytes that lie outside the garbage collector's heap, so that they never move. */
export function nativeBytes(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(length));
}
