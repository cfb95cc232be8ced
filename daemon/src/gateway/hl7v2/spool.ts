/**
 * The queue between an acknowledged message and the record it is filed in: one SQLite file in the gateway's home. What is acknowledged
 * is committed there first. Nothing in it can be read without the home's keys.
 */
import { groupWriter, guarded, MOST_SERVED, openSqlite, scrub } from '@keepwell/adapters/base/sqlite'
import { ensure } from '@keepwell/sdk/base/error'

/**
 * - `waiting`: will be filed, in the order of its line.
 * - `held`: nobody knows yet whose it is, or no consent lives; filed when that changes.
 * - `quarantined`: it cannot be filed as it is; a person must look.
 */
export type State = 'waiting' | 'held' | 'quarantined'

export type Row = {
  readonly seq: number
  readonly line: Uint8Array
  readonly mark: Uint8Array
  /** Logical id of the patient; empty while unknown. */
  readonly patient: string
  readonly state: State
  /** A stable word for why it is held or quarantined. */
  readonly reason: string
  /** Unix seconds. */
  readonly at: number
  /** `ORU^R01`. */
  readonly type: string
  readonly sealed: Uint8Array
}

export type Incoming = Omit<Row, 'seq'> & { /** Keyed hashes of PID-3. */ readonly identifiers: readonly Uint8Array[] }

/** What was filed of one resource: so that what did not change is not filed again, and an old message does not undo a newer one. */
export type Sent = { readonly resource: Uint8Array; readonly seq: number; readonly record: string; readonly content: Uint8Array }

/** Whose an identifier is. `line`: the line of that patient's messages. `sealed`: the identifier itself, for the operator's list. */
export type Link = { readonly identifier: Uint8Array; readonly patient: string; readonly line: Uint8Array; readonly sealed: Uint8Array }

export type Spool = {
  /** Resolves when it is on disk. False: the same message was taken before. @throws KeepwellError STORAGE_FULL … with nothing kept. */
  add(row: Incoming): Promise<boolean>
  /** The oldest waiting messages of lines that are not among `busy`, a few of each line. */
  next(busy: ReadonlySet<string>, lines: number, perLine: number): Row[][]
  sent(resource: Uint8Array): Sent | null
  /** The messages are filed: they leave the queue, and what was sent of them is remembered. */
  done(seqs: readonly number[], sent: readonly Sent[]): Promise<void>
  put(seqs: readonly number[], state: State, reason: string): Promise<void>
  /** Gives a message to a patient, and lets it go on its way. */
  assign(seq: number, patient: string, line: Uint8Array): Promise<void>
  list(state: State): Row[]
  /** Removes messages for good. */
  drop(seqs: readonly number[]): Promise<void>
  /** Leaves nothing of what was removed in any file (of one of more than 64 MiB: in its log). Throws STORAGE_FAILED while another process reads. */
  scrub(): Promise<void>
  /** Says whose an identifier is, and lets what was held for it go on its way. Returns how many messages that were. */
  link(link: Link): Promise<number>
  unlink(identifier: Uint8Array): Promise<void>
  links(): { identifier: Uint8Array; patient: string; sealed: Uint8Array }[]
  patientOf(identifier: Uint8Array): string | null
  /** Lets what was held for want of a consent of this patient be tried again. */
  release(patient: string): Promise<number>
  counts(): Readonly<Record<State, number>>
  /** Forgets which messages were taken before `at` (Unix seconds), so that the list of them does not grow for ever. */
  prune(at: number): Promise<void>
  close(): Promise<void>
}

const CREATE = [
  `create table messages (seq integer primary key autoincrement, line blob not null, mark blob not null, patient text not null,
    state text not null, reason text not null, at integer not null, type text not null, sealed blob not null)`,
  'create index messages_line on messages (state, line, seq)',
  'create table wanted (identifier blob not null, seq integer not null, primary key (identifier, seq)) without rowid',
  'create index wanted_seq on wanted (seq)',
  'create table seen (mark blob primary key, at integer not null) without rowid',
  'create index seen_at on seen (at)',
  'create table links (identifier blob primary key, patient text not null, sealed blob not null) without rowid',
  'create table sent (resource blob primary key, seq integer not null, record text not null, content blob not null) without rowid',
]

const COLUMNS = 'seq, line, mark, patient, state, reason, at, type, sealed'
/** Listed at most: a person reads it. */
const MAX_LIST = 1000

