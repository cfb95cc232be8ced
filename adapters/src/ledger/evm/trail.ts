import { fromHex } from '@keepwell/sdk/base/bytes'
import type { Signature, Trail, TrailHead } from '@keepwell/sdk/ports/ledger'
import { checkAddress, checkCount, checkHash, checkSignature } from '@keepwell/sdk/ports/ledger-checks'
import { decodeFunctionResult, encodeFunctionData } from 'viem'
import type { Access } from './access.ts'
import { ABIS } from './contracts.ts'
import { asHex, hex } from './values.ts'

const abi = ABIS['AuditTrail@1']

function checkHead(head: TrailHead, signature: Signature): void {
  checkAddress(head.log, 'log')
  checkCount(head.size, 'size')
  checkHash(head.root, 'root')
  checkCount(head.time, 'time')
  checkHash(head.previous, 'hash of the previous head')
  checkSignature(signature)
}

const headOf = ({ log, size, root, time, previous }: TrailHead) => ({
  log: asHex(log),
  size: BigInt(size),
  root: hex(root),
  time: BigInt(time),
  previous: hex(previous),
})

export function evmTrail(access: Access): Trail {
  const contract = access.contract('AuditTrail@1')
  return {
    async publish(head, signature) {
      checkHead(head, signature)
      return contract.send(encodeFunctionData({ abi, functionName: 'publish', args: [headOf(head), asHex(signature)] }))
    },
    async latest(log) {
      checkAddress(log, 'log')
      const [latest, mark] = await Promise.all([
        contract.call(encodeFunctionData({ abi, functionName: 'latest', args: [asHex(log)] })),
        contract.call(encodeFunctionData({ abi, functionName: 'forked', args: [asHex(log)] })),
      ])
      const [size, root, time] = decodeFunctionResult({ abi, functionName: 'latest', data: latest })
      const forked = decodeFunctionResult({ abi, functionName: 'forked', data: mark })
      if (time === 0n && size === 0n && !forked) return null
      return { log, size: Number(size), root: fromHex(root), time: Number(time), forked }
    },
    async reportFork(a, signatureA, b, signatureB) {
      checkHead(a, signatureA)
      checkHead(b, signatureB)
      const args = [headOf(a), asHex(signatureA), headOf(b), asHex(signatureB)] as const
      return contract.send(encodeFunctionData({ abi, functionName: 'reportFork', args }))
    },
  }
}
