/**
 * A WebAssembly SIMD function that computes a CRC32c, generated from its idea.
 *
 * Six vectors of sixteen bytes are held as the state. A step moves the contribution of all six to
 * the next 96 bytes of the packet (see gf2_fold.ts): each byte changes four bytes in the same lane,
 * in the vectors {@link FOLD_SLOTS} of the block that follows. Having all six in flight hides the
 * latency of a swizzle. At the end the state is reduced to nineteen bytes in the same way, with the
 * four bytes side by side instead of in four vectors, and those go through slicing tables.
 *
 * The packet's head is extended by masked bytes to whole blocks, so there is no tail to do byte
 * by byte. The function therefore reads up to 95 bytes in front of the packet, whose values do not
 * matter; the tables at the bottom of the memory keep that inside of it.
 */
import { type Outputs, solver, swizzleTables, TABLES_PER_INPUT } from "./gf2_fold.ts";
import { SLICES } from "./polynomial.ts";
import { assemble, Code, Op, ValueType } from "./wasm_assembler.ts";

const VECTOR = 16;
const VECTORS = 6;
const BLOCK = VECTORS * VECTOR;

/** The vectors of a block that take over from the block before: a choice with independent bits. */
const FOLD_SLOTS = [0, 1, 4, 5] as const;

/** Four neighbouring bytes at the end. */
const REDUCED: Outputs = [3, 2, 1, 0];

/** Where the constant tables lie in the memory. */
const SLICES_AT = 0;
const FOLD_AT = SLICES_AT + 16 * 1024;
const REDUCE_AT = FOLD_AT + VECTORS * TABLES_PER_INPUT;
/** 96 bytes that drop, 96 bytes that keep: read at a distance to get any mask. */
const MASK_AT = REDUCE_AT + VECTORS * TABLES_PER_INPUT;
/** Inverts the packet's first four bytes, which starts the register at all ones. */
const INVERT_AT = MASK_AT + 2 * BLOCK;
/** Four bytes in front of the packet that have the same effect. */
const PREFIX_AT = INVERT_AT + 2 * BLOCK;

/** First byte behind the tables. */
export const TABLES_END = PREFIX_AT + 2 * BLOCK;

/** Locals of the function; the first two are its parameters. */
const POSITION = 0;
const LENGTH = 1;
const END = 2;
const HEAD = 3;
const START = 4;
const REGISTER = 5;
const WORD = 6;
const STATE = 7;
const LOW = STATE + VECTORS;
const HIGH = LOW + 1;
const SUMS = HIGH + 1;
const ZERO = SUMS + 4;

const PARAMETERS = [ValueType.I32, ValueType.I32];

/** Types of the locals behind the parameters, in the order above. */
const LOCALS = [
  ValueType.I32,
  ValueType.I32,
  ValueType.I32,
  ValueType.I32,
  ValueType.I64,
  ...new Array<ValueType>(ZERO + 1 - STATE).fill(ValueType.V128),
];

const VECTOR_INDICES = [0, 1, 2, 3, 4, 5] as const;
const OUTPUT_INDICES = [0, 1, 2, 3] as const;

/**
 * The module: it imports a memory `env.memory` of `pages` pages that {@link writeTables} has
 * prepared, and exports `crc32c(address, length)` with a signed 32-bit result. The length is at
 * least 1, the address at least {@link TABLES_END}.
 * @param relaxed use the relaxed swizzle, which is one instruction on every processor.
 */
export function crc32cModule(pages: number, relaxed: boolean): Uint8Array<ArrayBuffer> {
  const swizzle = relaxed ? Op.I8x16RelaxedSwizzle : Op.I8x16Swizzle;
  const code = new Code();
  emitStart(code);
  code.whileLoop(
    () => code.get(POSITION).get(END).op(Op.I32LtU),
    () => {
      emitMix(code, FOLD_AT, swizzle);
      emitNextBlock(code);
    },
  );
  emitMix(code, REDUCE_AT, swizzle);
  emitFinish(code);
  return assemble({
    name: "crc32c",
    parameters: PARAMETERS,
    result: ValueType.I32,
    locals: LOCALS,
    code,
    memory: "memory",
    pages,
  });
}

/** Loads the first block, with what stands in front of the packet masked out. */
function emitStart(code: Code): void {
  code.get(POSITION).get(LENGTH).op(Op.I32Add).set(END);
  code.i32(BLOCK).get(LENGTH).i32(BLOCK).op(Op.I32RemU, Op.I32Sub).i32(BLOCK).op(Op.I32RemU);
  code.set(HEAD);
  code.get(POSITION).get(HEAD).op(Op.I32Sub).set(POSITION);
  emitStartPattern(code);
  for (const i of VECTOR_INDICES) {
    code.get(POSITION).loadV128(i * VECTOR);
    code.i32(MASK_AT + BLOCK).get(HEAD).op(Op.I32Sub).loadV128(i * VECTOR).op(Op.V128And);
    code.get(START).loadV128(i * VECTOR).op(Op.V128Xor).set(STATE + i);
  }
  code.get(POSITION).i32(BLOCK).op(Op.I32Add).set(POSITION);
}

