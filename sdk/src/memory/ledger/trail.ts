import { trailHeadSigner } from '#audit/head'
import { equal } from '#base/bytes'
import type { Address, Signature, Trail, TrailHead } from '#ports/ledger'
import { checkAddress, checkCount, checkHash, checkSignature } from '#ports/ledger-checks'
import type { Contract, MemoryChain } from './chain.ts'

type Latest = { readonly size: number; readonly root: Uint8Array; readonly time: number }
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
      return contract.write((_, emit) => {
        const last = table.latest.get(head.log)
        if (last) {
          const sameTree = head.size === last.size && equal(head.root, last.root)
          if (sameTree && head.time === last.time) return
          if (head.size < last.size || head.time < last.time) throw contract.refuse('HeadBehind')
          if (head.size === last.size && !sameTree) throw contract.refuse('RootConflict')
        }
        requireSigned(contract, head, signature)
        const { log, size, root, time } = copy(head)
        table.latest.set(log, { size, root, time })
        emit('HeadPublished', { log, size, root, time })
      })
    },
    async latest(log) {
      checkAddress(log, 'log')
      const last = table.latest.get(log)
      const forked = table.forked.has(log)
      if (!last && !forked) return null
      return { log, ...(last ?? { size: 0, root: new Uint8Array(32), time: 0 }), forked }
    },
    async reportFork(a, signatureA, b, signatureB) {
      checkHead(a, signatureA)
      checkHead(b, signatureB)
      return contract.write((_, emit) => {
        if (a.log !== b.log || a.size !== b.size || equal(a.root, b.root)) throw contract.refuse('NoContradiction')
        if (table.forked.has(a.log)) return
        requireSigned(contract, a, signatureA)
        requireSigned(contract, b, signatureB)
        table.forked.add(a.log)
        emit('ForkReported', { log: a.log, a: copy(a), b: copy(b), reporter: account })
      })
    },
  }
}
