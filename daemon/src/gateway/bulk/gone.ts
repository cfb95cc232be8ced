import type { JsonObject } from '@keepwell/sdk/health/fhir/read'
import type { Store } from '@keepwell/sdk/health/fhir/search/types'
import type { Taken } from './memory.ts'

export type Comparing = {
  readonly store: Store
  /** Types that are wholly open; undefined for all. Nothing is said of others. */
  readonly opened: readonly string[] | undefined
  /** Unix seconds. */
  readonly now: number
}

/** What earlier exports took, judged by what stands in the record now: what is missing is gone from now on, what is back is there. */
export function compared(before: Taken, { store, opened, now }: Comparing): Taken {
  const after: Taken = new Map()
  for (const [name, at] of before) {
    const [type = '', id = ''] = name.split('/')
    const judged = opened === undefined || opened.includes(type)
    const stands = judged && store.read(type, id)?.resource
    after.set(name, !judged ? at : stands ? 0 : at || now)
  }
  return after
}

/** Entries of one Bundle. */
const TOGETHER = 1000

/** What is gone since an instant (Unix milliseconds), by type, as Bundles of deletions (Bulk Data 2.0 §Response - Complete Status, `deleted`). */
export function deletions(taken: Taken, since: number, wanted: (type: string) => boolean): Map<string, JsonObject[]> {
  const gone = [...taken].filter(([, at]) => at > 0 && at * 1000 >= since).map(([name]) => name)
  const byType = Map.groupBy(gone, name => name.split('/')[0]!)
  return new Map([...byType].filter(([type]) => wanted(type)).map(([type, names]) => [type, chunks(names, TOGETHER).map(bundleOf)]))
}

const bundleOf = (names: readonly string[]): JsonObject => ({
  resourceType: 'Bundle',
  type: 'transaction',
  entry: names.map(url => ({ request: { method: 'DELETE', url } })),
})

const chunks = <T>(all: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size))
