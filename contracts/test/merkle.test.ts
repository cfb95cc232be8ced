import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import type { Abi, Address } from 'viem'
import { type Chain, openChain } from '#test/chain'
import { compile } from '#test/compile'
import { consistencyProof, type Hash, inclusionPath, leafHash, rootOf } from '#test/merkle-tree'

// Known answers: the eight entries, roots and proofs of the reference tests of Certificate Transparency (RFC 6962; trees unchanged in RFC 9162).
const entries = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f']
const leaves = entries.map(leafHash)
const roots: Hash[] = [
  '0x6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  '0xfac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  '0xaeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  '0xd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '0x4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '0x76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  '0xddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '0x5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]
const knownInclusion = {
  index: 0,
  size: 8,
  path: [
    '0x96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
    '0x5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
    '0x6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
  ],
}
const knownConsistency = {
  first: 6,
  second: 8,
  proof: [
    '0x0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
    '0xca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
    '0xd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  ],
}

let chain: Chain
let harness: Address
let abi: Abi

before(async () => {
  chain = await openChain()
  const code = compile(new URL('./MerkleHarness.sol', import.meta.url), 'MerkleHarness')
  abi = code.abi
  harness = await chain.deploy(code)
})
after(() => chain.close())

const read = (functionName: string, args: readonly unknown[]) => chain.reader.readContract({ abi, address: harness, functionName, args })
const included = (root: Hash, size: number, leaf: Hash, index: number, path: readonly string[]) =>
  read('inclusion', [root, BigInt(size), leaf, BigInt(index), path])
const consistent = (m: number, first: Hash, n: number, second: Hash, proof: readonly string[]) =>
  read('consistency', [BigInt(m), first, BigInt(n), second, proof])

test('the independent tree gives the published roots and proofs', () => {
  roots.forEach((root, i) => {
    assert.equal(rootOf(leaves.slice(0, i + 1)), root)
  })
  assert.deepEqual(inclusionPath(knownInclusion.index, leaves), knownInclusion.path)
  assert.deepEqual(consistencyProof(knownConsistency.first, leaves), knownConsistency.proof)
})

test('the contract accepts every inclusion proof of every tree up to eight leaves, each under its own index alone', async () => {
  for (let size = 1; size <= 8; size++) {
    const root = roots[size - 1] as Hash
    for (let index = 0; index < size; index++) {
      const path = inclusionPath(index, leaves.slice(0, size))
      for (let claimed = 0; claimed <= size; claimed++) {
        assert.equal(
          await included(root, size, leaves[index] as Hash, claimed, path),
          claimed === index,
          `${index} of ${size} as ${claimed}`,
        )
      }
    }
  }
})

test('the contract accepts every consistency proof up to eight leaves, and none between other roots', async () => {
  for (let n = 2; n <= 8; n++) {
    for (let m = 1; m < n; m++) {
      const proof = consistencyProof(m, leaves.slice(0, n))
      for (let other = 1; other <= 8; other++) {
        const first = roots[other - 1] as Hash
        assert.equal(await consistent(m, first, n, roots[n - 1] as Hash, proof), other === m, `${m}..${n} from the root of ${other}`)
      }
    }
  }
})

test('large trees with uneven edges prove too', async () => {
  const many = Array.from({ length: 1_000 }, (_, i) => leafHash(createHash('sha256').update(`leaf ${i}`).digest('hex')))
  for (const size of [63, 64, 65, 511, 1_000]) {
    const part = many.slice(0, size)
    for (const index of [0, 1, size >> 1, size - 2, size - 1]) {
      assert.equal(await included(rootOf(part), size, part[index] as Hash, index, inclusionPath(index, part)), true)
      if (index > 0) {
        const first = rootOf(part.slice(0, index))
        assert.equal(await consistent(index, first, size, rootOf(part), consistencyProof(index, part)), true, `${index}..${size}`)
      }
    }
  }
})

test('token addresses are the CIDs that IPFS tools compute', async () => {
  const { CID } = await import('multiformats/cid')
  const { create } = await import('multiformats/hashes/digest')
  for (let i = 0; i < 64; i++) {
    const digest = createHash('sha256').update(`metadata ${i}`).digest()
    const uri = await read('rawUri', [`0x${digest.toString('hex')}`])
    assert.equal(uri, `ipfs://${CID.createV1(0x55, create(0x12, digest))}`)
  }
})
