import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openTokens } from '@keepwell/adapters/tokens/sqlite'
import { expect, test } from 'vitest'
import { addApp } from './apps.ts'

test('an app’s id is never one that a command line takes for an option', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'keepwell-apps-'))
  // What base64url writes as hyphens alone.
  const random = (n: number) => Uint8Array.from({ length: n }, (_, i) => [0xfb, 0xef, 0xbe][i % 3]!)
  const tokens = openTokens({ file: join(dir, 'smart.sqlite'), key: new Uint8Array(32), random, clock: () => 0 })
  const { client_id } = await addApp({ tokens, random }, { client_name: 'Growth chart', redirect_uris: ['https://app.example/'] })
  expect(client_id).toMatch(/^[\da-f]{32}$/)
  await tokens.close()
  rmSync(dir, { recursive: true })
})
