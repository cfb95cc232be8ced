/** FHIR R4 search over a store (https://hl7.org/fhir/R4/search.html): pure, synchronous, on indexes only. */
import { type Context, compartmentPlan, isRefusal, mayShow, planOf, visibleRows } from './clause.ts'
import { included, TOO_MANY } from './include.ts'
import { everything, intersection, type Plan, type Rows } from './plan.ts'
import { about, type Include, type Query, readQuery, safeName } from './query.ts'
import { collect, inOrder, newKeys } from './sort.ts'
import type { Inner, Snapshot } from './store.ts'
import type { Table } from './table.ts'
import type { Conditional, Params, SearchInput, SearchIssue, SearchResult, Store, Version } from './types.ts'

const inner = (store: Store): Inner => store as Inner

const contextOf = (store: Inner, { now, terminology, visible }: Pick<SearchInput, 'now' | 'terminology' | 'visible'>): Context => ({
  store,
  now,
  ...(terminology ? { terminology } : {}),
  ...(visible ? { visible } : {}),
  seen: new Map(),
})

/** A query as far as it can be carried out. */
type Plans = {
  readonly query: Query
  readonly plans: readonly { readonly table: Table; readonly plan: Plan }[]
  readonly dropped: ReadonlySet<string>
  readonly issues: readonly SearchIssue[]
  readonly refused: boolean
}

function typesOf(store: Inner, input: SearchInput, query: Query, issues: SearchIssue[]): readonly string[] {
  const wanted = input.type !== null ? [input.type] : (query.types ?? store.types())
  const unknown = wanted.some(type => !store.registry.isType(type))
  if (unknown) issues.push(about('_type', 'error', 'invalid', 'Not a resource type of FHIR R4'))
  return wanted.filter(type => store.registry.isType(type))
}

/** Parameters of these names are looked up by their own code, not by a column. */
const OWN = new Set(['_id', '_has', '_list', '_text', '_content'])

/** Types with nothing in them have no indexes to ask; their questions are judged all the same. */
function plansOf(store: Inner, input: SearchInput, context: Context): Plans {
  const query = readQuery(input)
  const issues = [...query.issues]
  const dropped = new Set<string>()
  const types = typesOf(store, input, query, issues)
  const tables = types.map(type => store.tableOf(type))
  const plans = tables.map(table => ({ table, parts: [] as Plan[] }))
  for (const clause of query.clauses) {
    const missing = plans.length > 0 && !plans.every(({ table }) => OWN.has(clause.code) || table.column(clause.code))
    if (missing) {
      const where = input.type ?? 'Not every type searched'
      issues.push(
        about(
          safeName(clause.name),
          input.handling === 'strict' ? 'error' : 'warning',
          'not-supported',
          `${where} has no search parameter of that name here`,
        ),
      )
      dropped.add(clause.name)
      continue
    }
    for (const { table, parts } of plans) {
      const plan = planOf(table, clause, context)
      if (!isRefusal(plan)) parts.push(plan)
      else {
        issues.push(plan.unknown && input.handling !== 'strict' ? { ...plan.refusal, severity: 'warning' } : plan.refusal)
        dropped.add(clause.name)
        break
      }
    }
  }
  for (const { table, parts } of plans) if (input.compartment) parts.push(compartmentPlan(table, input.compartment.id, context))
  checkIncludes(store, query, issues)
  checkSort(tables, query, issues)
  const unknownOnly = input.handling !== 'strict'
  const settled = issues.map(i => (unknownOnly && i.code === 'not-supported' && isControl(i) ? { ...i, severity: 'warning' as const } : i))
  return {
    query,
    plans: plans.map(({ table, parts }) => ({
      table,
      plan: parts.length ? intersection(parts, table.versions().length) : everything(table.versions().length),
    })),
    dropped,
    issues: settled,
    refused: settled.some(i => i.severity === 'error'),
  }
}

/** Parameters that only order or shape the answer may be left out of a lenient search when they are not supported. */
const isControl = (issue: SearchIssue): boolean =>
  /^http\.(_contained|_containedType|_score|_sort|_include|_revinclude)/.test(issue.expression ?? '')

