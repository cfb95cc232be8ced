import type { Ctx, Progress } from '#actions/context'
import { toHex } from '#base/bytes'
import type { Entry } from '#records/catalog'
import type { PackedDigest } from '#records/digest'
import { type DocumentReader, digestByReader, digestOfBody, lacksDigest, wantsReader } from './digest-body.ts'
import { noteEntries } from './file-records.ts'
import { entryOf } from './list-entries.ts'
import { openEach } from './open-record.ts'

type Digesting = Pick<Ctx, 'clock' | 'random' | 'network' | 'catalog' | 'session'>

export type Digested = { readonly done: number; readonly missed: number }

/** Records opened with one receipt: so many lines less in the owner's own log of openings. */
const AT_ONCE = 1024
const BYTES_AT_ONCE = 16 << 20

type Options = {
  readonly progress?: Progress
  readonly signal?: AbortSignal
  /** For documents that the core cannot read; without one they are left as they are. */
  readonly reader?: DocumentReader
}

/**
 * Opens what another device filed, or an older version noted, and remembers its content for search and trends. Bounded batches, each
 * noted when it is done, so that it can be cancelled and begun again anywhere. A record that cannot be opened is left for the next time.
 */
export async function digestMissing(
  ctx: Digesting,
  entries: readonly Entry[],
  { progress = () => {}, signal, reader }: Options = {},
): Promise<Digested> {
  const foreign = new Set(reader ? entries.filter(e => wantsReader(e, reader)).map(e => toHex(e.id)) : [])
  const open = entries.filter(e => lacksDigest(e) || foreign.has(toHex(e.id)))
  let done = 0
  let missed = 0
  for (const batch of batchesOf(open)) {
    if (signal?.aborted) break
    const found: { readonly id: Uint8Array; readonly digest: PackedDigest }[] = []
    const ids = batch.map(e => e.id)
    for await (const { meta, body } of openEach(ctx, ids)) {
      if (signal?.aborted) break
      const read = reader && foreign.has(toHex(meta.id))
      found.push({ id: meta.id, digest: read ? await digestByReader(reader, body) : digestOfBody(meta, body) })
    }
    const noted: Entry[] = []
    // Some may have been moved, anchored or erased meanwhile: what is noted is as it is now.
    for (const { id, digest } of found) {
      const now = await entryOf(ctx, id)
      if (now) noted.push({ ...now, digest })
    }
    await noteEntries(ctx, noted)
    done += noted.length
    missed += batch.length - noted.length
    progress(done + missed, open.length)
  }
  return { done, missed }
}

function* batchesOf(entries: readonly Entry[]): Generator<Entry[]> {
  let held: Entry[] = []
  let bytes = 0
  for (const e of entries) {
    held.push(e)
    bytes += e.card.size
    if (held.length < AT_ONCE && bytes < BYTES_AT_ONCE) continue
    yield held
    held = []
    bytes = 0
  }
  if (held.length) yield held
}
