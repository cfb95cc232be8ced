import { utf8 } from '@keepwell/sdk/base/bytes'
import { envelopeStoreSuite } from '@keepwell/sdk/ports/envelopes.suite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openSchema, postgres, type Server } from '#base/postgres.kit'
import { openPostgresEnvelopes } from './postgres.ts'

/** Each takes the server a second or two. */
const CRASHES = process.env.KEEPWELL_DEEP ? 10 : 1

describe.skipIf(!postgres)('PostgreSQL', () => {
  let server: Server
  beforeAll(async () => {
    server = await postgres!.start()
  })
  afterAll(() => server.stop())

  envelopeStoreSuite(openSchema(() => server.url, openPostgresEnvelopes))

  test('two processes never run work of one vault at the same time', async () => {
    const stores = await Promise.all([1, 2, 3].map(() => openPostgresEnvelopes({ url: server.url, schema: 'two' })))
    const increments = Array.from({ length: 60 }, (_, i) =>
      stores[i % 3]!.transact('v', async t => {
        const before = (await t.get('k', utf8('n')))?.[0] ?? 0
        await t.put('k', [{ key: utf8('n'), value: Uint8Array.of(before + 1) }])
      }),
    )
    await Promise.all(increments)
    expect(await stores[0]!.read('v', t => t.get('k', utf8('n')))).toEqual(Uint8Array.of(60))
    for (const store of stores) await store.close()
  })

  test('a busy vault leaves connections for the others', async () => {
    const store = await openPostgresEnvelopes({ url: server.url, schema: 'busy', connections: 2 })
    let release = () => {}
    const held = new Promise<void>(resolve => {
      release = resolve
    })
    const blocked = Array.from({ length: 10 }, () => store.transact('busy', () => held))
    await store.transact('other', t => t.put('k', [{ key: utf8('a'), value: utf8('b') }]))
    expect(await store.vaults('k')).toEqual(['other'])
    release()
    await Promise.all(blocked)
    await store.close()
  })

  test('work that swallows a failed statement is not taken for committed', async () => {
    const store = await openPostgresEnvelopes({ url: server.url, schema: 'swallow' })
    const run = store.transact('v', async t => {
      await t.put('k', [{ key: utf8('a'), value: utf8('1') }])
      await t.get('k', '\\xzz' as unknown as Uint8Array).catch(() => {})
    })
    await expect(run).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
    expect(await store.read('v', t => t.get('k', utf8('a')))).toBeNull()
    await store.close()
  })

  test('no acknowledged write is lost when the server dies, and the store goes on when it is back', async () => {
    const store = await openPostgresEnvelopes({ url: server.url, schema: 'crash' })
    const acknowledged: number[] = []
    let running = true
    const writer = async (lane: number) => {
      for (let i = lane; running; i += 4) {
        const done = await store
          .transact(`v${lane}`, t => t.put('k', [{ key: utf8(`${i}`), value: utf8(`${i}`) }]))
          .then(
            () => true,
            e => {
              expect(e.code).toBe('STORAGE_FAILED')
              return false
            },
          )
        if (done) acknowledged.push(i)
        else await new Promise(resolve => setTimeout(resolve, 20))
      }
    }
    const writers = [0, 1, 2, 3].map(writer)
    const more = (n: number) => expect.poll(() => acknowledged.length).toBeGreaterThan(acknowledged.length + n)
    for (let round = 0; round < CRASHES; round++) {
      await more(20)
      await server.crash()
    }
    await more(20)
    running = false
    await Promise.all(writers)
    for (const i of acknowledged) expect(await store.read(`v${i % 4}`, t => t.get('k', utf8(`${i}`)))).toEqual(utf8(`${i}`))
    await store.close()
  })

  test('a server that is not there is a storage failure, and a strange schema name is refused', async () => {
    await expect(openPostgresEnvelopes({ url: 'postgres://keepwell@127.0.0.1:1/none' })).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
    await expect(openPostgresEnvelopes({ url: server.url, schema: 'x"; drop' })).rejects.toMatchObject({ code: 'BAD_INPUT' })
  })
})
