/** All indexes of one resource type. A row is one version of one resource; rows only grow, and dead ones are swept when they are many. */
import type { Path } from './compile.ts'
import { dateIndex } from './date-index.ts'
import type { Component, Parameter, ParameterType } from './parameters.ts'
import { intersection, lazyPlan, listPlan, ordered, type Plan, type Rows } from './plan.ts'
import { numberIndex, quantityIndex } from './quantity-index.ts'
import { isProblem, type ParameterIndex, type Problem, type Question, split } from './question.ts'
import type { RangeIndex } from './range-index.ts'
import { type ReferenceIndex, referenceIndex } from './reference-index.ts'
import { stringIndex } from './string-index.ts'
import { type TextIndex, textIndex } from './text-index.ts'
import { tokenIndex } from './token-index.ts'
import type { FhirResource, Version } from './types.ts'
import { uriIndex } from './uri-index.ts'
import { type Walker, walkerOf } from './walk.ts'

export type Column = {
  readonly parameter: Parameter
  readonly ask: (question: Question) => Plan | Problem
  /** Rows that have a value. */
  readonly present: () => Plan
  /** Calls `visit` with each value of a resource. */
  readonly values: (resource: FhirResource, visit: (value: unknown, path: Path) => void) => void
  readonly sortKey: ParameterIndex['sortKey']
  readonly ranges: RangeIndex | null
  readonly references: ReferenceIndex | null
}
type OwnColumn = Column & { readonly add: (row: number, resource: FhirResource) => void }

export type Table = {
  readonly type: string
  /** By row; null when it was superseded, deleted or removed. */
  readonly versions: () => readonly (Version | null)[]
  readonly rowOf: (id: string) => number | undefined
  readonly column: (code: string) => Column | undefined
  readonly add: (version: Version & { readonly resource: FhirResource }) => void
  readonly drop: (id: string) => void
  /** Built when first asked for, as few ask, and kept up from then on. */
  readonly text: (of: 'narrative' | 'content') => TextIndex
  readonly count: () => number
  /** Current versions, in the order they came. */
  readonly current: () => Version[]
}

type Kind = ParameterIndex & { readonly ranges?: RangeIndex }

function indexOf(type: ParameterType, paths: readonly Path[], bases: readonly string[], targets: readonly string[] | null): Kind {
  switch (type) {
    case 'token':
      return tokenIndex(paths)
    case 'string':
      return stringIndex()
    case 'date':
      return dateIndex()
    case 'number':
      return numberIndex()
    case 'quantity':
      return quantityIndex()
    case 'reference':
      return referenceIndex(bases, targets)
    default:
      return uriIndex()
  }
}

type Walk = { readonly path: Path; readonly walk: Walker }
const walks = (paths: readonly Path[]): Walk[] => paths.map(path => ({ path, walk: walkerOf(path) }))

function plainColumn(parameter: Parameter, bases: readonly string[]): OwnColumn {
  const index = indexOf(parameter.type, parameter.paths, bases, parameter.targets)
  const all = walks(parameter.paths)
  const present: number[] = []
  const values: Column['values'] = (resource, visit) => {
    for (const { path, walk } of all) walk(resource, resource, value => visit(value, path))
  }
  return {
    parameter,
    values,
    ask: index.ask,
    present: () => listPlan(present),
    sortKey: index.sortKey,
    ranges: index.ranges ?? null,
    references: parameter.type === 'reference' ? (index as ReferenceIndex) : null,
    add: (row, resource) => {
      let any = false
      for (const { path, walk } of all)
        walk(resource, resource, value => {
          if (index.add(row, value, path)) any = true
        })
      if (any) present.push(row)
    },
  }
}

