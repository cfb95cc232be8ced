import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto'
import type { SQLInputValue, StatementSync } from 'node:sqlite'
import type { RandomBytes } from '@keepwell/sdk/base/bytes'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { groupWriter, guarded, MOST_SERVED, openSqlite, scrub } from '#base/sqlite'

/** Times are Unix seconds. A thing that has expired is as good as gone, whether it was swept or not. */
export type Kept<T> = { readonly value: T; readonly consumed: number | null }

export type Placing = {
  /** Things of one group go together: `dropGroup`. */
  readonly group?: string | undefined
  /** A second name by which it is found. */
  readonly alias?: string | undefined
  readonly expires?: number | undefined
}

/**
 * Secrets that others present to us, and what they stand for: tokens, codes, logins, staff accounts. Names are kept as keyed hashes and
 * values sealed, so that whoever reads the file can present nothing. Values are JSON. What resolves is on disk.
 */
export type Tokens = {
  get<T>(kind: string, id: string): Promise<Kept<T> | null>
  byAlias<T>(kind: string, alias: string): Promise<Kept<T> | null>
  list<T>(kind: string): Promise<T[]>
  /** Those of a kind in one group. */
  listGroup<T>(kind: string, group: string): Promise<T[]>
  put(kind: string, id: string, value: unknown, placing?: Placing): Promise<void>
  /** False, and nothing changes, when a live thing of that name is there. */
  add(kind: string, id: string, value: unknown, placing?: Placing): Promise<boolean>
  /** Reads and writes without anybody between; null drops the thing. Returns what is there afterwards. */
  change<T>(kind: string, id: string, change: (value: T | null) => T | null): Promise<T | null>
  /** Reads once: the thing is gone afterwards. Of two that ask at once one gets it. */
  take<T>(kind: string, id: string): Promise<T | null>
  /** Marks as used; false when it was so already, or is not there. */
  consume(kind: string, id: string, at: number): Promise<boolean>
  /** Expires at another time; false when it is not there, and stays so. */
  prolong(kind: string, id: string, expires: number): Promise<boolean>
  drop(kind: string, id: string): Promise<void>
  dropGroup(group: string): Promise<void>
  /** Removes what has expired, and scrubs when anything was removed since the last time; how many. */
  sweep(): Promise<number>
  /** Leaves nothing of what was removed in any file (of one of more than 64 MiB: in its log). Throws STORAGE_FAILED while another process reads. */
  scrub(): Promise<void>
  /** Another text whenever anything may have changed, by this process or another. */
  version(): string
  close(): Promise<void>
}

export type TokensInput = {
  readonly file: string
  /** 32 bytes; without them the file is noise. */
  readonly key: Uint8Array
  readonly random: RandomBytes
  readonly clock: () => number
}

/** With rowids: what is added goes to the end, so that a page does not share out rows which it then still holds when they are dropped. */
const CREATE = [
  `create table things (
    kind text not null, id blob not null, grp blob, alias blob, expires integer, consumed integer, sealed blob not null,
    primary key (kind, id))`,
  'create index things_by_group on things (grp) where grp is not null',
  'create index things_by_alias on things (kind, alias) where alias is not null',
  'create index things_by_expiry on things (expires) where expires is not null',
]

type Row = { readonly id: Uint8Array; readonly sealed: Uint8Array; readonly consumed: number | null }

