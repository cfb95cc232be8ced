/** How closely a timeline is looked at. */
export const UNITS = ['decade', 'year', 'month', 'day'] as const
export type Unit = (typeof UNITS)[number]

const LENGTH: Readonly<Record<Unit, number>> = { decade: 3, year: 4, month: 7, day: 10 }

/** The stretch of time a date lies in, as the beginning of the date: `201`, `2014`, `2014-03`, `2014-03-07`. A vague date gives what it has. */
export const periodOf = (date: string, unit: Unit): string => date.slice(0, LENGTH[unit])

/** The unit that a stretch of time has; null for all of it. */
export const unitOf = (period: string): Unit | null => (period ? (UNITS.find(u => LENGTH[u] >= period.length) ?? 'day') : null)

export const finer = (unit: Unit): Unit => UNITS[Math.min(UNITS.length - 1, UNITS.indexOf(unit) + 1)]!

type Dated = { readonly date: string }

export type Stretch<T extends Dated> = { readonly key: string; readonly items: readonly T[] }

/** Dated items by stretches of time, newest first, as their items are. */
export function stretches<T extends Dated>(items: readonly T[], unit: Unit): Stretch<T>[] {
  const groups = Map.groupBy(
    items.filter(i => i.date),
    i => periodOf(i.date, unit),
  )
  return [...groups].map(([key, list]) => ({ key, items: list })).sort((a, b) => (a.key < b.key ? 1 : a.key > b.key ? -1 : 0))
}

/** More bars than this cannot be told apart on a phone. */
const BARS = 120

/**
 * How many items lie in each stretch of time, empty ones included, oldest first: all of `around` when that is given, else from the first
 * item to the last. In `unit`, or in the finest coarser one that gives few enough.
 */
export function histogram(
  dates: readonly string[],
  unit: Unit,
  around = '',
): { readonly unit: Unit; readonly bars: { key: string; count: number }[] } {
  const span = spanOf(dates, unit)
  const [first, last] = span && around && around.length < LENGTH[unit] ? edges(around, unit) : (span ?? [])
  const all = span ? between(first!, last!, unit) : []
  if (!all && unit !== 'decade') return histogram(dates, UNITS[UNITS.indexOf(unit) - 1]!, around)
  const counts = countsOf(dates, unit)
  return { unit, bars: (all ?? [...counts.keys()].sort()).map(key => ({ key, count: counts.get(key) ?? 0 })) }
}

/** The first and the last unit that anything lies in. A date vaguer than the unit cannot be placed. */
function spanOf(dates: readonly string[], unit: Unit): [string, string] | null {
  let first: string | null = null
  let last: string | null = null
  for (const date of dates) {
    if (date.length < LENGTH[unit]) continue
    if (first === null || date < first) first = date
    if (last === null || date > last) last = date
  }
  return first === null || last === null ? null : [periodOf(first, unit), periodOf(last, unit)]
}

/** Dates mostly come in order, so that the next is in the same unit as the one before. */
function countsOf(dates: readonly string[], unit: Unit): Map<string, number> {
  const counts = new Map<string, number>()
  let key = ''
  let run = 0
  const put = (): void => void (run && counts.set(key, (counts.get(key) ?? 0) + run))
  for (const date of dates) {
    if (date.length < LENGTH[unit]) continue
    if (!run || !date.startsWith(key)) {
      put()
      key = periodOf(date, unit)
      run = 0
    }
    run++
  }
  put()
  return counts
}

/** The first and the last unit of a stretch. */
function edges(stretch: string, unit: Unit): [string, string] {
  const at = (year: string, month: string, day: string): string =>
    `${stretch}${['', year, month, day].slice(UNITS.indexOf(unitOf(stretch)!) + 1).join('')}`
  const first = at('0', '-01', '-01').slice(0, LENGTH[unit])
  const last = at('9', '-12', '-31').slice(0, LENGTH[unit])
  return [first, last]
}

/** Every stretch from the first to the last; null when there are too many. */
function between(first: string, last: string, unit: Unit): string[] | null {
  const out: string[] = []
  for (let key = first; key <= last; key = next(key, unit)) if (out.push(key) > BARS) return null
  return out
}

function next(key: string, unit: Unit): string {
  if (unit === 'decade' || unit === 'year') return String(Number(key) + 1).padStart(LENGTH[unit], '0')
  const [year = 0, month = 1, day = 1] = key.split('-').map(Number)
  const at = unit === 'month' ? Date.UTC(year, month, 1) : Date.UTC(year, month - 1, day + 1)
  return new Date(at).toISOString().slice(0, LENGTH[unit])
}

/** What may stand for a stretch of time. */
export type Told = {
  readonly date: string
  readonly type: string
  readonly title: string
  readonly codes: readonly { readonly code: string }[]
}

const WEIGHTS: Readonly<Record<string, number>> = {
  Procedure: 4,
  Condition: 4,
  Device: 4,
  AllergyIntolerance: 3,
  ImagingStudy: 2,
  dicom: 2,
  Immunization: 1.5,
  MedicationRequest: 1,
  MedicationStatement: 1,
}
/** Classes of an encounter (HL7 v3 ActCode) that mean a stay or an emergency. */
const STAYS = new Set(['IMP', 'ACUTE', 'NONAC', 'EMER'])
/** SNOMED CT's own mark of what is no disorder: jobs, schooling, reviews. */
const BESIDE = /\((finding|situation|observable entity|regime\/therapy)\)$/i

function weight({ type, title, codes }: Told): number {
  if (type === 'Encounter') return codes.some(c => STAYS.has(c.code)) ? 6 : 0
  const own = WEIGHTS[type] ?? 0
  return BESIDE.test(title) ? own / 4 : own
}

/**
 * Picks what to tell of a stretch of time: what weighs most by its kind, and what a life has seldom before what it has often. One of each
 * title.
 */
export function teller<T extends Told>(all: readonly T[]): (items: readonly T[], most: number) => T[] {
  const often = new Map<string, number>()
  for (const { title } of all) often.set(title, (often.get(title) ?? 0) + 1)
  const worth = (item: T): number => {
    const own = weight(item)
    return own ? own - Math.log2(often.get(item.title) ?? 1) * 0.8 : Number.NEGATIVE_INFINITY
  }
  return (items, most) => {
    const best = new Map<string, { item: T; worth: number }>()
    for (const item of items) {
      const value = worth(item)
      if (value > Number.NEGATIVE_INFINITY && !best.has(item.title)) best.set(item.title, { item, worth: value })
    }
    return [...best.values()]
      .sort((a, b) => b.worth - a.worth)
      .slice(0, most)
      .map(b => b.item)
  }
}
