import { createHmac } from 'node:crypto'
import { ensure } from '@keepwell/sdk/base/error'
import { groupWriter, guarded, MOST_SERVED, openSqlite, scrub } from '#base/sqlite'

/**
 * Which numbers bear which marks: an index of things that are sealed elsewhere, in a file that can be made again from them. Marks are kept as keyed
 * hashes, so whoever has the file learns how many numbers share a mark and not which it is. What resolves is on disk.
 */
export type Marks = {
  /** Adds marks to a number. */
  put(n: number, marks: readonly string[]): Promise<void>
  /** Forgets a number. */
  drop(n: number): Promise<void>
  /** Leaves nothing of what was forgotten in any file (of one of more than 64 MiB: in its log). Throws STORAGE_FAILED while another process reads. */
  scrub(): Promise<void>
  /**
   * Numbers below `before` that bear, for each of `all`, one of its alternatives at least; the highest first, at most `limit`. What it takes follows
   * the rarest of them, not all numbers; between some thousand it lets others work.
   */
  find(all: readonly (readonly string[])[], before: number, limit: number): Promise<number[]>
  /** Up to which number everything is known to be marked; 0 at first. */
  whole(): number
  setWhole(n: number): Promise<void>
  close(): Promise<void>
}

export type MarksInput = {
  readonly file: string
  /** 32 bytes. */
  readonly key: Uint8Array
}

const CREATE = [
  'create table marks (mark blob not null, n integer not null, primary key (mark, n)) without rowid',
  'create index marks_by_n on marks (n)',
  'create table whole (id integer primary key check (id = 1), n integer not null)',
]
/** Rows looked at in a turn. */
const TURN = 1000
/** More than so many are not counted to find the rarest. */
const COUNTED = 4096
const SHORT = 16

/** In an SQLite file of its own, which other processes of the same home may have open as well. */
export function openMarks({ file, key }: MarksInput): Marks {
  ensure(key.length === 32, 'BAD_INPUT', 'The key of the marks has 32 bytes.')
  const db = openSqlite({ file, version: 1, create: CREATE })
  const writer = groupWriter(db)
  const naming = createHmac('sha256', key).update('keepwell/v1/marks').digest()
  const named = (mark: string): Uint8Array => createHmac('sha256', naming).update(mark).digest().subarray(0, SHORT)
  const sql = guarded('opening the marks', () => ({
    put: db.prepare('insert or ignore into marks (mark, n) values (?, ?)'),
    drop: db.prepare('delete from marks where n = ?'),
    below: db.prepare('select n from marks where mark = ? and n < ? order by n desc limit ?'),
    has: db.prepare('select 1 from marks where mark = ? and n = ?'),
    count: db.prepare('select count(*) as c from (select 1 from marks where mark = ? and n < ? limit ?)'),
    whole: db.prepare('select n from whole'),
    setWhole: db.prepare('insert into whole (id, n) values (1, ?) on conflict (id) do update set n = excluded.n'),
  }))
  const read = <T>(work: () => T): T => {
    ensure(db.isOpen, 'STORAGE_FAILED', 'The marks are closed.')
    return guarded('reading the marks', work)
  }
  const write = <T>(work: () => T): Promise<T> => {
    ensure(db.isOpen, 'STORAGE_FAILED', 'The marks are closed.')
    return writer.run(() => guarded('writing the marks', work))
  }
  type Term = readonly Uint8Array[]
  const sizeOf = (term: Term, before: number): number => term.reduce((sum, m) => sum + Number(sql.count.get(m, before, COUNTED)!.c), 0)
  const bears = (term: Term, n: number): boolean => term.some(m => sql.has.get(m, n) !== undefined)
  /** The next numbers of a term, each once, the highest first; complete down to the last of them. */
  function next(term: Term, before: number): number[] {
    const runs = term.map(m => sql.below.all(m, before, TURN).map(r => Number(r.n)))
    // Below the end of a run that was cut off, its mark may have more.
    const floor = Math.max(0, ...runs.filter(r => r.length === TURN).map(r => r.at(-1)!))
    return [...new Set(runs.flat())].filter(n => n >= floor).sort((a, b) => b - a)
  }

  return {
    put: (n, marks) =>
      write(() => {
        for (const m of marks) sql.put.run(named(m), n)
      }),
    drop: n => write(() => void sql.drop.run(n)),
    async scrub() {
      await writer.idle()
      ensure(db.isOpen, 'STORAGE_FAILED', 'The marks are closed.')
      scrub(db, MOST_SERVED)
    },
    async find(all, before, limit) {
      const terms = all.map(marks => marks.map(named))
      const sizes = read(() => terms.map(t => sizeOf(t, before)))
      const rarest = terms[sizes.indexOf(Math.min(...sizes))]
      ensure(rarest, 'BAD_INPUT', 'A search of marks names one at least.')
      const others = terms.filter(t => t !== rarest)
      const found: number[] = []
      for (let at = before; found.length < limit; ) {
        const turn = read(() => next(rarest, at))
        if (turn.length === 0) break
        for (const n of turn) {
          if (found.length === limit) break
          if (read(() => others.every(t => bears(t, n)))) found.push(n)
        }
        at = turn.at(-1)!
        await new Promise(resolve => setImmediate(resolve))
      }
      return found
    },
    whole: () => read(() => Number(sql.whole.get()?.n ?? 0)),
    setWhole: n => write(() => void sql.setWhole.run(n)),
    async close() {
      await writer.idle()
      if (db.isOpen) db.close()
    },
  }
}
