/** Clauses become plans: plain values, `:missing` and negations, chains, `_has`, lists, compartments, and what a caller may see. */
import { field, list, string } from '#health/fhir/read'
import { complement, everything, intersection, listPlan, NONE, ordered, type Plan, type Rows, union } from './plan.ts'
import { about, type Clause, clauseOf, safeName } from './query.ts'
import { isProblem, type Problem, type Question, unescaped } from './question.ts'
import type { Inner } from './store.ts'
import type { Column, Table } from './table.ts'
import type { Params, SearchInput, SearchIssue, Visible } from './types.ts'

export type Context = Pick<SearchInput, 'now' | 'terminology' | 'visible'> & {
  readonly store: Inner
  /** Plans of what may be seen, by type; null for everything. */
  readonly seen: Map<string, Plan | null>
}
/** A clause that cannot be carried out; an `unknown` one may be left out of a lenient search. */
export type Refusal = { readonly refusal: SearchIssue; readonly unknown: boolean }

export const isRefusal = (x: Plan | Refusal): x is Refusal => 'refusal' in x

/** Chains and reverse chains in one clause. */
const MAX_DEPTH = 6

const refuse = (clause: Clause, code: SearchIssue['code'], text: string, unknown = false): Refusal => ({
  refusal: about(safeName(clause.name), 'error', code, text),
  unknown,
})
const unknownHere = (clause: Clause, type: string): Refusal =>
  refuse(clause, 'not-supported', `${type} has no search parameter of that name here`, true)

const allOf = (table: Table): Plan => everything(table.versions().length)

function ask(column: Column, clause: Clause, modifier: string, context: Context): Plan | Problem {
  const { store, now, terminology } = context
  const plans: Plan[] = []
  for (const value of clause.values) {
    if (value === '') continue
    const question: Question = { value, modifier, now, terminology, namesOf: store.namesOf }
    const plan = column.ask(question)
    if (isProblem(plan)) return plan
    plans.push(plan)
  }
  return union(plans)
}

const NEGATIONS: Readonly<Record<string, string>> = { not: '', 'not-in': 'in' }

function plainClause(table: Table, column: Column, clause: Clause, context: Context): Plan | Refusal {
  const rows = table.versions().length
  if (clause.modifier === 'missing') {
    const [value] = clause.values
    if (value !== 'true' && value !== 'false') return refuse(clause, 'invalid', ':missing is true or false')
    return value === 'false' ? column.present() : complement(column.present(), rows)
  }
  const negated = column.parameter.type === 'token' ? NEGATIONS[clause.modifier] : undefined
  const plan = ask(column, clause, negated ?? clause.modifier, context)
  if (isProblem(plan)) return refuse(clause, plan.problem, plan.text)
  return negated === undefined ? plan : complement(plan, rows)
}

function idClause(table: Table, clause: Clause): Plan | Refusal {
  if (clause.modifier !== '' && clause.modifier !== 'not') return refuse(clause, 'not-supported', `_id has no modifier :${clause.modifier}`)
  const found = ordered(clause.values.map(id => table.rowOf(unescaped(id))).filter(row => row !== undefined))
  return clause.modifier === 'not' ? complement(listPlan(found), table.versions().length) : listPlan(found)
}

/** Rows of a table that any of these names lead to. */
function rowsNamed(table: Table, names: Iterable<string>, { store }: Context): Rows {
  const found: number[] = []
  const prefix = `${table.type}/`
  for (const name of new Set(names)) {
    const id = name.startsWith(prefix) ? name.slice(prefix.length) : null
    const version = id === null ? store.resolve(name) : null
    const row = id !== null ? table.rowOf(id) : version?.type === table.type ? table.rowOf(version.id) : undefined
    if (row !== undefined) found.push(row)
  }
  return ordered(found)
}

function listClause(table: Table, clause: Clause, context: Context): Plan | Refusal {
  if (clause.modifier !== '') return refuse(clause, 'not-supported', '_list has no modifiers')
  const lists = context.store.table('List')
  const names: string[] = []
  for (const value of clause.values) {
    const row = lists?.rowOf(unescaped(value))
    const version = row === undefined ? null : lists!.versions()[row]
    if (!version || !mayShow(lists!, row!, context)) continue
    for (const entry of list(field(version.resource, 'entry')))
      if (field(entry, 'deleted') !== true) names.push(string(field(field(entry, 'item'), 'reference')) ?? '')
  }
  return listPlan(rowsNamed(table, names, context))
}

function textClause(table: Table, clause: Clause): Plan | Refusal {
  if (clause.modifier !== '') return refuse(clause, 'not-supported', `${clause.code} has no modifiers`)
  const index = table.text(clause.code === '_text' ? 'narrative' : 'content')
  return union(clause.values.map(value => index.ask(unescaped(value), table.versions().length)))
}

