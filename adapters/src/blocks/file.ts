import { join } from 'node:path'
import { parseCid } from '@keepwell/sdk/base/cid'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import type { Block, BlockStore } from '@keepwell/sdk/ports/blocks'
import { checkBlock } from '@keepwell/sdk/ports/limits'
import { storageFailure } from '#base/failure'
import { lockFile } from '#base/lock'
import { type BlockIndex, blockIndex, type Place } from './block-index.ts'
import { type BlockIo, nodeIo } from './io.ts'
import { type Drop, type Journal, MAX_DROPS, openJournal } from './journal.ts'
import { sha256 } from './segment.ts'
import { type NewBlock, Segments } from './segments.ts'

const SEGMENT_BYTES = 64 << 20
/** Puts that arrive together share one sync, up to this many bytes. */
const GROUP_BYTES = 32 << 20

/**
 * Blocks in a directory of append-only segment files: one write and one sync for all puts that arrive together, a read and a hash for each get.
 * The index is in memory (about 55 bytes a block) and comes from the segments' hints at the start; a segment without a good hint is read anew.
 * `io` and `segmentBytes` are for tests. Throws LOCKED when another process, or this one, has the directory open.
 *
 * Beyond the port's law: a block found damaged is no longer `has`, so that putting it again repairs it; after a crash, blocks of a put that
 * was not acknowledged may be there, whole.
 */
export async function openFileBlocks(input: { dir: string; io?: BlockIo; segmentBytes?: number }): Promise<BlockStore> {
  const { dir, io = nodeIo, segmentBytes = SEGMENT_BYTES } = input
  const opening = (cause: unknown) => storageFailure(cause, 'opening the block store')
  await io.makeDir(dir).catch(cause => Promise.reject(opening(cause)))
  const lock = lockFile(join(dir, 'lock'))
  const index = blockIndex()
  const segments = new Segments({ dir, io, index, segmentBytes })
  let journal: Journal | null = null
  try {
    journal = await openJournal(io, dir)
    await segments.overwrite(await journal.pending())
    await journal.done()
    await segments.load()
    return new FileBlocks({ index, segments, journal, lock })
  } catch (cause) {
    await segments.close()
    await journal?.close()
    lock.release()
    throw opening(cause)
  }
}

type Put = { readonly blocks: readonly NewBlock[]; readonly resolve: () => void; readonly reject: (e: unknown) => void }
type Task = Put | { readonly run: () => Promise<void> }
type Parts = { readonly index: BlockIndex; readonly segments: Segments; readonly journal: Journal; readonly lock: { release(): void } }

class FileBlocks implements BlockStore {
  readonly #parts: Parts
  readonly #queue: Task[] = []
  #draining: Promise<void> | null = null
  #closed = false
  /** Journalled and out of the index, but not yet overwritten: the disk failed meanwhile. */
  #unfinished: Drop[] = []

  constructor(parts: Parts) {
    this.#parts = parts
  }

