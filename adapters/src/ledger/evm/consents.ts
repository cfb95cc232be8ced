import type { Consents, Slot } from '@keepwell/sdk/ports/ledger'
import { checkAddress, checkCount, checkHash, checkSignature } from '@keepwell/sdk/ports/ledger-checks'
import { decodeFunctionResult, encodeFunctionData } from 'viem/utils'
import type { Access } from './access.ts'
import { ABIS } from './contracts.ts'
import { asHex, hex } from './values.ts'

const abi = ABIS['ConsentRegistry@1']
/** IConsentRegistry.State */
const NONE = 0
const REVOKED = 2

export function evmConsents(access: Access): Consents {
  const contract = access.contract('ConsentRegistry@1')
  return {
    async slot(holder, commitment) {
      checkAddress(holder, 'holder')
      checkHash(commitment, 'commitment')
      const data = await contract.call(encodeFunctionData({ abi, functionName: 'slot', args: [asHex(holder), hex(commitment)] }))
      const [notBefore, expiry, level, state] = decodeFunctionResult({ abi, functionName: 'slot', data })
      if (state === NONE) return null
      return {
        notBefore: Number(notBefore),
        expiry: Number(expiry),
        // Revoked before it was ever granted: the contract has no level then, and the least there is harms nobody.
        level: Math.max(1, level) as Slot['level'],
        state: state === REVOKED ? 'revoked' : 'live',
      }
    },
    async grant({ holder, commitment, notBefore, expiry, level, deadline, signature }) {
      checkAddress(holder, 'holder')
      checkHash(commitment, 'commitment')
      checkCount(notBefore, 'start')
      checkCount(expiry, 'expiry')
      checkCount(level, 'level', 255)
      checkCount(deadline, 'deadline')
      checkSignature(signature)
      const period = [BigInt(notBefore), BigInt(expiry)] as const
      const args = [asHex(holder), hex(commitment), ...period, level, BigInt(deadline), asHex(signature)] as const
      return contract.send(encodeFunctionData({ abi, functionName: 'grant', args }))
    },
    async revoke({ holder, commitment, deadline, signature }) {
      checkAddress(holder, 'holder')
      checkHash(commitment, 'commitment')
      checkCount(deadline, 'deadline')
      checkSignature(signature)
      const args = [asHex(holder), hex(commitment), BigInt(deadline), asHex(signature)] as const
      return contract.send(encodeFunctionData({ abi, functionName: 'revoke', args }))
    },
  }
}
