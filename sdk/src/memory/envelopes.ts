import { compare } from '#base/bytes'
import { KeepwellError } from '#base/error'
import type { EnvelopeStore, Row, Rows } from '#ports/envelopes'
import { boundsOf, checkKind, checkLimit, checkRows, checkVault } from '#ports/limits'

/** Rows of one vault by kind, each sorted by key. A committed table is never changed again, so holding it is a snapshot. */
type Table = ReadonlyMap<string, readonly Row[]>

const NO_ROWS: Table = new Map()

export function memoryEnvelopes(): EnvelopeStore {
  const tables = new Map<string, Table>()
  const queues = new Map<string, Promise<unknown>>()

  async function commit<T>(vault: string, work: (rows: Rows) => Promise<T>): Promise<T> {
    const draft = new Draft(tables.get(vault) ?? NO_ROWS)
    try {
      const result = await work(draft)
      tables.set(vault, draft.table)
      return result
    } finally {
      draft.close()
    }
  }

  return {
    async transact(vault, work) {
      checkVault(vault)
      const before = queues.get(vault) ?? Promise.resolve()
      const run = before.then(() => commit(vault, work))
      const done = run.catch(() => {})
      queues.set(vault, done)
      try {
        return await run
      } finally {
        if (queues.get(vault) === done) queues.delete(vault)
      }
    },
    async read(vault, work) {
      checkVault(vault)
      const draft = new Draft(tables.get(vault) ?? NO_ROWS)
      try {
        return await work({ get: draft.get.bind(draft), scan: draft.scan.bind(draft), count: draft.count.bind(draft) })
      } finally {
        draft.close()
      }
    },
    async vaults(kind) {
      checkKind(kind)
      return [...tables].filter(([, table]) => table.get(kind)?.length).map(([vault]) => vault)
    },
    async scrub() {},
    async close() {},
  }
}

/** A table being changed: a kind's rows are copied at their first write, so the original stays a snapshot for readers. */
class Draft implements Rows {
  table: Map<string, readonly Row[]>
  #own = new Map<string, Row[]>()
  #open = true

  constructor(base: Table) {
    this.table = new Map(base)
  }

  close(): void {
    this.#open = false
  }

  async get(kind: string, key: Uint8Array): Promise<Uint8Array | null> {
    const rows = this.#rows(kind)
    const row = rows[position(rows, key)]
    return row && compare(row.key, key) === 0 ? row.value.slice() : null
  }

  async put(kind: string, added: readonly Row[]): Promise<void> {
    checkRows(kind, added)
    const rows = this.#writable(kind)
    for (const { key, value } of added) {
      const at = position(rows, key)
      const replaces = rows[at] && compare(rows[at].key, key) === 0 ? 1 : 0
      rows.splice(at, replaces, { key: new Uint8Array(key), value: new Uint8Array(value) })
    }
  }

  async delete(kind: string, keys: readonly Uint8Array[]): Promise<void> {
    checkKind(kind)
    const rows = this.#writable(kind)
    for (const key of keys) {
      const at = position(rows, key)
      if (rows[at] && compare(rows[at].key, key) === 0) rows.splice(at, 1)
    }
  }

  async scan(kind: string, range: { prefix?: Uint8Array; after?: Uint8Array; limit: number }): Promise<Row[]> {
    checkLimit(range.limit)
    const [start, end] = this.#span(kind, range)
    return this.#rows(kind)
      .slice(start, Math.min(end, start + range.limit))
      .map(({ key, value }) => ({ key: new Uint8Array(key), value: new Uint8Array(value) }))
  }

  async count(kind: string, prefix?: Uint8Array): Promise<number> {
    const [start, end] = this.#span(kind, prefix ? { prefix } : {})
    return Math.max(0, end - start)
  }

  #span(kind: string, range: { prefix?: Uint8Array; after?: Uint8Array }): [number, number] {
    const bounds = boundsOf(kind, range)
    const rows = this.#rows(kind)
    let start = position(rows, bounds.from)
    if (bounds.exclusive && rows[start] && compare(rows[start]!.key, bounds.from) === 0) start++
    return [start, bounds.to ? position(rows, bounds.to) : rows.length]
  }

  #rows(kind: string): readonly Row[] {
    if (!this.#open) throw new KeepwellError('DEFECT', 'Rows were used after their transaction had ended.')
    return this.table.get(kind) ?? []
  }

  #writable(kind: string): Row[] {
    const rows = this.#rows(kind)
    const copy = this.#own.get(kind) ?? [...rows]
    this.#own.set(kind, copy)
    this.table.set(kind, copy)
    return copy
  }
}

/** Index of the first row whose key is not less than `key`. */
function position(rows: readonly Row[], key: Uint8Array): number {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compare(rows[middle]!.key, key) < 0) low = middle + 1
    else high = middle
  }
  return low
}
