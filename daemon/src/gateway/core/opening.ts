import { setImmediate as breathe } from 'node:timers/promises'
import type { OpenedRecord, RangedRecord, SessionRecord } from '@keepwell/sdk/actions/access/open-session'
import { toHex } from '@keepwell/sdk/base/bytes'
import { isKeepwellError } from '@keepwell/sdk/base/error'

type Reader = {
  open(ids: readonly Uint8Array[]): Promise<OpenedRecord[]>
  ranges(ids: readonly Uint8Array[]): Promise<RangedRecord[]>
}

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
  ready(types: readonly string[] | null): Promise<void>
  /** Resolves as soon as anything of a type was opened, or nothing of it is left to open. */
  some(type: string): Promise<void>
  /** Ends it; whoever waits is told why. */
  stop(reason: unknown): void
}

/** Types in the store that come of records which are no FHIR. */
export const typeOfRecord = ({ card }: Pick<SessionRecord, 'card'>): string =>
  card.kind === 'fhir' ? (card.resourceType ?? 'Basic') : card.kind === 'dicom' ? 'ImagingStudy' : 'DocumentReference'

/** The first answers should not wait for a large page; later ones are cheaper in large ones, each of which leaves one receipt. */
const FIRST = 64
const LARGEST = 512
const BYTES = 8 << 20

type Queue = { readonly type: string; readonly reader: Reader; readonly records: SessionRecord[]; at: number }
type Waiting = { readonly types: readonly string[] | null; readonly some?: true; resolve(): void; reject(reason: unknown): void }

/** What would befall every other record too. */
const ENDING = new Set(['DENIED', 'NO_GRANT', 'NO_RECEIPT', 'RELAY_UNREACHABLE', 'GRANT_ENDED', 'BUNDLE_ROLLBACK'])

/**
 * Opens what a session lists, a page at a time and in the order of filing within a type, so that a later version comes after the one it
 * replaces. One bad record costs one record.
 */
export function openAll(sink: Sink): Opening {
  const queues: Queue[] = []
  const waiting: Waiting[] = []
  const seen = new Set<string>()
  let size = FIRST
  let complete = false
  let running = false
  let ended: { readonly reason: unknown } | null = null
  let inFlight: string | null = null

  const left = (types: readonly string[] | null): boolean =>
    queues.some(q => q.at < q.records.length && (types === null || types.includes(q.type))) ||
    (inFlight !== null && (types === null || types.includes(inFlight)))

  function settle(): void {
    for (const w of waiting.splice(0)) {
      if (ended) w.reject(ended.reason)
      else if ((complete && !left(w.types)) || (w.some && w.types?.some(t => seen.has(t)))) w.resolve()
      else waiting.push(w)
    }
  }

  function next(): { queue: Queue; page: SessionRecord[] } | null {
    const open = queues.filter(q => q.at < q.records.length)
    const queue = open.find(q => waiting.some(w => w.types?.includes(q.type))) ?? open.find(q => q.type === 'Patient') ?? open[0]
    if (!queue) return null
    let bytes = 0
    let to = queue.at
    while (to < queue.records.length && to - queue.at < size && (to === queue.at || bytes + queue.records[to]!.card.size <= BYTES))
      bytes += queue.records[to++]!.card.size
    const page = queue.records.slice(queue.at, to)
    queue.at = to
    return { queue, page }
  }

  async function openPage(reader: Reader, page: readonly SessionRecord[]): Promise<void> {
    const ids = page.map(r => r.id)
    try {
      if (page[0]!.card.kind === 'fhir') await inSlices(inOrder(page, await reader.open(ids)), slice => ended || sink.whole(slice))
      else sink.parts(await reader.ranges(ids))
    } catch (e) {
      if (!isKeepwellError(e) || ENDING.has(e.code)) throw e
      if (page.length === 1) return sink.problem(toHex(ids[0]!), e.code)
      const middle = page.length >> 1
      await openPage(reader, page.slice(0, middle))
      await openPage(reader, page.slice(middle))
    }
  }

  async function run(): Promise<void> {
    if (running || ended) return
    running = true
    try {
      for (let found = next(); found && !ended; found = next()) {
        inFlight = found.queue.type
        await openPage(found.queue.reader, found.page)
        inFlight = null
        seen.add(found.queue.type)
        size = Math.min(LARGEST, size * 2)
        settle()
      }
    } catch (e) {
      if (!ended) sink.failed(e)
    } finally {
      inFlight = null
      running = false
      settle()
    }
  }

  return {
    add(records, reader) {
      for (const record of records) {
        const type = typeOfRecord(record)
        const queue = queues.find(q => q.type === type && q.reader === reader)
        if (queue) queue.records.push(record)
        else queues.push({ type, reader, records: [record], at: 0 })
      }
      void run()
    },
    listed() {
      complete = true
      settle()
    },
    ready(types) {
      if (ended) return Promise.reject(ended.reason)
      if (complete && !left(types)) return Promise.resolve()
      return new Promise((resolve, reject) => waiting.push({ types, resolve, reject }))
    },
    some(type) {
      if (ended) return Promise.reject(ended.reason)
      if (seen.has(type) || (complete && !left([type]))) return Promise.resolve()
      return new Promise((resolve, reject) => waiting.push({ types: [type], some: true, resolve, reject }))
    },
    stop(reason) {
      ended ??= { reason }
      queues.length = 0
      settle()
    },
  }
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
