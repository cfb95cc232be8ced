import { fromHex } from '@keepwell/sdk/base/bytes'
import type { Emergencies, EmergencyRequest, EmergencyRules } from '@keepwell/sdk/ports/ledger'
import { checkAddress, checkCount, checkHash, checkRules, checkSignature, ZERO_ADDRESS } from '@keepwell/sdk/ports/ledger-checks'
import { decodeFunctionResult, encodeFunctionData } from 'viem/utils'
import type { Access } from './access.ts'
import { ABIS } from './contracts.ts'
import { asHex, hex, lower } from './values.ts'

const abi = ABIS['EmergencyAccess@1']
/** IEmergencyAccess.State */
const STATES = ['none', 'waiting', 'open', 'over', 'vetoed'] as const

const bytesOf = (word: string): Uint8Array => fromHex(word.slice(2))
const orNull = (word: string): Uint8Array | null => (/^0x0+$/.test(word) ? null : bytesOf(word))

function checkMessage(input: { readonly tag: Uint8Array; readonly deadline: number; readonly signature: string }): void {
  checkHash(input.tag, 'tag')
  checkCount(input.deadline, 'deadline')
  checkSignature(input.signature)
}

export function evmEmergencies(access: Access): Emergencies {
  const contract = access.contract('EmergencyAccess@1')
  return {
    async request(tag): Promise<EmergencyRequest | null> {
      checkHash(tag, 'tag')
      const data = await contract.call(encodeFunctionData({ abi, functionName: 'get', args: [hex(tag)] }))
      const found = decodeFunctionResult({ abi, functionName: 'get', data })
      const named = STATES[found.state]
      if (!named || named === 'none') return null
      const { rules } = found
      return {
        credential: bytesOf(found.credential),
        second: orNull(found.second),
        reasonHash: bytesOf(found.reasonHash),
        rules: {
          veto: lower(rules.veto),
          delay: Number(rules.delay),
          window: Number(rules.window),
          persons: rules.persons as EmergencyRules['persons'],
        },
        requestedAt: Number(found.requestedAt),
        opensAt: Number(found.opensAt) || null,
        closesAt: Number(found.closesAt) || null,
        state: named,
        reviewHash: orNull(found.reviewHash),
      }
    },
    async ask(input) {
      checkMessage(input)
      const { tag, reasonHash, credential, rules, deadline, signature, preauthorisation } = input
      checkHash(reasonHash, 'reason')
      checkHash(credential, 'credential id')
      checkRules(rules)
      if (preauthorisation) checkSignature(preauthorisation.signature)
      const asked = {
        tag: hex(tag),
        reasonHash: hex(reasonHash),
        credential: hex(credential),
        rules: { veto: asHex(rules.veto), delay: BigInt(rules.delay), window: BigInt(rules.window), persons: rules.persons },
        deadline: BigInt(deadline),
      }
      const given = { until: BigInt(preauthorisation?.until ?? 0), signature: asHex(preauthorisation?.signature ?? '0x') }
      return contract.send(encodeFunctionData({ abi, functionName: 'request', args: [asked, given, asHex(signature)] }))
    },
    async approve(input) {
      checkMessage(input)
      checkHash(input.credential, 'credential id')
      const args = [hex(input.tag), hex(input.credential), BigInt(input.deadline), asHex(input.signature)] as const
      return contract.send(encodeFunctionData({ abi, functionName: 'approve', args }))
    },
    async veto(input) {
      checkMessage(input)
      const args = [hex(input.tag), BigInt(input.deadline), asHex(input.signature)] as const
      return contract.send(encodeFunctionData({ abi, functionName: 'veto', args }))
    },
    async review(input) {
      checkMessage(input)
      checkHash(input.reviewHash, 'review')
      const args = [hex(input.tag), hex(input.reviewHash), BigInt(input.deadline), asHex(input.signature)] as const
      return contract.send(encodeFunctionData({ abi, functionName: 'review', args }))
    },
    async enrol(credential, responder) {
      checkHash(credential, 'credential id')
      checkAddress(responder, 'responder')
      return contract.send(encodeFunctionData({ abi, functionName: 'enrol', args: [hex(credential), asHex(responder)] }))
    },
    async responder(credential) {
      checkHash(credential, 'credential id')
      const data = await contract.call(encodeFunctionData({ abi, functionName: 'responderOf', args: [hex(credential)] }))
      const found = lower(decodeFunctionResult({ abi, functionName: 'responderOf', data }))
      return found === ZERO_ADDRESS ? null : found
    },
  }
}
