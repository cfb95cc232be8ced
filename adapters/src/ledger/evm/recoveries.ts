import { fromHex } from '@keepwell/sdk/base/bytes'
import { checkAddress, checkCount, checkHash, checkPlan, checkSignature, checkVotes } from '@keepwell/sdk/ports/ledger-checks'
import type { Recoveries } from '@keepwell/sdk/ports/recoveries'
import { decodeFunctionResult, encodeFunctionData } from 'viem/utils'
import type { Access } from './access.ts'
import { ABIS } from './contracts.ts'
import { asHex, hex, lower } from './values.ts'

const abi = ABIS['GuardianRecovery@1']
const VIEWS = ['guardians', 'pendingGuardians', 'nonce', 'cancelled', 'lastRound'] as const
const STATES = ['none', 'running', 'cancelled', 'finished'] as const

const orNull = (plan: string): Uint8Array | null => (/^0x0{64}$/.test(plan) ? null : fromHex(plan))

export function evmRecoveries(access: Access): Recoveries {
  const contract = access.contract('GuardianRecovery@1')
  const about = (functionName: (typeof VIEWS)[number], identity: string) =>
    contract.call(encodeFunctionData({ abi, functionName, args: [asHex(identity)] }))
  return {
    async state(identity) {
      checkAddress(identity, 'identity')
      const [plan, pending, nonce, cancelled, last] = await Promise.all(VIEWS.map(name => about(name, identity)))
      const [next, from] = decodeFunctionResult({ abi, functionName: 'pendingGuardians', data: pending! })
      const [number, newOwner, readyAt, final, state] = decodeFunctionResult({ abi, functionName: 'lastRound', data: last! })
      const what = STATES[state]
      const known = what && what !== 'none'
      return {
        plan: orNull(decodeFunctionResult({ abi, functionName: 'guardians', data: plan! })),
        pending: from === 0n ? null : { plan: orNull(next), from: Number(from) },
        nonce: Number(decodeFunctionResult({ abi, functionName: 'nonce', data: nonce! })),
        cancelled: decodeFunctionResult({ abi, functionName: 'cancelled', data: cancelled! }),
        round: known ? { number: Number(number), newOwner: lower(newOwner), readyAt: Number(readyAt), final, state: what } : null,
      }
    },
    async setGuardians({ identity, plan, deadline, signature }) {
      checkAddress(identity, 'identity')
      checkHash(plan, 'plan')
      checkCount(deadline, 'deadline')
      checkSignature(signature)
      const args = [asHex(identity), hex(plan), BigInt(deadline), asHex(signature)] as const
      return contract.send(encodeFunctionData({ abi, functionName: 'setGuardians', args }))
    },
    async begin({ identity, newOwner, plan, deadline, votes }) {
      checkAddress(identity, 'identity')
      checkAddress(newOwner, 'new owner')
      checkPlan(plan)
      checkCount(deadline, 'deadline')
      checkVotes(votes)
      const opened = { ...plan, root: hex(plan.root), salt: hex(plan.salt) }
      const cast = votes.map(v => ({
        guardian: asHex(v.guardian),
        index: BigInt(v.index),
        path: v.path.map(hex),
        signature: asHex(v.signature),
      }))
      const args = [asHex(identity), asHex(newOwner), opened, BigInt(deadline), cast] as const
      return contract.send(encodeFunctionData({ abi, functionName: 'begin', args }))
    },
    async cancel({ identity, round, deadline, signature }) {
      checkAddress(identity, 'identity')
      checkCount(round, 'round')
      checkCount(deadline, 'deadline')
      checkSignature(signature)
      const args = [asHex(identity), BigInt(round), BigInt(deadline), asHex(signature)] as const
      return contract.send(encodeFunctionData({ abi, functionName: 'cancel', args }))
    },
    async finish({ identity, round }) {
      checkAddress(identity, 'identity')
      checkCount(round, 'round')
      return contract.send(encodeFunctionData({ abi, functionName: 'finish', args: [asHex(identity), BigInt(round)] }))
    },
  }
}
