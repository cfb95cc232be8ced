import type { Ctx, Progress } from '#actions/context'
import { concat } from '#base/bytes'
import { isKeepwellError } from '#base/error'
import { dicomDigest } from '#health/dicom/digest'
import { parseDicom } from '#health/dicom/parse'
import type { Entry } from '#records/catalog'
import { DIGEST_VERSION, type PackedDigest, packDigest } from '#records/digest'
import { noteEntries } from './file-records.ts'
import { entryOf } from './list-entries.ts'
import { openHeads } from './open-record.ts'

type Digesting = Pick<Ctx, 'clock' | 'random' | 'network' | 'catalog' | 'session'>

/** Headers end before: what stands behind is the picture, which is not fetched for a list. */
const HEAD = 256 << 10
/** Records opened with one receipt. */
const AT_ONCE = 256

const NOTHING: PackedDigest = packDigest({ text: '', measures: [], particulars: [] })

/** Never throws: what is no DICOM file belongs to no series. */
export function digestOfImage(head: Uint8Array): PackedDigest {
  try {
    return packDigest(dicomDigest(parseDicom(head)))
  } catch {
    return NOTHING
  }
}

export const lacksImageDigest = ({ card, digest }: Pick<Entry, 'card' | 'digest'>): boolean =>
  card.kind === 'dicom' && digest?.v !== DIGEST_VERSION

/** Reads the beginnings of images that another device filed, so that they can be listed by study and series. */
export async function digestImages(
  ctx: Digesting,
  entries: readonly Entry[],
  { progress = () => {}, signal }: { readonly progress?: Progress; readonly signal?: AbortSignal } = {},
): Promise<void> {
  const open = entries.filter(lacksImageDigest)
  let done = 0
  for (let at = 0; at < open.length && !signal?.aborted; at += AT_ONCE) {
    const noted: Entry[] = []
    const batch = open.slice(at, at + AT_ONCE)
    for await (const ranges of openHeads(
      ctx,
      batch.map(e => e.id),
    )) {
      if (signal?.aborted) return
      // It may have been moved, anchored or erased meanwhile: what is noted is as it is now.
      const now = await entryOf(ctx, ranges.meta.id)
      const head = now && (await read(ranges.read(0, Math.min(HEAD, ranges.here))))
      if (head) noted.push({ ...now, digest: digestOfImage(head) })
    }
    await noteEntries(ctx, noted)
    done += batch.length
    progress(done, open.length)
  }
}

/** Null when it is not at the relay or damaged there; it is tried at the next time. */
async function read(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array | null> {
  try {
    const parts: Uint8Array[] = []
    for await (const part of chunks) parts.push(part.slice())
    return concat(...parts)
  } catch (e) {
    if (isKeepwellError(e)) return null
    throw e
  }
}
