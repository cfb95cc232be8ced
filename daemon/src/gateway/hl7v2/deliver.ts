/** From the queue into patients' records: in order for each patient, side by side for many. */
import { toHex } from '@keepwell/sdk/base/bytes'
import { type ErrorCode, isKeepwellError } from '@keepwell/sdk/base/error'
import type { Counters } from './counters.ts'
import type { FiledResource, Intake, Original } from './intake.ts'
import type { Keep } from './keep.ts'
import type { MapAnswer, MapAsk, Mapper } from './mapper.ts'
import { lineKey, type Row, type Sent, type Spool } from './spool.ts'

export type Delivering = {
  readonly spool: Spool
  readonly keep: Keep
  readonly intake: Intake
  readonly mapper: Mapper
  readonly counters: Counters
  /** The site's offset, as `+01:00`, for messages that name none. */
  readonly zone?: string
}

/** Lines worked on at once, and messages of one line filed together. */
const LINES = 8
const PER_LINE = 16
/** How long a line rests after the relay could not be reached: doubled each time. */
const REST = { first: 500, longest: 60_000 }

/** What may work later, with everything as it is. */
const LATER = new Set<ErrorCode>([
  'RELAY_UNREACHABLE',
  'RATE_LIMITED',
  'STORAGE_FULL',
  'STORAGE_FAILED',
  'LEDGER_BEHIND',
  'LOCKED',
  'STOPPING',
  'STALE_CALENDAR',
  'HEAD_CONFLICT',
  'CANCELLED',
  'UNSCANNED',
])
/** What a patient has to allow first. */
const CONSENT = new Set<ErrorCode>(['NO_GRANT', 'DENIED', 'GRANT_ENDED', 'UNKNOWN_PARTY', 'UNVERIFIED'])

export type Pump = {
  /** Something came, or changed. */
  wake(): void
  /** Resolves when nothing is under way any more; what rests for the relay counts as not under way. */
  idle(): Promise<void>
  /** Finishes what is under way and takes up nothing new. */
  stop(): Promise<void>
}

export function pump(d: Delivering): Pump {
  const busy = new Map<string, Promise<void>>()
  const resting = new Map<string, { timer: NodeJS.Timeout; tries: number }>()
  let stopped = false
  const start = (): void => {
    if (stopped || busy.size === LINES) return
    const taken = new Set([...busy.keys(), ...resting.keys()])
    for (const rows of d.spool.next(taken, LINES - busy.size, PER_LINE)) {
      const key = lineKey(rows[0]!.line)
      const tries = tried.get(key) ?? 0
      const work = deliverLine(d, rows).then(outcome => {
        busy.delete(key)
        if (outcome === 'later') rest(key, tries)
        else tried.delete(key)
        start()
      })
      busy.set(key, work)
    }
  }
  const tried = new Map<string, number>()
  const rest = (key: string, tries: number): void => {
    tried.set(key, tries + 1)
    const timer = setTimeout(
      () => {
        resting.delete(key)
        start()
      },
      Math.min(REST.first * 2 ** tries, REST.longest),
    )
    timer.unref()
    resting.set(key, { timer, tries })
  }
  const idle = async (): Promise<void> => {
    while (busy.size) await Promise.all(busy.values())
  }
  return {
    wake: start,
    idle,
    async stop() {
      stopped = true
      for (const { timer } of resting.values()) clearTimeout(timer)
      await idle()
    },
  }
}

type Ready = { readonly row: Row; readonly mapped: MapAnswer; readonly original: Original }

/** Never throws. */
async function deliverLine(d: Delivering, rows: readonly Row[]): Promise<'done' | 'later'> {
  const ready: Ready[] = []
  for (const found of await prepare(d, rows)) {
    if ('reason' in found) await setAside(d, [found.row], 'quarantined', found.reason)
    else ready.push(found)
  }
  return ready.length ? fileAll(d, ready) : 'done'
}

async function setAside(d: Delivering, rows: readonly Row[], state: 'held' | 'quarantined', reason: string): Promise<void> {
  await d.spool.put(
    rows.map(r => r.seq),
    state,
    reason,
  )
  d.counters.moved('waiting', state, rows.length)
}

type Poison = { readonly row: Row; readonly reason: string }

