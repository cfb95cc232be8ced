import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toHex } from '@keepwell/sdk/base/bytes'
import { secpAddress } from '@keepwell/sdk/crypto/secp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testConfig } from './home.kit.ts'
import { initRelayHome, readHome } from './home.ts'
import { openRelayHome, serveRelay, systemClock, systemRandom } from './relay.ts'

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'keepwell-key-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

test('a home on a node elsewhere pays with the account it was given, and a bad file makes no home', async () => {
  const config = await testConfig(root)
  await initRelayHome({ dir: join(root, 'node'), random: systemRandom, clock: systemClock })
  const node = await openRelayHome({ dir: join(root, 'node'), config })
  const server = await serveRelay(node, config)
  try {
    const key = systemRandom(32)
    const file = join(root, 'account')
    const dir = join(root, 'home')
    const make = () =>
      initRelayHome({
        dir,
        random: systemRandom,
        clock: systemClock,
        config: { ledger: 'rpc', manifest: null, confirmations: 1, ledgerKey: file },
        secrets: { ledgerUrl: `${node.url}/rpc`, databaseUrl: null },
      })
    await writeFile(file, 'not a key')
    await expect(make()).rejects.toMatchObject({ code: 'USAGE' })
    expect(await readHome(dir)).toBeNull()
    await writeFile(file, `0x${toHex(key)}\n`)
    await make()
    expect(secpAddress((await readHome(dir))!.secrets.request)).toBe(secpAddress(key))
  } finally {
    await server.close()
    await node.close()
  }
})
