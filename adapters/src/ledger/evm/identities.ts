import { toHex } from '@keepwell/sdk/base/bytes'
import type { Address, Identities } from '@keepwell/sdk/ports/ledger'
import { checkAddress, checkAttributeName, checkCount, checkSignature, ZERO_ADDRESS } from '@keepwell/sdk/ports/ledger-checks'
import { decodeFunctionResult, encodeFunctionData } from 'viem/utils'
import type { Access } from './access.ts'
import { ABIS } from './contracts.ts'
import { decodeLog, logsAbout } from './events.ts'
import { asciiWord, asHex, hex, lower } from './values.ts'

const NAME = 'PatientRegistry@1'
const abi = ABIS[NAME]
/** The contract counts nonces from chain id × 2^128. */
const COUNT = (1n << 128n) - 1n

/**
 * Walks back along the blocks in which the identity changed (ERC-1056 `previousChange`). Of each value the newest event counts; the
 * newest value that is live at the head's time is the answer.
 */
async function attribute(access: Access, identity: Address, name: string): Promise<Uint8Array | null> {
  const contract = access.contract(NAME)
  const [{ time }, data] = await Promise.all([
    access.head(),
    contract.call(encodeFunctionData({ abi, functionName: 'changed', args: [asHex(identity)] })),
  ])
  const ended = new Set<string>()
  let block = Number(decodeFunctionResult({ abi, functionName: 'changed', data }))
  while (block > 0) {
    const logs = await logsAbout(access.request, contract.address, identity, block)
    let previous = 0
    for (const log of logs.toReversed()) {
      const args = decodeLog(NAME, log)?.args
      // Within one block only the first change points to an earlier one.
      if (typeof args?.previousChange === 'number' && args.previousChange < block) previous = args.previousChange
      if (args?.name !== name) continue
      const value = args.value as Uint8Array
      if (ended.has(toHex(value))) continue
      if (Number(args.validTo) > time) return value
      ended.add(toHex(value))
    }
    block = previous
  }
  return null
}

export function evmIdentities(access: Access): Identities {
  const contract = access.contract(NAME)
  return {
    async owner(identity) {
      checkAddress(identity, 'identity')
      const data = await contract.call(encodeFunctionData({ abi, functionName: 'identityOwner', args: [asHex(identity)] }))
      return lower(decodeFunctionResult({ abi, functionName: 'identityOwner', data }))
    },
    async nonce(controller) {
      checkAddress(controller, 'controller')
      const data = await contract.call(encodeFunctionData({ abi, functionName: 'nonce', args: [asHex(controller)] }))
      return Number(decodeFunctionResult({ abi, functionName: 'nonce', data }) & COUNT)
    },
    async attribute(identity, name) {
      checkAddress(identity, 'identity')
      checkAttributeName(name)
      return attribute(access, identity, name)
    },
    async setAttribute({ identity, name, value, validity, deadline, signature }) {
      checkAddress(identity, 'identity')
      checkAttributeName(name)
      checkCount(validity, 'validity')
      checkCount(deadline, 'deadline')
      checkSignature(signature)
      const fields = [asHex(identity), asciiWord(name, 32), hex(value), BigInt(validity)] as const
      const args = [...fields, BigInt(deadline), asHex(signature)] as const
      return contract.send(encodeFunctionData({ abi, functionName: 'setAttributeBySig', args }))
    },
    async recoveryModule(identity) {
      checkAddress(identity, 'identity')
      const data = await contract.call(encodeFunctionData({ abi, functionName: 'recoveryModule', args: [asHex(identity)] }))
      const module = lower(decodeFunctionResult({ abi, functionName: 'recoveryModule', data }))
      return module === ZERO_ADDRESS ? null : module
    },
    async setRecoveryModule({ identity, module, deadline, signature }) {
      checkAddress(identity, 'identity')
      checkAddress(module, 'recovery module')
      checkCount(deadline, 'deadline')
      checkSignature(signature)
      const args = [asHex(identity), asHex(module), BigInt(deadline), asHex(signature)] as const
      return contract.send(encodeFunctionData({ abi, functionName: 'setRecoveryModuleBySig', args }))
    },
    async changeOwner({ identity, newOwner, deadline, signature }) {
      checkAddress(identity, 'identity')
      checkAddress(newOwner, 'new owner')
      checkCount(deadline, 'deadline')
      checkSignature(signature)
      const args = [asHex(identity), asHex(newOwner), BigInt(deadline), asHex(signature)] as const
      return contract.send(encodeFunctionData({ abi, functionName: 'changeOwnerBySig', args }))
    },
  }
}
