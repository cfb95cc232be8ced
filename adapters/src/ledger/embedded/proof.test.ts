import { createMPTFromProof } from '@ethereumjs/mpt'
import { RLP } from '@ethereumjs/rlp'
import { type Hex, hexToBytes, keccak256, pad, toHex } from 'viem'
import { expect, test } from 'vitest'
import { openChain } from './chain.ts'
import { accountOf, clientsOf, deploy, handClock, probeContract } from './fixture.ts'

const { abi } = probeContract()
const slot = (n: number | bigint): Hex => pad(toHex(n))
/** Where Solidity keeps `values[key]`, the mapping being the first variable. */
const placeOf = (key: Hex): Hex => keccak256(`${key}${slot(0).slice(2)}` as Hex)

/** Walks a proof with a fresh trie that knows nothing but the proof and the root. */
async function prove(root: Hex, key: Hex, proof: readonly Hex[]): Promise<Uint8Array[] | Uint8Array | null> {
  const trie = await createMPTFromProof(
    proof.map(node => hexToBytes(node)),
    { useKeyHashing: true, root: hexToBytes(root) },
  )
  const value = await trie.get(hexToBytes(key), true)
  return value && (RLP.decode(value) as Uint8Array[] | Uint8Array)
}

test('eth_getProof convinces someone who holds only a block header, at any block', async () => {
  const chain = await openChain({ dir: null, chainId: 31_337, clock: handClock() })
  const address = await deploy(chain, probeContract())
  const { wallet, reader } = clientsOf(chain)
  await wallet.writeContract({ abi, address, functionName: 'many', args: [0n, 200n] } as never)
  const old = await reader.getBlock()
  for (let i = 0; i < 20; i++)
    await wallet.writeContract({ abi, address, functionName: 'keep', args: [slot(i), BigInt(1000 + i)] } as never)
  const now = await reader.getBlock()
  const storageKeys = [placeOf(slot(7)), placeOf(slot(150)), placeOf(slot(9999)), slot(1)]
  for (const [block, values] of [
    [old, [8n, 151n, 0n, 0n]],
    [now, [1007n, 151n, 0n, 20n]],
  ] as const) {
    const proof = await reader.getProof({ address, storageKeys, blockNumber: block.number })
    const account = (await prove(block.stateRoot, address, proof.accountProof)) as Uint8Array[]
    expect(account.map(field => toHex(field)).slice(2)).toEqual([proof.storageHash, proof.codeHash])
    expect(proof.codeHash).toBe(keccak256((await reader.getCode({ address }))!))
    for (const [i, item] of proof.storageProof.entries()) {
      const value = await prove(proof.storageHash, storageKeys[i]!, item.proof)
      expect(value === null ? 0n : BigInt(toHex(value as Uint8Array))).toBe(values[i])
      expect(item.value).toBe(values[i])
    }
  }
  const nobody = await reader.getProof({ address: accountOf(9).address, storageKeys: [slot(0)] })
  expect(await prove(now.stateRoot, accountOf(9).address, nobody.accountProof)).toBeNull()
  expect(nobody.storageProof).toEqual([{ key: slot(0), value: 0n, proof: [] }])

  const { accountProof } = await reader.getProof({ address, storageKeys: [], blockNumber: old.number })
  await expect(prove(now.stateRoot, address, accountProof)).rejects.toThrow(/root/)
  await chain.close()
})
