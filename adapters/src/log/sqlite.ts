import { ensure } from '@keepwell/sdk/base/error'
import { checkLeaves } from '@keepwell/sdk/ports/limits'
import type { Log } from '@keepwell/sdk/ports/log'
import { groupWriter, guarded, openSqlite } from '#base/sqlite'
import { edgeOf, grow, isPlace } from './append.ts'

const CREATE = [
  'create table nodes (level integer not null, place integer not null, hash blob not null, primary key (level, place)) without rowid',
  'create index leaves on nodes (hash, place) where level = 0',
]

/** A Merkle log in one SQLite file: every complete subtree is a row, so a proof is a handful of lookups and nothing is ever recomputed. */
export async function openSqliteLog(input: { file: string }): Promise<Log> {
  const db = openSqlite({ file: input.file, version: 1, create: CREATE })
  const writer = groupWriter(db)
  const [insert, select, find, last] = guarded('opening the log', () => [
    db.prepare('insert into nodes (level, place, hash) values (?, ?, ?)'),
    db.prepare('select hash from nodes where level = ? and place = ?'),
    db.prepare('select place from nodes where level = 0 and hash = ? order by place limit 1'),
    db.prepare('select place from nodes where level = 0 order by place desc limit 1'),
  ]) as [Statement, Statement, Statement, Statement]
  const hashAt = (level: number, place: number) => (select.get(level, place)?.hash as Uint8Array | undefined) ?? null
  // Counted in the same connection, hence also what this group has appended but not committed; the numbers below are the durable ones.
  const written = () => Number(last.get()?.place ?? -1) + 1
  let size = guarded('opening the log', written)
  const usable = () => ensure(db.isOpen, 'STORAGE_FAILED', 'The log is closed.')

  function append(leaves: readonly Uint8Array[]): number {
    const start = written()
    const edge = new Map(edgeOf(start).map(({ level, index }) => [level, hashAt(level, index)!]))
    for (const { level, index, hash } of grow(start, edge, leaves)) insert.run(level, index, hash)
    return start
  }

  return {
    async append(leaves) {
      usable()
      checkLeaves(leaves)
      const start = await writer.run(() => guarded('appending to the log', () => append(leaves)))
      size = Math.max(size, start + leaves.length)
      return start
    },
    async size() {
      return size
    },
    async node(level, index) {
      usable()
      if (!isPlace(level, index) || (index + 1) * 2 ** level > size) return null
      return guarded('reading the log', () => hashAt(level, index))
    },
    async find(leaf) {
      usable()
      const place = guarded('reading the log', () => find.get(leaf)?.place)
      return place === undefined || Number(place) >= size ? null : Number(place)
    },
    async close() {
      await writer.idle()
      if (db.isOpen) db.close()
    },
  }
}

type Statement = ReturnType<ReturnType<typeof openSqlite>['prepare']>