/** Everything in one SQLite file, which other processes of the same home may have open as well. */
export function openTokens({ file, key, random, clock }: TokensInput): Tokens {
  ensure(key.length === 32, 'BAD_INPUT', 'The key of the token store has 32 bytes.')
  const db = openSqlite({ file, version: 1, create: CREATE })
  const writer = groupWriter(db)
  const seal = sealing(key, random)
  const live = '(expires is null or expires > ?)'
  const sql = guarded('opening the tokens', () => ({
    get: db.prepare(`select id, sealed, consumed from things where kind = ? and id = ? and ${live}`),
    byAlias: db.prepare(`select id, sealed, consumed from things where kind = ? and alias = ? and ${live}`),
    list: db.prepare(`select id, sealed, consumed from things where kind = ? and ${live} order by id`),
    listGroup: db.prepare(`select id, sealed, consumed from things where grp = ? and kind = ? and ${live}`),
    put: db.prepare(
      `insert into things (kind, id, grp, alias, expires, consumed, sealed) values (?, ?, ?, ?, ?, ?, ?)
       on conflict (kind, id) do update set grp = excluded.grp, alias = excluded.alias, expires = excluded.expires,
       consumed = excluded.consumed, sealed = excluded.sealed`,
    ),
    rewrite: db.prepare('update things set sealed = ? where kind = ? and id = ?'),
    consume: db.prepare(`update things set consumed = ? where kind = ? and id = ? and consumed is null and ${live}`),
    prolong: db.prepare(`update things set expires = ? where kind = ? and id = ? and ${live}`),
    drop: db.prepare('delete from things where kind = ? and id = ?'),
    dropGroup: db.prepare('delete from things where grp = ?'),
    sweep: db.prepare('delete from things where expires <= ?'),
    version: db.prepare('pragma data_version'),
  }))
  const read = <T>(work: () => T): T => {
    ensure(db.isOpen, 'STORAGE_FAILED', 'The token store is closed.')
    return guarded('reading the tokens', work)
  }
  let writes = 0
  let removed = false
  const scrubbed = async (): Promise<void> => {
    await writer.idle()
    ensure(db.isOpen, 'STORAGE_FAILED', 'The token store is closed.')
    scrub(db, MOST_SERVED)
    removed = false
  }
  const write = async <T>(work: () => T): Promise<T> => {
    ensure(db.isOpen, 'STORAGE_FAILED', 'The token store is closed.')
    try {
      return await writer.run(() => guarded('writing the tokens', work))
    } finally {
      writes++
    }
  }
  const remove = (statement: StatementSync, ...which: SQLInputValue[]): number => {
    const gone = Number(statement.run(...which).changes)
    removed ||= gone > 0
    return gone
  }
  const opened = <T>(kind: string, row: unknown): Kept<T> | null => {
    const found = row as Row | undefined
    return found ? { value: seal.open<T>(kind, found.id, found.sealed), consumed: found.consumed } : null
  }
  const find = <T>(kind: string, id: string) => opened<T>(kind, sql.get.get(kind, seal.name(kind, id), clock()))
  const insert = (kind: string, id: string, value: unknown, { group, alias, expires }: Placing = {}) => {
    const name = seal.name(kind, id)
    const [grp, second] = [group, alias].map((text, i) => (text === undefined ? null : seal.name(i ? `${kind} alias` : 'group', text)))
    const consumed = (value as { consumed?: unknown } | null)?.consumed
    const used = typeof consumed === 'number' ? consumed : null
    sql.put.run(kind, name, grp!, second!, expires ?? null, used, seal.seal(kind, name, value))
  }

  return {
    get: async (kind, id) => read(() => find(kind, id)),
    byAlias: async (kind, alias) => read(() => opened(kind, sql.byAlias.get(kind, seal.name(`${kind} alias`, alias), clock()))),
    list: async <T>(kind: string) => read(() => sql.list.all(kind, clock()).map(row => opened<T>(kind, row)!.value)),
    listGroup: async <T>(kind: string, group: string) =>
      read(() => sql.listGroup.all(seal.name('group', group), kind, clock()).map(row => opened<T>(kind, row)!.value)),
    put: (kind, id, value, placing) => write(() => insert(kind, id, value, placing)),
    add: (kind, id, value, placing) =>
      write(() => {
        if (find(kind, id)) return false
        insert(kind, id, value, placing)
        return true
      }),
    change: <T>(kind: string, id: string, change: (value: T | null) => T | null) =>
      write(() => {
        const before = find<T>(kind, id)
        const after = change(before?.value ?? null)
        const name = seal.name(kind, id)
        if (after === null) remove(sql.drop, kind, name)
        else if (before) sql.rewrite.run(seal.seal(kind, name, after), kind, name)
        else insert(kind, id, after)
        return after
      }),
    take: <T>(kind: string, id: string) =>
      write(() => {
        const found = find<T>(kind, id)
        if (found) remove(sql.drop, kind, seal.name(kind, id))
        return found?.value ?? null
      }),
    consume: (kind, id, at) => write(() => Number(sql.consume.run(at, kind, seal.name(kind, id), clock()).changes) === 1),
    prolong: (kind, id, expires) => write(() => Number(sql.prolong.run(expires, kind, seal.name(kind, id), clock()).changes) === 1),
    drop: (kind, id) => write(() => void remove(sql.drop, kind, seal.name(kind, id))),
    dropGroup: group => write(() => void remove(sql.dropGroup, seal.name('group', group))),
    async sweep() {
      const gone = await write(() => remove(sql.sweep, clock()))
      if (removed) await scrubbed()
      return gone
    },
    scrub: scrubbed,
    version: () => read(() => `${writes} ${sql.version.get()?.data_version}`),
    async close() {
      await writer.idle()
      if (db.isOpen) db.close()
    },
  }
}

const NONCE = 12
const TAG = 16

/** Names by HMAC-SHA256, values by AES-256-GCM bound to their place, each under a key of its own. */
function sealing(key: Uint8Array, random: RandomBytes) {
  const derived = (label: string) => createHmac('sha256', key).update(`keepwell/v1/tokens ${label}`).digest()
  const [naming, values] = [derived('names'), derived('values')]
  const place = (kind: string, name: Uint8Array) => Buffer.concat([Buffer.from(`${kind}\0`), name])
  return {
    name: (kind: string, id: string): Uint8Array => createHmac('sha256', naming).update(`${kind}\0${id}`).digest(),
    seal(kind: string, name: Uint8Array, value: unknown): Uint8Array {
      const nonce = random(NONCE)
      const cipher = createCipheriv('aes-256-gcm', values, nonce).setAAD(place(kind, name))
      return Buffer.concat([nonce, cipher.update(JSON.stringify(value), 'utf8'), cipher.final(), cipher.getAuthTag()])
    },
    open<T>(kind: string, name: Uint8Array, sealed: Uint8Array): T {
      try {
        const decipher = createDecipheriv('aes-256-gcm', values, sealed.subarray(0, NONCE), { authTagLength: TAG })
        decipher.setAAD(place(kind, name)).setAuthTag(sealed.subarray(sealed.length - TAG))
        const bytes = Buffer.concat([decipher.update(sealed.subarray(NONCE, sealed.length - TAG)), decipher.final()])
        return JSON.parse(bytes.toString('utf8')) as T
      } catch (cause) {
        throw new KeepwellError('STORAGE_CORRUPT', 'The token store does not open with the key of this home.', { cause })
      }
    },
  }
}
