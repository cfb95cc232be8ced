import { openIndexedDbCatalog } from '@keepwell/adapters/catalog/indexeddb'
import { passOnward } from '@keepwell/sdk/actions/access/pass-onward'
import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import { keepRequests } from '@keepwell/sdk/actions/access/waiting-requests'
import type { Ctx, Session } from '@keepwell/sdk/actions/context'
import { confirmAnchors } from '@keepwell/sdk/actions/records/confirm-anchors'
import { digestMissing } from '@keepwell/sdk/actions/records/digest-missing'
import { publishState } from '@keepwell/sdk/actions/records/publish-state'
import { receiveRecords } from '@keepwell/sdk/actions/records/receive-records'
import { tellAmended } from '@keepwell/sdk/actions/rights/amended'
import { homeRelay, homeRelayUrl, makeCall } from '@keepwell/sdk/actions/vault/calls'
import { refreshRing } from '@keepwell/sdk/actions/vault/change-ring'
import { AUDIT } from '@keepwell/sdk/audit/trail-proof'
import { toHex } from '@keepwell/sdk/base/bytes'
import { isKeepwellError } from '@keepwell/sdk/base/error'
import { memoryCatalog } from '@keepwell/sdk/memory/catalog'
import type { Catalog } from '@keepwell/sdk/ports/catalog'
import type { Synced } from '#rpc/views.ts'
import type { Bodies } from './details.ts'
import { type Entries, watchEntries } from './entries.ts'
import { type Finder, finder, searcher } from './find.ts'
import { dropGlance, keepGlance } from './glance.ts'
import { type Lifeline, lifeline } from './lifeline.ts'
import { type Inbox, openInbox } from './news.ts'
import { type Offline, offline, openChests } from './offline.ts'
import { pdfReader } from './pdf-reader.ts'
import { openPlace } from './place.ts'
import { clock, pause, random, skew } from './platform.ts'
import { policiesOf } from './policies.ts'
import { type Results, resultsOf } from './results.ts'
import { newsOf } from './sharing-news.ts'
import { catalogName, keepState } from './shelf.ts'
import { overviewOf } from './summary-api.ts'
import { tellTabs } from './tabs.ts'
import { anew, pending, single } from './turns.ts'
import { lastVisit } from './visits.ts'

export type Tell = (
  event:
    | 'records'
    | 'copies'
    | 'sharing'
    | 'looked'
    | 'online'
    | 'session'
    | 'clock'
    | 'ended'
    | 'news'
    | 'emergency'
    | 'rights'
    | 'guardians'
    | 'closed',
  value?: unknown,
) => void

/** A vault that is open in this worker. It ends with the worker. */
export type OpenVault = {
  readonly ctx: Ctx
  readonly entries: Entries
  readonly finder: Finder
  readonly lifeline: Lifeline
  /** Records whose bodies were opened for a summary. */
  readonly bodies: Bodies
  /** When this device opened the vault before; null the first time. */
  readonly before: number | null
  readonly inbox: Inbox
  readonly results: Results
  readonly sample: boolean
  /** Runs work that writes, then keeps the keyring as it is now. */
  run<T>(work: (ctx: Ctx) => Promise<T>): Promise<T>
  sync(): Promise<Synced>
  /** Called once records were filed: signs what the vault holds, and looks for their proofs as the ledger takes them. */
  filed(): Promise<void>
  /** Tells the page that something about the records is other than it was. */
  changed(): void
  /** What this device does without a relay; null for a made-up record. */
  readonly offline: Offline | null
  /** Fetches copies for reading without a relay, once nothing more urgent waits. */
  copy(): void
  /** Called once records wait here: shows them, and tries to send them again and again. */
  held(): Promise<void>
  /** Nothing more is heard, sent or gathered; what is kept here can still be changed. */
  hush(): void
  close(): void
}

/** Milliseconds without a change before the catalog is packed. */
const QUIET = 6000

