/**
 * What a clause of a search comes to before it is carried out: how many rows at most, which, and whether one is among them. A conjunction
 * takes the rows of its smallest plan and asks the others about each.
 */

/** Row numbers of one resource type, ascending, each once. */
export type Rows = readonly number[]
export type Plan = {
  /** Upper bound of the number of rows, without counting them. */
  readonly size: number
  /** `size` is their number. */
  readonly exact?: true
  readonly rows: () => Rows
  readonly has: (row: number) => boolean
}

/** Rows of one key, as an index keeps them: most keys have only one. */
export type Posting = number | number[]

export const NONE: Plan = { size: 0, rows: () => [], has: () => false }

/** The position of the first row that is not below `row`. */
export function lowerBound(rows: Rows, row: number): number {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (rows[middle]! < row) low = middle + 1
    else high = middle
  }
  return low
}

export const listPlan = (rows: Rows): Plan => ({
  size: rows.length,
  exact: true,
  rows: () => rows,
  has: row => rows[lowerBound(rows, row)] === row,
})

export const postingPlan = (posting: Posting | undefined): Plan =>
  posting === undefined ? NONE : listPlan(typeof posting === 'number' ? [posting] : posting)

/** Rows in any order and repeated, put in order. */
export function ordered(rows: readonly number[]): Rows {
  let last = -1
  let sorted = true
  for (const row of rows) {
    if (row <= last) sorted = false
    if (row > last) last = row
  }
  if (sorted) return rows
  return rows.length * 8 > last ? marked(rows, last) : distinct(Int32Array.from(rows).sort())
}

function distinct(sorted: Int32Array): number[] {
  const out: number[] = []
  for (let i = 0; i < sorted.length; i++) if (i === 0 || sorted[i] !== sorted[i - 1]) out.push(sorted[i]!)
  return out
}

/** Where many of all rows are wanted, marking each is faster than sorting them. */
function marked(rows: readonly number[], last: number): number[] {
  const marks = new Uint8Array(last + 1)
  for (const row of rows) marks[row] = 1
  const out: number[] = []
  for (let row = 0; row <= last; row++) if (marks[row]) out.push(row)
  return out
}

/** A plan whose rows are only made when they are wanted, once. */
export function lazyPlan(size: number, make: () => Rows, has?: (row: number) => boolean): Plan {
  let made: Plan | undefined
  const whole = (): Plan => {
    made ??= listPlan(make())
    return made
  }
  return { size, rows: () => whole().rows(), has: has ?? (row => whole().has(row)) }
}

export function union(plans: readonly Plan[]): Plan {
  const some = plans.filter(p => p.size > 0)
  if (some.length < 2) return some[0] ?? NONE
  const size = some.reduce((n, p) => n + p.size, 0)
  const make = (): Rows => ordered(some.flatMap(p => p.rows()))
  // A handful is asked one by one; many are merged once.
  return lazyPlan(size, make, some.length <= 4 ? row => some.some(p => p.has(row)) : undefined)
}

/** Rows that are made and put in order cost several times those of a list, and memory; each row of a list is asked about instead. */
const weight = ({ size, exact }: Plan): number => (exact ? size : 4 * size)

/** `count` is that of all rows: a plan that has each of them, as the patient's has in a record of one, is not asked about any. */
export function intersection(plans: readonly Plan[], count = Number.POSITIVE_INFINITY): Plan {
  const [first, ...rest] = plans.toSorted((a, b) => weight(a) - weight(b))
  if (!first) throw new RangeError('an intersection of nothing')
  const others = rest.filter(p => !(p.exact && p.size >= count))
  if (!others.length) return first
  const make = (): Rows => {
    const out: number[] = []
    for (const row of first.rows()) if (inAll(others, row)) out.push(row)
    return out
  }
  return lazyPlan(first.size, make, row => first.has(row) && inAll(others, row))
}

/** A closure for each of thousands of rows would be most of what a search leaves to be collected. */
function inAll(plans: readonly Plan[], row: number): boolean {
  for (const plan of plans) if (!plan.has(row)) return false
  return true
}

/** Everything of `count` rows that is not in the plan. */
export function complement(plan: Plan, count: number): Plan {
  const make = (): Rows => {
    const out: number[] = []
    for (let row = 0; row < count; row++) if (!plan.has(row)) out.push(row)
    return out
  }
  return lazyPlan(count, make, row => !plan.has(row))
}

export const everything = (count: number): Plan =>
  lazyPlan(
    count,
    () => Array.from({ length: count }, (_, row) => row),
    row => row < count,
  )

/** Rows come in ascending order; the same row twice is noted once. */
export function post<K>(map: Map<K, Posting>, key: K, row: number): void {
  const known = map.get(key)
  if (known === undefined) map.set(key, row)
  else map.set(key, posted(known, row))
}

export function posted(posting: Posting, row: number): Posting {
  if (typeof posting === 'number') return posting === row ? posting : [posting, row]
  if (posting.at(-1) !== row) posting.push(row)
  return posting
}

/** The union of postings, merged only when wanted. */
export function postings(list: readonly Posting[]): Plan {
  if (list.length <= 4) return union(list.map(postingPlan))
  let size = 0
  for (const p of list) size += typeof p === 'number' ? 1 : p.length
  return lazyPlan(size, () => ordered(list.flat()))
}
