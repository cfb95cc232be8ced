import { equal } from '@keepwell/sdk/base/bytes'
import type { Condition } from './log-index.ts'
import type { Log } from './receipts.ts'
import { invalid, overLimit } from './rpc-error.ts'
import { bytes } from './rpc-params.ts'

/** Which logs are wanted: every condition met by the same log, and at least `topics` topics. */
export type LogFilter = { readonly conditions: readonly Condition[]; readonly topics: number }

/** The `address` and `topics` of a filter object; each may be one value, a list of alternatives, or null for any. */
export function parseLogFilter(address: unknown, topics: unknown, limit: number): LogFilter {
  const positions = topics === undefined || topics === null ? [] : topics
  if (!Array.isArray(positions) || positions.length > 4) throw invalid('topics: a list of at most four is needed')
  const conditions = [
    parse(0, address, 20, 'address', limit),
    ...positions.map((topic, i) => parse(i + 1, topic, 32, `topics[${i}]`, limit)),
  ]
  return { conditions: conditions.filter(condition => condition !== null), topics: positions.length }
}

function parse(position: number, value: unknown, length: number, name: string, limit: number): Condition | null {
  if (value === undefined || value === null) return null
  const list = Array.isArray(value) ? value : [value]
  if (list.length > limit) throw overLimit(`${name}: ${list.length} alternatives, limit ${limit}`)
  // As geth has it, an empty list or a null within one means any.
  if (!list.length || list.includes(null)) return null
  return { position, values: list.map(item => bytes(item, name, length)) }
}

export function matches({ conditions, topics }: LogFilter, [address, found]: Log): boolean {
  if (found.length < topics) return false
  return conditions.every(({ position, values }) => {
    const actual = position === 0 ? address : found[position - 1]
    return actual !== undefined && values.some(value => equal(value, actual))
  })
}