/** Opened and mapped, in the order of the rows; what cannot be is told with the reason. */
async function prepare(d: Delivering, rows: readonly Row[]): Promise<(Ready | Poison)[]> {
  const opened = await Promise.all(rows.map(row => opening(d, row)))
  const asks = opened.filter(o => 'ask' in o)
  const replies = (await d.mapper.map(asks.map(o => o.ask))).values()
  return opened.map((o): Ready | Poison => {
    if (!('ask' in o)) return o
    const reply = replies.next().value!
    return 'reason' in reply ? { row: o.row, reason: reply.reason } : judged(d, o, reply)
  })
}

function judged(d: Delivering, { row, original }: Omit<Ready, 'mapped'>, mapped: MapAnswer): Ready | Poison {
  try {
    const other = mapped.merged.map(m => d.spool.patientOf(d.keep.mark('identifier', m))).find(p => p !== null && p !== row.patient)
    // Two persons' records are never made one by a message: a person decides.
    return other ? { row, reason: 'merge-of-two-patients' } : { row, mapped, original }
  } catch (e) {
    return { row, reason: isKeepwellError(e) ? e.code : 'DEFECT' }
  }
}

async function opening(
  d: Delivering,
  row: Row,
): Promise<{ readonly row: Row; readonly original: Original; readonly ask: MapAsk } | Poison> {
  try {
    const bytes = await d.keep.open(row.mark, row.sealed)
    const id = row.mark.slice(0, 16)
    const received = new Date(row.at * 1000).toISOString()
    const about = { reference: urn(id), type: 'DocumentReference', display: 'HL7 v2 message' }
    const ask = { bytes, patient: row.patient, received, original: about, ...(d.zone ? { zone: d.zone } : {}) }
    return { row, ask, original: { id, name: `${row.type.replace('^', '-') || 'message'}.hl7`, bytes } }
  } catch (e) {
    return { row, reason: isKeepwellError(e) ? e.code : 'DEFECT' }
  }
}

const urn = (id: Uint8Array): string => `urn:uuid:${toHex(id).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')}`

type Wanted = { readonly resource: FiledResource; readonly sent: Omit<Sent, 'record'> }

/**
 * What of these messages is news: of one resource the last word counts, and a resource that a message only carries along is filed when
 * there is none yet. What was said by a later message is not undone by an earlier one that was replayed.
 */
function news(d: Delivering, ready: readonly Ready[]): Wanted[] {
  const wanted = new Map<string, Wanted>()
  for (const { row, mapped } of ready)
    for (const { resource, standing, canonical } of mapped.resources) {
      const name = `${resource.resourceType}/${String(resource.id)}`
      const key = d.keep.mark('resource', row.patient, name)
      const before = d.spool.sent(key)
      if (before && (standing === 'named' || before.seq > row.seq)) continue
      if (standing === 'named' && wanted.has(name)) continue
      const content = d.keep.mark('content', canonical)
      if (before && Buffer.compare(before.content, content) === 0) continue
      wanted.set(name, {
        resource: { resource, ...(before ? { prior: before.record } : {}) },
        sent: { resource: key, seq: row.seq, content },
      })
    }
  return [...wanted.values()]
}

async function fileAll(d: Delivering, ready: readonly Ready[]): Promise<'done' | 'later'> {
  const rows = ready.map(r => r.row)
  const wanted = news(d, ready)
  try {
    const records = await d.intake.file(
      rows[0]!.patient,
      ready.map(r => r.original),
      wanted.map(w => w.resource),
    )
    await d.spool.done(
      rows.map(r => r.seq),
      wanted.flatMap(({ sent }, i) => (records[i] ? [{ ...sent, record: records[i] }] : [])),
    )
    d.counters.moved('waiting', 'filed', rows.length)
    return 'done'
  } catch (e) {
    const code = isKeepwellError(e) ? e.code : 'DEFECT'
    if (LATER.has(code)) return 'later'
    if (CONSENT.has(code) || code === 'NOT_FOUND') {
      await setAside(d, rows, 'held', 'no-consent')
      return 'done'
    }
    if (ready.length === 1) {
      await setAside(d, rows, 'quarantined', code)
      return 'done'
    }
    // One of them is the cause: each by itself, in order.
    for (const one of ready) if ((await fileAll(d, [one])) === 'later') return 'later'
    return 'done'
  }
}