type Opening = { readonly origin: string; readonly session: Session; readonly sample?: boolean; readonly tell: Tell }

/** What this browser keeps of an open vault; of a made-up one, nothing outlives the worker. */
async function openStores(session: Session, sample: boolean, changed: () => void) {
  const name = catalogName(session.state.ring.did)
  const inner = sample ? memoryCatalog() : await openIndexedDbCatalog({ name })
  const tabs = sample ? null : tellTabs(name, inner)
  const watched = await watchEntries(tabs?.catalog ?? inner, () => session.state.ring, changed)
  const chests = sample ? null : await openChests(session)
  // What is erased leaves the copies as well.
  const catalog: Catalog = {
    ...watched.catalog,
    async drop(ids) {
      await watched.catalog.drop(ids)
      await dropGlance(inner)
      await chests?.copies.drop(ids)
    },
  }
  const tidy = async (signal: AbortSignal): Promise<void> => {
    await watched.entries.learn(signal)
    await watched.tidy()
  }
  return { inner, tabs, chests, catalog, entries: watched.entries, reread: watched.reread, tidy }
}

export async function openVault({ origin, session, sample = false, tell }: Opening): Promise<OpenVault> {
  const end = new AbortController()
  const network = openPlace(origin, homeRelayUrl(session.state.ring))
  let settling: ReturnType<typeof setTimeout> | undefined
  const stores = await openStores(session, sample, () => {
    tell('records')
    settle()
  })
  const { inner, tabs, entries, catalog, chests } = stores
  // Once nothing has changed for a while, and nobody waits for anything.
  const settle = (): void => {
    clearTimeout(settling)
    settling = setTimeout(() => (work.idle() ? void tidy().catch(() => {}) : settle()), QUIET)
  }
  const tidy = async (): Promise<void> => {
    await stores.tidy(end.signal)
    if (!sample) await keepGlance(ctx, await overviewOf(vault))
  }
  const ctx: Ctx = { clock, random, network, catalog, session, policies: policiesOf({ network, session }), ...chests }
  const away = chests && (await offline({ ctx: { ...ctx, ...chests }, entries, catalog: inner, changed: () => tabs?.held() }))
  tabs?.hear({ rows: stores.reread, held: async () => away?.refresh() })
  let saved = session.state
  // Our own writing is told as well as that of others: what was told meanwhile is looked at afterwards.
  const work = pending(() => void (end.signal.aborted || once().catch(() => {})))
  const save = async (): Promise<void> => {
    if (session.state === saved) return
    saved = session.state
    if (!sample) await keepState(session)
  }
  const run = async <T>(verb: (ctx: Ctx) => Promise<T>): Promise<T> => {
    work.begin()
    try {
      return await verb(ctx)
    } finally {
      work.end()
      await save()
    }
  }
  const digests = single(() => tellCorrected(ctx, entries, inbox).then(() => gather(ctx, entries, end.signal).then(save)))
  const inbox = openInbox(ctx, entries, (unread, kinds) => tell('news', { unread, kinds }))
  // Whoever looked is told at the next time, if not at this.
  const opened = single(() => inbox.opened().catch(() => {}))
  let begun = false
  const once = anew(async () => {
    begun = true
    const synced = await run(() => synchronise(ctx, { entries, inbox, tell }))
      .catch(toldOfClock(tell, origin))
      .catch(told(tell, end.signal))
    tell('clock', 0)
    await run(async () => away?.send())
    await away?.synced()
    void opened()
    void digests()
      .then(() => copy())
      .catch(() => {})
    return synced
  })
  const copy = single(() => fetchLater(away, tell, end.signal).then(save))
  const resend = single(async () => {
    for (const wait of [5000, 15_000, 60_000, 300_000]) {
      await pause(wait, end.signal)
      if (end.signal.aborted || !(await away?.standing())?.waiting) return
      await once().catch(() => {})
    }
  })
  const proofs = single(() => prove(ctx, entries, end.signal))
  const hush = (): void => {
    end.abort()
    clearTimeout(settling)
  }
  const search = searcher(entries)
  const vault: OpenVault = {
    ctx,
    entries,
    finder: finder(entries, search),
    lifeline: lifeline(entries, search),
    bodies: new Map(),
    before: await lastVisit(inner, clock()),
    inbox,
    results: resultsOf(entries, () => session.state.ring.catalog),
    sample,
    run,
    sync: once,
    async filed() {
      await run(async () => publishState(ctx))
      void Promise.allSettled([proofs(), digests()])
    },
    changed: () => tell('records'),
    offline: away,
    copy: () => void copy().catch(() => {}),
    async held() {
      await away?.refresh()
      tabs?.held()
      void resend().catch(() => {})
    },
    hush,
    close() {
      hush()
      tabs?.close()
      void away?.close()
    },
  }
  void entries.learn(end.signal).then(() => end.signal.aborted || vault.lifeline.warm())
  settle()
  void listen(ctx, { signal: end.signal, tell, changed: work.ask, begun: () => begun, sync: once, opened })
  return vault
}

