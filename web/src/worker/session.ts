import { reasonsOf } from '@keepwell/sdk/actions/access/ask'
import type { OpenedRecord, ReadingSession, Refused, SessionRecord } from '@keepwell/sdk/actions/access/open-session'
import { fileNameOf } from '@keepwell/sdk/actions/records/export-names'
import { toHex } from '@keepwell/sdk/base/bytes'
import { cidFromBytes } from '@keepwell/sdk/base/cid'
import { isKeepwellError, KeepwellError } from '@keepwell/sdk/base/error'
import { forEmergencies } from '@keepwell/sdk/consent/limits'
import type { Purpose } from '@keepwell/sdk/consent/terms'
import { digestOf } from '@keepwell/sdk/health/fhir/digest'
import type { OpenedCount, OpenSession, ProblemsView, SessionOver, SessionOverview, SessionQuery, SessionView } from '#rpc/clinician.ts'
import { RemoteError } from '#rpc/rpc.ts'
import type { SharingNews } from '#rpc/sharing.ts'
import type { Found, RecordView, Row, ShareView } from '#rpc/views.ts'
import { contentOf } from './content.ts'
import { lastSeen, noteOpened } from './desk.ts'
import { naming, rowOf } from './entries.ts'
import { NO_EXTRAS } from './extras.ts'
import { openConsents } from './open-consents.ts'
import { clock, elapsed, pause, random } from './platform.ts'
import { type Results, resultsOver } from './results.ts'
import { inOrder, type SessionItem, sessionMeasures, sessionOverview, sessionProblems } from './session-index.ts'
import { receivedShares } from './shares.ts'
import type { OpenVault } from './vault.ts'
import { versionsAround } from './versions.ts'

export type SessionCall = { readonly signal: AbortSignal; readonly progress: (value: OpenedCount) => void }

/** Someone else's record, open in memory until its session ends; afterwards everything here refuses. */
export type OpenReading = {
  view(): SessionView
  find(query: SessionQuery): Found
  window(token: number, from: number, to: number): readonly Row[]
  overview(): SessionOverview
  /** What the opened contents measured, as series. */
  results: Results
  problems(): ProblemsView
  /** Opens every content that is not a file, in batches, each with a receipt that names its records. */
  openAll(call: SessionCall): Promise<OpenedCount>
  record(id: string): Promise<RecordView>
  /** A record's content as it came; opened anew, with a receipt of its own. */
  file(id: string): Promise<Blob>
  /** Ends the session if the share behind it was ended, or is not here any more. */
  check(news?: readonly SharingNews[]): void
  end(why: SessionOver['why']): void
}

type Vault = Pick<OpenVault, 'ctx'>

/** Contents opened with one receipt: few enough that a receipt can be read, and memory stays small. */
const BATCH = 256
const BATCH_BYTES = 8 << 20
/** Larger contents are opened by themselves, when somebody looks at them. */
const SMALL = 1 << 20
const KEPT_ANSWERS = 3
/** Timers of more than some days overflow; time asleep is noticed at the latest after so many seconds. */
const LOOK = 30

/** Opens what was shared with this vault; its owner gets a receipt. `over` hears when and why the session ended. */
export async function openReading(vault: Vault, input: OpenSession, over: (o: SessionOver) => void): Promise<OpenReading> {
  const share = receivedShares(vault).find(s => s.id === input.share)
  if (!share) throw new KeepwellError('NO_GRANT', 'That share is not here any more.')
  const { ctx } = vault
  const seen = await lastSeen(ctx, share.id)
  const session = await openConsents(ctx, share.consents, {
    purpose: input.purpose as Purpose,
    ...(input.person.trim() ? { person: input.person.trim() } : {}),
    ...(input.role.trim() ? { role: input.role.trim() } : {}),
  }).catch(limited)
  const highest = session.records.reduce((max, r) => Math.max(max, r.seq), seen ?? 0)
  const fresh = seen === null ? null : session.records.filter(r => r.seq > seen).length
  await noteOpened(ctx, share.id, highest)
  const state = sessionState(vault, { share, session, input, fresh, over })
  void watch(state)
  return readingOf(state)
}

type Emergency = Pick<Begun, 'session' | 'over'> & { readonly id: string; readonly name: string; readonly until: number }

