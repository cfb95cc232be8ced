import { equal, fromHex, toHex } from '#base/bytes'
import { sha256 } from '#crypto/hash'
import { verifyInclusion } from '#crypto/merkle'
import type { Address, Tokens } from '#ports/ledger'
import { checkAddress, checkCount, checkHash, checkPath, checkSignature, ZERO_ADDRESS } from '#ports/ledger-checks'
import { burnTypedData, mintTypedData } from '#records/typed-data'
import type { AnchorTable } from './anchors.ts'
import { type MemoryChain, requireMessage } from './chain.ts'

type Token = { readonly owner: Address; readonly digest: Uint8Array } | 'burned'
/** By token id in hex. */
export type TokenTable = Map<string, Token>

/** The contract keeps one to mark a burned token, so neither it nor zero is a digest. */
const isDigest = (digest: Uint8Array) => digest.some((byte, i) => byte > (i === 31 ? 1 : 0))

/** What HealthRecordNFT does. */
export function memoryTokens(chain: MemoryChain, table: TokenTable, anchors: AnchorTable): Tokens {
  const contract = chain.contract('HealthRecordNFT@1')

  /** Throws when it can never be done; true when nothing is left to do. */
  const isMinted = (token: Token | undefined, digest: Uint8Array): boolean => {
    if (token === 'burned') throw contract.refuse('TokenBurned')
    if (!isDigest(digest)) throw contract.refuse('InvalidMetadataDigest')
    if (token && !equal(token.digest, digest)) throw contract.refuse('AlreadyMinted')
    return token !== undefined
  }

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
      const leaf = sha256(Uint8Array.of(0), fromHex(tokenHolder), inner)
      const data = mintTypedData(contract.domain, { tokenId: leaf, metadataDigest, deadline })
      return contract.write((time, emit) => {
        if (isMinted(table.get(toHex(leaf)), metadataDigest)) return
        const size = anchors.get(toHex(root))?.size ?? 0
        if (!verifyInclusion({ leaf, index, size, path, root })) throw contract.refuse('NotAnchored')
        requireMessage(contract, { time, deadline, expected: tokenHolder, data, signature })
        table.set(toHex(leaf), { owner: tokenHolder, digest: metadataDigest.slice() })
        emit('Transfer', { from: ZERO_ADDRESS, to: tokenHolder, tokenId: leaf })
        emit('Locked', { tokenId: leaf })
      })
    },
    async burn({ tokenId, deadline, signature }) {
      checkHash(tokenId, 'token id')
      checkCount(deadline, 'deadline')
      checkSignature(signature)
      const data = burnTypedData(contract.domain, { tokenId, deadline })
      return contract.write((time, emit) => {
        const token = table.get(toHex(tokenId))
        if (token === 'burned') return
        if (!token) throw contract.refuse('ERC721NonexistentToken')
        requireMessage(contract, { time, deadline, expected: token.owner, data, signature })
        table.set(toHex(tokenId), 'burned')
        emit('Transfer', { from: token.owner, to: ZERO_ADDRESS, tokenId: tokenId.slice() })
      })
    },
    async ownerOf(tokenId) {
      checkHash(tokenId, 'token id')
      const token = table.get(toHex(tokenId))
      return token && token !== 'burned' ? token.owner : null
    },
  }
}
