import { batches, mapAhead } from '@keepwell/sdk/actions/records/import-stream'
import type { Held } from '@keepwell/sdk/actions/records/outbox'
import { SEQ_MARK } from '@keepwell/sdk/actions/records/receive-records'
import { AUDIT } from '@keepwell/sdk/audit/trail-proof'
import { toHex, u64be } from '@keepwell/sdk/base/bytes'
import { plainCode } from '@keepwell/sdk/health/terminology/plain-code'
import type { Did } from '@keepwell/sdk/identity/did'
import type { Keyring } from '@keepwell/sdk/identity/keyring'
import { type Catalog, isPacked } from '@keepwell/sdk/ports/catalog'
import type { Card } from '@keepwell/sdk/records/card'
import { type Entry, entryOpener } from '@keepwell/sdk/records/catalog'
import { readWords } from '@keepwell/sdk/records/digest'
import { careDate } from '@keepwell/sdk/records/timeline'
import { ownVersions, replacements } from '@keepwell/sdk/records/versions'
import type { Row } from '#rpc/views.ts'
import { fold } from './fold.ts'
import { heldEntry } from './held-entry.ts'
import { openPacked, packAll, worthPacking } from './packs.ts'
import { pause } from './platform.ts'
import { wordIndex } from './word-index.ts'

export type Item = {
  readonly entry: Entry
  readonly row: Row
  /** What card and content say, folded for search; folded anew at each call, for the index keeps the words. */
  readonly said: () => string
}

/** Every record this device knows of, opened in memory and kept in order of care. */
export type Entries = {
  /** Newest care first; records that a newer version replaces are left out, and what was published of who looked. */
  current(): readonly Item[]
  get(id: string): Item | undefined
  /** Of the current ones, in the same order, those that have, for each of `words` (`queryWords`), a word that begins so. */
  having(words: readonly string[]): readonly Item[]
  /** Learns the words of what is current, a little at a time, so that the first search is as quick as the next. */
  learn(signal: AbortSignal): Promise<void>
  /** What is filed; records that wait are not among them. */
  all(): Iterable<Item>
  /** Shows these, and no others, as waiting to be sent. */
  hold(held: readonly Held[]): void
  held(id: string): Held | undefined
  /** Counts changes, so that answers to older queries can be told apart. */
  version(): number
}

/** Records whose words are learnt before something else may be done: a few milliseconds' worth. */
const LEARNT = 200

/** Opened at once; more do not make the browser's cryptography faster. */
const AT_ONCE = 256

type Ring = Pick<Keyring, 'catalog' | 'compartments' | 'contacts' | 'did'>

type Watched = {
  readonly entries: Entries
  readonly catalog: Catalog
  /** Packs the catalog anew when enough has changed, so that it opens quickly next time. */
  tidy(): Promise<void>
  /** Reads again what another tab noted or dropped. */
  reread(ids: readonly Uint8Array[]): Promise<void>
}

/** Opens the catalog, and keeps what is noted there later opened as well. */
export async function watchEntries(catalog: Catalog, ring: () => Ring, changed: () => void): Promise<Watched> {
  const items = new Map<string, Item>()
  const waiting = new Map<string, { readonly held: Held; readonly item: Item }>()
  const damaged: Uint8Array[] = []
  let sorted: readonly Item[] | null = null
  let version = 0
  const touch = (): void => {
    sorted = null
    version++
    changed()
  }
  const take = async (rows: readonly { readonly id: Uint8Array; readonly sealed: Uint8Array }[]): Promise<void> => {
    const key = ring().catalog
    const names = naming(ring())
    const open = entryOpener(key)
    const opened = await Promise.all(rows.map(r => open(r.id, r.sealed).catch(() => void damaged.push(r.id))))
    keep(
      opened.filter(entry => entry !== undefined),
      names,
    )
  }
  const keep = (opened: readonly Entry[], names: Naming): void => {
    for (const entry of opened) {
      const item = itemOf(entry, names)
      items.set(item.row.id, item)
      // Filed now: it is not shown a second time as waiting.
      waiting.delete(item.row.id)
    }
  }
  let before: readonly Item[] = []
  const current = (): readonly Item[] => {
    if (sorted) return sorted
    // As they stood before, for little has changed, and what is nearly in order is soon put in order.
    const all = new Map([...items.values(), ...[...waiting.values()].map(w => w.item)].map(i => [i.row.id, i]))
    const known = before.flatMap(({ row: { id } }) => all.get(id) ?? [])
    for (const { row } of known) all.delete(row.id)
    sorted = inOrder([...known, ...all.values()], ring().did)
    before = sorted
    return sorted
  }
  const known = naming(ring())
  const rest = await openPacked(catalog, ring().catalog, opened => keep(opened, known))
  // While some are opened, the next are read.
  const pages = batches(rest, { count: AT_ONCE, bytes: Number.POSITIVE_INFINITY, sizeOf: () => 0 })
  for await (const _ of mapAhead(pages, 4, take));
  // The catalog can be made again from the relay: what does not open is forgotten, and everything listed anew.
  if (damaged.length) {
    await catalog.drop(damaged)
    await catalog.mark(SEQ_MARK, u64be(0))
  }
  let noting = 0
  return {
    entries: {
      current,
      get: id => items.get(id) ?? waiting.get(id)?.item,
      ...wordsOf(current),
      all: () => items.values(),
      version: () => version,
      hold(held) {
        if (!held.length && !waiting.size) return
        const names = naming(ring())
        waiting.clear()
        for (const h of held) {
          const item = itemOf(heldEntry(h), names)
          // One that was filed meanwhile is shown as filed.
          if (!items.has(item.row.id)) waiting.set(item.row.id, { held: h, item: { ...item, row: { ...item.row, waiting: true } } })
        }
        touch()
      },
      held: id => waiting.get(id)?.held,
    },
    async reread(ids) {
      for (const id of ids) {
        const sealed = await catalog.get(id)
        if (sealed) await take([{ id, sealed }])
        else items.delete(toHex(id))
      }
      touch()
    },
    catalog: {
      ...catalog,
      async note(rows) {
        noting++
        try {
          await catalog.note(rows)
          await take(rows)
        } finally {
          noting--
        }
        touch()
      },
      async drop(ids) {
        await catalog.drop(ids)
        for (const id of ids) items.delete(toHex(id))
        touch()
      },
    },
    async tidy() {
      // Between a row's noting and its opening, what is here is older than what is noted.
      if (!isPacked(catalog) || !(await worthPacking(catalog, items.size)) || noting) return
      await packAll(
        catalog,
        ring().catalog,
        // In order of care, in which they are wanted next time.
        [...new Set([...current(), ...items.values()])].filter(i => items.get(i.row.id) === i).map(i => i.entry),
      )
    },
  }
}

