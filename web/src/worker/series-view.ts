import type { Apart, Line, Point, Series } from '@keepwell/sdk/health/series'
import type { ApartRow, Outside, ResultLine, SeriesLine, SeriesRow, SeriesView, Spark } from '#rpc/results.ts'
import type { Item } from './entries.ts'

/** Series as plain views. `of` names the record a point comes from. */
type Of = { readonly item: Pick<Item, 'row'>; readonly performer: string }

const OUTSIDE: readonly (Outside | undefined)[] = [undefined, 'low', 'high', 'abnormal']
/** Points of a small drawing. */
const SPARKS = 48

const worst = (all: readonly (Outside | undefined)[]): Outside | null => all.find(Boolean) ?? null

/** The newest of each line, when they are of the same record. */
function latestPoints<T>({ lines }: Series<T>): Point<T>[] {
  const ends = lines.flatMap(l => l.points.at(-1) ?? [])
  const newest = ends.reduce<Point<T> | null>((best, p) => (!best || p.at > best.at ? p : best), null)
  return ends.filter(p => p.of === newest?.of)
}

export function lineView<T extends Of>(key: string, s: Series<T>): ResultLine {
  const latest = latestPoints(s)
  const said = s.apart[0]
  const date = latest[0]?.date ?? said?.date ?? ''
  const count = Math.max(0, ...s.lines.map(l => l.points.length)) + s.apart.length
  return {
    key,
    analyte: s.analyte,
    name: s.name,
    group: s.group,
    unit: s.unit,
    latest: latest.map(p => shown(p)),
    words: latest.length ? '' : (said?.measure.text ?? writtenAs(said?.measure)),
    comparator: latest[0]?.measure.comparator ?? '',
    date,
    outside: latest.length ? worst(latest.map(p => p.outside)) : (said?.outside ?? null),
    count,
    apart: s.apart.length,
    from: signers(s),
    spark: sparks(s.lines),
  }
}

function signers<T extends Of>(s: Series<T>): (string | null)[] {
  const names = new Set<string | null>()
  for (const { points } of s.lines) for (const p of points.toReversed()) names.add(p.of.item.row.author ?? null)
  for (const a of s.apart) names.add(a.of.item.row.author ?? null)
  return [...names].slice(0, 3)
}

/** A converted number is as exact as four digits; one that was written is what was written. */
const shown = ({ value, converted }: Pick<Point<unknown>, 'value' | 'converted'>): number =>
  converted ? Number(value.toPrecision(4)) : value

function writtenAs(measure: Point<unknown>['measure'] | undefined): string {
  if (!measure) return ''
  return [measure.comparator, measure.value ?? measure.text, measure.unit].filter(Boolean).join(' ')
}

/** Evenly taken over the points, with every stretch's extreme kept: an outlier is what the eye looks for. */
function sparks<T>(lines: readonly Line<T>[]): Spark[] {
  const all = lines.flatMap(l => l.points)
  if (all.length < 2) return []
  const [from, to] = extent(all.map(p => p.at))
  const [least, most] = extent(all.map(p => p.value))
  return lines.map(({ points }) => {
    const taken = thinned(points)
    return {
      x: taken.map(p => (to > from ? (p.at - from) / (to - from) : 0.5)),
      y: taken.map(p => (most > least ? (p.value - least) / (most - least) : 0.5)),
      outside: taken.map(p => p.outside !== undefined),
    }
  })
}

function extent(values: readonly number[]): [number, number] {
  let least = Number.POSITIVE_INFINITY
  let most = Number.NEGATIVE_INFINITY
  for (const v of values) {
    least = Math.min(least, v)
    most = Math.max(most, v)
  }
  return [least, most]
}

