import { equal } from '#base/bytes'
import { bytes, type Infer, int, list, object, oneOf, string, union } from '#base/shape'
import { verifyConsistency } from '#crypto/merkle'
import { address } from '#identity/did'
import { type LogHead, readLogHead, type TrailDomain, trailHeadSigner } from './head.ts'

/** A head with its log's signature for the ledger, which convicts it before AuditTrail. */
export const signedHead = object({
  head: object({ log: address, size: int(), root: bytes(32), time: int(), previous: bytes(32) }),
  signature: string(132, /^0x[0-9a-f]{130}$/),
})
export type SignedHead = Infer<typeof signedHead>

/** What no honest log could have signed: two roots for one size, or a past that its own newer head denies. */
export const evidence = union('kind', {
  fork: object({ kind: oneOf('fork'), a: signedHead, b: signedHead }),
  rewrite: object({ kind: oneOf('rewrite'), older: signedHead, newer: signedHead, otherRoot: bytes(32), proof: list(bytes(32), 64) }),
})
export type Evidence = Infer<typeof evidence>

/** The half of a log head that the ledger understands. */
export function forLedger({ signed, ledger }: LogHead): SignedHead {
  const { log, size, root, time, previous } = readLogHead(signed)
  return { head: { log, size, root, time, previous }, signature: ledger }
}

export function isSigned(domain: TrailDomain, { head, signature }: SignedHead): boolean {
  try {
    return trailHeadSigner(domain, { v: 1, ...head }, signature) === head.log
  } catch {
    return false
  }
}

/** Whose log it accuses, when it holds: the same questions as AuditTrail asks. Null for anything less than proof. */
export function accuses(domain: TrailDomain, e: Evidence): string | null {
  const [one, two] = e.kind === 'fork' ? [e.a, e.b] : [e.older, e.newer]
  const holds = e.kind === 'fork' ? twoRoots(e.a, e.b) : rewritten(e)
  const own = one.head.log === two.head.log && isSigned(domain, one) && isSigned(domain, two)
  return holds && own ? one.head.log : null
}

const twoRoots = (a: SignedHead, b: SignedHead): boolean => a.head.size === b.head.size && !equal(a.head.root, b.head.root)

const rewritten = ({ older, newer, otherRoot, proof }: Extract<Evidence, { kind: 'rewrite' }>): boolean =>
  older.head.size < newer.head.size &&
  !equal(otherRoot, older.head.root) &&
  verifyConsistency({ m: older.head.size, n: newer.head.size, rootM: otherRoot, rootN: newer.head.root, proof })
