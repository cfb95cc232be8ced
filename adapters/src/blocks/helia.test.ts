import { join } from 'node:path'
import { rawCid } from '@keepwell/sdk/base/cid'
import { memoryBlocks } from '@keepwell/sdk/memory/blocks'
import type { Block } from '@keepwell/sdk/ports/blocks'
import { blockStoreSuite } from '@keepwell/sdk/ports/blocks.suite'
import { afterEach, describe, expect, test } from 'vitest'
import { inDirectory } from '#base/temporary.kit'
import { openFileBlocks } from './file.ts'
import { heliaPeer, openHeliaBlocks } from './helia.ts'
import { sha256 } from './segment.ts'

const secret = (fill: number) => new Uint8Array(32).fill(fill)
const block = (name: string, length = 300): Block => {
  const bytes = new Uint8Array(length).fill(length % 251)
  bytes.set(Buffer.from(name))
  return { cid: rawCid(sha256(bytes)), bytes }
}
const SWARM = secret(99)
const LOOPBACK = ['/ip4/127.0.0.1/tcp/0']
const HASTY = 1500

describe('one node of its own is a block store', () => {
  blockStoreSuite(
    inDirectory(async dir =>
      openHeliaBlocks({
        local: await openFileBlocks({ dir: join(dir, 'blocks') }),
        seed: secret(1),
        swarmKey: SWARM,
        listen: [],
        peers: [],
      }),
    ),
  )
})

describe('a private swarm', () => {
  type Node = Awaited<ReturnType<typeof openHeliaBlocks>>
  const running: Node[] = []
  type Input = { seed: number; peers: string[]; swarmKey?: Uint8Array; listen?: string[]; timeout?: number }
  /** Patient where a block is to come, which is dialled for first; whoever is to get nothing asks for `HASTY`. */
  const node = async ({ seed, peers, swarmKey = SWARM, listen = LOOPBACK, timeout = 60_000 }: Input): Promise<Node> => {
    const made = await openHeliaBlocks({ local: memoryBlocks(), seed: secret(seed), swarmKey, listen, peers, timeout })
    running.push(made)
    return made
  }
  const peer = (seed: number) => heliaPeer(secret(seed))
  afterEach(async () => {
    await Promise.all(running.splice(0).map(n => n.close()))
  })

  test('a block that is missing here is fetched from a peer, checked and kept; one that nobody has is null', async () => {
    const a = await node({ seed: 1, peers: [await peer(2), await peer(3)] })
    const b = await node({ seed: 2, peers: a.addresses() })
    const blocks = Array.from({ length: 40 }, (_, i) => block(`block ${i}`, 1000 + i))
    await a.put(blocks)
    for (const { cid, bytes } of blocks.slice(0, 3)) expect(await b.get(cid)).toEqual(bytes)
    expect(await b.has(blocks[0]!.cid)).toBe(true)
    const rest = await Promise.all(blocks.map(({ cid }) => b.get(cid)))
    expect(rest).toEqual(blocks.map(({ bytes }) => bytes))
    const large = block('large', 262_144)
    await a.put([large])
    expect(Buffer.compare((await b.get(large.cid))!, large.bytes)).toBe(0)
    const hasty = await node({ seed: 3, peers: a.addresses(), timeout: HASTY })
    expect(await hasty.get(block('nowhere').cid)).toBeNull()
    await b.put([block('from b')])
    expect(await a.get(block('from b').cid), 'over the connection that b made').toEqual(block('from b').bytes)
  })

  test('a node with another swarm key gets nothing, though its peer id is on the list', async () => {
    const a = await node({ seed: 1, peers: [await peer(3)] })
    await a.put([block('x')])
    const stranger = await node({ seed: 3, peers: a.addresses(), swarmKey: secret(98), timeout: HASTY })
    expect(await stranger.get(block('x').cid)).toBeNull()
    const member = await node({ seed: 3, peers: a.addresses() })
    expect(await member.get(block('x').cid), 'the same node with the right key does').toEqual(block('x').bytes)
  })

  test('a node that is not on the list gets nothing, though it knows the swarm key', async () => {
    const a = await node({ seed: 1, peers: [await peer(2)] })
    await a.put([block('x')])
    const unlisted = await node({ seed: 4, peers: a.addresses(), timeout: HASTY })
    expect(await unlisted.get(block('x').cid)).toBeNull()
  })

  test('a node listens where it is told and nowhere else', async () => {
    const a = await node({ seed: 1, peers: [] })
    expect(a.addresses().every(address => address.startsWith('/ip4/127.0.0.1/tcp/'))).toBe(true)
    const silent = await node({ seed: 2, peers: [], listen: [] })
    expect(silent.addresses()).toEqual([])
  })

  test('keys of a wrong length and peers without an id are refused', async () => {
    const wrong = { local: memoryBlocks(), seed: secret(1), swarmKey: SWARM, listen: [], peers: [] as string[] }
    await expect(openHeliaBlocks({ ...wrong, seed: new Uint8Array(31) })).rejects.toMatchObject({ code: 'BAD_INPUT' })
    await expect(openHeliaBlocks({ ...wrong, peers: ['/ip4/127.0.0.1/tcp/4001'] })).rejects.toMatchObject({ code: 'BAD_INPUT' })
  })
})
