import { documentDigest, hasWords, readDigest } from '#health/document-words'
import { digestOf } from '#health/fhir/digest'
import type { Card } from '#records/card'
import type { Entry } from '#records/catalog'
import { DIGEST_VERSION, type PackedDigest, packDigest } from '#records/digest'

type Kept = Pick<Card, 'kind' | 'mediaType'>

/** Larger resources are not opened for their words alone. */
const MAX_RESOURCE = 8 << 20

/** Gathers what a device remembers of a record's content. Never throws: what cannot be read has nothing to remember. */
export function digestOfBody({ kind, mediaType }: Kept, body: Uint8Array): PackedDigest {
  if (kind !== 'fhir') return packDigest(documentDigest(mediaType, body))
  try {
    return packDigest(digestOf(JSON.parse(new TextDecoder().decode(body))))
  } catch {
    return packDigest(digestOf(null))
  }
}

/** Whether a record's content should be opened to remember more of it: there is something to read, and this version has not read it yet. */
export function lacksDigest({ card, digest }: Pick<Entry, 'card' | 'digest'>): boolean {
  // What an organisation holds is asked for when a person wants it, not for its words alone.
  if (digest?.v === DIGEST_VERSION || card.held) return false
  return card.kind === 'fhir' ? card.size <= MAX_RESOURCE : card.kind === 'document' && hasWords(card.mediaType, card.size)
}

/** Reads documents that the core cannot: PDF. It has bounds of its own, in time as well, and throws for what it cannot read. */
export type DocumentReader = {
  /** Raised when it reads better: what an older one read is read again. */
  readonly version: number
  readonly reads: (mediaType: string, size: number) => boolean
  /** Words, a phrase a line. */
  readonly read: (body: Uint8Array) => Promise<string>
}

export const wantsReader = ({ card, digest }: Pick<Entry, 'card' | 'digest'>, reader: DocumentReader): boolean =>
  card.kind === 'document' &&
  !card.held &&
  reader.reads(card.mediaType, card.size) &&
  (digest?.v !== DIGEST_VERSION || digest.reader !== reader.version)

/** What a reader finds in a document. Never throws: one that is damaged or locked has no words, and is not read again. */
export async function digestByReader(reader: DocumentReader, body: Uint8Array): Promise<PackedDigest> {
  const text = await reader.read(body).catch(() => '')
  return { ...packDigest(readDigest(text)), reader: reader.version }
}