function checkIncludes(store: Inner, query: Query, issues: SearchIssue[]): void {
  const bad = ({ type, code }: Include): boolean =>
    type !== '*' && !(store.registry.isType(type) && (code === '*' || store.registry.of(type).get(code)?.type === 'reference'))
  for (const i of [...query.includes, ...query.revincludes])
    if (bad(i)) issues.push(about(i.name, 'error', 'not-supported', 'Not a reference parameter of that type'))
}

function checkSort(tables: readonly Table[], query: Query, issues: SearchIssue[]): void {
  const known = (code: string): boolean =>
    code === '_id' || tables.every(t => (t.column(code)?.parameter.type ?? 'composite') !== 'composite')
  for (const { code } of query.sort)
    if (!known(code)) issues.push(about('_sort', 'error', 'not-supported', 'Not a parameter that can be sorted by'))
}

const REFUSED: Pick<SearchResult, 'matches' | 'includes' | 'total' | 'next' | 'previous' | 'refused'> = {
  matches: [],
  includes: [],
  total: 0,
  next: null,
  previous: null,
  refused: true,
}

type Page = Snapshot & {
  readonly query: Query
  readonly used: Params
  readonly unused: readonly string[]
  readonly issues: readonly SearchIssue[]
  readonly total: number
  readonly partial: boolean
  /** The first `n` in their order. */
  readonly upTo: (n: number) => readonly Version[]
}

/** The versions of rows of several tables, one table after another: by their place in it all, and all of them. */
function versionsOf(parts: readonly { readonly table: Table; readonly rows: Rows }[]) {
  const [only] = parts
  const at = (i: number): Version => {
    let place = i
    for (const { table, rows } of parts) {
      if (place < rows.length) return table.versions()[rows[place]!]!
      place -= rows.length
    }
    throw new RangeError('no such place')
  }
  // A row is another version's, or nobody's, when the store has changed.
  let made: readonly Version[] | undefined
  return {
    total: parts.length === 1 ? only!.rows.length : parts.reduce((n, p) => n + p.rows.length, 0),
    at: (i: number): Version => (made ? made[i]! : at(i)),
    all: (): readonly Version[] => (made ??= parts.flatMap(({ table, rows }) => rows.map(row => table.versions()[row]!))),
  }
}

function snapshotOf({ query, plans, dropped, issues }: Plans, context: Context, partial: SearchIssue | undefined): Page {
  const { sort } = query
  const parts = plans.map(({ table, plan }) => ({ table, rows: visibleRows(table, plan, context) }))
  const tables = plans.map(p => p.table)
  const keys = sort.map(key => newKeys(key, tables))
  for (const { table, rows } of parts) for (const [i, key] of sort.entries()) collect(keys[i]!, table, rows, key)
  const { total, at, all } = versionsOf(parts)
  let whole: readonly Version[] | undefined
  return {
    question: JSON.stringify([tables.map(t => t.type), query, [...dropped], issues, partial ?? null]),
    found: all,
    rows: parts.map(p => p.rows),
    query,
    used: query.used.filter(([name]) => !dropped.has(name)),
    unused: [...query.unused, ...dropped],
    issues: partial ? [...issues, partial] : issues,
    total,
    partial: partial !== undefined,
    upTo: n => {
      // The first page is picked out; from the second on, all is put in order once.
      if (whole === undefined && n <= query.offset + query.count)
        return sort.length ? inOrder(total, keys, n).map(at) : Array.from({ length: Math.min(n, total) }, (_, i) => at(i))
      whole ??= sort.length ? inOrder(total, keys).map(at) : all()
      return whole
    },
  }
}

/** Whether a found version is still there, and may still be seen. */
function present(version: Version, context: Context): boolean {
  const { type, id, versionId } = version
  const table = context.store.table(type)
  const row = table?.rowOf(id)
  if (row !== undefined && !mayShow(table!, row, context)) return false
  return (row !== undefined && table!.versions()[row] === version) || context.store.vread(type, id, versionId) !== null
}

