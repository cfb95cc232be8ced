import { sha256 } from '@noble/hashes/sha2.js'
import { toHex } from '#base/bytes'
import { parseCid } from '#base/cid'
import type { BlockStore } from '#ports/blocks'
import { checkBlock } from '#ports/limits'

/** Blocks in memory. As in every store, the address is the digest: raw and dag-pb CIDs of the same bytes name one block. */
export function memoryBlocks(): BlockStore {
  const held = new Map<string, Uint8Array>()
  const name = (cid: string) => toHex(parseCid(cid).digest)
  return {
    async put(blocks) {
      const checked = blocks.map(block => [toHex(checkBlock(block, sha256(block.bytes))), block.bytes] as const)
      for (const [digest, bytes] of checked) if (!held.has(digest)) held.set(digest, new Uint8Array(bytes))
    },
    async get(cid) {
      return held.get(name(cid))?.slice() ?? null
    },
    async has(cid) {
      return held.has(name(cid))
    },
    async drop(cids) {
      for (const digest of cids.map(name)) held.delete(digest)
    },
    async size() {
      let bytes = 0
      for (const block of held.values()) bytes += block.length
      return { blocks: held.size, bytes }
    },
    async close() {},
  }
}
