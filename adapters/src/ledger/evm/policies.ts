import { fromHex } from '@keepwell/sdk/base/bytes'
import { checkHash } from '@keepwell/sdk/ports/ledger-checks'
import type { Policies } from '@keepwell/sdk/ports/policies'
import { decodeFunctionResult, encodeFunctionData } from 'viem/utils'
import type { Access } from './access.ts'
import { ABIS } from './contracts.ts'
import { hex, lower } from './values.ts'

const abi = ABIS['PolicyRegistry@1']
const VIEWS = ['current', 'pending', 'delay', 'owner'] as const

const orNull = (policy: string): Uint8Array | null => (/^0x0{64}$/.test(policy) ? null : fromHex(policy))

export function evmPolicies(access: Access): Policies {
  const contract = access.contract('PolicyRegistry@1')
  const change = async (functionName: 'schedule' | 'cancel' | 'enact', policy: Uint8Array) => {
    checkHash(policy, 'policy')
    return contract.send(encodeFunctionData({ abi, functionName, args: [hex(policy)] }))
  }
  return {
    async state() {
      const asked = VIEWS.map(functionName => contract.call(encodeFunctionData({ abi, functionName })))
      const [current, pending, delay, owner] = await Promise.all(asked)
      const [policy, since] = decodeFunctionResult({ abi, functionName: 'current', data: current! })
      const [next, readyAt] = decodeFunctionResult({ abi, functionName: 'pending', data: pending! })
      return {
        policy: orNull(policy),
        since: Number(since),
        pending: readyAt === 0n ? null : { policy: orNull(next), readyAt: Number(readyAt) },
        delay: Number(decodeFunctionResult({ abi, functionName: 'delay', data: delay! })),
        administrator: lower(decodeFunctionResult({ abi, functionName: 'owner', data: owner! })),
      }
    },
    schedule: policy => change('schedule', policy),
    cancel: policy => change('cancel', policy),
    enact: policy => change('enact', policy),
  }
}