function thinned<T>(points: readonly Point<T>[]): Point<T>[] {
  if (points.length <= SPARKS) return [...points]
  const out: Point<T>[] = []
  const step = points.length / SPARKS
  let before = points[0]!.value
  for (let i = 0; i < SPARKS; i++) {
    const part = points.slice(Math.floor(i * step), Math.max(Math.floor(i * step) + 1, Math.floor((i + 1) * step)))
    const far = part.reduce((best, p) => (Math.abs(p.value - before) > Math.abs(best.value - before) ? p : best))
    out.push(far)
    before = far.value
  }
  return out
}

function lineData<T>({ role, points }: Line<T>): SeriesLine {
  const of = (value: (p: Point<T>) => number): Float64Array => Float64Array.from(points, value)
  return {
    role,
    at: of(p => p.at / 1000),
    value: of(p => p.value),
    low: of(p => p.low ?? Number.NaN),
    high: of(p => p.high ?? Number.NaN),
    outside: Uint8Array.from(points, p => OUTSIDE.indexOf(p.outside)),
  }
}

export function seriesView<T extends Of>(key: string, s: Series<T>): SeriesView {
  const converted = new Map<string, number>()
  const names = new Set<string>()
  for (const { points } of s.lines)
    for (const p of points) {
      names.add(p.measure.name)
      const unit = p.measure.unit ?? p.measure.ucum ?? ''
      if (p.converted) converted.set(unit, (converted.get(unit) ?? 0) + 1)
    }
  return {
    key,
    analyte: s.analyte,
    name: s.name,
    group: s.group,
    unit: s.unit,
    units: s.units,
    lines: s.lines.map(lineData),
    rows: tableOf(s).length,
    apart: s.apart.map(apartRow),
    converted: [...converted].map(([unit, count]) => ({ unit, count })),
    names: [...names].slice(0, 12),
  }
}

const apartRow = <T extends Of>({ why, measure, of, date, outside }: Apart<T>): ApartRow => ({
  ...originOf(of),
  date,
  outside: outside ?? null,
  why,
  text: writtenAs(measure),
})

const originOf = ({ item: { row }, performer }: Of) => ({ record: row.id, author: row.author ?? null, trust: row.trust, performer })

type TableRow<T> = { readonly at: number; readonly points: readonly (Point<T> | null)[] }

const tables = new WeakMap<Series<unknown>, readonly TableRow<unknown>[]>()

/** Rows of the table, newest first; points of one record on one row. */
function tableOf<T>(s: Series<T>): readonly TableRow<T>[] {
  const known = tables.get(s)
  if (known) return known as readonly TableRow<T>[]
  const rows = new Map<T, (Point<T> | null)[]>()
  const alone: TableRow<T>[] = []
  s.lines.forEach(({ points }, line) => {
    for (const p of points) {
      const row = rows.get(p.of)
      if (row && !row[line]) row[line] = p
      else if (row || s.lines.length === 1) alone.push({ at: p.at, points: [p] })
      else
        rows.set(
          p.of,
          Array.from(s.lines, (_, i) => (i === line ? p : null)),
        )
    }
  })
  const all = [...[...rows.values()].map(points => ({ at: points.find(p => p)!.at, points })), ...alone]
  all.sort((a, b) => b.at - a.at)
  tables.set(s, all)
  return all
}

export const rowsOf = <T extends Of>(s: Series<T>, from: number, to: number): SeriesRow[] =>
  tableOf(s)
    .slice(from, to)
    .map(({ points }) => {
      const first = points.find(p => p)!
      return {
        ...originOf(first.of),
        date: first.date,
        outside: worst(points.map(p => p?.outside)),
        values: points.map(p => p && shown(p)),
        comparator: first.measure.comparator ?? '',
        low: first.low === undefined ? null : shown({ value: first.low, converted: first.converted }),
        high: first.high === undefined ? null : shown({ value: first.high, converted: first.converted }),
        written: points.some(p => p?.converted) ? points.map(p => writtenAs(p?.measure)).join(', ') : '',
        flag: first.measure.flag ?? '',
      }
    })
