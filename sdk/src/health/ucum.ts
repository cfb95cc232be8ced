/**
 * Units of measure (UCUM, https://ucum.org/ucum) as far as health records use them: the grammar whole, and the atoms of laboratories and
 * vital signs. Atoms in brackets that are not in the table are units of their own, which convert only to themselves, as UCUM's arbitrary
 * units do. Unlike UCUM, the mole is a dimension here and not a number, so that mass and amount of substance are never mixed unseen.
 */

/** Powers by dimension: `m s g mol eq K` and one for each arbitrary unit. */
type Dimensions = Readonly<Record<string, number>>

/** `value × factor + offset` is the value in base units. */
export type Unit = { readonly factor: number; readonly offset: number; readonly dimensions: Dimensions }

const unit = (factor: number, dimensions: Dimensions = {}, offset = 0): Unit => ({ factor, offset, dimensions })

const PASCAL = { g: 1, m: -1, s: -2 }
const JOULE = { g: 1, m: 2, s: -2 }
const LITRE = { m: 3 }

/** Atoms that take prefixes. */
const METRIC: Readonly<Record<string, Unit>> = {
  m: unit(1, { m: 1 }),
  s: unit(1, { s: 1 }),
  g: unit(1, { g: 1 }),
  l: unit(1e-3, LITRE),
  L: unit(1e-3, LITRE),
  mol: unit(1, { mol: 1 }),
  eq: unit(1, { eq: 1 }),
  osm: unit(1, { osm: 1 }),
  Pa: unit(1e3, PASCAL),
  bar: unit(1e8, PASCAL),
  'm[Hg]': unit(133_322_000, PASCAL),
  'm[H2O]': unit(9_806_650, PASCAL),
  J: unit(1e3, JOULE),
  cal: unit(4184, JOULE),
  W: unit(1e3, { g: 1, m: 2, s: -3 }),
  N: unit(1e3, { g: 1, m: 1, s: -2 }),
  Hz: unit(1, { s: -1 }),
  K: unit(1, { K: 1 }),
  Cel: unit(1, { K: 1 }, 273.15),
  V: unit(1, { V: 1 }),
  Ohm: unit(1, { Ohm: 1 }),
  U: unit(1e-6 / 60, { mol: 1, s: -1 }),
  kat: unit(1, { mol: 1, s: -1 }),
  '[iU]': unit(1, { '[iU]': 1 }),
  '[IU]': unit(1, { '[iU]': 1 }),
}

const PLAIN: Readonly<Record<string, Unit>> = {
  '10*': unit(10),
  '10^': unit(10),
  '%': unit(1e-2),
  '[ppth]': unit(1e-3),
  '[ppm]': unit(1e-6),
  '[ppb]': unit(1e-9),
  '[pptr]': unit(1e-12),
  min: unit(60, { s: 1 }),
  h: unit(3600, { s: 1 }),
  d: unit(86_400, { s: 1 }),
  wk: unit(604_800, { s: 1 }),
  mo: unit(2_629_800, { s: 1 }),
  a: unit(31_557_600, { s: 1 }),
  deg: unit(1, { deg: 1 }),
  atm: unit(101_325_000, PASCAL),
  '[Cal]': unit(4_184_000, JOULE),
  '[degF]': unit(5 / 9, { K: 1 }, (459.67 * 5) / 9),
  '[in_i]': unit(0.0254, { m: 1 }),
  '[ft_i]': unit(0.3048, { m: 1 }),
  '[lb_av]': unit(453.592_37, { g: 1 }),
  '[oz_av]': unit(28.349_523_125, { g: 1 }),
  '[diop]': unit(1, { m: -1 }),
}

const PREFIXES: Readonly<Record<string, number>> = {
  T: 1e12,
  G: 1e9,
  M: 1e6,
  k: 1e3,
  h: 1e2,
  da: 10,
  d: 1e-1,
  c: 1e-2,
  m: 1e-3,
  u: 1e-6,
  n: 1e-9,
  p: 1e-12,
  f: 1e-15,
  a: 1e-18,
}

