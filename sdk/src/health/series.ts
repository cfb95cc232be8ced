/**
 * Measures gathered into series: the same thing under different codes, names and units as one, in one unit. Whatever cannot be brought into
 * that unit, or has no number or no date, stands apart and is never dropped.
 */
import { ANALYTES, type Analyte, analyteNamed, analyteOf, foldName, type Group } from './analytes.ts'
import { type Converter, converter } from './convert.ts'
import type { Measure } from './fhir/measures.ts'
import { dimensionKey, readUnit, sameUnit, type Unit } from './ucum.ts'
import { unitOf } from './unit-names.ts'

/** One measure, when it was taken (a FHIR date, empty when unknown), and whose it is: whatever the caller wants back with the point. */
export type Measured<T> = { readonly measure: Measure; readonly date: string; readonly category?: string; readonly of: T }

export type Outside = 'low' | 'high' | 'abnormal'

export type Point<T> = {
  /** Milliseconds since 1970; NaN when it has no date. */
  readonly at: number
  readonly date: string
  /** In the unit of the series. */
  readonly value: number
  readonly low?: number
  readonly high?: number
  /** Outside of its own reference range, or flagged by whoever measured it. */
  readonly outside?: Outside
  /** Whether the source wrote another unit. */
  readonly converted: boolean
  readonly measure: Measure
  readonly of: T
}

/** `unit`: in a unit that does not convert, or in none; `undated`: no day is known; `words`: no number. */
export type Apart<T> = {
  readonly why: 'unit' | 'undated' | 'words'
  readonly date: string
  readonly outside?: Outside
  readonly measure: Measure
  readonly of: T
}

export type Line<T> = { readonly role: 'value' | 'systolic' | 'diastolic'; readonly points: readonly Point<T>[] }

export type Series<T> = {
  /** Names the series for good: an analyte's key, a LOINC code or a folded name. */
  readonly identity: string
  /** The analyte, when it is a known one; `blood-pressure` for the pair. */
  readonly analyte: string | null
  /** As its newest measure calls it. */
  readonly name: string
  readonly group: Group
  /** As people write it; empty for plain numbers. */
  readonly unit: string
  /** Units that the series can be shown in, those its sources wrote. */
  readonly units: readonly string[]
  /** Oldest first. Two lines for a pair. */
  readonly lines: readonly Line<T>[]
  /** Newest first. */
  readonly apart: readonly Apart<T>[]
}

const LOINC = 'http://loinc.org'
const PAIR = 'blood-pressure'
const PAIRED: Readonly<Record<string, 'systolic' | 'diastolic'>> = { systolic: 'systolic', diastolic: 'diastolic' }

/** A measure with what can be made out of it. */
type Known<T> = Measured<T> & {
  readonly unit: Unit | null
  /** As written; what its unit is shown as. */
  readonly label: string
  readonly at: number
  readonly analyte: Analyte | undefined
}

const ONE = readUnit('1')!
const usual = new Map(ANALYTES.map(a => [a.key, readUnit(a.unit)!]))

/** No unit at all is the plain number, for those analytes that are one. */
const unitFor = (m: Measure): Unit | null => unitOf(m) ?? (m.unit || m.ucum ? null : ONE)

function know<T>(m: Measured<T>): Known<T> {
  const { measure } = m
  const unit = unitFor(measure)
  const label = measure.unit ?? measure.ucum ?? ''
  return { ...m, unit, label, at: timeOf(m.date), analyte: analyteFor(measure, unit) }
}

/** Every hour of a day counts as that day's, in the zone the source wrote or else in universal time. */
const timeOf = (date: string): number => Date.parse(/T\d{2}:\d{2}/.test(date) ? date : date.slice(0, 10))

