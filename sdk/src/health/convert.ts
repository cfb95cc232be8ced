/** Values from one unit to another, by UCUM and by what is known of the analyte. */
import type { Analyte } from './analytes.ts'
import { dimensionKey, type Unit } from './ucum.ts'

type Substance = Pick<Analyte, 'key' | 'mass' | 'valence' | 'enzyme'>

/** NGSP percent and IFCC mmol/mol are both plain ratios to UCUM, and yet no multiples of each other (ngsp.org/ifcc.asp). */
const A1C_SLOPE = 10.929
const A1C_SHIFT = 2.15
const PERCENT = 1e-2
const MILLI = 1e-3

const powers = (u: Unit, key: string): number => u.dimensions[key] ?? 0

/** Equivalents as moles by the valence, an enzyme's international units as activity; anything else stays. */
function plain(u: Unit, { valence, enzyme }: Substance): Unit {
  const dimensions: Record<string, number> = { ...u.dimensions }
  let { factor } = u
  const replace = (from: string, to: Readonly<Record<string, number>>, by: number): void => {
    const n = dimensions[from]
    if (!n) return
    delete dimensions[from]
    for (const [k, v] of Object.entries(to)) dimensions[k] = (dimensions[k] ?? 0) + v * n
    factor *= by ** n
  }
  if (valence) replace('eq', { mol: 1 }, 1 / valence)
  if (enzyme) replace('[iU]', { mol: 1, s: -1 }, 1e-6 / 60)
  return { ...u, factor, dimensions }
}

export type Converter = (value: number) => number

const same: Converter = value => value

/** How values go from one unit to another; null when they cannot. */
export function converter(from: Unit, to: Unit, analyte: Substance = { key: '' }): Converter | null {
  if (analyte.key === 'a1c') return a1cConverter(from, to)
  const a = plain(from, analyte)
  const b = plain(to, analyte)
  const scale = dimensionKey(a) === dimensionKey(b) ? 1 : byMass(a, b, analyte.mass)
  if (scale === null) return null
  if (a.factor === b.factor && a.offset === b.offset && scale === 1) return same
  return value => (value * a.factor * scale + a.offset - b.offset) / b.factor
}

/** Between mass and amount of substance, above or below the line: `g/L → mol/L`, `1 → g/mol`. */
function byMass(a: Unit, b: Unit, mass: number | undefined): number | null {
  const moles = powers(b, 'mol') - powers(a, 'mol')
  if (!mass || !moles || powers(b, 'g') - powers(a, 'g') !== -moles) return null
  const others = (u: Unit): string => dimensionKey({ ...u, dimensions: { ...u.dimensions, g: 0, mol: 0 } })
  return others(a) === others(b) ? mass ** -moles : null
}

function a1cConverter(from: Unit, to: Unit): Converter | null {
  if (dimensionKey(from) || dimensionKey(to)) return null
  if (from.factor === to.factor) return same
  if (from.factor === PERCENT && to.factor === MILLI) return value => (value - A1C_SHIFT) * A1C_SLOPE
  if (from.factor === MILLI && to.factor === PERCENT) return value => value / A1C_SLOPE + A1C_SHIFT
  return null
}
