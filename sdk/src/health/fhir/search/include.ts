/** `_include` and `_revinclude` (R4 3.1.1.5.4): what matches refer to, and what refers to them. */
import { type Context, mayShow } from './clause.ts'
import type { Include } from './query.ts'
import { referenceOf } from './reference.ts'
import type { Column, Table } from './table.ts'
import type { SearchIssue, Version } from './types.ts'

/** Included resources on one page; more would be another search. */
const MAX_INCLUDED = 5000

export const TOO_MANY: SearchIssue = {
  severity: 'warning',
  code: 'too-costly',
  text: `Only the first ${MAX_INCLUDED} included resources are here`,
}

/** What is asked again for each of many versions is found once: which columns an include names, and what a reference leads to. */
type Looking = {
  readonly context: Context
  readonly columns: Map<string, readonly Column[]>
  readonly targets: Map<string, Version | null>
}

/** The columns an include names; all references of a type for `*`. */
function columns(table: Table | undefined, { code }: Include, looking: Looking): readonly Column[] {
  if (!table) return []
  const key = `${table.type} ${code}`
  const known = looking.columns.get(key)
  if (known) return known
  const { registry } = looking.context.store
  const codes = code === '*' ? [...registry.of(table.type).values()].filter(p => p.type === 'reference').map(p => p.code) : [code]
  const found = codes.map(c => table.column(c)).filter(c => c !== undefined && c.references !== null) as Column[]
  looking.columns.set(key, found)
  return found
}

function targetOf(reference: string, { context, targets }: Looking): Version | null {
  const known = targets.get(reference)
  if (known !== undefined) return known
  const found = shown(context.store.resolve(reference), context)
  targets.set(reference, found)
  return found
}

function shown(version: Version | null | undefined, context: Context): Version | null {
  if (!version?.resource) return null
  const table = context.store.table(version.type)
  const row = table?.rowOf(version.id)
  return table && row !== undefined && mayShow(table, row, context) ? version : null
}

function forward(version: Version, include: Include, looking: Looking, take: (v: Version) => void): void {
  if ((include.type !== '*' && include.type !== version.type) || !version.resource) return
  for (const column of columns(looking.context.store.table(version.type), include, looking))
    column.values(version.resource, (value, path) => {
      const { text } = referenceOf(value)
      const target = text === undefined ? null : targetOf(text, looking)
      if (!target || (include.target !== null && target.type !== include.target)) return
      if (!path.is || path.is.includes(target.type)) take(target)
    })
}

function backward(version: Version, include: Include, looking: Looking, take: (v: Version) => void): void {
  const { context } = looking
  if (include.target !== null && include.target !== version.type) return
  const names = context.store.namesOf(version.type, version.id)
  const sources = include.type === '*' ? context.store.tables() : [context.store.table(include.type)]
  for (const table of sources)
    for (const column of columns(table, include, looking))
      for (const row of column.references!.to(names).rows()) {
        const source = shown(table!.versions()[row], context)
        if (source) take(source)
      }
}

type Included = { readonly versions: readonly Version[]; readonly all: boolean }
type Including = { readonly includes: readonly Include[]; readonly revincludes: readonly Include[] }

/** What the matches of a page bring along, each once, without the matches themselves; `all` is false when there was too much. */
export function included(matches: readonly Version[], including: Including, context: Context): Included {
  const steps = includedBySteps(matches, including, context)
  let step = steps.next()
  while (!step.done) step = steps.next()
  return step.value
}

/** Versions that are followed in one turn. */
const TURN = 64

/** The same in pieces, for whoever lets others have their turn between two. */
export function* includedBySteps(
  matches: readonly Version[],
  { includes, revincludes }: Including,
  context: Context,
): Generator<undefined, Included> {
  const looking: Looking = { context, columns: new Map(), targets: new Map() }
  const found = new Map<string, Version>()
  const known = new Set(matches.map(v => `${v.type}/${v.id}`))
  let wave: readonly Version[] = matches
  for (let round = 0; wave.length > 0; round++) {
    const next: Version[] = []
    const take = (v: Version): void => {
      const key = `${v.type}/${v.id}`
      if (known.has(key) || found.size >= MAX_INCLUDED) return
      known.add(key)
      found.set(key, v)
      next.push(v)
    }
    for (const [n, version] of wave.entries()) {
      if (n % TURN === TURN - 1) yield
      for (const i of includes) if (round === 0 || i.iterate) forward(version, i, looking, take)
      for (const i of revincludes) if (round === 0 || i.iterate) backward(version, i, looking, take)
    }
    wave = next
  }
  return { versions: [...found.values()], all: found.size < MAX_INCLUDED }
}