/** By LOINC code; without one by name, if the result could be in the analyte's unit. */
function analyteFor(m: Measure, unit: Unit | null): Analyte | undefined {
  const loinc = loincOf(m)
  if (loinc) return analyteOf(loinc)
  for (const name of [m.name, ...m.codes.map(c => c.display ?? '')]) {
    const found = analyteNamed(foldName(name))
    if (found && (m.value === undefined || (unit && converter(unit, usual.get(found.key)!, found)))) return found
  }
  return undefined
}

/** The code by which it is joined: the first known one, else the first. */
function loincOf(m: Measure): string | undefined {
  const codes = m.codes.filter(c => c.system === LOINC || c.system === 'urn:oid:2.16.840.1.113883.6.1').map(c => c.code)
  return codes.find(analyteOf) ?? codes[0]
}

function identityOf<T>(k: Known<T>): string {
  if (k.analyte) return PAIRED[k.analyte.key] ? PAIR : k.analyte.key
  const loinc = loincOf(k.measure)
  return loinc ? `loinc ${loinc}` : namedAs(k)
}

const namedAs = <T>(k: Known<T>): string => `name ${foldName(k.measure.name) || k.measure.name}|${k.unit ? dimensionKey(k.unit) : k.label}`

/** A name without a code joins the one coded series that has this name and kind of unit. */
function joinNames<T>(groups: Map<string, Known<T>[]>): void {
  const coded = new Map<string, string | null>()
  for (const [identity, all] of groups)
    if (identity.startsWith('loinc '))
      for (const name of new Set(all.map(namedAs))) coded.set(name, coded.has(name) && coded.get(name) !== identity ? null : identity)
  for (const [identity, all] of [...groups]) {
    const into = identity.startsWith('name ') ? coded.get(identity) : null
    if (!into) continue
    groups.get(into)!.push(...all)
    groups.delete(identity)
  }
}

/**
 * Series of all measures, the order of their identities' first appearance. `units` asks for another unit than the most used one, by
 * identity; one that does not convert is passed over.
 */
export function seriesOf<T>(measures: Iterable<Measured<T>>, units: Readonly<Record<string, string>> = {}): Series<T>[] {
  const groups = new Map<string, Known<T>[]>()
  for (const m of measures) {
    const known = know(m)
    const identity = identityOf(known)
    const group = groups.get(identity)
    if (group) group.push(known)
    else groups.set(identity, [known])
  }
  joinNames(groups)
  return [...groups].map(([identity, all]) => oneSeries(identity, all, units[identity]))
}

function oneSeries<T>(identity: string, all: Known<T>[], wanted: string | undefined): Series<T> {
  all.sort((a, b) => (a.at === b.at ? 0 : Number.isNaN(a.at) || a.at < b.at ? -1 : 1))
  const newest = all.at(-1)!
  const analyte = newest.analyte ?? all.find(k => k.analyte)?.analyte
  const target = targetOf(all, wanted, analyte)
  const into = convertersTo(target?.unit, analyte)
  const lines = new Map<Line<T>['role'], Point<T>[]>()
  const apart: Apart<T>[] = []
  for (const k of all) {
    const point = target && pointOf(k, target.unit, into)
    if (!point || Number.isNaN(k.at)) {
      apart.push(apartFrom(k))
      continue
    }
    const role = (k.analyte && PAIRED[k.analyte.key]) ?? 'value'
    const line = lines.get(role)
    if (line) line.push(point)
    else lines.set(role, [point])
  }
  const order: readonly Line<T>['role'][] = ['systolic', 'diastolic', 'value']
  return {
    identity,
    analyte: identity === PAIR ? PAIR : (analyte?.key ?? null),
    name: newest.measure.name,
    group: analyte?.group ?? groupOf(all),
    unit: target?.label ?? '',
    units: target ? labels(all).flatMap(l => (converter(l.unit, target.unit, analyte) ? [l.label] : [])) : [],
    lines: order.flatMap(role => (lines.has(role) ? [{ role, points: lines.get(role)! }] : [])),
    apart: apart.toReversed(),
  }
}

