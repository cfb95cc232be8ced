import { join } from 'node:path'
import type { BlockIndex, Place } from './block-index.ts'
import { type OpenFiles, openFiles } from './files.ts'
import type { BlockFile, BlockIo } from './io.ts'
import type { Drop } from './journal.ts'
import {
  decodeHint,
  droppedRecord,
  type Entry,
  encodeHint,
  newTag,
  RECORD_HEADER,
  recordHeader,
  SEGMENT_HEADER,
  scanSegment,
  segmentHeader,
  sha256,
} from './segment.ts'

/** Bounds the memory of a segment's entries before they go to its hint. */
const MAX_RECORDS = 32_768
/** A segment of which less than this is alive is copied and removed. */
const WORTH_KEEPING = 0.4

export type NewBlock = { readonly digest: Uint8Array; readonly bytes: Uint8Array }

type Segment = {
  readonly id: number
  readonly tag: Uint8Array
  length: number
  lastBatch: number
  /** Bytes of records that are in the index, headers included. */
  live: number
  /** null: they are in the hint on disk. */
  entries: Entry[] | null
  /** Holds damaged records, which a compaction cannot move. */
  stuck: boolean
}

type Touched = { readonly segment: Segment; readonly before: number; readonly created: boolean }
type Placed = { readonly segment: Segment; readonly entry: Entry }

const sizeOf = (length: number): number => RECORD_HEADER + length

/** The segment files of one directory, and the index over them. Calls that change something must not overlap. */
export class Segments {
  readonly #dir: string
  readonly #io: BlockIo
  readonly #index: BlockIndex
  readonly #segmentBytes: number
  readonly #files: OpenFiles
  readonly #segments = new Map<number, Segment>()
  #active: Segment | null = null
  #nextId = 1

  constructor(input: { dir: string; io: BlockIo; index: BlockIndex; segmentBytes: number }) {
    this.#dir = input.dir
    this.#io = input.io
    this.#index = input.index
    this.#segmentBytes = input.segmentBytes
    this.#files = openFiles(input.io)
  }

  #pathOf(id: number, kind: 'seg' | 'hint' | 'hint-new' = 'seg'): string {
    return join(this.#dir, `${String(id).padStart(8, '0')}.${kind}`)
  }

  // ---- start

