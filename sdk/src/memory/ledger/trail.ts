import { trailHeadSigner } from '#audit/head'
import { equal } from '#base/bytes'
import { verifyConsistency } from '#crypto/merkle'
import type { Address, Signature, SignedHead, Trail, TrailHead, Written } from '#ports/ledger'
import { checkAddress, checkCount, checkHash, checkSignature } from '#ports/ledger-checks'
import type { Contract, MemoryChain } from './chain.ts'

type Latest = SignedHead & { written?: Written }
export type TrailTable = { readonly latest: Map<Address, Latest>; readonly forked: Set<Address> }

export const emptyTrail = (): TrailTable => ({ latest: new Map(), forked: new Set() })

function checkHead(head: TrailHead, signature: Signature): void {
  checkAddress(head.log, 'log')
  checkCount(head.size, 'size')
  checkHash(head.root, 'root')
  checkCount(head.time, 'time')
  checkHash(head.previous, 'hash of the previous head')
  checkSignature(signature)
}

function requireSigned(contract: Contract, head: TrailHead, signature: Signature): void {
  let signer: Address | null = null
  try {
    signer = trailHeadSigner(contract.domain, { v: 1, ...head }, signature)
  } catch {}
  if (signer !== head.log) throw contract.refuse('BadSignature')
}

const copy = ({ log, size, root, time, previous }: TrailHead): TrailHead => ({
  log,
  size,
  root: root.slice(),
  time,
  previous: previous.slice(),
})

/** What AuditTrail does. */
export function memoryTrail(chain: MemoryChain, table: TrailTable, account: Address): Trail {
  const contract = chain.contract('AuditTrail@1')
  return {
    async publish(head, signature) {
      checkHead(head, signature)
      let kept: Latest | undefined
      const written = contract.write((_, emit) => {
        const last = table.latest.get(head.log)?.head
        if (last) {
          const sameTree = head.size === last.size && equal(head.root, last.root)
          if (sameTree && head.time === last.time) return
          if (head.size < last.size || head.time < last.time) throw contract.refuse('HeadBehind')
          if (head.size === last.size && !sameTree) throw contract.refuse('RootConflict')
        }
        requireSigned(contract, head, signature)
        kept = { head: copy(head), signature }
        const { log, size, root, time } = kept.head
        table.latest.set(log, kept)
        emit('HeadPublished', { log, size, root, time })
      })
      if (kept) kept.written = written
      return written
    },
    async latest(log) {
      checkAddress(log, 'log')
      const last = table.latest.get(log)
      const forked = table.forked.has(log)
      if (!last && !forked) return null
      const { size, root, time } = last?.head ?? { size: 0, root: new Uint8Array(32), time: 0 }
      return { log, size, root: root.slice(), time, forked }
    },
    async published(log) {
      checkAddress(log, 'log')
      const last = table.latest.get(log)
      return last?.written ? { sent: { head: copy(last.head), signature: last.signature }, written: last.written } : null
    },
    async reportFork({ a, b }) {
      checkHead(a.head, a.signature)
      checkHead(b.head, b.signature)
      return contract.write((_, emit) => {
        const { log, size, root } = a.head
        if (log !== b.head.log || size !== b.head.size || equal(root, b.head.root)) throw contract.refuse('NoContradiction')
        if (table.forked.has(log)) return
        requireSigned(contract, a.head, a.signature)
        requireSigned(contract, b.head, b.signature)
        table.forked.add(log)
        emit('ForkReported', { log, a: copy(a.head), b: copy(b.head), reporter: account })
      })
    },
    async reportInconsistency({ older, newer, otherRoot, proof }) {
      checkHead(older.head, older.signature)
      checkHead(newer.head, newer.signature)
      checkHash(otherRoot, 'other root')
      for (const p of proof) checkHash(p, 'hash of the proof')
      return contract.write((_, emit) => {
        const { log, size: m, root } = older.head
        const { size: n, root: rootN } = newer.head
        if (log !== newer.head.log || m >= n) throw contract.refuse('NoContradiction')
        if (table.forked.has(log)) return
        const rewritten = !equal(otherRoot, root) && verifyConsistency({ m, n, rootM: otherRoot, rootN, proof })
        if (!rewritten) throw contract.refuse('ProofFailed')
        requireSigned(contract, older.head, older.signature)
        requireSigned(contract, newer.head, newer.signature)
        table.forked.add(log)
        const said = { log, older: copy(older.head), newer: copy(newer.head), otherRoot: otherRoot.slice(), reporter: account }
        emit('InconsistencyReported', said)
      })
    },
  }
}
