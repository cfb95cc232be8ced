import { logSuite } from '@keepwell/sdk/ports/log.suite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openSchema, postgres, type Server } from '#base/postgres.kit'
import { openPostgresLog } from './postgres.ts'

describe.skipIf(!postgres)('PostgreSQL', () => {
  let server: Server
  beforeAll(async () => {
    server = await postgres!.start()
  })
  afterAll(() => server.stop())

  logSuite(openSchema(() => server.url, openPostgresLog))

  test('two processes append to one log: every index is given once', async () => {
    const logs = await Promise.all([1, 2].map(() => openPostgresLog({ url: server.url, schema: 'two' })))
    const leaf = (i: number) => new Uint8Array(32).fill(i)
    const starts = await Promise.all(Array.from({ length: 40 }, (_, i) => logs[i % 2]!.append([leaf(i), leaf(i)])))
    expect([...starts].sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => 2 * i))
    for (const [i, start] of starts.entries()) expect(await logs[0]!.node(0, start)).toEqual(leaf(i))
    for (const log of logs) await log.close()
  })
})