  async load(): Promise<void> {
    const names = await this.#io.list(this.#dir)
    const hints = new Set(names.filter(n => n.endsWith('.hint')))
    const ids = names.filter(n => /^\d{8}\.seg$/.test(n)).map(n => Number(n.slice(0, 8)))
    const stale: Drop[] = []
    for (const id of ids.sort((a, b) => a - b))
      await this.#loadOne(id, hints.has(`${String(id).padStart(8, '0')}.hint`), id === ids.at(-1), stale)
    this.#nextId = (ids.at(-1) ?? 0) + 1
    for (const segment of [...this.#segments.values()]) if (segment !== this.#active && segment.live === 0) await this.#remove(segment)
    // Two copies of one block: a compaction or a repair was cut short. The older must not come to life again.
    await this.overwrite(stale.filter(({ segment }) => this.#segments.has(segment)))
  }

  async #loadOne(id: number, hinted: boolean, last: boolean, stale: Drop[]): Promise<void> {
    const size = await this.#files.use(this.#pathOf(id), file => file.size())
    const hint = hinted ? decodeHint(await this.#readWhole(this.#pathOf(id, 'hint'))) : null
    // The tag tells a hint that outlived an earlier file of the same number.
    const known = hint?.length === size && hint.tag.equals((await this.#tagOnDisk(id)) ?? Buffer.alloc(0))
    const scan = known ? { ...hint, end: size, holes: false } : scanSegment(await this.#readWhole(this.#pathOf(id)))
    if (scan.lastBatch === 0 && scan.entries.length === 0 && scan.end <= SEGMENT_HEADER) return this.#removeFiles(id)
    const segment: Segment = { id, tag: scan.tag, length: size, lastBatch: scan.lastBatch, live: 0, entries: scan.entries, stuck: false }
    this.#segments.set(id, segment)
    for (const entry of scan.entries) this.#note({ segment, entry }, stale)
    if (last && !scan.holes) await this.#resume(segment, scan.end, hinted)
    else if (known) segment.entries = null
    else await this.#seal(segment)
  }

  /** Goes on with the last segment; its hint would be silent about what is dropped from now on. */
  async #resume(segment: Segment, end: number, hinted: boolean): Promise<void> {
    if (segment.length > end) await this.#files.use(this.#pathOf(segment.id), file => file.truncate(end))
    segment.length = end
    if (hinted) await this.#io.remove(this.#pathOf(segment.id, 'hint'))
    await this.#io.syncDir(this.#dir)
    this.#active = segment
  }

  async #readWhole(path: string): Promise<Buffer> {
    return this.#files.use(path, async file => {
      const bytes = Buffer.allocUnsafeSlow(await file.size())
      return bytes.subarray(0, await file.read(bytes, 0))
    })
  }

  /** Enters a record into the index. Where that leaves another copy of the block behind, it is added to `stale`, to be overwritten. */
  #note({ segment, entry }: Placed, stale: Drop[]): void {
    const { digest, offset, length } = entry
    const other = this.#index.find(digest)
    if (other && entry.damaged && !other.damaged) return void stale.push({ segment: segment.id, tag: segment.tag, offset, length })
    if (other) {
      stale.push(this.locate(digest))
      this.#segments.get(other.segment)!.live -= sizeOf(other.length)
    }
    this.#index.set(digest, { segment: segment.id, offset, length, damaged: entry.damaged })
    segment.live += sizeOf(length)
  }

  // ---- append

  /** Appends and syncs all of `blocks`; when it throws, none of them is there. Gives the older copies, to be overwritten. */
  async append(blocks: readonly NewBlock[]): Promise<Drop[]> {
    const touched: Touched[] = []
    const placed: Placed[] = []
    const activeBefore = this.#active
    let written = false
    try {
      for (let at = 0; at < blocks.length; ) at += await this.#appendSome(blocks, at, touched, placed)
      written = true
      for (const { segment } of touched) await this.#files.use(this.#pathOf(segment.id), file => file.sync())
      if (touched.some(t => t.created)) await this.#io.syncDir(this.#dir)
    } catch (e) {
      this.#active = activeBefore
      await this.#takeBack(touched, written)
      throw e
    }
    const stale: Drop[] = []
    for (const { segment } of touched) segment.lastBatch++
    for (const place of placed) {
      place.segment.entries?.push(place.entry)
      this.#note(place, stale)
    }
    if (activeBefore && activeBefore !== this.#active) await this.#seal(activeBefore)
    for (const { segment } of touched) if (segment !== this.#active && segment !== activeBefore) await this.#seal(segment)
    return stale
  }

  /** Writes as many blocks from `at` on as the active segment takes; gives their number. */
  async #appendSome(blocks: readonly NewBlock[], at: number, touched: Touched[], placed: Placed[]): Promise<number> {
    const pending = placed.filter(p => p.segment === this.#active).length
    let room = MAX_RECORDS - (this.#active?.entries?.length ?? 0) - pending
    if (!this.#active || room <= 0 || this.#active.length + sizeOf(blocks[at]!.bytes.length) > this.#segmentBytes) {
      this.#active = await this.#create(touched)
      room = MAX_RECORDS
    } else if (!touched.some(t => t.segment === this.#active))
      touched.push({ segment: this.#active, before: this.#active.length, created: false })
    const segment = this.#active
    const parts: Uint8Array[] = []
    let offset = segment.length
    let i = at
    do {
      const { digest, bytes } = blocks[i]!
      parts.push(recordHeader(segment.tag, segment.lastBatch + 1, bytes.length, digest), bytes)
      placed.push({ segment, entry: { digest, offset, length: bytes.length, damaged: false } })
      offset += sizeOf(bytes.length)
      i++
    } while (i < blocks.length && i - at < room && offset + sizeOf(blocks[i]!.bytes.length) <= this.#segmentBytes)
    await this.#files.use(this.#pathOf(segment.id), file => file.write(parts, segment.length))
    segment.length = offset
    return i - at
  }

  async #create(touched: Touched[]): Promise<Segment> {
    const segment: Segment = { id: this.#nextId++, tag: newTag(), length: SEGMENT_HEADER, lastBatch: 0, live: 0, entries: [], stuck: false }
    touched.push({ segment, before: 0, created: true })
    const file = await this.#io.open(this.#pathOf(segment.id), 'create')
    await file.close()
    this.#segments.set(segment.id, segment)
    await this.#files.use(this.#pathOf(segment.id), f => f.write([segmentHeader(segment.tag)], 0))
    return segment
  }

  /**
   * After a failed append. A file that could not be written is cut back and used again; one that could not be synced is left alone, for the
   * system may have forgotten which of its pages never reached the disk, and tell a second sync that all is well.
   */
  async #takeBack(touched: readonly Touched[], written: boolean): Promise<void> {
    for (const { segment, before, created } of touched) {
      if (created) {
        this.#segments.delete(segment.id)
        await this.#removeFiles(segment.id).catch(() => {})
        continue
      }
      segment.length = before
      const cut = await this.#files
        .use(this.#pathOf(segment.id), file => file.truncate(before))
        .then(
          () => true,
          () => false,
        )
      if (cut && !written) continue
      if (segment === this.#active) this.#active = null
      await this.#seal(segment)
    }
  }

  // ---- hints

  /** Moves a segment's entries from memory to its hint; when that fails they stay in memory. */
  async #seal(segment: Segment): Promise<boolean> {
    if (!segment.entries) return true
    const { id, tag, length, lastBatch } = segment
    const entries = segment.entries.filter(e => this.#isAt(segment, e)).map(e => ({ ...e, damaged: this.#index.find(e.digest)!.damaged }))
    try {
      const file = await this.#io.open(this.#pathOf(id, 'hint-new'), 'ensure')
      try {
        await file.truncate(0)
        await file.write([encodeHint({ tag, length, lastBatch, entries })], 0)
        await file.sync()
      } finally {
        await file.close()
      }
      await this.#files.forget(this.#pathOf(id, 'hint'))
      await this.#io.rename(this.#pathOf(id, 'hint-new'), this.#pathOf(id, 'hint'))
      await this.#io.syncDir(this.#dir)
      segment.entries = null
      return true
    } catch {
      await this.#io.remove(this.#pathOf(id, 'hint-new')).catch(() => {})
      return false
    }
  }

  #isAt(segment: Segment, entry: Entry): boolean {
    const place = this.#index.find(entry.digest)
    return place !== null && place.segment === segment.id && place.offset === entry.offset
  }

  async #entriesOf(segment: Segment): Promise<Entry[]> {
    if (segment.entries) return segment.entries
    const hint = await this.#readWhole(this.#pathOf(segment.id, 'hint')).then(decodeHint, () => null)
    return hint?.entries ?? scanSegment(await this.#readWhole(this.#pathOf(segment.id))).entries
  }

  // ---- drop

  /** Overwrites records that are in the index no more. Doing it twice does no harm. */
  async overwrite(drops: readonly Drop[]): Promise<void> {
    for (const [id, group] of Map.groupBy(drops, d => d.segment)) {
      const segment = this.#segments.get(id)
      const tag = segment?.tag ?? (await this.#tagOnDisk(id))
      const mine = tag ? group.filter(d => Buffer.compare(d.tag, tag) === 0) : []
      if (mine.length === 0) continue
      await this.#files.use(this.#pathOf(id), async file => {
        for (const { tag, offset, length } of mine) await file.write([droppedRecord(tag, length)], offset)
        await file.sync()
      })
      if (segment) await this.#rehint(segment)
      else await this.#removeHint(id)
    }
  }

  async #rehint(segment: Segment): Promise<void> {
    const entries = await this.#entriesOf(segment)
    const sealed = segment.entries === null
    segment.entries = entries.filter(e => this.#isAt(segment, e))
    if (sealed && !(await this.#seal(segment))) await this.#removeHint(segment.id)
  }

  async #tagOnDisk(id: number): Promise<Uint8Array | null> {
    const header = Buffer.alloc(SEGMENT_HEADER)
    const read = (file: BlockFile) => file.read(header, 0)
    return this.#files.use(this.#pathOf(id), read).then(
      () => header.subarray(8, 16),
      () => null,
    )
  }

  async #removeHint(id: number): Promise<void> {
    await this.#files.forget(this.#pathOf(id, 'hint'))
    await this.#io.remove(this.#pathOf(id, 'hint')).catch(() => {})
    await this.#io.syncDir(this.#dir)
  }

  async #removeFiles(id: number): Promise<void> {
    await this.#files.forget(this.#pathOf(id))
    await this.#files.forget(this.#pathOf(id, 'hint'))
    await this.#io.remove(this.#pathOf(id, 'hint')).catch(() => {})
    await this.#io.remove(this.#pathOf(id))
    await this.#io.syncDir(this.#dir)
  }

  async #remove(segment: Segment): Promise<void> {
    this.#segments.delete(segment.id)
    await this.#removeFiles(segment.id)
  }

  /** Where a block that is in the index lies. */
  locate(digest: Uint8Array): Drop {
    const { segment, offset, length } = this.#index.find(digest)!
    return { segment, tag: this.#segments.get(segment)!.tag, offset, length }
  }

  /** Takes a block out of the index; its bytes are still to be overwritten. */
  take(digest: Uint8Array): Drop {
    const drop = this.locate(digest)
    this.#segments.get(drop.segment)!.live -= sizeOf(drop.length)
    this.#index.remove(digest)
    return drop
  }

  /** Gives back the space of one mostly dead segment; false when there is none worth it. */
  async compact(): Promise<boolean> {
    const worst = [...this.#segments.values()].find(s => s !== this.#active && !s.stuck && s.live < WORTH_KEEPING * s.length)
    if (!worst) return false
    const moved = worst.live > 0 ? await this.append(await this.#survivors(worst)) : []
    worst.stuck = worst.live > 0
    if (worst.stuck) await this.overwrite(moved)
    else await this.#remove(worst)
    return true
  }

  async #survivors(segment: Segment): Promise<NewBlock[]> {
    const file = await this.#readWhole(this.#pathOf(segment.id))
    const out: NewBlock[] = []
    for (const entry of (await this.#entriesOf(segment)).filter(e => this.#isAt(segment, e))) {
      const start = entry.offset + RECORD_HEADER
      const bytes = file.subarray(start, start + entry.length)
      if (sha256(bytes).equals(entry.digest)) out.push({ digest: entry.digest, bytes })
      else this.#index.markDamaged(entry.digest)
    }
    return out
  }

  /** The bytes at a place, checked by nobody. */
  async read({ segment, offset, length }: Place): Promise<Uint8Array> {
    const bytes = new Uint8Array(length)
    const n = await this.#files.use(this.#pathOf(segment), file => file.read(bytes, offset + RECORD_HEADER))
    return n === length ? bytes : bytes.subarray(0, n)
  }

  /** Writes the hints, so that the next start reads no segment. */
  async close(): Promise<void> {
    for (const segment of this.#segments.values()) await this.#seal(segment)
    await this.#files.close()
  }
}
