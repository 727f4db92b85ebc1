/**
 * A small assembler for kernels of WebAssembly with 128-bit SIMD: just the instructions that our kernels use, written as
 * expressions. WebAssembly is a stack machine, so the code of an expression is the code of its operands and its opcode.
 * (WebAssembly Core Specification 2.0, §5, binary format.)
 */
export type WasmType = 'i32' | 'f32' | 'f64' | 'v128'

const typeCode: Record<WasmType, number> = { i32: 0x7f, f32: 0x7d, f64: 0x7c, v128: 0x7b }

/** Code that leaves one value of a type on the stack. */
export interface Value<T extends WasmType> {
  readonly type: T
  readonly code: readonly number[]
}
/** Code that leaves the stack as it was. */
export type Statement = readonly number[]

type I32 = Value<'i32'>
type F32 = Value<'f32'>
type F64 = Value<'f64'>
type V128 = Value<'v128'>

/** A parameter or local variable of a function: reading it is a value. */
export class Variable<T extends WasmType> implements Value<T> {
  readonly type: T
  readonly code: readonly number[]
  readonly #index: number

  constructor(type: T, index: number) {
    this.type = type
    this.#index = index
    this.code = [0x20, ...unsigned(index)]
  }

  set(value: Value<T>): Statement {
    return [...value.code, 0x21, ...unsigned(this.#index)]
  }
}

const simd = (opcode: number) => [0xfd, ...unsigned(opcode)]
const operation =
  <T extends WasmType, R extends WasmType>(type: R, ...opcode: number[]) =>
  (...operands: Value<T>[]): Value<R> => ({ type, code: [...operands.flatMap(o => o.code), ...opcode] })

export const i32 = {
  const: (value: number): I32 => ({ type: 'i32', code: [0x41, ...signed(value)] }),
  add: operation<'i32', 'i32'>('i32', 0x6a),
  sub: operation<'i32', 'i32'>('i32', 0x6b),
  mul: operation<'i32', 'i32'>('i32', 0x6c),
  atLeast: operation<'i32', 'i32'>('i32', 0x4e),
  /** 1 where it is 0, else 0. */
  isZero: operation<'i32', 'i32'>('i32', 0x45),
  and: operation<'i32', 'i32'>('i32', 0x71),
  or: operation<'i32', 'i32'>('i32', 0x72),
  /** Whole number towards zero. */
  fromF64: operation<'f64', 'i32'>('i32', 0xfc, 0x02),
  loadByte: (at: I32): I32 => ({ type: 'i32', code: [...at.code, 0x2d, 0, 0] }),
  store: (at: I32, value: I32, offset = 0): Statement => [...at.code, ...value.code, 0x36, 2, ...unsigned(offset)],
  load: (at: I32, offset = 0): I32 => ({ type: 'i32', code: [...at.code, 0x28, 2, ...unsigned(offset)] }),
}

export const f32 = {
  const: (value: number): F32 => ({ type: 'f32', code: [0x43, ...bytesOf(value)] }),
  add: operation<'f32', 'f32'>('f32', 0x92),
  mul: operation<'f32', 'f32'>('f32', 0x94),
  max: operation<'f32', 'f32'>('f32', 0x97),
  fromI32: operation<'i32', 'f32'>('f32', 0xb2),
  /** 1 where the first is more than the second, else 0. */
  moreThan: operation<'f32', 'i32'>('i32', 0x5e),
  load: (at: I32, offset = 0): F32 => ({ type: 'f32', code: [...at.code, 0x2a, 2, ...unsigned(offset)] }),
  store: (at: I32, value: F32, offset = 0): Statement => [...at.code, ...value.code, 0x38, 2, ...unsigned(offset)],
}

export const f64 = {
  const: (value: number): F64 => ({ type: 'f64', code: [0x44, ...new Uint8Array(Float64Array.of(value).buffer)] }),
  add: operation<'f64', 'f64'>('f64', 0xa0),
  sub: operation<'f64', 'f64'>('f64', 0xa1),
  mul: operation<'f64', 'f64'>('f64', 0xa2),
  abs: operation<'f64', 'f64'>('f64', 0x99),
  fromF32: operation<'f32', 'f64'>('f64', 0xbb),
  lessThan: operation<'f64', 'i32'>('i32', 0x63),
  atLeast: operation<'f64', 'i32'>('i32', 0x66),
}

/** Four numbers of single precision. Comparisons give masks of all bits or none. */
export const f32x4 = {
  add: operation<'v128', 'v128'>('v128', ...simd(0xe4)),
  sub: operation<'v128', 'v128'>('v128', ...simd(0xe5)),
  mul: operation<'v128', 'v128'>('v128', ...simd(0xe6)),
  div: operation<'v128', 'v128'>('v128', ...simd(0xe7)),
  /** The second where it is less (more) than the first; one instruction of the processor, unlike the strict minimum. */
  min: operation<'v128', 'v128'>('v128', ...simd(0xea)),
  max: operation<'v128', 'v128'>('v128', ...simd(0xeb)),
  abs: operation<'v128', 'v128'>('v128', ...simd(0xe0)),
  sqrt: operation<'v128', 'v128'>('v128', ...simd(0xe3)),
  nearest: operation<'v128', 'v128'>('v128', ...simd(0x6a)),
  lessThan: operation<'v128', 'v128'>('v128', ...simd(0x43)),
  moreThan: operation<'v128', 'v128'>('v128', ...simd(0x44)),
  atMost: operation<'v128', 'v128'>('v128', ...simd(0x45)),
  differ: operation<'v128', 'v128'>('v128', ...simd(0x42)),
  fromI32: operation<'v128', 'v128'>('v128', ...simd(0xfa)),
  splat: operation<'f32', 'v128'>('v128', ...simd(0x13)),
  const: (...values: [number, number, number, number]): V128 => ({
    type: 'v128',
    code: [...simd(0x0c), ...values.flatMap(bytesOf)],
  }),
  lane: (value: V128, lane: number): F32 => ({ type: 'f32', code: [...value.code, ...simd(0x1f), lane] }),
  load: (at: I32, offset = 0): V128 => ({ type: 'v128', code: [...at.code, ...simd(0), 2, ...unsigned(offset)] }),
  /** One number, four times. */
  loadSplat: (at: I32, offset = 0): V128 => ({ type: 'v128', code: [...at.code, ...simd(9), 2, ...unsigned(offset)] }),
  store: (at: I32, value: V128, offset = 0): Statement => [
    ...at.code,
    ...value.code,
    ...simd(0x0b),
    2,
    ...unsigned(offset),
  ],
  /** Sum of many terms, in the order in which they stand. */
  sum: (...terms: V128[]): V128 => terms.reduce((all, term) => f32x4.add(all, term)),
  /** Sum of the four lanes. */
  total: (value: V128): F32 => {
    const [a, b, c, d] = [0, 1, 2, 3].map(lane => f32x4.lane(value, lane))
    return f32.add(f32.add(a, b), f32.add(c, d))
  },
  /** Greatest of the four lanes. */
  greatest: (value: V128): F32 => {
    const [a, b, c, d] = [0, 1, 2, 3].map(lane => f32x4.lane(value, lane))
    return f32.max(f32.max(a, b), f32.max(c, d))
  },
}

export const v128 = {
  /** 1 where any bit is set, else 0. */
  anyTrue: operation<'v128', 'i32'>('i32', ...simd(0x53)),
  and: operation<'v128', 'v128'>('v128', ...simd(0x4e)),
  /** Bits of the first where the second has none. */
  andNot: operation<'v128', 'v128'>('v128', ...simd(0x4f)),
  or: operation<'v128', 'v128'>('v128', ...simd(0x50)),
  /** Bits of the first where the mask (the third) has one, else of the second. */
  select: operation<'v128', 'v128'>('v128', ...simd(0x52)),
  splatI32: operation<'i32', 'v128'>('v128', ...simd(0x11)),
  lessThanI32: operation<'v128', 'v128'>('v128', ...simd(0x39)),
  /** 1 where none of the sixteen bytes is 0. */
  allBytes: operation<'v128', 'i32'>('i32', ...simd(0x63)),
  addI32: operation<'v128', 'v128'>('v128', ...simd(0xae)),
  /** Nearest whole numbers towards zero. */
  toI32: operation<'v128', 'v128'>('v128', ...simd(0xf8)),
  shiftLeft: (value: V128, bits: number): V128 => ({
    type: 'v128',
    code: [...value.code, ...i32.const(bits).code, ...simd(0xab)],
  }),
  /** The sign goes on to the left. */
  shiftRight: (value: V128, bits: number): V128 => ({
    type: 'v128',
    code: [...value.code, ...i32.const(bits).code, ...simd(0xac)],
  }),
  constI32: (...values: [number, number, number, number]): V128 => ({
    type: 'v128',
    code: [...simd(0x0c), ...values.flatMap(v => [v & 255, (v >> 8) & 255, (v >> 16) & 255, (v >> 24) & 255])],
  }),
  /** Four bytes as four whole numbers. */
  loadBytes: (at: I32): V128 => ({
    type: 'v128',
    code: [...at.code, ...simd(0x5c), 0, 0, ...simd(0x89), ...simd(0xa9)],
  }),
  /** Four whole numbers below 128 as four bytes. */
  storeBytes: (at: I32, value: V128): Statement => [
    ...at.code,
    ...[...value.code, ...none, ...simd(0x85)], // to eight halves
    ...none,
    ...simd(0x65), // to sixteen bytes
    ...[...simd(0x5a), 0, 0, 0],
  ],
}

const none = [...simd(0x0c), ...new Array<number>(16).fill(0)]

/** Do something where a number is not 0. */
export function when(condition: I32, body: readonly Statement[]): Statement {
  return [...condition.code, 0x04, 0x40, ...body.flat(), 0x0b]
}

/** Repeat a body while a variable goes from a start in steps, below an end. */
export function repeat(
  variable: Variable<'i32'>,
  from: I32,
  end: I32,
  step: number | I32,
  body: readonly Statement[],
): Statement {
  return [
    ...variable.set(from),
    ...[0x02, 0x40, 0x03, 0x40], // block, loop
    ...i32.atLeast(variable, end).code,
    ...[0x0d, 1], // leave the block
    ...body.flat(),
    ...variable.set(i32.add(variable, typeof step === 'number' ? i32.const(step) : step)),
    ...[0x0c, 0, 0x0b, 0x0b], // again; end, end
  ]
}

type Parameters = Record<string, WasmType>
type Variables<P extends Parameters> = { [K in keyof P]: Variable<P[K]> }

/** A function of a module; its parameters are passed in the order in which they are named. */
export interface Kernel {
  parameters: WasmType[]
  locals: WasmType[]
  code: number[]
}

/**
 * Write a kernel.
 *
 * @param write gets the parameters and a maker of local variables, gives the statements
 */
export function kernel<const P extends Parameters>(
  parameters: P,
  write: (p: Variables<P>, local: <T extends WasmType>(type: T) => Variable<T>) => readonly Statement[],
): Kernel {
  const types = Object.values(parameters)
  const locals: WasmType[] = []
  const variables = Object.fromEntries(
    Object.entries(parameters).map(([name, type], i) => [name, new Variable(type, i)]),
  ) as Variables<P>
  const local = <T extends WasmType>(type: T) => new Variable(type, types.length + locals.push(type) - 1)
  return { parameters: types, locals, code: write(variables, local).flat() }
}

/** The bytes of a module that exports the kernels by their names and takes its memory from `env.memory`. */
export function assemble(kernels: Record<string, Kernel>): Uint8Array<ArrayBuffer> {
  const all = Object.values(kernels)
  const signatures = all.map(({ parameters }) => [0x60, ...vector(parameters.map(type => [typeCode[type]])), 0])
  const memory = [...text('env'), ...text('memory'), 0x02, 0x00, ...unsigned(1)]
  const exports = Object.keys(kernels).map((name, i) => [...text(name), 0x00, ...unsigned(i)])
  const bodies = all.map(({ locals, code }) => {
    const body = [...vector(locals.map(type => [1, typeCode[type]])), ...code, 0x0b]
    return [...unsigned(body.length), ...body]
  })
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector(signatures)),
    ...section(2, vector([memory])),
    ...section(3, vector(all.map((_, i) => unsigned(i)))),
    ...section(7, vector(exports)),
    ...section(10, vector(bodies)),
  ])
}

function section(id: number, content: number[]): number[] {
  return [id, ...unsigned(content.length), ...content]
}

function vector(items: number[][]): number[] {
  return [...unsigned(items.length), ...items.flat()]
}

function text(value: string): number[] {
  return vector([...new TextEncoder().encode(value)].map(byte => [byte]))
}

/** LEB128 of a whole number that is not negative. */
function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)]
}

/** LEB128 of a signed whole number. */
function signed(value: number): number[] {
  return value >= -64 && value < 64 ? [value & 127] : [(value & 127) | 128, ...signed(value >> 7)]
}

function bytesOf(value: number): number[] {
  return [...new Uint8Array(Float32Array.of(value).buffer)]
}