/** The emergency compartment while its window is open: a session like others, whose share is the request with that tag. */
export function readEmergency(vault: Vault, { session, over, id, name, until }: Emergency): { reading: OpenReading; ended: AbortSignal } {
  const { ring } = vault.ctx.session.state
  const { grant, terms } = session.grant
  const share: ShareView = {
    ...{ id, consents: [toHex(grant.commitment)], did: terms.patient, name, level: 'read', mayAdd: false, records: 0 },
    ...{ compartments: ['emergency'], purposes: terms.purposes, from: clock(), until, given: clock() },
    ...{ state: 'live', of: null, by: null, under: null, whileVouched: false },
  }
  const input = { share: id, purpose: 'ETREAT', person: ring.name, role: '' }
  const state = sessionState(vault, { share, session, input, fresh: null, over })
  void watch(state)
  // It ends with its window or by a veto; shares that come and go here are others.
  return { reading: { ...readingOf(state), check: () => {} }, ended: state.stop.signal }
}

type State = ReturnType<typeof sessionState>
type Begun = {
  readonly share: ShareView
  readonly session: ReadingSession
  readonly input: OpenSession
  readonly fresh: number | null
  readonly over: (o: SessionOver) => void
}

function sessionState(vault: Vault, { share, session, input, fresh, over }: Begun) {
  const names = { ...naming(vault.ctx.session.state.ring), compartment: compartmentsOf(session), own: share.did }
  const items = new Map<string, SessionItem>(session.records.map(r => [toHex(r.id), itemOf(r, names)]))
  const opened = new Map<string, RecordView>()
  /** Why records did not open, by their codes. */
  const refused = new Map<string, string>()
  const answers = new Map<number, readonly SessionItem[]>()
  /** Records of which the patient told that there is a newer version. */
  const amended = new Set<string>()
  const openedAt = clock()
  const problems = session.problems.length
  const stop = new AbortController()
  let sorted: readonly SessionItem[] | null = null
  let receipts = 1
  return {
    vault,
    share,
    session,
    input,
    fresh,
    problems,
    openedAt,
    items,
    opened,
    refused,
    answers,
    amended,
    stop,
    current: () => (sorted ??= inOrder(items.values(), share.did)),
    receipt: () => void receipts++,
    count: (): OpenedCount => {
      const all = [...items.values()].filter(i => isOpenable(i) && !refused.has(i.row.id))
      return { open: all.filter(i => opened.has(i.row.id)).length, of: all.length, receipts }
    },
    learn(record: SessionRecord, view: RecordView): void {
      const known = items.get(view.row.id)
      opened.set(view.row.id, view)
      refused.delete(view.row.id)
      if (!known) return
      const before: SessionItem = view.from.signature === 'verified' ? { ...known, proven: true } : known
      items.set(view.row.id, before)
      sorted = null
      if (view.content.kind !== 'fhir') return
      const { resource } = view.content
      const fullUrl = view.from.attributes.fullUrl
      const digest = digestOf(resource)
      const hay = `${before.hay} ${digest.text.toLowerCase()}`
      items.set(view.row.id, { ...before, record, hay, resource, digest, ...(fullUrl ? { fullUrl } : {}) })
    },
    /** Throws NO_GRANT once the session is over. */
    alive(): void {
      if (stop.signal.aborted) throw new KeepwellError('NO_GRANT', 'The session is closed.')
    },
    end(why: SessionOver['why']): void {
      if (stop.signal.aborted) return
      stop.abort()
      const contents = opened.size
      session.close()
      items.clear()
      opened.clear()
      refused.clear()
      answers.clear()
      sorted = []
      over({ share: share.id, name: share.name, why, seconds: clock() - openedAt, opened: contents, receipts })
    },
  }
}

const compartmentsOf = (session: ReadingSession) => {
  const names = new Map(session.grant.package.compartments.map(c => [toHex(c.id), c.name]))
  return (id: Uint8Array): string => names.get(toHex(id)) ?? 'general'
}

function itemOf(record: SessionRecord, names: Parameters<typeof rowOf>[1]): SessionItem {
  const { card } = record
  const row = rowOf({ ...record, date: card.start ?? '', trust: 'verified' }, names)
  const words = [card.title, row.type, card.kind, row.compartment, row.author ?? '', row.date]
  const codes = card.codes.flatMap(c => [c.code, c.display ?? ''])
  return { record, row, hay: [...words, ...codes].join(' ').toLowerCase() }
}