/**
 * The packet's first four bytes are inverted in place; where they do not lie in the first block
 * as a whole, there is room for the four bytes in front of them instead.
 */
function emitStartPattern(code: Code): void {
  code.i32(PREFIX_AT + BLOCK).i32(INVERT_AT + BLOCK);
  code.get(HEAD).i32(BLOCK - 4).op(Op.I32GtU, Op.Select);
  code.get(HEAD).op(Op.I32Sub).set(START);
}

/** Sums up, in four vectors, what all bytes of the state contribute to each of the four outputs. */
function emitMix(
  code: Code,
  tables: number,
  swizzle: typeof Op.I8x16Swizzle | typeof Op.I8x16RelaxedSwizzle,
): void {
  for (const i of VECTOR_INDICES) {
    code.get(STATE + i).splat(0x0f).op(Op.V128And).set(LOW);
    code.get(STATE + i).i32(4).op(Op.I16x8ShrU).splat(0x0f).op(Op.V128And).set(HIGH);
    for (const output of OUTPUT_INDICES) {
      const low = tables + i * TABLES_PER_INPUT + output * VECTOR;
      const high = low + TABLES_PER_INPUT / 2;
      code.i32(0).loadV128(low).get(LOW).op(swizzle);
      code.i32(0).loadV128(high).get(HIGH).op(swizzle, Op.V128Xor);
      if (i > 0) code.get(SUMS + output).op(Op.V128Xor);
      code.set(SUMS + output);
    }
  }
}

/** Takes in the next block, with what the one before contributes to it. */
function emitNextBlock(code: Code): void {
  for (const i of VECTOR_INDICES) {
    code.get(POSITION).loadV128(i * VECTOR);
    const output = FOLD_SLOTS.findIndex((slot) => slot === i);
    if (output >= 0) code.get(SUMS + output).op(Op.V128Xor);
    code.set(STATE + i);
  }
  code.get(POSITION).i32(BLOCK).op(Op.I32Add).set(POSITION);
}

/**
 * The reduced message has nineteen bytes: lane `j` of output `k` is part of its byte `j + k`.
 * Its first three go through the tables one by one, then sixteen at a time.
 */
function emitFinish(code: Code): void {
  emitGathered(code, (lane) => lane);
  for (const byte of [0, 1, 2]) {
    code.get(LOW).extractByte(byte);
    emitSlice(code, 2 - byte);
    if (byte > 0) code.op(Op.I32Xor);
  }
  code.set(REGISTER);
  emitGathered(code, (lane) => lane + 3);
  for (const half of [0, 1]) {
    code.get(LOW).extractI64(half);
    if (half === 0) code.get(REGISTER).op(Op.I64ExtendI32U, Op.I64Xor);
    code.set(WORD);
    for (let byte = 0; byte < 8; byte++) {
      code.get(WORD).i64(8 * byte).op(Op.I64ShrU, Op.I32WrapI64).i32(0xff).op(Op.I32And);
      emitSlice(code, 15 - 8 * half - byte);
      if (half + byte > 0) code.op(Op.I32Xor);
    }
  }
  code.i32(-1).op(Op.I32Xor);
}

/** Puts into LOW, lane by lane, the byte of the reduced message that `position` names. */
function emitGathered(code: Code, position: (lane: number) => number): void {
  for (const output of OUTPUT_INDICES) {
    const lanes = Array.from({ length: VECTOR }, (_, lane) => {
      const source = position(lane) - output;
      return source >= 0 && source < VECTOR ? source : VECTOR;
    });
    code.get(SUMS + output).get(ZERO).shuffle(lanes);
    if (output > 0) code.op(Op.V128Xor);
  }
  code.set(LOW);
}

/** Replaces a byte on the stack by its entry of a slicing table. */
function emitSlice(code: Code, table: number): void {
  code.i32(2).op(Op.I32Shl).loadI32(SLICES_AT + table * 1024);
}

/** Writes the constant tables to the bottom of the module's memory. */
export function writeTables(memory: ArrayBufferLike): void {
  const bytes = new Uint8Array(memory);
  const view = new DataView(memory);
  for (const [k, slice] of SLICES.entries()) {
    slice.forEach((entry, i) => view.setInt32(SLICES_AT + k * 1024 + 4 * i, entry, true));
  }
  const behind = VECTOR_INDICES.map((i) => (VECTORS - 1 - i) * VECTOR);
  const [a, b, c, d] = FOLD_SLOTS;
  const slots: Outputs = [behind[a], behind[b], behind[c], behind[d]];
  bytes.set(swizzleTables(behind.map((zeros) => zeros + BLOCK), slots), FOLD_AT);
  bytes.set(swizzleTables(behind, REDUCED), REDUCE_AT);
  bytes.fill(0xff, MASK_AT + BLOCK, MASK_AT + 2 * BLOCK);
  view.setInt32(INVERT_AT + BLOCK, -1);
  view.setInt32(PREFIX_AT + BLOCK - 4, solver(REDUCED)(-1), true);
}
