/** Just enough of the WebAssembly binary format to write one function with SIMD by hand. */

/** Value types. */
export const ValueType = { I32: 0x7f, I64: 0x7e, V128: 0x7b } as const;
export type ValueType = (typeof ValueType)[keyof typeof ValueType];

/** Instructions without immediate operands: the bytes of each. */
export const Op = {
  Select: [0x1b],
  I32Eqz: [0x45],
  I32LtU: [0x49],
  I32GtU: [0x4b],
  I32Add: [0x6a],
  I32Sub: [0x6b],
  I32RemU: [0x70],
  I32And: [0x71],
  I32Xor: [0x73],
  I32Shl: [0x74],
  I64Xor: [0x85],
  I64ShrU: [0x88],
  I32WrapI64: [0xa7],
  I64ExtendI32U: [0xad],
  I8x16Swizzle: [0xfd, 0x0e],
  I8x16RelaxedSwizzle: [0xfd, 0x80, 0x02],
  V128And: [0xfd, 0x4e],
  V128Xor: [0xfd, 0x51],
  I16x8ShrU: [0xfd, 0x8d, 0x01],
  MemoryCopy: [0xfc, 0x0a, 0x00, 0x00],
} as const;

/** The instructions of a function body. Addresses are static offsets plus one from the stack. */
export class Code {
  readonly bytes: number[] = [];

  /** Appends instructions without operands. */
  op(...instructions: (typeof Op)[keyof typeof Op][]): this {
    for (const instruction of instructions) this.bytes.push(...instruction);
    return this;
  }

  get(local: number): this {
    return this.#put(0x20, ...unsigned(local));
  }

  set(local: number): this {
    return this.#put(0x21, ...unsigned(local));
  }

  i32(value: number): this {
    return this.#put(0x41, ...signed(value));
  }

  i64(value: number): this {
    return this.#put(0x42, ...signed(value));
  }

  /** `i32.load` of an aligned word. */
  loadI32(offset: number): this {
    return this.#put(0x28, 2, ...unsigned(offset));
  }

  /** `v128.load` without a promise of alignment. */
  loadV128(offset: number): this {
    return this.#put(0xfd, 0x00, 0, ...unsigned(offset));
  }

  /** `v128.const`: sixteen times the same byte. */
  splat(byte: number): this {
    return this.#put(0xfd, 0x0c, ...new Array(16).fill(byte));
  }

  /** `i8x16.shuffle`: lane `i` becomes lane `lanes[i]` of the two operands laid end to end. */
  shuffle(lanes: readonly number[]): this {
    return this.#put(0xfd, 0x0d, ...lanes);
  }

  /** `i8x16.extract_lane_u`. */
  extractByte(lane: number): this {
    return this.#put(0xfd, 0x16, lane);
  }

  /** `i64x2.extract_lane`. */
  extractI64(lane: number): this {
    return this.#put(0xfd, 0x1d, lane);
  }

  /** A loop that runs `body` as long as `condition` leaves something other than 0. */
  whileLoop(condition: () => void, body: () => void): this {
    this.#put(0x02, EMPTY_BLOCK, 0x03, EMPTY_BLOCK);
    condition();
    this.#put(...Op.I32Eqz, 0x0d, 1);
    body();
    return this.#put(0x0c, 0, END, END);
  }

  #put(...bytes: number[]): this {
    this.bytes.push(...bytes);
    return this;
  }
}

const END = 0x0b;
const EMPTY_BLOCK = 0x40;

/** A function and the memory that it works on. */
export interface FunctionModule {
  readonly name: string;
  readonly parameters: readonly ValueType[];
  /** Nothing if the function returns nothing. */
  readonly result?: ValueType;
  readonly locals: readonly ValueType[];
  readonly code: Code;
  /** Import name of the memory, in the module `env`. */
  readonly memory: string;
  /** Size of the memory in pages of 64 KiB; it never grows. */
  readonly pages: number;
}

/** A binary module that imports a memory and exports one function. */
export function assemble(module: FunctionModule): Uint8Array<ArrayBuffer> {
  const { parameters, result, locals, pages } = module;
  const body = [
    ...vector(locals.map((type) => [1, type])),
    ...module.code.bytes,
    END,
  ];
  const results = vector(result === undefined ? [] : [single(result)]);
  const memory = [0x02, 0x01, ...unsigned(pages), ...unsigned(pages)];
  return Uint8Array.of(
    ...MAGIC,
    ...section(1, vector([[0x60, ...vector(parameters.map(single)), ...results]])),
    ...section(2, vector([[...text("env"), ...text(module.memory), ...memory]])),
    ...section(3, vector([[0]])),
    ...section(7, vector([[...text(module.name), 0, 0]])),
    ...section(10, vector([[...unsigned(body.length), ...body]])),
  );
}

/** The letters that every module starts with, and version 1. */
const MAGIC = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

function single(byte: number): number[] {
  return [byte];
}

function vector(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function text(name: string): number[] {
  const bytes = new TextEncoder().encode(name);
  return [...unsigned(bytes.length), ...bytes];
}

/** LEB128 of an unsigned number below 2^31. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, value >>> (7 * bytes.length)];
}

/** LEB128 of a signed 32-bit number. */
function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest < -64 || rest > 63) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>= 7;
  }
  return [...bytes, rest & 0x7f];
}