const isOpenable = ({ record: { card } }: SessionItem): boolean => card.kind === 'fhir' && card.size <= SMALL

/** Closes the session at the end of its share, to the second as this device's clock has it. */
async function watch({ share, stop, end }: State): Promise<void> {
  while (!stop.signal.aborted) {
    const left = share.until - clock()
    if (left <= 0) return end('expired')
    await pause(Math.min(left, LOOK) * 1000, stop.signal)
  }
}

const LIMITS: Readonly<Record<string, string>> = { restricted: 'FROZEN', objected: 'OBJECTED', 'opted-out': 'OPTED_OUT' }
const limitOf = (e: unknown): string | undefined => reasonsOf(e).flatMap(r => LIMITS[r] ?? [])[0]

/** What the patient's own limits refuse is told apart from a share that has ended: it stands, and may open again. */
function limited(e: unknown): never {
  const code = limitOf(e)
  throw code ? new RemoteError(code, 'The patient’s own limits stand against it.') : e
}

/** A refusal ends the session: what was open must not stay on screen when its consent is gone. */
async function unlessRefused<T>(state: State, work: () => Promise<T>): Promise<T> {
  try {
    const value = await work()
    state.alive()
    return value
  } catch (e) {
    if (isKeepwellError(e, 'DENIED')) state.end(state.share.until <= clock() ? 'expired' : limitOf(e) === 'FROZEN' ? 'frozen' : 'refused')
    return limited(e)
  }
}

/** One that is bad costs itself alone, unless it is all that was asked for. */
async function openBatch(state: State, batch: readonly SessionItem[], refused?: Refused): Promise<void> {
  const ids = batch.map(i => i.record.id)
  const opened = await unlessRefused(state, () => state.session.open(ids, refused))
  state.receipt()
  const byId = new Map(opened.map(o => [toHex(o.meta.id), o]))
  for (const { record, row } of batch) {
    const found = byId.get(row.id)
    if (found) state.learn(record, await viewOf(state.vault, { record, row }, found))
  }
}

function batchesOf(items: readonly SessionItem[]): SessionItem[][] {
  const out: SessionItem[][] = []
  let bytes = 0
  for (const item of items) {
    const last = out.at(-1)
    bytes += item.record.card.size
    if (last && last.length < BATCH && bytes <= BATCH_BYTES) last.push(item)
    else {
      out.push([item])
      bytes = item.record.card.size
    }
  }
  return out
}

function readingOf(state: State): OpenReading {
  let next = 1
  const secret = random(16)
  const results = resultsOver(
    {
      version: () => state.opened.size,
      measures: () => sessionMeasures(state.current()),
      unread: () => state.current().filter(i => i.row.type === 'Observation' && !i.digest).length,
    },
    () => secret,
  )
  const alive = <A extends readonly unknown[], T>(work: (...args: A) => T) => {
    return (...args: A): T => {
      state.alive()
      return work(...args)
    }
  }
  return {
    view: alive(() => sessionView(state)),
    find: alive(query => {
      const started = elapsed()
      const found = state.current().filter(matcher(query))
      const token = next++
      state.answers.set(token, found)
      for (const old of [...state.answers.keys()].slice(0, -KEPT_ANSWERS)) state.answers.delete(old)
      const types = [...new Set(state.current().map(i => i.row.type))].sort()
      return { token, items: found.length, records: found.length, types, milliseconds: elapsed() - started }
    }),
    window: alive((token, from, to) => (state.answers.get(token) ?? []).slice(from, to).map(i => i.row)),
    overview: alive(() => sessionOverview(state.current())),
    problems: alive(() => sessionProblems(state.current())),
    results: {
      list: alive(() => results.list()),
      series: alive(query => results.series(query)),
      rows: alive((query, from, to) => results.rows(query, from, to)),
    },
    async openAll({ signal, progress }) {
      state.alive()
      const closed = state.current().filter(i => isOpenable(i) && !state.opened.has(i.row.id))
      for (const batch of batchesOf(closed)) {
        if (signal.aborted) break
        await openBatch(state, batch, (id, { code }) => void state.refused.set(id, code))
        progress(state.count())
      }
      return state.count()
    },
    async record(id) {
      state.alive()
      const item = itemNamed(state, id)
      if (!state.opened.has(id)) await openBatch(state, [item])
      const view = state.opened.get(id)
      if (!view) throw new KeepwellError('NOT_FOUND', 'That record is not shared with you any more.')
      return { ...view, ...versionsIn(state, id) }
    },
    async file(id) {
      state.alive()
      const item = itemNamed(state, id)
      const [opened] = await unlessRefused(state, () => state.session.open([item.record.id]))
      if (!opened) throw new KeepwellError('NOT_FOUND', 'That record is not shared with you any more.')
      state.receipt()
      return new Blob([opened.body.slice()], { type: 'application/octet-stream' })
    },
    check(news = []) {
      const { id, did, purposes } = state.share
      for (const n of news) if (n.kind === 'amended' && n.did === did) for (const old of n.records) state.amended.add(old)
      if (news.some(n => n.kind === 'frozen' && n.did === did) && !forEmergencies(purposes)) return state.end('frozen')
      // Ended, and renewed in the same breath, it is another share.
      const ended = news.some(n => n.kind === 'ended' && n.share === id)
      if (ended || !receivedShares(state.vault).some(s => s.id === id)) state.end('revoked')
    },
    end: state.end,
  }
}

