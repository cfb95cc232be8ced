import { checkLeaves } from '@keepwell/sdk/ports/limits'
import type { Log } from '@keepwell/sdk/ports/log'
import { bytesOf, openPostgres, type PostgresInput, type Sql } from '#base/postgres'
import { edgeOf, grow, isPlace, type Node } from './append.ts'

const CHUNK = 2000
/** Appends that share one commit. */
const MAX_GROUP = 256

type Waiting = { readonly leaves: readonly Uint8Array[]; readonly resolve: (start: number) => void; readonly reject: (e: unknown) => void }

/** A Merkle log in PostgreSQL: every complete subtree is a row. Appends that arrive together share a commit; a lock orders those of several processes. */
export async function openPostgresLog(input: PostgresInput): Promise<Log> {
  const nodes = `"${input.schema ?? 'keepwell'}".nodes`
  const database = await openPostgres(input, [
    `create table if not exists ${nodes} (level smallint not null, place bigint not null, hash bytea not null, primary key (level, place))`,
    `create index if not exists leaves on ${nodes} (hash, place) where level = 0`,
  ])
  const waiting: Waiting[] = []
  let draining: Promise<void> | null = null

  async function drain(): Promise<void> {
    await new Promise(resolve => setImmediate(resolve))
    while (waiting.length) {
      const group = waiting.splice(0, MAX_GROUP)
      try {
        let start = await database.transact('log', sql =>
          append(
            sql,
            nodes,
            group.flatMap(w => w.leaves),
          ),
        )
        for (const { leaves, resolve } of group) {
          resolve(start)
          start += leaves.length
        }
      } catch (e) {
        for (const { reject } of group) reject(e)
      }
    }
    draining = null
  }

  return {
    async append(leaves) {
      checkLeaves(leaves)
      return new Promise((resolve, reject) => {
        waiting.push({ leaves, resolve, reject })
        draining ??= drain()
      })
    },
    size: () => database.read(sql => sizeOf(sql, nodes)),
    async node(level, index) {
      if (!isPlace(level, index)) return null
      const [row] = await database.read(sql => sql(`select hash from ${nodes} where level = $1 and place = $2`, [level, index]))
      return row ? bytesOf(row.hash) : null
    },
    async find(leaf) {
      const [row] = await database.read(sql =>
        sql(`select place from ${nodes} where level = 0 and hash = $1 order by place limit 1`, [leaf]),
      )
      return row ? Number(row.place) : null
    },
    async close() {
      while (draining) await draining
      await database.close()
    },
  }
}

async function sizeOf(sql: Sql, nodes: string): Promise<number> {
  const [row] = await sql(`select place from ${nodes} where level = 0 order by place desc limit 1`)
  return row ? Number(row.place) + 1 : 0
}

async function append(sql: Sql, nodes: string, leaves: readonly Uint8Array[]): Promise<number> {
  const start = await sizeOf(sql, nodes)
  const edge = new Map<number, Uint8Array>()
  for (const { level, index } of edgeOf(start)) {
    const [row] = await sql(`select hash from ${nodes} where level = $1 and place = $2`, [level, index])
    edge.set(level, bytesOf(row?.hash))
  }
  const grown = grow(start, edge, leaves)
  for (let i = 0; i < grown.length; i += CHUNK) await insert(sql, nodes, grown.slice(i, i + CHUNK))
  return start
}

async function insert(sql: Sql, nodes: string, some: readonly Node[]): Promise<void> {
  const places = some.map((_, i) => `($${3 * i + 1}::smallint, $${3 * i + 2}::bigint, $${3 * i + 3}::bytea)`).join(', ')
  await sql(
    `insert into ${nodes} (level, place, hash) values ${places}`,
    some.flatMap(({ level, index, hash }) => [level, index, hash]),
  )
}
