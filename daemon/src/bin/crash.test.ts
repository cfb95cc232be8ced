import { openHttpRelay } from '@keepwell/adapters/relay/http'
import { openNetwork } from '@keepwell/adapters/relay/network'
import { readLogHead } from '@keepwell/sdk/audit/head'
import { toHex } from '@keepwell/sdk/base/bytes'
import { leafHash, verifyConsistency, verifyInclusion } from '@keepwell/sdk/crypto/merkle'
import { bundleMessage } from '@keepwell/sdk/identity/bundle'
import { peek } from '@keepwell/sdk/identity/signed'
import { expect, test } from 'vitest'
import { freePort } from '#http/free-port'
import { enrolVault, type TestVault } from '#relay/vault.kit'
import { temporaryFolder } from './home.kit.ts'
import { spawnRelay } from './process.kit.ts'

const ROUNDS = 4
const WRITERS = 6

type Filed = Awaited<ReturnType<TestVault['file']>>

/** Files records, several at once, until the relay dies. */
async function fileUntilDeath(vault: TestVault, acknowledged: Filed[]): Promise<void> {
  const writer = async () => {
    for (;;) acknowledged.push(await vault.file())
  }
  const ends = await Promise.allSettled(Array.from({ length: WRITERS }, writer))
  for (const end of ends) expect(end).toMatchObject({ status: 'rejected', reason: { code: 'RELAY_UNREACHABLE' } })
}

test('a relay killed at any moment has lost nothing it acknowledged, and its log has only grown', async () => {
  const folder = temporaryFolder()
  const env = {
    KEEPWELL_HOME: folder.path,
    KEEPWELL_PORT: String(await freePort()),
    KEEPWELL_ANCHOR_SECONDS: '1',
    KEEPWELL_HEAD_SECONDS: '1',
    KEEPWELL_LOG: 'errors',
  }
  let relay = await spawnRelay(env)
  try {
    const client = openHttpRelay({ url: relay.url })
    const vault = await enrolVault(client)
    const acknowledged: Filed[] = []
    let before = readLogHead((await client.head()).signed)
    for (let round = 0; round < ROUNDS; round++) {
      const already = acknowledged.length
      const filing = fileUntilDeath(vault, acknowledged)
      await expect.poll(() => acknowledged.length).toBeGreaterThan(already + 1)
      await new Promise(resolve => setTimeout(resolve, 400 + Math.random() * 1200))
      await relay.kill()
      await filing
      relay = await spawnRelay(env)

      const { items, payloads } = await vault.open(acknowledged.map(f => f.item.id))
      const keys = new Map(items.map(i => [toHex(i.id), i.key]))
      for (const { item } of acknowledged) expect(keys.get(toHex(item.id))).toEqual(item.key)
      expect(payloads.map(b => b.cid).sort()).toEqual(acknowledged.map(f => f.payload.cid).sort())

      const after = readLogHead((await client.head()).signed)
      if (before.size > 0) {
        const proof = await client.consistency(before.size, after.size)
        expect(verifyConsistency({ m: before.size, n: after.size, rootM: before.root, rootN: after.root, proof })).toBe(true)
      }
      before = after
    }
    expect(acknowledged.length).toBeGreaterThan(ROUNDS)

    const { receipts, head, last } = await vault.call('receipts', { after: 0, limit: 512 })
    expect(receipts.map(r => r.sealed.seq)).toEqual(Array.from({ length: last }, (_, i) => i + 1))
    const { size, root } = readLogHead(head.signed)
    for (const { sealed, path } of receipts)
      expect(verifyInclusion({ leaf: leafHash(sealed.hash), index: sealed.index, size, path, root })).toBe(true)

    const ids = acknowledged.map(f => f.item.id)
    await expect.poll(async () => (await vault.call('anchors', { vault: vault.did, ids })).anchors.length).toBe(ids.length)
    const log = peek((await client.info()).bundle.signed, bundleMessage).request
    const ledger = await openNetwork().ledger(relay.url)
    await expect.poll(async () => (await ledger.trail.latest(log))?.size).toBe(readLogHead((await client.head()).signed).size)
    console.log(`kill -9: ${ROUNDS} rounds, ${acknowledged.length} records acknowledged, none lost`)
    expect(await relay.stop()).toBe(0)
  } finally {
    await relay.kill()
    folder.remove()
  }
})

test('a relay told to stop answers what it was asked and exits with 0; its output names nobody', async () => {
  const folder = temporaryFolder()
  const relay = await spawnRelay({ KEEPWELL_HOME: folder.path, KEEPWELL_PORT: '0' })
  try {
    const vault = await enrolVault(openHttpRelay({ url: relay.url }))
    const filing = Promise.allSettled(Array.from({ length: 20 }, () => vault.file()))
    await new Promise(resolve => setTimeout(resolve, 30))
    expect(await relay.stop()).toBe(0)
    for (const end of await filing) if (end.status === 'rejected') expect(['RELAY_UNREACHABLE', 'STOPPING']).toContain(end.reason.code)
    expect(relay.output()).toContain('"route":"call"')
    expect(relay.output()).not.toContain(vault.did)
  } finally {
    await relay.kill()
    folder.remove()
  }
})
