import { setImmediate as breathe } from 'node:timers/promises'
import type { OpenedRecord, RangedRecord, ReadingSession, Refused, SessionRecord } from '@keepwell/sdk/actions/access/open-session'
import { toHex } from '@keepwell/sdk/base/bytes'
import { ONE_BLOCK } from '@keepwell/sdk/records/payload'
import type { UnderWay } from './under-way.ts'

/** Null for all. */
type Types = readonly string[] | null
type Reader = Pick<ReadingSession, 'open' | 'ranges'>

/** Where opened records go. `whole` are FHIR, `parts` everything else, of which only the end was fetched. */
export type Sink = {
  whole(records: readonly OpenedRecord[]): void
  parts(records: readonly RangedRecord[]): void
  problem(id: string, code: string): void
  /** The consent is gone, or the relay: nothing more will come. */
  failed(error: unknown): void
}

export type Opening = {
  add(records: readonly SessionRecord[], reader: Reader): void
  /** No more records will be listed for now. */
  listed(): void
  /** Resolves when none of these types, or of any, is left to open; they are opened first meanwhile. */
  ready(types: Types): Promise<void>
  /** Whether that is so now. Types that were asked for are opened first from then on. */
  whole(types: Types): boolean
  /** Resolves when nothing is left to open but images that nobody asked for. */
  opened(): Promise<void>
  /** Whether all of it was open once. */
  filled(): boolean
  /** Resolves when more was opened or listed than now, or nothing is left. */
  more(): Promise<void>
  /** Ends it; whoever waits is told why. */
  stop(reason: unknown): void
}

/** Types in the store that come of records which are no FHIR. */
export const typeOfRecord = ({ card }: Pick<SessionRecord, 'card'>): string =>
  card.kind === 'fhir' ? (card.resourceType ?? 'Basic') : card.kind === 'dicom' ? IMAGES : 'DocumentReference'
const IMAGES = 'ImagingStudy'

/** The first answers should not wait for a large page; later ones are cheaper in large ones, each of which leaves one receipt. */
const FIRST = 64
const LARGEST = 512
const BYTES = 8 << 20
/** What is fetched of a large payload of which only the end is read, mostly. */
const END = 16 << 10

/** Bytes that opening a record fetches. */
const weight = ({ card }: SessionRecord): number => (card.kind === 'fhir' || card.size <= ONE_BLOCK ? card.size : END)

/** A letter of a hospital's system and a scanned one are both a DocumentReference, and are read in different ways. */
type Kind = { readonly type: string; readonly fhir: boolean }
type Queue = Kind & {
  readonly reader: Reader
  /** What is left, in the order of filing; and the same by id. */
  readonly records: SessionRecord[]
  readonly left: Map<string, SessionRecord>
  pages: number
}
type Fetched = { readonly whole: readonly OpenedRecord[] } | { readonly parts: readonly RangedRecord[] }
type Page = Kind & {
  readonly reader: Reader
  readonly records: readonly SessionRecord[]
  readonly opened: Promise<Fetched>
}
type Ended = { readonly reason: unknown } | null
type Waiting = { readonly met: () => boolean; resolve(): void; reject(reason: unknown): void }

/**
 * Opens what a session lists, a page at a time: what is asked for in turn, and everything else when all is listed, for a list that is whole
 * answers more than any page. The newest come first within a type, but for the patient, of whom there is one; a record that replaces another comes
 * after it. One bad record costs one record. Images are opened for whoever asks for images, or for everything: who only stores them, or reads
 * something else, fetches nothing of them and leaves no receipt of them.
 */
