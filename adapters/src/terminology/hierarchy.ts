import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { KeepwellError } from '@keepwell/sdk/base/error'
import type { Ecl, EclOperator } from '@keepwell/sdk/health/terminology/ecl'

/** A select that gives numbers of concepts in a column `n`. */
export type Query = { readonly sql: string; readonly args: readonly SQLInputValue[] }

export const query = (sql: string, ...args: SQLInputValue[]): Query => ({ sql, args })

const DOWN = `with recursive d(n) as (select child from edges where parent = ? union select e.child from edges e join d on e.parent = d.n) select n from d`
const UP = `with recursive u(n) as (select parent from edges where child = ? union select e.parent from edges e join u on e.child = u.n) select n from u`

export const descendants = (n: number): Query => query(`select n from (${DOWN})`, n)
export const ancestors = (n: number): Query => query(`select n from (${UP})`, n)

export function combined(operator: 'union' | 'intersect' | 'except', left: Query, right: Query): Query {
  return query(`select n from (${left.sql}) ${operator} select n from (${right.sql})`, ...left.args, ...right.args)
}

const self = (n: number): Query => query('select ? as n', n)

function operated(operator: EclOperator, n: number): Query {
  if (operator === 'descendants') return descendants(n)
  if (operator === 'ancestors') return ancestors(n)
  if (operator === 'descendants-or-self') return combined('union', self(n), descendants(n))
  if (operator === 'ancestors-or-self') return combined('union', self(n), ancestors(n))
  if (operator === 'children') return query('select child as n from edges where parent = ?', n)
  if (operator === 'parents') return query('select parent as n from edges where child = ?', n)
  if (operator === 'members') return query('select concept as n from members where refset = ?', n)
  return self(n)
}

export type Numbers = (code: string) => number | undefined

/** An expression as a select over one system. A code that is not here selects nothing. */
export function eclQuery(ecl: Ecl, system: number, numberOf: Numbers): Query {
  if (ecl.is === 'any') return query('select n from concepts where system = ?', system)
  if (ecl.is === 'concept') {
    const n = numberOf(ecl.code)
    return n === undefined ? query('select n from concepts where 0') : operated(ecl.operator, n)
  }
  if (ecl.is !== 'refined') {
    const operator = { and: 'intersect', or: 'union', minus: 'except' } as const
    return combined(operator[ecl.is], eclQuery(ecl.left, system, numberOf), eclQuery(ecl.right, system, numberOf))
  }
  return ecl.attributes.reduce(
    (focus, attribute) => {
      const [name, value] = [attribute.name, attribute.value].map(e => eclQuery(e, system, numberOf)) as [Query, Query]
      const not = attribute.not ? 'not ' : ''
      const having = query(
        `select source as n from relations where type in (${name.sql}) and target ${not}in (${value.sql})`,
        ...name.args,
        ...value.args,
      )
      return combined('intersect', focus, having)
    },
    eclQuery(ecl.focus, system, numberOf),
  )
}

/** Whether one concept is among what an expression selects: walks up from it, and never lists what lies below. */
export function eclHolds(db: DatabaseSync, ecl: Ecl, n: number, numberOf: Numbers): boolean {
  if (ecl.is === 'any') return true
  if (ecl.is === 'and') return eclHolds(db, ecl.left, n, numberOf) && eclHolds(db, ecl.right, n, numberOf)
  if (ecl.is === 'or') return eclHolds(db, ecl.left, n, numberOf) || eclHolds(db, ecl.right, n, numberOf)
  if (ecl.is === 'minus') return eclHolds(db, ecl.left, n, numberOf) && !eclHolds(db, ecl.right, n, numberOf)
  if (ecl.is === 'refined') {
    if (!eclHolds(db, ecl.focus, n, numberOf)) return false
    const rows = db.prepare('select type, target from relations where source = ?').all(n) as { type: number; target: number }[]
    return ecl.attributes.every(a =>
      rows.some(r => eclHolds(db, a.name, r.type, numberOf) && eclHolds(db, a.value, r.target, numberOf) !== a.not),
    )
  }
  if (ecl.is !== 'concept') return false
  const other = numberOf(ecl.code)
  return other !== undefined && holds(db, ecl.operator, n, other)
}

function holds(db: DatabaseSync, operator: EclOperator, n: number, other: number): boolean {
  const same = n === other
  const one = (sql: string, ...args: number[]): boolean => db.prepare(sql).get(...args) !== undefined
  if (operator === 'self') return same
  if (operator === 'descendants') return isBelow(db, n, other)
  if (operator === 'descendants-or-self') return same || isBelow(db, n, other)
  if (operator === 'ancestors') return isBelow(db, other, n)
  if (operator === 'ancestors-or-self') return same || isBelow(db, other, n)
  if (operator === 'children') return one('select 1 from edges where child = ? and parent = ?', n, other)
  if (operator === 'parents') return one('select 1 from edges where child = ? and parent = ?', other, n)
  return one('select 1 from members where refset = ? and concept = ?', other, n)
}

/** Whether `above` is among the ancestors of `n`. */
export const isBelow = (db: DatabaseSync, n: number, above: number): boolean =>
  n !== above && db.prepare(`select 1 from (${UP}) where n = ?`).get(n, above) !== undefined

export const unsupported = (what: string): KeepwellError =>
  new KeepwellError('NOT_SUPPORTED', `The value set uses ${what}, which this server does not evaluate.`)
