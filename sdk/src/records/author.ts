import { ensure } from '#base/error'
import type { Party } from '#identity/bundle'
import { verifySigned } from '#identity/signed'
import { batchMessage, type Tail } from './plain.ts'

/** Checks the author's pair of signatures over the batch, under the bundle version it names. Membership was checked on opening. */
export async function verifyAuthor(t: Tail, author: Party): Promise<void> {
  ensure(
    author.did === t.meta.author && author.version === t.proof.batch.version,
    'BAD_SIGNATURE',
    'The record names another author or key bundle.',
  )
  await verifySigned(t.proof.batch, 'batch', batchMessage, author.keys)
}