  async put(blocks: readonly Block[]): Promise<void> {
    this.#usable()
    const checked = blocks.map(block => ({ digest: checkBlock(block, sha256(block.bytes)), bytes: block.bytes }))
    if (checked.every(({ digest }) => this.#holds(digest))) return
    await new Promise<void>((resolve, reject) => this.#enqueue({ blocks: checked, resolve, reject }))
  }

  async get(cid: string): Promise<Uint8Array | null> {
    this.#usable()
    const { index, segments } = this.#parts
    const { digest } = parseCid(cid)
    for (;;) {
      const place = index.find(digest)
      if (!place) return null
      const bytes = place.damaged ? null : await segments.read(place).catch(cause => this.#missing(cause, digest, place))
      if (bytes && sha256(bytes).equals(digest)) return bytes
      const now = index.find(digest)
      // Dropped or moved by a compaction while it was read.
      if (now?.segment !== place.segment || now.offset !== place.offset) continue
      index.markDamaged(digest)
      throw new KeepwellError('STORAGE_CORRUPT', `Block ${cid} is damaged on disk; put it again from another copy.`)
    }
  }

  async has(cid: string): Promise<boolean> {
    this.#usable()
    return this.#holds(parseCid(cid).digest)
  }

  async drop(cids: readonly string[]): Promise<void> {
    this.#usable()
    const digests = new Map(cids.map(cid => [cid, parseCid(cid).digest]))
    const unique = [...new Map([...digests.values()].map(d => [keyOf(d), d])).values()]
    for (let i = 0; i < unique.length; i += MAX_DROPS) await this.#alone(() => this.#dropSome(unique.slice(i, i + MAX_DROPS)))
    if (unique.length) this.#compactLater()
  }

  async size(): Promise<{ blocks: number; bytes: number }> {
    return this.#parts.index.held()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    while (this.#draining) await this.#draining
    await this.#parts.segments.close()
    await this.#parts.journal.close()
    this.#parts.lock.release()
  }

  #usable(): void {
    ensure(!this.#closed, 'STORAGE_FAILED', 'The block store is closed.')
  }

  #holds(digest: Uint8Array): boolean {
    return this.#parts.index.find(digest)?.damaged === false
  }

  #missing(cause: unknown, digest: Uint8Array, place: Place): null {
    const moved = this.#parts.index.find(digest)?.segment !== place.segment
    if (moved || (cause as { code?: string }).code === 'ENOENT') return null
    throw storageFailure(cause, 'reading a block')
  }

  // ---- one change after the other

  #enqueue(task: Task): void {
    this.#queue.push(task)
    this.#draining ??= this.#drain()
  }

  async #drain(): Promise<void> {
    // A turn of the event loop lets all puts that are ready join the group.
    await new Promise(resolve => setImmediate(resolve))
    for (let task = this.#queue[0]; task; task = this.#queue[0]) {
      if ('run' in task) {
        this.#queue.shift()
        await task.run()
      } else await this.#commit(this.#nextGroup())
    }
    this.#draining = null
  }

  #nextGroup(): Put[] {
    let bytes = 0
    let n = 0
    for (const task of this.#queue) {
      if ('run' in task || (n > 0 && bytes > GROUP_BYTES)) break
      for (const block of task.blocks) bytes += block.bytes.length
      n++
    }
    return this.#queue.splice(0, n) as Put[]
  }

  async #commit(group: readonly Put[]): Promise<void> {
    const { segments } = this.#parts
    try {
      const fresh = new Map<string, NewBlock>()
      for (const { blocks } of group) for (const block of blocks) if (!this.#holds(block.digest)) fresh.set(keyOf(block.digest), block)
      const older = fresh.size ? await segments.append([...fresh.values()]) : []
      for (const put of group) put.resolve()
      // The damaged copies that were repaired; should this fail, the next start does it.
      await segments.overwrite(older).catch(() => {})
    } catch (cause) {
      if (group.length === 1) return group[0]!.reject(storageFailure(cause, 'storing blocks'))
      // A put too large for the disk must not take the small ones beside it with it.
      for (const put of group) await this.#commit([put])
    }
  }

  #alone(work: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const run = () => work().then(resolve, cause => reject(storageFailure(cause, 'dropping blocks')))
      this.#enqueue({ run })
    })
  }

  /** Journal first: from there on the drop happens, now or at the next start. */
  async #dropSome(digests: readonly Uint8Array[]): Promise<void> {
    const { index, segments, journal } = this.#parts
    await this.#finishDrop()
    const found = digests.filter(digest => index.find(digest))
    if (found.length === 0) return
    await journal.record(found.map(digest => segments.locate(digest)))
    this.#unfinished = found.map(digest => segments.take(digest))
    await this.#finishDrop()
  }

  async #finishDrop(): Promise<void> {
    if (this.#unfinished.length === 0) return
    await this.#parts.segments.overwrite(this.#unfinished)
    this.#unfinished = []
    await this.#parts.journal.done()
  }

  /** Compaction is a convenience: on a full disk it waits for better times. */
  #compactLater(): void {
    const run = async () => {
      if (!this.#closed && (await this.#parts.segments.compact().catch(() => false))) this.#compactLater()
    }
    this.#enqueue({ run })
  }
}

const keyOf = (digest: Uint8Array): string => Buffer.from(digest).toString('latin1')