/** Components of a composite parameter at one kind of element: each such element is a row of its own to them. */
function group(start: Path, components: readonly Component[], bases: readonly string[]) {
  const begin = walkerOf(start)
  const parts = components.map(c => ({ index: indexOf(c.type, c.paths, bases, null), walks: walks(c.paths) }))
  const rowOf: number[] = []
  return {
    add: (row: number, resource: FhirResource): boolean => {
      const before = rowOf.length
      begin(resource, resource, element => {
        const found = parts.map(({ walks }) => {
          const values: [unknown, Path][] = []
          for (const { path, walk } of walks) walk(element, resource, value => values.push([value, path]))
          return values
        })
        if (found.some(values => !values.length)) return
        found.forEach((values, i) => {
          for (const [value, path] of values) parts[i]!.index.add(rowOf.length, value, path)
        })
        rowOf.push(row)
      })
      return rowOf.length > before
    },
    ask: (questions: readonly Question[]): Plan | Problem => {
      const plans: Plan[] = []
      for (const [i, { index }] of parts.entries()) {
        const plan = index.ask(questions[i]!)
        if (isProblem(plan)) return plan
        plans.push(plan)
      }
      const both = intersection(plans)
      return lazyPlan(both.size, () => ordered(both.rows().map(element => rowOf[element]!)))
    },
  }
}

/** R4 3.1.1.4.15: the components must be met by the same element. */
function compositeColumn(parameter: Parameter, bases: readonly string[]): OwnColumn {
  const groups = parameter.paths.map((start, i) => group(start, parameter.components[i]!, bases))
  const wanted = parameter.components[0]!.length
  const present: number[] = []
  return {
    parameter,
    values: () => {},
    present: () => listPlan(present),
    sortKey: () => null,
    ranges: null,
    references: null,
    ask: question => {
      if (question.modifier !== '') return { problem: 'not-supported', text: `The modifier :${question.modifier} is not supported here` }
      const values = split(question.value, '$')
      if (values.length !== wanted || values.some(v => v === ''))
        return { problem: 'invalid', text: `Wants ${wanted} values, separated by $` }
      const questions = values.map(value => ({ ...question, value }))
      const found: Plan[] = []
      for (const g of groups) {
        const plan = g.ask(questions)
        if (isProblem(plan)) return plan
        found.push(plan)
      }
      return lazyPlan(
        found.reduce((n, p) => n + p.size, 0),
        () => ordered(found.flatMap((p): Rows => p.rows())),
      )
    },
    add: (row, resource) => {
      const any = groups.map(g => g.add(row, resource)).includes(true)
      if (any) present.push(row)
    },
  }
}

/** Dead rows are swept when they are many, and more than those alive. */
const SWEEP = 1000

type Present = Version & { readonly resource: FhirResource }

export function table(type: string, parameters: ReadonlyMap<string, Parameter>, bases: readonly string[]): Table {
  let versions: (Present | null)[] = []
  let rows = new Map<string, number>()
  let columns = new Map<string, OwnColumn>()
  let list: OwnColumn[] = []
  let words = new Map<string, { index: TextIndex; rows: number }>()

  const begin = (): void => {
    versions = []
    rows = new Map()
    words = new Map()
    columns = new Map(
      [...parameters.values()]
        // The id has its own map.
        .filter(p => p.code !== '_id')
        .map(p => [p.code, p.type === 'composite' ? compositeColumn(p, bases) : plainColumn(p, bases)]),
    )
    list = [...columns.values()]
  }
  const kill = (id: string): void => {
    const row = rows.get(id)
    if (row === undefined) return
    versions[row] = null
    rows.delete(id)
  }
  const append = (version: Present): void => {
    const row = versions.length
    versions.push(version)
    rows.set(version.id, row)
    for (const column of list) column.add(row, version.resource)
  }
  const current = (): Present[] => versions.filter(v => v !== null)
  const sweep = (): void => {
    const dead = versions.length - rows.size
    if (dead < SWEEP || dead < rows.size) return
    const kept = current()
    begin()
    for (const version of kept) append(version)
  }
  begin()
  return {
    type,
    versions: () => versions,
    rowOf: id => rows.get(id),
    column: code => columns.get(code),
    add: version => {
      kill(version.id)
      append(version)
      sweep()
    },
    drop: id => {
      kill(id)
      sweep()
    },
    text: of => {
      const known = words.get(of) ?? { index: textIndex(of), rows: 0 }
      words.set(of, known)
      for (; known.rows < versions.length; known.rows++) {
        const version = versions[known.rows]
        if (version) known.index.add(known.rows, version.resource)
      }
      return known.index
    },
    count: () => rows.size,
    current,
  }
}
