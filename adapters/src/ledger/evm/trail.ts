import { fromHex } from '@keepwell/sdk/base/bytes'
import type { Signature, Trail, TrailHead } from '@keepwell/sdk/ports/ledger'
import { checkAddress, checkCount, checkHash, checkSignature } from '@keepwell/sdk/ports/ledger-checks'
import type { Hex } from 'viem'
import { decodeFunctionData, decodeFunctionResult, encodeEventTopics, encodeFunctionData } from 'viem/utils'
import type { Access } from './access.ts'
import { ABIS } from './contracts.ts'
import { logsOf, type RawLog } from './events.ts'
import { ask } from './request.ts'
import { asHex, hex, lower } from './values.ts'

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
    async published(log) {
      checkAddress(log, 'log')
      const topics = encodeEventTopics({ abi, eventName: 'HeadPublished', args: { log: asHex(log) } })
      const filter = { address: contract.address, topics }
      const { block } = await access.head()
      for (let to = block; to >= 0; to -= SPAN) {
        const last = (await logsOf(access.request, filter, Math.max(0, to - SPAN + 1), to)).at(-1)
        if (last) return sentHead(access, last, log)
      }
      return null
    },
    async reportFork({ a, b }) {
      checkHead(a.head, a.signature)
      checkHead(b.head, b.signature)
      const args = [headOf(a.head), asHex(a.signature), headOf(b.head), asHex(b.signature)] as const
      return contract.send(encodeFunctionData({ abi, functionName: 'reportFork', args }))
    },
    async reportInconsistency({ older, newer, otherRoot, proof }) {
      checkHead(older.head, older.signature)
      checkHead(newer.head, newer.signature)
      checkHash(otherRoot, 'other root')
      for (const p of proof) checkHash(p, 'hash of the proof')
      const heads = [headOf(older.head), asHex(older.signature), headOf(newer.head), asHex(newer.signature)] as const
      const args = [...heads, hex(otherRoot), proof.map(hex)] as const
      return contract.send(encodeFunctionData({ abi, functionName: 'reportInconsistency', args }))
    },
  }
}

/** Blocks asked for at once, from the newest backwards. */
const SPAN = 5000

/** The head that a transaction published; null when it was not sent straight to the contract. */
async function sentHead(access: Access, { transactionHash: tx, blockNumber }: RawLog, log: string): ReturnType<Trail['published']> {
  const block = await ask<{ timestamp: string } | null>(access.request, 'eth_getBlockByNumber', [blockNumber, false])
  const sent = await ask<{ input: Hex } | null>(access.request, 'eth_getTransactionByHash', [tx])
  try {
    const { functionName, args } = decodeFunctionData({ abi, data: sent?.input ?? '0x' })
    if (functionName !== 'publish') return null
    const [head, signature] = args
    const { size, root, time, previous } = head
    if (lower(head.log) !== log) return null
    const signed = { log, size: Number(size), root: fromHex(root), time: Number(time), previous: fromHex(previous) }
    return block && { sent: { head: signed, signature }, written: { tx, block: Number(blockNumber), time: Number(block.timestamp) } }
  } catch {
    return null
  }
}
