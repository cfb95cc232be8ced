import { join } from 'node:path'
import { seededRandom } from '@keepwell/sdk/actions/story.kit'
import { utf8 } from '@keepwell/sdk/base/bytes'
import { envelopeStoreSuite } from '@keepwell/sdk/ports/envelopes.suite'
import { expect, test } from 'vitest'
import { remaining } from '#base/residues.kit'
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

test('of the rows of a vault nothing is left in any file, also where pages shared out theirs anew, once scrubbed', async () => {
  const seeded = seededRandom('a relay of some age')
  const below = (n: number): number => new DataView(seeded(4).buffer).getUint32(0) % n
  const home = temporaryDirectory()
  const store = await openSqliteEnvelopes({ file: join(home.path, 'envelopes.db') })
  type Kept = { readonly vault: string; readonly kind: string; readonly key: Uint8Array; value: Uint8Array }
  const kept: Kept[] = []
  const change = (vault: string): Promise<void> =>
    store.transact(vault, async rows => {
      for (let i = 0; i < 40; i++) {
        const mine = kept.filter(r => r.vault === vault)
        const row = mine[below(mine.length + 40)]
        if (!row || below(3) === 0) {
          const added = { vault, kind: ['env', 'rcpt', 'msg'][below(3)]!, key: seeded(16), value: seeded(24 + below(3000)) }
          kept.push(added)
          await rows.put(added.kind, [added])
        } else if (below(3)) {
          row.value = seeded(24 + below(6000))
          await rows.put(row.kind, [row])
        } else {
          kept.splice(kept.indexOf(row), 1)
          await rows.delete(row.kind, [row.key])
        }
      }
    })
  for (let turn = 0; turn < 25; turn++) await Promise.all(Array.from({ length: 12 }, (_, i) => change(`vault ${i}`)))
  const [gone, others] = [kept.filter(r => r.vault === 'vault 3'), kept.filter(r => r.vault === 'vault 4')]
  await store.transact('vault 3', async rows => {
    for (const { kind, key } of gone) await rows.delete(kind, [key])
  })
  const lie = (rows: readonly Kept[]): number =>
    remaining(
      home.path,
      rows.map(r => r.value),
    )
  expect(gone.length).toBeGreaterThan(200)
  await store.scrub()
  expect([lie(gone), lie(others)]).toEqual([0, others.length])
  await store.close()
  home.remove()
})

test('is scrubbed also while others read and write', async () => {
  const home = temporaryDirectory()
  const store = await openSqliteEnvelopes({ file: join(home.path, 'envelopes.db') })
  await store.transact('a', rows => rows.put('k', [{ key: utf8('1'), value: utf8('1') }]))
  let [reading, writing] = [() => {}, () => {}]
  const read = store.read('a', async rows => {
    await rows.get('k', utf8('1'))
    await new Promise<void>(resolve => {
      reading = resolve
    })
  })
  const scrubbed = store.scrub()
  // The writer begins while the scrubbing waits for the reader.
  let written: Promise<void> | undefined
  await new Promise<void>(begun => {
    written = store.transact('a', async rows => {
      await rows.put('k', [{ key: utf8('2'), value: utf8('2') }])
      begun()
      await new Promise<void>(resolve => {
        writing = resolve
      })
    })
  })
  reading()
  await read
  await new Promise(resolve => setTimeout(resolve, 20))
  writing()
  await written
  await scrubbed
  await store.close()
  home.remove()
})