const toldOfClock = (tell: Tell, origin: string) => async (e: unknown) => {
  if (isKeepwellError(e, 'CLOCK_SKEW')) tell('clock', await skew(origin).catch(() => null))
  throw e
}

/** Whether this device was shut out, or the record ended elsewhere: the page says so, for trying again is no use then. */
const told = (tell: Tell, closed: AbortSignal) => (e: unknown) => {
  if (closed.aborted) throw e
  if (isKeepwellError(e, 'ERASED')) tell('ended', 'erased')
  if (isKeepwellError(e, 'NO_KEY') || isKeepwellError(e, 'BAD_SIGNATURE')) tell('ended', 'out')
  throw e
}

/** What other devices filed is opened for search and trends once nothing more urgent waits; what fails is tried at the next time. */
async function gather(ctx: Ctx, entries: Entries, signal: AbortSignal): Promise<void> {
  const all = [...entries.all()].map(i => i.entry)
  await digestMissing(ctx, all, { signal, reader: pdfReader }).catch(() => {})
}

/** Who read what was corrected is told, or the person hears who could not be; that nobody can be told now is no reason to say nothing else. */
async function tellCorrected(ctx: Ctx, entries: Entries, inbox: Inbox): Promise<void> {
  const versions = [...entries.all()].map(i => i.entry).filter(e => e.card.prior)
  const telling = await tellAmended(ctx, versions).catch(() => null)
  if (telling?.unreached.length) await inbox.untold(telling.unreached)
}

/** Fetches copies for reading without a relay, once nothing more urgent waits. */
async function fetchLater(away: Offline | null, tell: Tell, signal: AbortSignal): Promise<void> {
  await pause(10_000, signal)
  if (signal.aborted) return
  await away?.fetchCopies(signal).catch(() => {})
  tell('copies')
}

/** Looks for the proofs of what was filed, as the ledger takes them. */
async function prove(ctx: Ctx, entries: Entries, signal: AbortSignal): Promise<void> {
  for (const wait of [3000, 5000, 15_000, 60_000]) {
    await pause(wait, signal)
    if (signal.aborted || unanchored(entries).length === 0) return
    await confirmAnchors(ctx, unanchored(entries)).catch(() => {})
  }
}

const unanchored = (entries: Entries) => [...entries.all()].filter(i => i.entry.anchoredAt === undefined).map(i => i.entry)

type Syncing = { readonly entries: Entries; readonly inbox: Inbox; readonly tell: Tell }