export function openSpool(file: string): Spool {
  const db = openSqlite({ file, version: 1, create: CREATE })
  const writer = groupWriter(db)
  const write = <T>(work: () => T): Promise<T> => {
    ensure(db.isOpen, 'STORAGE_FAILED', 'The queue is closed.')
    return writer.run(() => guarded('writing the queue', work))
  }
  const read = <T>(work: () => T): T => guarded('reading the queue', work)
  const s = guarded('opening the queue', () => ({
    insert: db.prepare('insert into messages (line, mark, patient, state, reason, at, type, sealed) values (?, ?, ?, ?, ?, ?, ?, ?)'),
    want: db.prepare('insert or ignore into wanted values (?, ?)'),
    see: db.prepare('insert or ignore into seen values (?, ?)'),
    // From line to line by the index: grouping would read every message that waits, and that at each message that comes.
    lines: db.prepare(`with recursive lines(line) as (
        select min(line) from messages where state = 'waiting'
        union all select (select min(line) from messages where state = 'waiting' and line > lines.line) from lines where line is not null)
      select line, (select min(seq) from messages where state = 'waiting' and messages.line = lines.line) as first
        from lines where line is not null order by first limit ?`),
    ofLine: db.prepare(`select ${COLUMNS} from messages where state = 'waiting' and line = ? order by seq limit ?`),
    list: db.prepare(`select ${COLUMNS} from messages where state = ? order by seq limit ${MAX_LIST}`),
    move: db.prepare('update messages set state = ?, reason = ? where seq = ?'),
    assign: db.prepare(`update messages set state = 'waiting', reason = '', patient = ?, line = ? where seq = ?`),
    remove: db.prepare('delete from messages where seq = ?'),
    unwant: db.prepare('delete from wanted where seq = ?'),
    sent: db.prepare('select resource, seq, record, content from sent where resource = ?'),
    send: db.prepare(
      'insert into sent values (?, ?, ?, ?) on conflict (resource) do update set seq = excluded.seq, record = excluded.record, content = excluded.content',
    ),
    link: db.prepare(
      'insert into links values (?, ?, ?) on conflict (identifier) do update set patient = excluded.patient, sealed = excluded.sealed',
    ),
    unlink: db.prepare('delete from links where identifier = ?'),
    links: db.prepare('select identifier, patient, sealed from links'),
    linked: db.prepare('select patient from links where identifier = ?'),
    free: db.prepare(
      `update messages set state = 'waiting', reason = '', patient = ?, line = ? where state = 'held' and patient = '' and seq in (select seq from wanted where identifier = ?)`,
    ),
    retry: db.prepare(`update messages set state = 'waiting', reason = '' where state = 'held' and patient = ?`),
    counts: db.prepare('select state, count(*) as n from messages group by state'),
    prune: db.prepare('delete from seen where at < ?'),
  }))
  const removeAll = (seqs: readonly number[]): void => {
    for (const seq of seqs) {
      s.remove.run(seq)
      s.unwant.run(seq)
    }
  }
  return {
    add: row =>
      write(() => {
        if (Number(s.see.run(row.mark, row.at).changes) === 0) return false
        const { lastInsertRowid: seq } = s.insert.run(row.line, row.mark, row.patient, row.state, row.reason, row.at, row.type, row.sealed)
        if (!row.patient) for (const identifier of row.identifiers) s.want.run(identifier, seq)
        return true
      }),
    next: (busy, lines, perLine) =>
      read(() => {
        const found = s.lines.all(lines + busy.size) as { line: Uint8Array }[]
        const free = found.filter(({ line }) => !busy.has(lineKey(line))).slice(0, lines)
        return free.map(({ line }) => s.ofLine.all(line, perLine) as unknown as Row[])
      }),
    sent: resource => (read(() => s.sent.get(resource)) as Sent | undefined) ?? null,
    done: (seqs, sent) =>
      write(() => {
        for (const { resource, seq, record, content } of sent) s.send.run(resource, seq, record, content)
        removeAll(seqs)
      }),
    put: (seqs, state, reason) =>
      write(() => {
        for (const seq of seqs) s.move.run(state, reason, seq)
      }),
    assign: (seq, patient, line) => write(() => void s.assign.run(patient, line, seq)),
    list: state => read(() => s.list.all(state) as unknown as Row[]),
    drop: seqs => write(() => removeAll(seqs)),
    async scrub() {
      await writer.idle()
      scrub(db, MOST_SERVED)
    },
    link: ({ identifier, patient, line, sealed }) =>
      write(() => {
        s.link.run(identifier, patient, sealed)
        return Number(s.free.run(patient, line, identifier).changes)
      }),
    unlink: identifier => write(() => void s.unlink.run(identifier)),
    links: () => read(() => s.links.all() as unknown as ReturnType<Spool['links']>),
    patientOf: identifier => (read(() => s.linked.get(identifier)) as { patient: string } | undefined)?.patient ?? null,
    release: patient => write(() => Number(s.retry.run(patient).changes)),
    counts() {
      const rows = read(() => s.counts.all()) as { state: State; n: number }[]
      return { waiting: 0, held: 0, quarantined: 0, ...Object.fromEntries(rows.map(r => [r.state, r.n])) }
    },
    prune: at => write(() => void s.prune.run(at)),
    async close() {
      await writer.idle()
      if (db.isOpen) db.close()
    },
  }
}

export const lineKey = (line: Uint8Array): string => Buffer.from(line).toString('base64')
