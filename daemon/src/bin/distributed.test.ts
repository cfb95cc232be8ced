import { join } from 'node:path'
import { postgres } from '@keepwell/adapters/base/postgres.kit'
import { openHttpRelay } from '@keepwell/adapters/relay/http'
import { bundleMessage } from '@keepwell/sdk/identity/bundle'
import { peek } from '@keepwell/sdk/identity/signed'
import { describe, expect, test } from 'vitest'
import { enrolVault } from '#relay/vault.kit'
import { temporaryFolder, testConfig } from './home.kit.ts'
import { inHome } from './home.ts'
import { relayFolder, startRelay } from './start.ts'

const quiet = () => {}

describe('a relay whose parts are elsewhere', () => {
  test('two relays of one consortium anchor on one ledger; the second reaches it over JSON-RPC', async () => {
    const folder = temporaryFolder()
    const first = await testConfig(join(folder.path, 'a'))
    const a = await startRelay(first, undefined, quiet)
    const env = {
      KEEPWELL_LEDGER: `${a.url}/rpc`,
      KEEPWELL_MANIFEST: inHome(relayFolder(first)).manifest,
      KEEPWELL_LEDGER_PACE: 'on-demand',
    }
    const second = await testConfig(join(folder.path, 'b'), env)
    const b = await startRelay(second, { ledgerUrl: env.KEEPWELL_LEDGER, databaseUrl: null }, quiet)
    try {
      expect(b.home.ledger.manifest).toEqual(a.home.ledger.manifest)
      expect(b.home.ledger.account).not.toBe(a.home.ledger.account)
      const vault = await enrolVault(openHttpRelay({ url: b.url }))
      const { item } = await vault.file()
      await b.home.relay.anchor()
      const { anchors } = await vault.call('anchors', { vault: vault.did, ids: [item.id] })
      expect(await a.home.ledger.anchors.of(anchors[0]!.root)).toMatchObject({ anchorer: b.home.ledger.account, size: 1 })
      const log = peek((await b.home.relay.info()).bundle.signed, bundleMessage).request
      await vault.open([item.id])
      await b.home.relay.anchor()
      expect(await a.home.ledger.trail.latest(log)).toMatchObject({ forked: false })
    } finally {
      await b.close()
      await a.close()
      folder.remove()
    }
  })

  test.skipIf(!postgres)('envelopes and log in PostgreSQL outlast the relay', async () => {
    const folder = temporaryFolder()
    const server = await postgres!.start()
    const config = await testConfig(folder.path, { KEEPWELL_DATABASE: server.url })
    const secrets = { ledgerUrl: null, databaseUrl: server.url }
    try {
      const before = await startRelay(config, secrets, quiet)
      const vault = await enrolVault(openHttpRelay({ url: before.url }))
      const { item, payload } = await vault.file()
      await before.close()
      const after = await startRelay(config, secrets, quiet)
      const { items, payloads } = await vault.open([item.id])
      expect(items[0]?.key).toEqual(item.key)
      expect(payloads).toEqual([payload])
      expect((await after.home.service.status()).log).toBeGreaterThan(1)
      await after.close()
    } finally {
      await server.stop()
      folder.remove()
    }
  })
})