function groupOf<T>(all: readonly Known<T>[]): Group {
  const category = all.findLast(k => k.category)?.category
  return category === 'vital-signs'
    ? 'vital'
    : category === 'laboratory'
      ? 'laboratory'
      : category === 'survey'
        ? 'questionnaires'
        : 'other'
}

type Target = { readonly unit: Unit; readonly label: string; readonly count: number }

/** Units as written, most used first, of equal ones the newest; spellings of one unit count together. */
function labels<T>(all: readonly Known<T>[]): Target[] {
  const found: Target[] = []
  // From the newest on, so that of equally used ones it comes first.
  for (const { unit, label, measure } of all.toReversed()) {
    if (!unit || measure.value === undefined) continue
    const at = found.findIndex(t => sameUnit(t.unit, unit))
    if (at < 0) found.push({ unit, label, count: 1 })
    else found[at] = { ...found[at]!, count: found[at]!.count + 1 }
  }
  return found.sort((a, b) => b.count - a.count)
}

function targetOf<T>(all: readonly Known<T>[], wanted: string | undefined, analyte: Analyte | undefined): Target | null {
  const written = labels(all)
  const fits = analyte ? written.filter(t => converter(t.unit, usual.get(analyte.key)!, analyte)) : written
  return fits.find(t => t.label === wanted) ?? fits[0] ?? written[0] ?? null
}

type Into = (from: Unit) => Converter | null

/** Most points of a series come in one unit. */
function convertersTo(target: Unit | undefined, analyte: Analyte | undefined): Into {
  const made = new Map<Unit, Converter | null>()
  return from => {
    if (!made.has(from)) made.set(from, target ? converter(from, target, analyte) : null)
    return made.get(from)!
  }
}

function pointOf<T>(k: Known<T>, target: Unit, into: Into): Point<T> | null {
  const { measure, unit } = k
  const convert = unit && into(unit)
  if (measure.value === undefined || !convert) return null
  const ranged = measure.rangeUnit === undefined ? unit : unitOf({ ucum: measure.rangeUnit, unit: measure.rangeUnit })
  const limit = ranged && into(ranged)
  const low = limit && measure.low !== undefined ? limit(Number(measure.low)) : undefined
  const high = limit && measure.high !== undefined ? limit(Number(measure.high)) : undefined
  const value = convert(Number(measure.value))
  const outside = outsideOf(measure, value, low, high)
  return {
    at: k.at,
    date: k.date,
    value,
    ...(low === undefined ? {} : { low }),
    ...(high === undefined ? {} : { high }),
    ...(outside ? { outside } : {}),
    converted: !sameUnit(unit, target),
    measure,
    of: k.of,
  }
}

const FLAGS: Readonly<Record<string, Outside>> = {
  L: 'low',
  LL: 'low',
  LU: 'low',
  '<': 'low',
  H: 'high',
  HH: 'high',
  HU: 'high',
  '>': 'high',
  A: 'abnormal',
  AA: 'abnormal',
}

/** By the flag of whoever measured it, else by its range: a value that is called normal is still shown to be outside. A comparator can only point one way. */
function outsideOf(m: Measure, value: number, low: number | undefined, high: number | undefined): Outside | undefined {
  const flagged = m.flag ? FLAGS[m.flag] : undefined
  if (flagged && flagged !== 'abnormal') return flagged
  // A rounding error of a conversion puts nothing outside.
  const slack = Math.abs(value) * 1e-9
  if (low !== undefined && value < low - slack && !m.comparator?.startsWith('>')) return 'low'
  if (high !== undefined && value > high + slack && !m.comparator?.startsWith('<')) return 'high'
  return flagged
}

function apartFrom<T>({ measure, date, at, of }: Known<T>): Apart<T> {
  const why = measure.value === undefined ? 'words' : Number.isNaN(at) ? 'undated' : 'unit'
  const flagged = measure.flag ? FLAGS[measure.flag] : undefined
  return { why, date, ...(flagged ? { outside: flagged } : {}), measure, of }
}