/** Messages, records others wrote, proofs: what `keepwell sync` does. */
async function synchronise(ctx: Ctx, { entries, inbox, tell }: Syncing): Promise<Synced> {
  const asked = openingsOf(ctx)
  const limits = rightsOf(ctx)
  const { guardians, guarding } = ctx.session.state.ring
  await refreshRing(ctx)
  const arrivals = await receiveMessages(ctx)
  await keepRequests(ctx, arrivals)
  // Before anything that may fail: a session under a share that has ended closes now.
  if (arrivals.length) tell('sharing', newsOf(arrivals))
  // Another device may have taken the custodians' messages: the keyring says it as well.
  if (openingsOf(ctx) !== asked) tell('emergency')
  if (rightsOf(ctx) !== limits) tell('rights')
  const { ring } = ctx.session.state
  // What wakes others' devices, or has them woken: most have neither.
  if (ring.bell || ring.wakes) await (await import('@keepwell/sdk/actions/emergency/bell')).tellOwed(ctx)
  if (ring.guardians !== guardians || ring.guarding !== guarding) tell('guardians')
  await passOnward(ctx, arrivals)
  const before = new Set([...entries.all()].map(i => i.row.id))
  const received = await receiveRecords(ctx)
  const fresh = [...entries.all()].filter(i => !before.has(i.row.id)).length
  if (received.problems.length) tell('records')
  await inbox.arrived(arrivals, before)
  const { wrong } = await confirmAnchors(ctx, unanchored(entries))
  // For whoever may read who looked; most share that with nobody, and what it takes need not be here for them.
  const published = ring.compartments.some(c => c.name === AUDIT)
    ? await (await import('@keepwell/sdk/actions/access/publish-trail')).publishWhileRead(ctx)
    : 0
  if (fresh || published) await publishState(ctx)
  return { fresh, messages: arrivals.length, problems: received.problems.length, wrong: wrong.length }
}

/** Changes when somebody asked, was answered, or another custodian told of it; or of somebody whom one looks after. */
const openingsOf = ({ session }: Ctx): string => {
  const { openings = [], bell } = session.state.ring
  const told = openings.map(o => [toHex(o.tag), o.custodians.length, o.vetoedAt, o.review?.at].join())
  return [...told, ...(bell?.heard ?? []).map(h => toHex(h.id))].join(' ')
}

/** Another object when limits or requests were changed, here or on another device; that one is equal matters to nobody. */
const rightsOf = ({ session }: Ctx): unknown => session.state.ring.rights

type Listening = {
  readonly signal: AbortSignal
  readonly tell: Tell
  /** Records were filed or erased, by whomever. */
  readonly changed: () => void
  /** Whether anything was asked for before; if not, it will be, once the page is there. */
  readonly begun: () => boolean
  readonly sync: () => Promise<Synced>
  readonly opened: () => Promise<void>
}

const MAX_WAIT = 30_000

/** Follows the relay's words; while it cannot be reached the page says so, and it is tried again, less and less often. */
async function listen(ctx: Ctx, { signal, tell, changed, begun, sync, opened }: Listening): Promise<void> {
  for (let wait = 1000; !signal.aborted; wait = Math.min(MAX_WAIT, wait * 2)) {
    try {
      const relay = await homeRelay(ctx)
      const auth = await makeCall(ctx, relay, 'events', {})
      const words = relay.events(auth, signal)[Symbol.asyncIterator]()
      const first = words.next()
      const reached = await Promise.race([first.then(() => true), pause(1500, signal).then(() => true)])
      if (reached && !signal.aborted) tell('online', true)
      for (let next = await first; !next.done; next = await words.next()) {
        // What came before it listens is not told.
        if (next.value === 'ready') {
          if (begun()) await sync()
          continue
        }
        wait = 1000
        if (next.value === 'receipts') {
          tell('looked')
          void opened()
        } else if (next.value === 'messages') await sync()
        else changed()
      }
    } catch (e) {
      if (signal.aborted) return
      if (isKeepwellError(e, 'RELAY_UNREACHABLE')) tell('online', false)
    }
    await pause(wait, signal)
  }
}
