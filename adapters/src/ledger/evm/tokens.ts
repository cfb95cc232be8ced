import { toHex } from '@keepwell/sdk/base/bytes'
import type { Tokens } from '@keepwell/sdk/ports/ledger'
import { checkAddress, checkCount, checkHash, checkPath, checkSignature } from '@keepwell/sdk/ports/ledger-checks'
import { decodeFunctionResult, encodeFunctionData } from 'viem/utils'
import type { Access } from './access.ts'
import { ABIS } from './contracts.ts'
import { asHex, hex, lower } from './values.ts'

const abi = ABIS['HealthRecordNFT@1']
const NO_TOKEN = 'ERC721NonexistentToken'
const idOf = (tokenId: Uint8Array) => BigInt(`0x${toHex(tokenId)}`)

export function evmTokens(access: Access): Tokens {
  const contract = access.contract('HealthRecordNFT@1')
  return {
    async mint({ root, index, path, tokenHolder, inner, metadataDigest, deadline, signature }) {
      checkHash(root, 'root')
      checkCount(index, 'index')
      checkPath(path)
      checkAddress(tokenHolder, 'token holder')
      checkHash(inner, 'inner hash')
      checkHash(metadataDigest, 'metadata digest')
      checkCount(deadline, 'deadline')
      checkSignature(signature)
      const proof = [hex(root), BigInt(index), path.map(hex)] as const
      const args = [...proof, asHex(tokenHolder), hex(inner), hex(metadataDigest), BigInt(deadline), asHex(signature)] as const
      return contract.send(encodeFunctionData({ abi, functionName: 'mint', args }))
    },
    async burn({ tokenId, deadline, signature }) {
      checkHash(tokenId, 'token id')
      checkCount(deadline, 'deadline')
      checkSignature(signature)
      const args = [idOf(tokenId), BigInt(deadline), asHex(signature)] as const
      return contract.send(encodeFunctionData({ abi, functionName: 'burnBySig', args }))
    },
    async ownerOf(tokenId) {
      checkHash(tokenId, 'token id')
      const data = await contract.find(encodeFunctionData({ abi, functionName: 'ownerOf', args: [idOf(tokenId)] }), NO_TOKEN)
      return data === null ? null : lower(decodeFunctionResult({ abi, functionName: 'ownerOf', data }))
    },
  }
}
