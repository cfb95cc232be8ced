import { join } from 'node:path'
import { envelopeStoreSuite } from '@keepwell/sdk/ports/envelopes.suite'
import { expect, test } from 'vitest'
import { inDirectory, temporaryDirectory } from '#base/temporary.kit'
import { openSqliteEnvelopes } from './sqlite.ts'

envelopeStoreSuite(inDirectory(dir => openSqliteEnvelopes({ file: join(dir, 'envelopes.db') })))

test('a transaction within a transaction is an error, not a standstill', async () => {
  const home = temporaryDirectory()
  const store = await openSqliteEnvelopes({ file: join(home.path, 'envelopes.db') })
  let late: Promise<unknown> = Promise.resolve()
  await store.transact('a', async () => {
    await expect(store.transact('b', async () => {})).rejects.toMatchObject({ code: 'DEFECT' })
    late = new Promise(resolve => setTimeout(resolve, 20)).then(() => store.transact('b', async () => 'fine'))
  })
  expect(await late).toBe('fine')
  await store.close()
  home.remove()
})
