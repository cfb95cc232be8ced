import { fromHex } from '@keepwell/sdk/base/bytes'
import type { Credentials } from '@keepwell/sdk/ports/ledger'
import { checkAddress, checkCount, checkHash, checkRole } from '@keepwell/sdk/ports/ledger-checks'
import type { Hex } from 'viem'
import { decodeFunctionResult, encodeFunctionData } from 'viem/utils'
import type { Access } from './access.ts'
import { ABIS } from './contracts.ts'
import { asciiWord, hex, lower, wordText } from './values.ts'

const abi = ABIS['CredentialRegistry@1']
/** ICredentialRegistry.State */
const NONE = 0
const LIVE = 1

/** ICredentialRegistry.Standing */
const STANDINGS = [null, 'accredited', 'suspended'] as const
const CALL = { suspended: 'suspend', live: 'reinstate', revoked: 'revoke' } as const

export function evmCredentials(access: Access): Credentials {
  const contract = access.contract('CredentialRegistry@1')
  return {
    async status(id) {
      checkHash(id, 'credential id')
      const data = await contract.call(encodeFunctionData({ abi, functionName: 'status', args: [hex(id)] }))
      const [issuer, role, expiry, state] = decodeFunctionResult({ abi, functionName: 'status', data })
      if (state === NONE) return null
      const held = await contract.call(encodeFunctionData({ abi, functionName: 'holderOf', args: [hex(id)] }))
      const holderCommitment = fromHex(decodeFunctionResult({ abi, functionName: 'holderOf', data: held }).slice(2))
      return { issuer: lower(issuer), role: wordText(role), expiry: Number(expiry), live: state === LIVE, holderCommitment }
    },
    async issue({ id, holderCommitment, role, expiry }) {
      checkHash(id, 'credential id')
      checkHash(holderCommitment, 'holder commitment')
      checkRole(role)
      checkCount(expiry, 'expiry')
      const args = [hex(id), hex(holderCommitment), asciiWord(role, 8), BigInt(expiry)] as const
      return contract.send(encodeFunctionData({ abi, functionName: 'issue', args }))
    },
    async setState(id, state) {
      checkHash(id, 'credential id')
      return contract.send(encodeFunctionData({ abi, functionName: CALL[state], args: [hex(id)] }))
    },
    async issuer(account) {
      checkAddress(account, 'issuer')
      const data = await contract.call(encodeFunctionData({ abi, functionName: 'issuerStanding', args: [account as Hex] }))
      return STANDINGS[decodeFunctionResult({ abi, functionName: 'issuerStanding', data })] ?? null
    },
    async setIssuer(account, state) {
      checkAddress(account, 'issuer')
      const functionName = state === 'accredited' ? 'accredit' : 'suspendIssuer'
      return contract.send(encodeFunctionData({ abi, functionName, args: [account as Hex] }))
    },
  }
}