function atomOf(symbol: string): Unit | null {
  if (Object.hasOwn(PLAIN, symbol)) return PLAIN[symbol]!
  if (Object.hasOwn(METRIC, symbol)) return METRIC[symbol]!
  for (const length of [1, 2]) {
    const prefix = symbol.slice(0, length)
    const rest = symbol.slice(length)
    // A prefixed degree would scale the offset as well; nobody writes one.
    if (Object.hasOwn(PREFIXES, prefix) && Object.hasOwn(METRIC, rest) && METRIC[rest]!.offset === 0)
      return { ...METRIC[rest]!, factor: METRIC[rest]!.factor * PREFIXES[prefix]! }
  }
  return /^\[[^\]]+\]$/.test(symbol) ? unit(1, { [symbol]: 1 }) : null
}

function power({ factor, dimensions }: Unit, n: number): Unit {
  return unit(factor ** n, Object.fromEntries(Object.entries(dimensions).map(([k, v]) => [k, v * n])))
}

function times(a: Unit, b: Unit): Unit {
  const dimensions: Record<string, number> = { ...a.dimensions }
  for (const [k, v] of Object.entries(b.dimensions)) {
    dimensions[k] = (dimensions[k] ?? 0) + v
    if (dimensions[k] === 0) delete dimensions[k]
  }
  return unit(a.factor * b.factor, dimensions)
}

const SYMBOL = /(10[*^]|[A-Za-z]*\[[^\]]+\]|[A-Za-z%]+)([+-]?\d+)?/y
const NUMBER = /\d+/y
const ANNOTATION = /\{[^{}]*\}/y

const known = new Map<string, Unit | null>()
/** Codes remembered: more than any record has. */
const MAX_KNOWN = 2000

/** Reads a UCUM code (case sensitive); null when it is none, or of atoms that health records do not use. */
export function readUnit(code: string): Unit | null {
  const before = known.get(code)
  if (before !== undefined) return before
  const read = code.length <= 60 ? readTerm(code) : null
  if (known.size < MAX_KNOWN) known.set(code, read)
  return read
}

function readTerm(code: string): Unit | null {
  let at = 0
  let depth = 0
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    const found = pattern.exec(code)
    if (found) at = pattern.lastIndex
    return found
  }
  const component = (): Unit | null => {
    if (code[at] === '(') {
      at++
      if (++depth > 8) return null
      const inner = term()
      depth--
      return inner && code[at++] === ')' ? inner : null
    }
    if (match(ANNOTATION)) return unit(1)
    const symbol = match(SYMBOL)
    const number = symbol ? null : match(NUMBER)
    const atom = symbol ? atomOf(symbol[1]!) : number ? unit(Number(number[0])) : null
    if (!atom) return null
    match(ANNOTATION)
    return symbol?.[2] ? power(atom, Number(symbol[2])) : atom
  }
  const term = (): Unit | null => {
    let divides = code[at] === '/'
    if (divides) at++
    let whole: Unit | null = divides ? unit(1) : null
    for (;;) {
      const next = component()
      if (!next) return null
      whole = whole ? times(whole, divides ? power(next, -1) : next) : next
      if (code[at] !== '.' && code[at] !== '/') return whole
      divides = code[at++] === '/'
    }
  }
  const read = code ? term() : null
  return at === code.length ? read : null
}

const keys = new WeakMap<Unit, string>()

/** Equal for units that measure the same kind of quantity. */
export function dimensionKey(unit: Unit): string {
  const known = keys.get(unit)
  if (known !== undefined) return known
  const key = Object.entries(unit.dimensions)
    .filter(([, v]) => v !== 0)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([k, v]) => `${k}${v}`)
    .join(' ')
  keys.set(unit, key)
  return key
}

export const sameUnit = (a: Unit, b: Unit): boolean =>
  a === b || (a.factor === b.factor && a.offset === b.offset && dimensionKey(a) === dimensionKey(b))
