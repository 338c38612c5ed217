/** A WebAssembly function that copies within a memory: several times cheaper than a view per copy. */
import { assemble, Code, Op, ValueType } from "./wasm_assembler.ts";

/** Locals of the function: its parameters. */
const [TARGET, SOURCE, LENGTH] = [0, 1, 2];

/**
 * The module: it imports a memory `env.memory` of `pages` pages and exports
 * `copy(target, source, length)`, for stretches that may overlap.
 */
export function copyModule(pages: number): Uint8Array<ArrayBuffer> {
  return assemble({
    name: "copy",
    parameters: [ValueType.I32, ValueType.I32, ValueType.I32],
    locals: [],
    code: new Code().get(TARGET).get(SOURCE).get(LENGTH).op(Op.MemoryCopy),
    memory: "memory",
    pages,
  });
}