function itemNamed(state: State, id: string): SessionItem {
  const item = state.items.get(id)
  if (!item) throw new KeepwellError('NOT_FOUND', 'That record is not shared with you any more.')
  return item
}

const FILES = new Set(['DocumentReference', 'ImagingStudy', 'Media', 'DiagnosticReport', 'Composition'])
const isFile = ({ record: { card }, row }: SessionItem): boolean => card.kind !== 'fhir' || FILES.has(row.type)

/** Every word must occur somewhere: in a title, in a code, or in the content once it is open. */
function matcher({ text = '', compartment, type, files }: SessionQuery): (item: SessionItem) => boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  return item =>
    (!compartment || item.row.compartment === compartment) &&
    (!type || item.row.type === type) &&
    (!files || isFile(item)) &&
    words.every(w => item.hay.includes(w))
}

function sessionView(state: State): SessionView {
  const { share, input, openedAt, fresh, problems } = state
  const parts = Map.groupBy(state.current(), i => i.row.compartment)
  return {
    share,
    purpose: input.purpose,
    person: input.person.trim(),
    role: input.role.trim(),
    openedAt,
    records: state.current().length,
    fresh,
    problems,
    parts: [...parts].map(([name, list]) => ({ name, count: list.length })),
    opened: state.count(),
    refused: [...state.refused].map(([id, code]) => ({ id, title: state.items.get(id)?.row.title ?? '', code })),
  }
}

/**
 * What is listed here around a record; or that the patient told of a newer version since the session began. One that was not opened yet stands
 * beside it, whatever name is on it.
 */
function versionsIn({ items, amended, share, vault }: State, id: string): Pick<RecordView, 'prior' | 'newer' | 'beside'> {
  const { ring } = vault.ctx.session.state
  const all = [...items.values()]
  const proven = new Set(all.flatMap(i => (i.proven ? [i.record] : [])))
  const versions = versionsAround(items.get(id)!.record, {
    all: all.map(i => i.record),
    around: { subject: share.did, proven: r => proven.has(r) },
    nameOf: author => (author === ring.did ? ring.name : author === share.did ? share.name : naming(ring).party(author)),
    at: () => null,
  })
  return versions.newer || !amended.has(id) ? versions : { ...versions, newer: { id: null, author: share.name, at: null } }
}

type Listed = { readonly record: SessionRecord; readonly row: Row }

async function viewOf({ ctx }: Vault, { record, row }: Listed, opened: OpenedRecord): Promise<RecordView> {
  const { ring } = ctx.session.state
  const { meta } = opened
  const { file = null, ...attributes } = meta.attributes ?? {}
  return {
    row: opened.author === 'verified' ? row : { ...row, trust: 'unverified' },
    mediaType: record.card.mediaType,
    size: record.card.size,
    fileName: fileNameOf(record).replace(/^.*\//, ''),
    content: await contentOf(record.card, opened.body),
    from: {
      author: meta.author === ring.did ? ring.name : naming(ring).party(meta.author),
      own: meta.author === ring.did,
      signature: opened.author === 'verified' ? 'verified' : 'unknown',
      signedAt: meta.authoredAt,
      filedAt: meta.authoredAt,
      anchoredAt: null,
      cid: cidFromBytes(record.cid),
      file,
      attributes,
    },
    prior: null,
    newer: null,
    beside: [],
    ...NO_EXTRAS,
  }
}