function pageOf(page: Page, from: number, context: Context, token: () => string): SearchResult {
  const { query, used, unused, total } = page
  const counting = query.shape.summary === 'count' || query.count === 0
  const to = counting ? from : Math.min(total, from + query.count)
  const matches = page
    .upTo(to)
    .slice(from, to)
    .filter(v => present(v, context))
  const brought =
    counting || !(query.includes.length || query.revincludes.length) ? { versions: [], all: true } : included(matches, query, context)
  const issues = brought.all ? page.issues : [...page.issues, TOO_MANY]
  return {
    matches,
    includes: brought.versions,
    total: page.partial || (query.total === 'none' && !counting) ? null : total,
    next: !counting && to < total ? `${token()}-${to}` : null,
    previous: !counting && from > 0 ? `${token()}-${Math.max(0, from - query.count)}` : null,
    used,
    unused,
    issues,
    refused: false,
    shape: query.shape,
  }
}

/** Searches; see `SearchInput` and `SearchResult`. Never throws for what a client asked. */
export function search(store: Store, input: SearchInput): SearchResult {
  const own = inner(store)
  const context = contextOf(own, input)
  const plans = plansOf(own, input, context)
  const { query, dropped, issues, refused } = plans
  if (refused) return { ...REFUSED, used: query.used.filter(([n]) => !dropped.has(n)), unused: query.unused, issues, shape: query.shape }
  const page = snapshotOf(plans, context, input.partial)
  let token: string | undefined
  return pageOf(page, Math.min(query.offset, page.total), context, () => {
    token ??= own.remember(page)
    return token
  })
}

/** A result of what was found otherwise, in pages of `count`. */
export function listed(
  store: Inner,
  versions: readonly Version[],
  count: number,
  context: Context,
  issues: readonly SearchIssue[],
): SearchResult {
  const query: Query = { ...readQuery({ params: [], defaultCount: count, maxCount: count }), clauses: [] }
  const page: Page = {
    question: JSON.stringify([query, issues]),
    found: () => versions,
    query,
    used: [],
    unused: [],
    issues,
    total: versions.length,
    partial: false,
    upTo: () => versions,
  }
  return pageOf(page, 0, context, () => store.remember(page))
}

const GONE: SearchResult = {
  ...REFUSED,
  used: [],
  unused: [],
  issues: [about('_cursor', 'error', 'expired', 'This search is no longer kept; search again')],
  shape: { summary: 'false', elements: null },
}

/**
 * Another page of a search, by the cursor an earlier page gave. It shows what was found then: nothing twice and nothing left out, however
 * much was written meanwhile; what was removed since is not shown. Refused with an `expired` issue when the search is no longer kept.
 */
export function searchPage(store: Store, cursor: string, input: Pick<SearchInput, 'now' | 'terminology' | 'visible'>): SearchResult {
  const own = inner(store)
  const m = /^([0-9a-z]{1,12})-(\d{1,9})$/.exec(cursor)
  const page = m && (own.recall(m[1]!) as Page | null)
  if (!page) return GONE
  return pageOf(page, Math.min(Number(m[2]), page.total), contextOf(own, input), () => m[1]!)
}

/** What a conditional interaction finds (https://hl7.org/fhir/R4/http.html#ccreate); always strict, as a parameter left out would widen it. */
export function conditional(store: Store, input: SearchInput): Conditional {
  const { refused, issues, total, matches } = search(store, { ...input, handling: 'strict', params: [...input.params, ['_count', '2']] })
  if (refused) return { found: 'refused', issues }
  const [version] = matches
  return total === 1 && version ? { found: 'one', version } : total === 0 ? { found: 'none' } : { found: 'many', total: total ?? 0 }
}

/** Whether the current version of a resource meets all filters; false too when a filter cannot be understood. */
export function matches(store: Store, { type, id }: Pick<Version, 'type' | 'id'>, input: Omit<SearchInput, 'type'>): boolean {
  const own = inner(store)
  const context = contextOf(own, input)
  const { plans, refused } = plansOf(own, { ...input, type, handling: 'strict' }, context)
  const [one] = plans
  const row = one?.table.rowOf(id)
  return (
    !refused &&
    row !== undefined &&
    one!.plan.has(row) &&
    visibleRows(one!.table, { size: 1, rows: () => [row], has: r => r === row }, context).length === 1
  )
}
