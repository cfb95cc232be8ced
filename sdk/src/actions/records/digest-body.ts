import { documentDigest, hasWords } from '#health/document-words'
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
  if (digest?.v === DIGEST_VERSION) return false
  return card.kind === 'fhir' ? card.size <= MAX_RESOURCE : card.kind === 'document' && hasWords(card.mediaType, card.size)
}