/** What is current, by its words. What has changed since the last question is learnt with the next, if not before. */
function wordsOf(current: () => readonly Item[]): Pick<Entries, 'having' | 'learn'> {
  const index = wordIndex<Item>(item => item.said())
  let kept: readonly Item[] = []
  return {
    having(words) {
      const now = current()
      if (kept !== now) index.keep(now)
      kept = now
      return words.length ? index.find(words) : now
    },
    async learn(signal) {
      let learnt = 0
      for (const item of current()) {
        index.learn(item)
        if (++learnt % LEARNT === 0) await pause(0, signal)
        if (signal.aborted) return
      }
    },
  }
}

function inOrder(items: readonly Item[], own: Did): Item[] {
  const replaced = replacements(
    items.map(i => i.entry),
    ownVersions(own),
  )
  // Who looked is written down for those who may read that: it is no record of the person's health, and has a page of its own.
  const out = items.filter(i => !replaced.has(i.row.id) && i.row.compartment !== AUDIT)
  // Code units order ISO dates; a locale's order would be thirty times slower.
  const after = (a: string, b: string): number => (a < b ? 1 : a > b ? -1 : 0)
  return out.sort((a, b) => after(a.row.date, b.row.date) || -after(a.row.title, b.row.title))
}

type Naming = { readonly own: string; compartment(id: Uint8Array): string; party(did: string): string }

export function naming(ring: Omit<Ring, 'catalog'>): Naming {
  const places = new Map(ring.compartments.map(c => [toHex(c.id), c.name]))
  return {
    own: ring.did,
    compartment: id => places.get(toHex(id)) ?? 'inbox',
    party: did => ring.contacts.find(c => c.did === did)?.name ?? did,
  }
}

type Listed = {
  readonly id: Uint8Array
  readonly card: Card
  readonly date: string
  readonly trust: Row['trust']
  readonly compartment: Uint8Array
}

/** Larger files are not opened for a small picture, nor is an organisation asked for one. */
const MAX_PICTURED = 8 << 20
const PICTURED = /^(application\/(pdf|dicom)|image\/(png|jpeg|gif|webp))(;|$)/

/** A card that was filed before its code had a name, or by somebody who gave none, is called by the code: that is said. */
function titleOf({ title, codes }: Card): string {
  const end = title.lastIndexOf(': ')
  const name = end < 0 ? title : title.slice(0, end)
  const bare = codes.find(c => c.code === name && !c.display)
  return bare ? `${plainCode({ system: bare.system ?? '', code: bare.code })}${end < 0 ? '' : title.slice(end)}` : title
}

/** A card as a list shows it. */
export function rowOf({ id, card, date, trust, compartment }: Listed, names: Naming): Row {
  return {
    id: toHex(id),
    title: titleOf(card),
    type: card.resourceType ?? card.kind,
    date,
    ...(card.end ? { end: card.end } : {}),
    ...(card.status ? { status: card.status } : {}),
    compartment: names.compartment(compartment),
    ...(card.author === names.own ? {} : { author: names.party(card.author) }),
    trust,
    issues: card.issues ?? 0,
    ...(card.held ? { heldByAuthor: true as const } : {}),
    ...(card.kind !== 'fhir' && !card.held && card.size <= MAX_PICTURED && PICTURED.test(card.mediaType)
      ? { picture: card.mediaType }
      : {}),
  }
}

function itemOf(entry: Entry, names: Naming): Item {
  const { card } = entry
  // People and places have no day of care; files without one go by the day they were filed.
  const date = card.start || card.kind !== 'fhir' ? careDate(entry) : ''
  const row = rowOf({ ...entry, date, trust: entry.state }, names)
  const said = [
    card.title,
    row.type,
    card.kind,
    row.compartment,
    row.author ?? '',
    row.date,
    ...card.codes.flatMap(c => [c.code, c.display ?? '']),
  ]
  return { entry, row, said: () => fold(`${said.join(' ')} ${readWords(entry)}`) }
}
