import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RLP } from '@ethereumjs/rlp'
import { KECCAK256_NULL, KECCAK256_RLP } from '@ethereumjs/util'
import { toHex } from '@keepwell/sdk/base/bytes'
import { fromHex, keccak256, pad, toHex as viemHex } from 'viem'
import { expect, test } from 'vitest'
import { openChain } from './chain.ts'
import { clientsOf, deploy, handClock, probeContract } from './fixture.ts'
import { levelStore } from './level-store.ts'
import { nodeCache, overlay } from './overlay.ts'
import { stateKey } from './rows.ts'
import type { Store } from './store.ts'

type Item = Uint8Array | Item[]

/** Names of every node and code that the state under `root` consists of, read without EthereumJS. */
function reachable(store: Store, root: Uint8Array, prefix: string, found: Set<string>): void {
  const empty = toHex(KECCAK256_RLP)
  const visit = (hash: Uint8Array) => {
    const name = prefix + toHex(hash)
    if (toHex(hash) === empty || found.has(name)) return
    found.add(name)
    const value = store.get(stateKey(name))
    if (!value) throw new Error(`node ${name} is missing`)
    inside(RLP.decode(value) as Item[])
  }
  const reference = (item: Item) => {
    if (Array.isArray(item)) inside(item)
    else if (item.length) visit(item)
  }
  const inside = (node: Item[]) => {
    if (node.length === 17) for (const child of node.slice(0, 16)) reference(child)
    else if ((node[0] as Uint8Array)[0]! & 0x20) leaf(node[0] as Uint8Array, node[1] as Uint8Array)
    else reference(node[1]!)
  }
  const accounts: Uint8Array[][] = []
  const leaf = (_: Uint8Array, value: Uint8Array) => {
    if (!prefix) accounts.push(RLP.decode(value) as Uint8Array[])
  }
  visit(root)
  for (const [, , storageRoot, codeHash] of accounts) {
    if (toHex(codeHash!) !== toHex(KECCAK256_NULL)) found.add(`63${toHex(codeHash!)}`)
    for (const owner of owners) reachableIfThere(store, storageRoot!, owner, found)
  }
}

let owners: string[] = []
function reachableIfThere(store: Store, root: Uint8Array, prefix: string, found: Set<string>): void {
  if (store.get(stateKey(prefix + toHex(root)))) reachable(store, root, prefix, found)
}

test('every stored node belongs to the state of some block, and every state is whole', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'ledger-'))
  const chain = await openChain({ dir, chainId: 3, clock: handClock() })
  const { abi } = probeContract()
  const address = await deploy(chain, probeContract())
  const { wallet, reader } = clientsOf(chain)
  const run = (functionName: string, args: unknown[], nonce?: number) =>
    wallet.writeContract({ abi, address, functionName, args, gas: 3_000_000n, ...(nonce && { nonce }) } as never)
  await run('many', [0n, 60n])
  // Several transactions on the same slots in one block leave intermediate nodes behind, were they not pruned.
  await Promise.all(
    Array.from({ length: 12 }, (_, i) =>
      run(i % 3 ? 'keep' : 'forget', i % 3 ? [pad(viemHex(i % 5)), BigInt(i)] : [pad(viemHex(i % 5))], 2 + i),
    ),
  )
  await run('nested', [pad('0x07')])
  const made = await reader.getTransactionReceipt({ hash: await run('lasting', [pad('0x01')]) })
  await run('fleeting', [pad('0x02')])
  const created = pad(viemHex(BigInt(made.logs[0]!.data)), { size: 20 })
  owners = [address, created].map(at => keccak256(at).slice(2, 34))
  const roots = await Promise.all(
    Array.from(
      { length: Number(await reader.getBlockNumber()) + 1 },
      async (_, n) => (await reader.getBlock({ blockNumber: BigInt(n) })).stateRoot,
    ),
  )
  await chain.close()

  const store = await levelStore(dir)
  const found = new Set<string>()
  for (const root of roots) reachable(store, fromHex(root, 'bytes'), '', found)
  const rows = await store.range(Uint8Array.of(0x73), Uint8Array.of(0x74), 100_000)
  expect(rows.length).toBeGreaterThan(80)
  expect(rows.map(({ key }) => toHex(key.subarray(1))).filter(name => !found.has(name))).toEqual([])
  await store.close()
  await rm(dir, { recursive: true })
})

test('what a block wrote is seen by it alone until it settles', async () => {
  const cache = nodeCache(10_000)
  const stored = new Map([['aa', Uint8Array.of(1)]])
  const [making, reading] = [overlay(name => stored.get(name), cache), overlay(name => stored.get(name), cache)]
  await making.put('bb', Uint8Array.of(2))
  expect(await making.shallowCopy().get('bb')).toEqual(Uint8Array.of(2))
  expect(await reading.get('bb')).toBeUndefined()
  await making.del('aa')
  expect(await making.get('aa')).toEqual(Uint8Array.of(1))
  await making.batch([
    { type: 'put', key: 'aa', value: Uint8Array.of(1) },
    { type: 'put', key: 'cc', value: Uint8Array.of(3) },
    { type: 'del', key: 'cc' },
  ])
  expect(making.fresh().map(({ key }) => toHex(key))).toEqual(['73bb'])
  making.settle()
  expect(await reading.get('bb')).toEqual(Uint8Array.of(2))
  await making.put('dd', Uint8Array.of(4))
  making.discard()
  expect(await making.get('dd')).toBeUndefined()
})
