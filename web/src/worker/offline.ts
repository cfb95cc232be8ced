import { openIndexedDbChest } from '@keepwell/adapters/catalog/chest'
import type { Ctx, Session } from '@keepwell/sdk/actions/context'
import { openEach } from '@keepwell/sdk/actions/records/open-record'
import { heldRecords, sendHeld } from '@keepwell/sdk/actions/records/outbox'
import { publishState } from '@keepwell/sdk/actions/records/publish-state'
import { readU64, text, u64be, utf8 } from '@keepwell/sdk/base/bytes'
import type { Catalog } from '@keepwell/sdk/ports/catalog'
import type { Chest } from '@keepwell/sdk/ports/chest'
import type { KeepChoice, Standing } from '#rpc/offline.ts'
import type { Entries, Item } from './entries.ts'
import { clock, pause, unlessFull } from './platform.ts'
import { copiesName, outboxName } from './shelf.ts'

/** What this device does without a relay: reads copies, and holds records until they can be sent. */
export type Offline = {
  /** Shows what waits, among the other records. */
  refresh(): Promise<void>
  /** Sends what waits; how many went. At most one tab does. */
  send(): Promise<number>
  /** Takes back one that waits; false when it does not. */
  takeBack(id: Uint8Array): Promise<boolean>
  /** Fetches copies of what a person is likely to want, or of everything. */
  fetchCopies(signal: AbortSignal): Promise<void>
  standing(): Promise<Standing>
  choose(choice: KeepChoice): Promise<void>
  synced(): Promise<void>
  close(): Promise<void>
}

const SYNCED = 'synced'
const CHOICE = 'copies'
const MEBI = 1 << 20
/** The browser gives some gigabytes at most; whoever wants everything has it up to here. */
const LIMITS: Readonly<Record<KeepChoice, number>> = { none: 0, recent: 256 * MEBI, all: 4096 * MEBI }
const CHOICES = Object.keys(LIMITS) as KeepChoice[]

export type Chests = { readonly copies: Chest; readonly outbox: Chest }

export const openChests = async ({ state }: Session): Promise<Chests> => ({
  copies: await openIndexedDbChest({ name: copiesName(state.ring.did) }),
  outbox: await openIndexedDbChest({ name: outboxName(state.ring.did) }),
})

type Parts = {
  readonly ctx: Ctx & Chests
  readonly entries: Entries
  readonly catalog: Catalog
  /** Tells other tabs that what waits has changed. */
  readonly changed: () => void
}

export async function offline({ ctx, entries, catalog, changed }: Parts): Promise<Offline> {
  const { copies, outbox } = ctx
  const choice = async (): Promise<KeepChoice> => {
    const kept = await catalog.marked(CHOICE)
    return CHOICES.find(c => kept && c === text(kept)) ?? 'recent'
  }
  await copies.limit(LIMITS[await choice()]).catch(unlessFull)
  const refresh = async (): Promise<void> => entries.hold(await heldRecords(ctx))
  await refresh()
  return {
    refresh,
    async send() {
      if ((await outbox.all()).length === 0) return 0
      // Two tabs of one record would file the same at once; one is enough, and the other hears of it.
      return navigator.locks.request(`keepwell-outbox ${ctx.session.state.ring.did}`, { ifAvailable: true }, async lock => {
        if (!lock) return 0
        try {
          const { sent } = await sendHeld(ctx)
          if (sent) await publishState(ctx)
          return sent
        } finally {
          await refresh()
          changed()
        }
      })
    },
    async takeBack(id) {
      if (!(await outbox.get(id))) return false
      await outbox.drop([id])
      await refresh()
      changed()
      return true
    },
    async fetchCopies(signal) {
      const chosen = await choice()
      if (chosen === 'none') return
      const here = new Set((await copies.all()).map(r => r.id.toString()))
      const missing = wanted(entries, chosen).filter(i => !here.has(i.entry.id.toString()))
      const room = LIMITS[chosen] - (await copies.size()).bytes
      for (const some of pages(missing, room)) {
        if (signal.aborted) return
        // Opening keeps a copy; the content itself is let go at once.
        for await (const _ of openEach(ctx, some)) if (signal.aborted) return
        await pause(500, signal)
      }
    },
    async standing() {
      const synced = await catalog.marked(SYNCED)
      const waiting = (await outbox.all()).length
      return { syncedAt: synced ? readU64(synced) : null, waiting, copies: { ...(await copies.size()), choice: await choice() } }
    },
    async choose(next) {
      await catalog.mark(CHOICE, utf8(next))
      await copies.limit(LIMITS[next])
    },
    synced: () => catalog.mark(SYNCED, u64be(clock())),
    async close() {
      await copies.close()
      await outbox.close()
    },
  }
}

const SUMMARY = /^(Condition|Medication|Allergy|Immunization|Device)/
const RECENT = 200
const SMALL = 4 * MEBI

/** Newest first: everything, or what the summary shows and what came last. */
function wanted(entries: Entries, choice: KeepChoice): Item[] {
  const all = entries.current().filter(i => !i.row.waiting)
  if (choice === 'all') return all
  const small = all.filter(i => i.entry.card.size <= SMALL)
  return [...new Set([...small.filter(i => SUMMARY.test(i.row.type)).slice(0, RECENT), ...small.slice(0, RECENT)])]
}

const PAGE = { count: 128, bytes: 16 * MEBI }

/** Ids by pages, as far as there is room. */
function* pages(items: readonly Item[], room: number): Generator<Uint8Array[]> {
  let page: Uint8Array[] = []
  let bytes = 0
  let left = room
  for (const { entry } of items) {
    left -= entry.card.size
    if (left < 0) break
    page.push(entry.id)
    bytes += entry.card.size
    if (page.length < PAGE.count && bytes < PAGE.bytes) continue
    yield page
    page = []
    bytes = 0
  }
  if (page.length) yield page
}