export function openAll(sink: Sink, keep: UnderWay['keep']): Opening {
  const queues: Queue[] = []
  const asked = new Set<string>([FIRST_TYPE])
  let all = false
  let filled = false
  let size = FIRST
  let complete = false
  let running = false
  let ended: Ended = null
  const inFlight = new Set<Page>()

  const refused: Refused = (id, { code }) => void (ended || sink.problem(id, code))

  const wanted = ({ type, fhir }: Kind): boolean => all || fhir || type !== IMAGES || asked.has(type)
  const left = (counts: (of: Kind) => boolean): boolean => queues.some(q => q.left.size > 0 && counts(q)) || [...inFlight].some(counts)

  const whole = (types: Types): boolean => complete && !left(({ type }) => types?.includes(type) ?? true)
  const waiting = waiters()
  const settle = (): void => {
    filled ||= whole(null)
    waiting.settle(ended)
  }

  function next(): Page | null {
    const open = queues.filter(q => q.left.size > 0 && wanted(q))
    const first = open.filter(q => asked.has(q.type))
    const [queue] = (first.length || !complete ? first : open).sort((a, b) => a.pages - b.pages)
    if (!queue) return null
    queue.pages++
    const { type, fhir, reader } = queue
    const records = type === FIRST_TYPE ? oldest(queue, size) : newest(queue, size)
    const page: Page = { type, fhir, reader, records, opened: keep(fetched(reader, records, refused)) }
    inFlight.add(page)
    size = Math.min(LARGEST, size * 2)
    return page
  }

  async function openPage(opened: Page['opened']): Promise<void> {
    const found = await opened
    if ('whole' in found) await inSlices(found.whole, slice => ended || sink.whole(slice))
    else if (!ended) sink.parts(found.parts)
  }

  async function run(): Promise<void> {
    if (running || ended) return
    let page = next()
    if (!page) return
    running = true
    try {
      while (page && !ended) {
        // The relay has the next page ready when this one is indexed.
        const ahead = next()
        await openPage(page.opened)
        inFlight.delete(page)
        settle()
        page = ahead ?? next()
      }
    } catch (e) {
      if (!ended) sink.failed(e)
    } finally {
      inFlight.clear()
      running = false
      settle()
    }
  }

  function ask(types: Types): void {
    if (types === null) all = true
    for (const type of types ?? []) asked.add(type)
    void run()
  }

  return {
    add(records, reader) {
      for (const record of records) {
        const type = typeOfRecord(record)
        const fhir = record.card.kind === 'fhir'
        let queue = queues.find(q => q.type === type && q.fhir === fhir && q.reader === reader)
        if (!queue) {
          queue = { type, fhir, reader, records: [], left: new Map(), pages: 0 }
          queues.push(queue)
        }
        queue.records.push(record)
        queue.left.set(toHex(record.id), record)
      }
      settle()
      void run()
    },
    listed() {
      complete = true
      settle()
      void run()
    },
    ready(types) {
      if (ended) return Promise.reject(ended.reason)
      if (whole(types)) return Promise.resolve()
      ask(types)
      return waiting.until(() => whole(types))
    },
    opened: () => (ended ? Promise.reject(ended.reason) : waiting.until(() => complete && !left(wanted))),
    filled: () => filled,
    whole(types) {
      if (whole(types)) return true
      ask(types)
      return false
    },
    more: () => (ended ? Promise.reject(ended.reason) : whole(null) ? Promise.resolve() : waiting.news()),
    stop(reason) {
      ended ??= { reason }
      queues.length = 0
      settle()
    },
  }
}

/** Those who wait: for what is to be met, or for anything new. */
function waiters() {
  const waiting: Waiting[] = []
  const unheard = () => {
    const made = Promise.withResolvers<void>()
    made.promise.catch(() => {})
    return made
  }
  let news = unheard()
  return {
    until: (met: () => boolean): Promise<void> => new Promise((resolve, reject) => waiting.push({ met, resolve, reject })),
    news: () => news.promise,
    settle(ended: Ended): void {
      for (const w of waiting.splice(0)) {
        if (ended) w.reject(ended.reason)
        else if (w.met()) w.resolve()
        else waiting.push(w)
      }
      const told = news
      news = unheard()
      if (ended) told.reject(ended.reason)
      else told.resolve()
    },
  }
}

/** Whose record it is comes before anybody asks, and all of it: versions of several authors. */
const FIRST_TYPE = 'Patient'

/** Room for a page, by number and bytes. */
function room(size: number): (record: SessionRecord) => boolean {
  let [count, bytes] = [0, 0]
  return record => {
    const fits = count === 0 || (count < size && bytes + weight(record) <= BYTES)
    if (fits) [count, bytes] = [count + 1, bytes + weight(record)]
    return fits
  }
}

function oldest({ records, left }: Queue, size: number): SessionRecord[] {
  const fits = room(size)
  const end = records.findIndex(r => !fits(r))
  const page = records.splice(0, end < 0 ? records.length : end)
  for (const r of page) left.delete(toHex(r.id))
  return page
}

/** The last of a queue, with what they replace, as far as that is not open yet; in the order of filing. */
function newest({ records, left }: Queue, size: number): SessionRecord[] {
  const fits = room(size)
  const page: SessionRecord[] = []
  for (let last = records.at(-1); last; last = records.at(-1)) {
    for (const record of replacedBy(last, left)) {
      if (!fits(record)) return inSeq(page)
      left.delete(toHex(record.id))
      page.push(record)
    }
    records.pop()
  }
  return inSeq(page)
}

const inSeq = (page: SessionRecord[]): SessionRecord[] => page.sort((a, b) => a.seq - b.seq)

/** A record and those before it that it replaces, oldest first, of those that are left. */
function replacedBy(last: SessionRecord, left: ReadonlyMap<string, SessionRecord>): SessionRecord[] {
  const chain = new Set<SessionRecord>()
  for (let r = left.get(toHex(last.id)); r && !chain.has(r); r = r.card.prior && left.get(toHex(r.card.prior))) chain.add(r)
  return [...chain].reverse()
}

async function fetched(reader: Reader, page: readonly SessionRecord[], refused: Refused): Promise<Fetched> {
  const ids = page.map(r => r.id)
  if (page[0]!.card.kind === 'fhir') return { whole: inOrder(page, await reader.open(ids, refused)) }
  return { parts: await reader.ranges(ids, refused) }
}

/** Others have their turn while many are indexed. */
const SLICE = 32

async function inSlices<T>(list: readonly T[], work: (slice: readonly T[]) => unknown): Promise<void> {
  for (let at = 0; at < list.length; at += SLICE) {
    if (at) await breathe()
    work(list.slice(at, at + SLICE))
  }
}

/** The relay answers by encapsulation; versions need the order in which they were filed. */
function inOrder(page: readonly SessionRecord[], opened: readonly OpenedRecord[]): OpenedRecord[] {
  const byId = new Map(opened.map(o => [toHex(o.meta.id), o]))
  return page.flatMap(r => byId.get(toHex(r.id)) ?? [])
}
