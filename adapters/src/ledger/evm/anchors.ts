import type { Anchors } from '@keepwell/sdk/ports/ledger'
import { checkCount, checkHash, MAX_UINT32 } from '@keepwell/sdk/ports/ledger-checks'
import { decodeFunctionResult, encodeFunctionData } from 'viem/utils'
import type { Access } from './access.ts'
import { ABIS } from './contracts.ts'
import { hex, lower } from './values.ts'

const abi = ABIS['RecordAnchors@1']

export function evmAnchors(access: Access): Anchors {
  const contract = access.contract('RecordAnchors@1')
  return {
    async add(root, size) {
      checkHash(root, 'root')
      checkCount(size, 'size', MAX_UINT32)
      return contract.send(encodeFunctionData({ abi, functionName: 'anchor', args: [hex(root), size] }))
    },
    async of(root) {
      checkHash(root, 'root')
      const data = await contract.call(encodeFunctionData({ abi, functionName: 'anchorOf', args: [hex(root)] }))
      const [anchorer, time, size] = decodeFunctionResult({ abi, functionName: 'anchorOf', data })
      return size === 0 ? null : { anchorer: lower(anchorer), time: Number(time), size }
    },
  }
}
