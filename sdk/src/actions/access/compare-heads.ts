import type { Evidence, SignedHead } from '#audit/evidence'
import { equal } from '#base/bytes'
import { isKeepwellError } from '#base/error'
import { earlierRoot, emptyRoot, verifyConsistency } from '#crypto/merkle'
import type { Relay } from '#ports/relay'

/** `evidence` is null where the log contradicts itself and gives nothing that would prove it to others. */
export type Compared = { readonly consistent: true } | { readonly consistent: false; readonly evidence: Evidence | null }

/**
 * Whether one log signed both heads honestly, as it proves itself. A relay that has no proof to give, since it knows of no log that long,
 * contradicts its own signature; one that does not answer is not judged: its error is passed on.
 */
export async function compareHeads(relay: Pick<Relay, 'consistency'>, one: SignedHead, two: SignedHead): Promise<Compared> {
  const [older, newer] = one.head.size <= two.head.size ? [one, two] : [two, one]
  const { size: m, root: rootM } = older.head
  const { size: n, root: rootN } = newer.head
  if (m === n) return equal(rootM, rootN) ? { consistent: true } : { consistent: false, evidence: { kind: 'fork', a: older, b: newer } }
  if (m === 0) return equal(rootM, emptyRoot()) ? { consistent: true } : { consistent: false, evidence: null }
  const proof = await shown(relay, m, n)
  if (proof && verifyConsistency({ m, n, rootM, rootN, proof })) return { consistent: true }
  const next = proof && m + 1 < n ? ((await shown(relay, m + 1, n)) ?? []) : []
  const otherRoot = proof && earlierRoot({ m, n, rootN, proof, next })
  return { consistent: false, evidence: proof && otherRoot ? { kind: 'rewrite', older, newer, otherRoot, proof } : null }
}

async function shown(relay: Pick<Relay, 'consistency'>, m: number, n: number): Promise<Uint8Array[] | null> {
  try {
    return await relay.consistency(m, n)
  } catch (e) {
    if (!isKeepwellError(e, 'BAD_INPUT')) throw e
    return null
  }
}
