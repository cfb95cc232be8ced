import { fileNameOf } from '@keepwell/sdk/actions/records/export-names'
import { openBodies } from '@keepwell/sdk/actions/records/open-bodies'
import { openRecordStream, openRecords } from '@keepwell/sdk/actions/records/open-record'
import { partyAt } from '@keepwell/sdk/actions/vault/calls'
import { toHex } from '@keepwell/sdk/base/bytes'
import { cidFromBytes } from '@keepwell/sdk/base/cid'
import { KeepwellError } from '@keepwell/sdk/base/error'
import { verifyAuthor } from '@keepwell/sdk/records/author'
import type { Card } from '@keepwell/sdk/records/card'
import type { Tail } from '@keepwell/sdk/records/plain'
import type { Content, RecordView } from '#rpc/views.ts'
import { type Item, naming } from './entries.ts'
import { ATTACHED_TO, extras } from './extras.ts'
import type { OpenVault } from './vault.ts'

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
  const { card } = entry
  const small = card.size <= SHOWN
  const [whole] = small ? await openRecords(ctx, [entry.id]) : []
  if (small && !whole) throw new KeepwellError('NOT_FOUND', 'The record is not at the relay.')
  const tail: Tail = whole ?? (await openRecordStream(ctx, entry))
  const author = await partyAt(ctx, tail.meta.author, tail.proof.batch.version)
  if (author) await verifyAuthor(tail, author)
  const { ring } = ctx.session.state
  const { file = null, [ATTACHED_TO]: owner, ...attributes } = tail.meta.attributes ?? {}
  const content: Content = whole ? contentOf(card, whole.body) : { kind: 'file' }
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
    prior: card.prior ? toHex(card.prior) : null,
    ...(await extras(vault, entry, content, owner)),
  }
}

/** What the page may show of a body. A resource that cannot be read as one is shown as the file it came in. */
export function contentOf({ kind }: Pick<Card, 'kind'>, body: Uint8Array): Content {
  if (kind !== 'fhir') return { kind: 'file', bytes: body.slice() }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body)
    return { kind: 'fhir', resource: JSON.parse(text) as Record<string, unknown>, text }
  } catch {
    return { kind: 'file', bytes: body.slice() }
  }
}

/** The record's bytes as they came, proven whole. */
export async function recordFile(vault: OpenVault, id: string): Promise<Blob> {
  const { entry } = itemOf(vault, id)
  const parts: Uint8Array[] = []
  for await (const body of openBodies(vault.ctx, [entry])) for await (const part of body.chunks()) parts.push(part.slice())
  return new Blob(parts as BlobPart[], { type: 'application/octet-stream' })
}