/** R4 3.1.1.4.4: `subject:Patient.name`, any number of steps. */
function chainClause(column: Column, clause: Clause, context: Context, depth: number): Plan | Refusal {
  if (!column.references) return refuse(clause, 'invalid', 'Only references can be followed by a chain')
  const inner = clauseOf(clause.chain!, '')
  if (!inner) return refuse(clause, 'invalid', 'Not the name of a parameter')
  const { targets } = column.parameter
  const types = clause.modifier ? [clause.modifier] : (targets ?? context.store.tables().map(t => t.type))
  const fit = types.filter(type => inner.code.startsWith('_') || context.store.registry.of(type).has(inner.code))
  if (!fit.length)
    return unknownHere(clause, types.length === 1 && context.store.registry.isType(types[0]!) ? types[0]! : 'What it leads to')
  const names: string[] = []
  for (const type of fit) {
    const target = context.store.table(type)
    if (!target) continue
    const plan = planOf(target, { ...inner, name: clause.name, values: clause.values }, context, depth + 1)
    if (isRefusal(plan)) return plan
    for (const row of visibleRows(target, plan, context)) names.push(...context.store.namesOf(type, target.versions()[row]!.id))
  }
  return column.references.to(names)
}

/** R4 3.1.1.4.5: `_has:Observation:patient:code=…`, nested too. */
function hasClause(table: Table, clause: Clause, context: Context, depth: number): Plan | Refusal {
  const [type = '', code = '', ...rest] = clause.modifier.split(':')
  const inner = clauseOf(rest.join(':'), '')
  if (!inner || !context.store.registry.isType(type)) return refuse(clause, 'invalid', 'Wants _has:Type:reference:parameter')
  if (context.store.registry.of(type).get(code)?.type !== 'reference') return unknownHere(clause, type)
  if (!inner.code.startsWith('_') && !context.store.registry.of(type).has(inner.code)) return unknownHere(clause, type)
  const source = context.store.table(type)
  if (!source) return NONE
  const plan = planOf(source, { ...inner, name: clause.name, values: clause.values }, context, depth + 1)
  if (isRefusal(plan)) return plan
  const references = source.column(code)!.references!
  const names = new Set<string>()
  for (const row of visibleRows(source, plan, context)) for (const name of references.from(row)) names.add(name)
  return listPlan(rowsNamed(table, names, context))
}

/** The plan of one clause on one type. */
export function planOf(table: Table, clause: Clause, context: Context, depth = 0): Plan | Refusal {
  if (depth > MAX_DEPTH) return refuse(clause, 'too-costly', `More than ${MAX_DEPTH} steps`)
  if (clause.code === '_has') return hasClause(table, clause, context, depth)
  const column = table.column(clause.code)
  if (clause.chain !== null) return column ? chainClause(column, clause, context, depth) : unknownHere(clause, table.type)
  if (clause.code === '_id') return idClause(table, clause)
  if (clause.code === '_list') return listClause(table, clause, context)
  if (clause.code === '_text' || clause.code === '_content') return textClause(table, clause)
  return column ? plainClause(table, column, clause, context) : unknownHere(clause, table.type)
}

/** The plan of a whole query of filters, for scopes: what cannot be understood lets nothing through. */
function strictPlan(table: Table, params: Params, context: Context): Plan {
  const plans: Plan[] = []
  for (const [name, value] of params) {
    const clause = clauseOf(name, value)
    const plan = clause && planOf(table, clause, context)
    if (!plan || isRefusal(plan)) return NONE
    plans.push(plan)
  }
  return plans.length ? intersection(plans) : allOf(table)
}

/** What the caller may see of a type; null for all of it. */
export function visiblePlan(table: Table, context: Context): Plan | null {
  const known = context.seen.get(table.type)
  if (known !== undefined) return known
  const visible: Visible = context.visible?.(table.type) ?? true
  // While a scope's own query is worked out, chains in it may look at this type.
  context.seen.set(table.type, null)
  const plan = visible === true ? null : visible === false ? NONE : union(visible.map(params => strictPlan(table, params, context)))
  context.seen.set(table.type, plan)
  return plan
}

export const mayShow = (table: Table, row: number, context: Context): boolean => visiblePlan(table, context)?.has(row) ?? true

/** Rows of a plan that are in force and may be seen. */
export function visibleRows(table: Table, plan: Plan, context: Context): Rows {
  const seen = visiblePlan(table, context)
  const versions = table.versions()
  const rows = (seen ? intersection([plan, seen]) : plan).rows()
  return table.count() === versions.length ? rows : rows.filter(row => versions[row] !== null)
}

/** R4's Patient compartment (https://hl7.org/fhir/R4/compartmentdefinition-patient.html). */
export function compartmentPlan(table: Table, id: string, context: Context): Plan {
  const own = table.type === 'Patient' ? table.rowOf(id) : undefined
  const plan = namingPatient(table, context.store.registry.compartment.get(table.type) ?? [], id, context)
  return own === undefined ? plan : union([plan, listPlan([own])])
}

/** The compartment, and of the types that R4 leaves out of it what names its patient all the same: an implant, a contract. */
export const patientPlan = (table: Table, id: string, context: Context): Plan =>
  context.store.registry.compartment.has(table.type) ? compartmentPlan(table, id, context) : namingPatient(table, ['patient'], id, context)

function namingPatient(table: Table, codes: readonly string[], id: string, context: Context): Plan {
  const names = context.store.namesOf('Patient', id)
  return union(codes.map(code => table.column(code)?.references?.to(names) ?? NONE))
}
