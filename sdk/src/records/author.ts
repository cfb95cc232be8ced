import { equal } from '#base/bytes'
import { ensure } from '#base/error'
import type { Party } from '#identity/bundle'
import { verifySigned } from '#identity/signed'
import type { Card } from './card.ts'
import { batchMessage, type Meta, type Tail } from './plain.ts'

/** The card is what people read in a list: it must name the author, the form and the older version that the signed record names. Throws ENVELOPE_MISMATCH. */
export function checkCard(m: Meta, c: Card): void {
  const same =
    m.author === c.author &&
    m.kind === c.kind &&
    m.mediaType === c.mediaType &&
    m.size === c.size &&
    (m.held !== undefined) === (c.held === true) &&
    (m.prior && c.prior ? equal(m.prior, c.prior) : m.prior === c.prior)
  ensure(same, 'ENVELOPE_MISMATCH', 'The record’s card names another author, form or older version than the record itself.')
}

/** Checks the author's pair of signatures over the batch, under the bundle version it names. Membership was checked on opening. */
export async function verifyAuthor(t: Tail, author: Party): Promise<void> {
  ensure(
    author.did === t.meta.author && author.version === t.proof.batch.version,
    'BAD_SIGNATURE',
    'The record names another author or key bundle.',
  )
  await verifySigned(t.proof.batch, 'batch', batchMessage, author.keys)
}
