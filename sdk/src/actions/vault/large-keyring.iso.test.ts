import { beforeEach, expect, test } from 'vitest'
import type { Ctx } from '#actions/context'
import { person, travelled, type World, world } from '#actions/story.kit'
import { encode } from '#base/cbor'
import { KeepwellError } from '#base/error'
import type { Keyring } from '#identity/keyring'
import { recoveryOf, rootFromWords } from '#identity/root'
import { memoryCatalog } from '#memory/catalog'
import { backup } from './backup.ts'
import { changeRing, refreshRing } from './change-ring.ts'
import { eraseVault } from './erase-vault.ts'
import { restoreBackup } from './restore-backup.ts'
import { restoreVault } from './restore-vault.ts'
import { rotate } from './rotate.ts'

const HOME = 'http://home.test'
const AWAY = 'http://away.test'
/** Their bundles take some 8 KB each. */
const MANY = 150

let w: World
let ada: Ctx & { words: string }

const met = (ring: Keyring, from: number, count: number): Keyring => ({
  ...ring,
  contacts: [
    ...ring.contacts,
    ...Array.from({ length: count }, (_, i) => ({
      did: `did:ethr:0x4b57:0x${(from + i).toString(16).padStart(40, '0')}`,
      name: `Contact ${from + i}`,
      bundle: ring.bundle,
      verified: true,
      at: w.now,
    })),
  ],
})
const names = (ctx: Pick<Ctx, 'session'>) => ctx.session.state.ring.contacts.map(c => c.name)
const parts = (ctx: Pick<Ctx, 'session'>) => ctx.session.state.sealed.parts ?? []

async function secondDevice(words: string): Promise<Ctx> {
  const base = { clock: w.clock, random: w.random, network: w.network }
  return { ...base, catalog: memoryCatalog(), session: await restoreVault(base, { words, relay: HOME, deviceName: 'second' }) }
}

beforeEach(async () => {
  w = await world([HOME, AWAY], 'large keyring', 'one ledger')
  ada = await person(w, 'Ada', HOME)
  await changeRing(ada, r => met(r, 1, MANY))
})

test('of a keyring that many people are in, a change sends its own part, and another device takes that alone', async () => {
  expect(parts(ada).length).toBeGreaterThan(10)
  const whole = encode(ada.session.state.sealed).length
  expect(whole).toBeGreaterThan(MANY * 7000)
  const two = await secondDevice(ada.words)
  expect(names(two)).toEqual(names(ada))
  expect(await travelled(w, HOME, () => changeRing(ada, r => met(r, 1001, 1)))).toBeLessThan(whole / 4)
  expect(await travelled(w, HOME, () => refreshRing(two))).toBeLessThan(whole / 4)
  expect(names(two)).toEqual(names(ada))
  // Both change it at once: the loser takes the winner's, and nothing is lost.
  await changeRing(two, r => met(r, 2001, 70))
  await changeRing(ada, r => ({ ...met(r, 3001, 1), contacts: met(r, 3001, 1).contacts.filter(c => c.name !== 'Contact 5') }))
  await refreshRing(two)
  expect(names(two)).toEqual(names(ada))
  expect(names(ada)).toContain('Contact 2070')
  expect(names(ada)).toContain('Contact 3001')
  expect(names(ada)).not.toContain('Contact 5')
  const rows = () => w.homes.get(HOME)!.context.envelopes.read(ada.session.state.ring.did, r => r.count('part'))
  expect(await rows()).toBeGreaterThanOrEqual(parts(ada).length)
  await eraseVault(ada)
  expect(await rows()).toBe(0)
})

test('new keys, new words and another home find every part of it', async () => {
  const before = names(ada)
  const words = await rotate(ada)
  const two = await secondDevice(words)
  expect(names(two)).toEqual(before)
  const chunks: Uint8Array[] = []
  for await (const chunk of backup(two)) chunks.push(chunk)
  const base = { clock: w.clock, random: w.random, network: w.network, catalog: memoryCatalog() }
  const recovery = await recoveryOf(rootFromWords(words))
  const streamed = (async function* () {
    yield* chunks
  })()
  const { session } = await restoreBackup(base, { chunks: streamed, recovery, relay: AWAY, deviceName: 'third' })
  expect(names({ session })).toEqual(before)
  const again = await restoreVault(base, { words, relay: AWAY, deviceName: 'fourth' })
  expect(names({ session: again })).toEqual(before)
})

test('parts that no head ever named make room for others', async () => {
  const { relay, context } = w.homes.get(HOME)!
  const { did } = ada.session.state.ring
  const named = parts(ada).length
  const call = relay.call
  // A device that is cut off between its parts and its head.
  Object.assign(relay, {
    call: async (method: string, c: never) => {
      if (method === 'put-head') throw new KeepwellError('RELAY_UNREACHABLE', 'cut off')
      return call(method as never, c)
    },
  })
  await expect(changeRing(ada, r => met(r, 5001, 100))).rejects.toMatchObject({ code: 'RELAY_UNREACHABLE' })
  Object.assign(relay, { call })
  const waiting = () => context.envelopes.read(did, r => r.count('part'))
  expect(await waiting()).toBeGreaterThan(named)
  await context.envelopes.transact(did, async rows => {
    const junk = Array.from({ length: 8192 }, () => ({ key: w.random(32), value: new Uint8Array(1) }))
    await rows.put('part', junk)
  })
  await changeRing(ada, r => met(r, 6001, 100))
  expect(await waiting()).toBeLessThan(8192)
  expect(names(await secondDevice(ada.words))).toEqual(names(ada))
})

test('a relay from before keyrings had parts takes it whole', async () => {
  const { relay } = w.homes.get(HOME)!
  const call = relay.call
  let heads = 0
  Object.assign(relay, {
    call: async (method: string, c: never) => {
      if (method === 'put-parts') throw new KeepwellError('NO_ROUTE', 'The relay has no such method.')
      if (method === 'put-head') heads++
      return call(method as never, c)
    },
  })
  await changeRing(ada, r => met(r, 7001, 100))
  Object.assign(relay, { call })
  expect(heads).toBe(1)
  expect(parts(ada)).toEqual([])
  expect(names(await secondDevice(ada.words))).toEqual(names(ada))
})
