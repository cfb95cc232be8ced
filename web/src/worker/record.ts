import { fileNameOf } from '@keepwell/sdk/actions/records/export-names'
import { openBodies } from '@keepwell/sdk/actions/records/open-bodies'
import { openRecordStream, openRecords } from '@keepwell/sdk/actions/records/open-record'
import { partyAt } from '@keepwell/sdk/actions/vault/calls'
import { cidFromBytes } from '@keepwell/sdk/base/cid'
import { isKeepwellError, KeepwellError } from '@keepwell/sdk/base/error'
import { verifyAuthor } from '@keepwell/sdk/records/author'
import type { Entry } from '@keepwell/sdk/records/catalog'
import type { Tail } from '@keepwell/sdk/records/plain'
import { ownVersions } from '@keepwell/sdk/records/versions'
import type { Content, RecordView } from '#rpc/views.ts'
import { contentOf } from './content.ts'
import { type Item, naming } from './entries.ts'
import { ATTACHED_TO, extras } from './extras.ts'
import { heldFile, openHeld } from './held.ts'
import { piecesOf, save } from './save.ts'
import type { OpenVault } from './vault.ts'
import { versionsAround } from './versions.ts'

/** Larger contents are not sent along; the page asks for them when someone looks. */
const SHOWN = 8 << 20

export function itemOf(vault: OpenVault, id: string): Item {
  const found = vault.entries.get(id)
  if (!found) throw new KeepwellError('NOT_FOUND', 'There is no such record on this device.')
  return found
}

/** Opens one record of the own vault and checks where it came from. */
export async function openRecord(vault: OpenVault, id: string): Promise<RecordView> {
  const { ctx } = vault
  const { entry, row } = itemOf(vault, id)
  if (row.waiting) return openHeld(vault, id)
  const { card } = entry
  const small = card.size <= SHOWN
  const [whole] = small ? await openRecords(ctx, [entry.id]) : []
  if (small && !whole) throw new KeepwellError('NOT_FOUND', 'The record is not at the relay.')
  const tail: Tail = whole ?? (await openRecordStream(ctx, entry))
  const author = await partyAt(ctx, tail.meta.author, tail.proof.batch.version).catch(unreached)
  if (author) await verifyAuthor(tail, author)
  const { ring } = ctx.session.state
  const { file = null, [ATTACHED_TO]: owner, ...attributes } = tail.meta.attributes ?? {}
  const content: Content = whole ? await contentOf(card, whole.body) : { kind: 'file' }
  return {
    row,
    mediaType: card.mediaType,
    size: card.size,
    fileName: fileNameOf(entry).replace(/^.*\//, ''),
    content,
    from: {
      author: tail.meta.author === ring.did ? ring.name : naming(ring).party(tail.meta.author),
      own: tail.meta.author === ring.did,
      signature: author ? 'verified' : 'unknown',
      signedAt: tail.meta.authoredAt,
      filedAt: entry.filedAt,
      anchoredAt: entry.anchoredAt ?? null,
      cid: cidFromBytes(entry.cid),
      file,
      attributes,
    },
    ...versionsHere(vault, entry),
    ...(await extras(vault, entry, content, owner)),
  }
}

function versionsHere({ ctx, entries }: OpenVault, entry: Entry): Pick<RecordView, 'prior' | 'newer' | 'beside'> {
  const { ring } = ctx.session.state
  return versionsAround(entry, {
    all: [...entries.all()].map(i => i.entry),
    around: ownVersions(ring.did),
    nameOf: author => (author === ring.did ? ring.name : naming(ring).party(author)),
    at: e => e.filedAt,
  })
}

/** Whose keys they are can only be asked where there is a relay; until then a signature counts as not checked. */
function unreached(e: unknown): null {
  if (isKeepwellError(e, 'RELAY_UNREACHABLE')) return null
  throw e
}

/** The record's bytes as they came, piece by piece; the last one comes when they are proven whole. */
export async function* recordBytes(vault: OpenVault, id: string): AsyncGenerator<Uint8Array> {
  const { entry, row } = itemOf(vault, id)
  if (row.waiting) yield* piecesOf(await heldFile(vault, id))
  else for await (const body of openBodies(vault.ctx, [entry])) yield* body.chunks()
}

/** The same as a file for the page. */
export async function recordFile(vault: OpenVault, id: string): Promise<Blob> {
  const saved = await save(recordBytes(vault, id), { target: null, signal: new AbortController().signal, wrote: () => {} })
  return saved.blob!
}
