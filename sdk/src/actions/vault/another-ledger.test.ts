import { beforeEach, describe, expect, test } from 'vitest'
import { confirmContact } from '#actions/access/confirm-contact'
import { grant, verifiedParty } from '#actions/access/grant'
import { invite, join } from '#actions/access/invite'
import { openSession } from '#actions/access/open-session'
import { receiveMessages } from '#actions/access/receive-messages'
import { revoke, tellEnds } from '#actions/access/revoke'
import type { Ctx } from '#actions/context'
import { askGuardian, setGuardians } from '#actions/guardians/guardians'
import { beginPlea } from '#actions/guardians/plead'
import { beginRound, finishRecovery } from '#actions/guardians/recover'
import { acceptGuarding } from '#actions/guardians/take'
import { helpRecover } from '#actions/guardians/vote'
import { fileRecords } from '#actions/records/file-records'
import { listEntries } from '#actions/records/list-entries'
import { openRecords } from '#actions/records/open-record'
import { checkState, publishState } from '#actions/records/publish-state'
import { receiveRecords } from '#actions/records/receive-records'
import { compartmentNamed } from '#actions/records/secrets'
import { draft, person, type World, world } from '#actions/story.kit'
import { concat } from '#base/bytes'
import { codeOf } from '#base/code.kit'
import { secpAddress } from '#crypto/secp'
import { type Bundle, bundleMessage, fingerprint, standingOf } from '#identity/bundle'
import { makeDid, parseDid } from '#identity/did'
import { type HandOver, handOn } from '#identity/hand-over'
import type { Keyring } from '#identity/keyring'
import { recoveryOf, rootFromWords } from '#identity/root'
import { peek, signedHash } from '#identity/signed'
import { memoryCatalog } from '#memory/catalog'
import { backup } from './backup.ts'
import { callRelay, contactRelays, homeRelay, ownBundle, ownSeat, trustBundle } from './calls.ts'
import { refreshRing } from './change-ring.ts'
import { checkBackup } from './check-backup.ts'
import { makeBundle } from './create-vault.ts'
import { removeDevice } from './devices.ts'
import { expectedNow } from './keep-backups.ts'
import { callAs } from './offer-device.ts'
import { restoreBackup } from './restore-backup.ts'
import { restoreVault } from './restore-vault.ts'
import { rotate } from './rotate.ts'

const OLD = 'http://old.test'
const NEW = 'http://new.test'
const THIRD = 'http://third.test'
const CLINIC = 'http://clinic.test'
const DAY = 86_400

const did = (ctx: Ctx): string => ctx.session.state.ring.did
const titles = async (ctx: Ctx): Promise<string[]> => (await listEntries(ctx)).map(e => e.card.title).sort()

async function saved(ctx: Ctx): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const part of backup(ctx)) parts.push(part)
  return concat(...parts)
}

async function* once(file: Uint8Array): AsyncGenerator<Uint8Array> {
  yield file
}

let w: World
let ada: Ctx & { words: string }
let clinic: Ctx

async function meet(one: Ctx, other: Ctx): Promise<void> {
  await join(other, await invite(one))
  await receiveMessages(one)
}

/** An empty machine, a new home with a ledger of its own, the words and the file. */
async function restored(file: Uint8Array, words: string, relay = NEW): Promise<Ctx> {
  const base = { clock: w.clock, random: w.random, network: w.network, catalog: memoryCatalog() }
  const recovery = await recoveryOf(rootFromWords(words))
  const { session } = await restoreBackup(base, { chunks: once(file), recovery, relay, deviceName: 'new' })
  const ctx = { ...base, session }
  expect(await receiveRecords(ctx)).toMatchObject({ problems: [] })
  await publishState(ctx)
  checkState(ctx, await listEntries(ctx))
  return ctx
}

/** All that a person does with a record: reads, shares, ends a share, writes, keeps a backup. */
async function lives(ctx: Ctx, records: readonly string[]): Promise<void> {
  expect(await titles(ctx)).toEqual(records)
  const ids = (await listEntries(ctx)).map(e => e.id)
  expect(await openRecords(ctx, ids)).toHaveLength(records.length)
  const compartments = [compartmentNamed(ctx.session.state.ring, 'laboratory').id]
  const { commitment } = await grant(ctx, { to: did(clinic), level: 'read', purposes: ['TREAT'], compartments, expiry: w.now + 30 * DAY })
  expect((await receiveMessages(clinic)).map(a => a.kind)).toContain('grant')
  const reading = await openSession(clinic, { grant: commitment, purpose: 'TREAT' })
  expect(await reading.open(reading.records.map(r => r.id))).toHaveLength(1)
  await revoke(ctx, commitment)
  expect(await codeOf(() => openSession(clinic, { grant: commitment, purpose: 'TREAT' }))).toMatch(/GRANT_ENDED|DENIED|NO_GRANT/)
  await receiveMessages(clinic)
  expect(await checkBackup(once(await saved(ctx)), ctx.session.device, await expectedNow(ctx))).toMatchObject({ opened: records.length })
}

/** Two guardians bring the record back on a new phone. */
async function recovered(lost: Ctx, guardians: readonly Ctx[], relay: string) {
  const parts = { clock: w.clock, random: w.random, network: w.network }
  const open = await beginPlea(parts, { relay, name: 'new phone' })
  for (const g of guardians.slice(0, 2)) await helpRecover(g, open.plea, did(lost))
  await beginRound(parts, open)
  w.now += 3 * DAY
  const catalog = memoryCatalog()
  return { catalog, ...(await finishRecovery({ ...parts, catalog }, open, { keep: async () => {} })) }
}

const RECORDS = ['CT', 'HbA1c']

beforeEach(async () => {
  w = await world([OLD, NEW, THIRD, CLINIC], 'another ledger', 'own chains')
  ada = await person(w, 'Ada Example', OLD)
  clinic = await person(w, 'Clinic West', CLINIC)
  await meet(ada, clinic)
  await fileRecords(ada, [draft(ada, 'laboratory', 'HbA1c'), draft(ada, 'imaging', 'CT')])
})

describe('T08: a backup comes back at a home with a ledger of its own', () => {
  for (const times of [0, 1, 2])
    test(`its keys replaced ${times} times before: read, shared, ended, kept, replaced again, and brought back again`, async () => {
      let words = ada.words
      for (let i = 0; i < times; i++) words = await rotate(ada)
      const file = await saved(ada)
      w.homes.delete(OLD)
      const back = await restored(file, words)
      expect(did(back)).toBe(did(ada))
      await lives(back, RECORDS)
      // On the new ledger the word on the keys is its own, and goes on like on the first.
      const { identities } = await w.network.ledger(NEW)
      const { chainId, address } = ownSeat(back.session.state.ring)
      expect([chainId, await identities.owner(address)]).toEqual([0x4b58, secpAddress(back.session.state.ring.controller)])
      const later = await rotate(back)
      expect(await identities.owner(address)).toBe(secpAddress(back.session.state.ring.controller))
      await lives(back, RECORDS)
      expect(await codeOf(() => restoreVault(back, { words, relay: NEW, deviceName: 'thief' }))).toBe('WRONG_WORDS')
      const laptop = { ...back, session: await restoreVault(back, { words: later, relay: NEW, deviceName: 'laptop' }) }
      expect(did(laptop)).toBe(did(ada))
      await refreshRing(back)
      const again = await saved(back)
      w.homes.delete(NEW)
      await lives(await restored(again, later, THIRD), RECORDS)
    })

  test('after a device was taken out', async () => {
    const session = await restoreVault(ada, { words: ada.words, relay: OLD, deviceName: 'phone' })
    await refreshRing(ada)
    await removeDevice(ada, session.device.id)
    const words = await rotate(ada)
    const file = await saved(ada)
    w.homes.delete(OLD)
    const back = await restored(file, words)
    await lives(back, RECORDS)
    expect(back.session.state.ring.devices.map(d => d.name)).toEqual(['new'])
  })

  test('after its guardians brought it back, by a key that the lost one never signed for on the ledger', async () => {
    const guardians = await Promise.all(['Ben', 'Cem', 'Dee'].map(name => person(w, name, CLINIC)))
    for (const g of guardians) {
      await meet(ada, g)
      await askGuardian(ada, did(g))
      await receiveMessages(g)
      await acceptGuarding(g, did(ada))
    }
    await receiveMessages(ada)
    await setGuardians(ada, { threshold: 2 })
    for (const g of guardians) await receiveMessages(g)
    const { session, words, catalog } = await recovered(ada, guardians, OLD)
    const file = await saved({ ...ada, catalog, session })
    w.homes.delete(OLD)
    const back = await restored(file, words)
    await lives(back, RECORDS)
    // Guardians stood on the ledger that is gone. Who agreed need not be asked again, and brings it back at the new home as at the first.
    const { guardians: kept } = back.session.state.ring
    expect([kept!.circles, kept!.asked.map(a => a.name)]).toEqual([[], ['Ben', 'Cem', 'Dee']])
    expect(await setGuardians(back, { threshold: 2 })).toEqual([])
    for (const g of guardians) expect((await receiveMessages(g)).map(a => a.kind)).toEqual(['guardian'])
    const { session: third, words: latest } = await recovered(back, guardians, NEW)
    expect(did({ ...back, session: third })).toBe(did(ada))
    expect(await codeOf(() => refreshRing(back))).toBe('BAD_SIGNATURE')
    const again = await saved({ ...back, session: third, catalog: memoryCatalog() }).catch(() => null)
    expect([latest.split(' ').length, again !== null]).toEqual([24, true])
  })

  test('those who could read are told that they cannot any more, and compare fingerprints before they trust it with anything', async () => {
    const compartments = [compartmentNamed(ada.session.state.ring, 'laboratory').id]
    await grant(ada, { to: did(clinic), level: 'read', purposes: ['TREAT'], compartments, expiry: w.now + 30 * DAY })
    await receiveMessages(clinic)
    const words = await rotate(ada)
    await receiveMessages(clinic)
    const file = await saved(ada)
    w.homes.delete(OLD)
    const base = { clock: w.clock, random: w.random, network: w.network, catalog: memoryCatalog() }
    const recovery = await recoveryOf(rootFromWords(words))
    const { session, ended, untold } = await restoreBackup(base, { chunks: once(file), recovery, relay: NEW, deviceName: 'new' })
    expect([ended, await tellEnds({ ...base, session }, untold)]).toEqual([1, []])
    expect(clinic.session.state.ring.received).toHaveLength(1)
    expect((await receiveMessages(clinic)).map(a => a.kind)).toEqual(['revoked'])
    expect(clinic.session.state.ring.received).toEqual([])
    const known = () => clinic.session.state.ring.contacts.find(c => c.did === did(ada))!
    expect([known().verified, contactRelays(clinic, did(ada))]).toEqual([false, [NEW]])
    expect(await codeOf(() => verifiedParty(clinic, did(ada)))).toBe('UNVERIFIED')
    const now = peek(ownBundle(session.state.ring).signed, bundleMessage)
    await confirmContact(clinic, { did: did(ada), fingerprint: fingerprint(now) })
    expect((await verifiedParty(clinic, did(ada))).relays).toEqual([NEW])
  })

  test('by one restore or by two: cut short, it goes on with the same keys', async () => {
    const words = await rotate(ada)
    const file = await saved(ada)
    w.homes.delete(OLD)
    const home = w.homes.get(NEW)!
    w.homes.set(NEW, {
      ...home,
      relay: { ...home.relay, call: async (m, c) => (m === 'submit' ? Promise.reject(new Error('cut')) : home.relay.call(m, c)) },
    })
    expect(await codeOf(() => restored(file, words))).toBe('Error: cut')
    w.homes.set(NEW, home)
    w.now += 60
    await lives(await restored(file, words), RECORDS)
  })
})

describe('T08: whoever has keys that were left', () => {
  /** The keyrings that thieves got hold of: before the keys were replaced, and after that. */
  let lost: Keyring[]
  let back: Ctx
  let words: string

  beforeEach(async () => {
    lost = [ada.session.state.ring]
    words = await rotate(ada)
    lost.push(ada.session.state.ring)
  })

  const moved = async (): Promise<void> => {
    const file = await saved(ada)
    w.homes.delete(OLD)
    back = await restored(file, words)
  }

  type Claim = { readonly by: Uint8Array; readonly handed?: HandOver[]; readonly after?: number }

  /** A bundle of the thief's own making, next after the one in force. */
  async function forged({ by, handed, after }: Claim): Promise<{ bundle: Bundle; enroll: (url: string) => Promise<unknown> }> {
    const of = ownBundle(back.session.state.ring)
    const { relays, manifest, version: last } = peek(of.signed, bundleMessage)
    const version = (after ?? last) + 1
    const place = { did: did(ada), version, prev: signedHash(of.signed), relays, manifest, ...(handed ? { handed } : {}) }
    const keys = { request: w.random(32), signing: { ed25519: w.random(32), mldsa65: w.random(32) }, inbox: w.random(32), controller: by }
    // Another hash before it than the one in force, where a version is passed over.
    const bundle = await makeBundle(w, after ? { ...place, prev: w.random(32) } : place, keys)
    const caller = { did: did(ada), version, request: keys.request }
    const enroll = async (url: string) => callAs(w, caller, await w.network.relay(url), { method: 'enroll', body: { bundle } })
    return { bundle, enroll }
  }

  const chain = (of: Keyring): HandOver[] => ownBundle(of).handed ?? []
  const thief = () => {
    const key = w.random(32)
    return { key, address: secpAddress(key) }
  }

  test('cannot enroll the vault where newer ones are known, by whatever line of keys', async () => {
    await moved()
    const { key, address } = thief()
    const [first, second] = lost as [Keyring, Keyring]
    const seat = makeDid(0x4b58, address)
    const claims: [string, Claim, string][] = [
      ['the first key alone', { by: first.controller }, 'BUNDLE_ROLLBACK'],
      ['the second, without the move', { by: second.controller, handed: chain(second) }, 'BUNDLE_ROLLBACK'],
      [
        'a change of the first',
        { by: key, handed: handOn(first.controller, did(ada), [], { seat: did(ada), controller: address }) },
        'KEYS_FORKED',
      ],
      [
        'a move by the first to this ledger',
        { by: key, handed: handOn(first.controller, did(ada), [], { seat, controller: address }) },
        'KEYS_FORKED',
      ],
      [
        'a move by the second',
        { by: key, handed: handOn(second.controller, did(ada), chain(second), { seat, controller: address }) },
        'KEYS_FORKED',
      ],
    ]
    // The clinic knows the new home by an invitation, as does whoever meets the record from now on.
    await meet(back, clinic)
    for (const [what, claim, refusal] of claims) {
      const { bundle, enroll } = await forged(claim)
      expect([what, await codeOf(() => enroll(NEW))]).toEqual([what, refusal])
      expect([what, await codeOf(() => trustBundle(clinic, bundle))]).toEqual([what, refusal])
    }
    expect((await trustBundle(clinic, ownBundle(back.session.state.ring))).did).toBe(did(ada))
    await lives(back, RECORDS)
  })

  test('cannot bring a chain that is forged, cut, reordered, or of another', async () => {
    words = await rotate(ada)
    await moved()
    const other = await person(w, 'Eve', THIRD)
    const own = ownBundle(back.session.state.ring)
    const [one, two, three] = own.handed as [HandOver, HandOver, HandOver]
    expect(standingOf(own).controllers).toHaveLength(4)
    const { key, address } = thief()
    const bad: [string, HandOver[]][] = [
      ['without its first step', [two, three]],
      ['without its middle', [one, three]],
      ['in another order', [two, one, three]],
      ['twice the same', [one, one, two, three]],
      ['another controller in a signed step', [one, two, { ...three, controller: address }]],
      ['another seat in a signed step', [one, two, { ...three, seat: makeDid(0x4b59, three.controller) }]],
      [
        'signed by a stranger',
        [one, two, { ...three, signature: handOn(key, did(other), [], { seat: did(other), controller: address })[0]!.signature }],
      ],
      ['another vault’s', handOn(other.session.state.ring.controller, did(other), [], { seat: did(other), controller: address })],
    ]
    for (const [what, handed] of bad) {
      const bundle = { ...own, handed }
      const caller = { did: did(ada), version: own.signed.version, request: back.session.state.ring.request }
      const enroll = async () => callAs(w, caller, await w.network.relay(THIRD), { method: 'enroll', body: { bundle } })
      expect([what, await codeOf(enroll)]).toEqual([what, 'BAD_SIGNATURE'])
      expect([what, await codeOf(() => trustBundle(other, bundle))]).toEqual([what, 'BAD_SIGNATURE'])
    }
    // What leads to a key, and was signed, does not serve for another key's bundle; nor may it be left out.
    expect(await codeOf(() => trustBundle(other, { ...own, handed: [one, two] }))).toBe('BAD_SIGNATURE')
    const { handed: _without, ...bare } = own
    expect(await codeOf(() => trustBundle(other, bare))).toBe('BAD_SIGNATURE')
    // A seat is begun by the key that is to have it: nobody sits down on somebody else's.
    const claimed = { seat: did(other), controller: address }
    const stolen = handOn(lost[0]!.controller, did(ada), [], claimed)
    expect(await codeOf(() => forged({ by: key, handed: stolen }))).toBe('BAD_SIGNATURE')
  })

  test('cannot take the vault from the home that keeps it, nor at a party who asks its ledger', async () => {
    back = ada
    await meet(ada, clinic)
    const { key, address } = thief()
    const seat = makeDid(0x4b99, address)
    const [first, second] = lost as [Keyring, Keyring]
    const byFirst = await forged({ by: key, handed: handOn(first.controller, did(ada), [], { seat, controller: address }) })
    expect(await codeOf(() => byFirst.enroll(OLD))).toBe('BAD_SIGNATURE')
    expect(await codeOf(() => trustBundle(clinic, byFirst.bundle))).toBe('BAD_SIGNATURE')
    // Not even who has the keys in force moves it away from its own relay: its owner would be shut out there.
    const byOwn = await forged({ by: key, handed: handOn(second.controller, did(ada), chain(second), { seat, controller: address }) })
    expect(await codeOf(() => byOwn.enroll(OLD))).toBe('HOME_EXISTS')
    await lives(ada, RECORDS)
  })

  test('is not answered at the new home: neither the old request keys nor the old words', async () => {
    await moved()
    const relay = await homeRelay(back)
    for (const ring of lost) {
      const caller = { did: ring.did, version: peek(ownBundle(ring).signed, bundleMessage).version, request: ring.request }
      expect(await codeOf(() => callAs(w, caller, relay, { method: 'get-state', body: {} }))).toBe('BAD_SIGNATURE')
    }
    expect(await codeOf(() => restoreVault(back, { words: ada.words, relay: NEW, deviceName: 'thief' }))).toBe('WRONG_WORDS')
    expect(await codeOf(() => callRelay(clinic, relay, 'recover', { vault: did(ada) }))).toBe('DENIED')
  })

  test('who replaced keys calls at another home where older ones are known, and is let in by the new', async () => {
    const visited = await w.network.relay(CLINIC)
    const call = async (ring: Keyring) => {
      const session = { ...ada.session, state: { ...ada.session.state, ring } }
      return codeOf(() => callRelay({ ...ada, session }, visited, 'take-messages', { done: [] }))
    }
    const [first, second] = lost as [Keyring, Keyring]
    expect(await call(first)).toBe('no error')
    expect(await call(second)).toBe('no error')
    expect(await call(first)).toBe('BAD_SIGNATURE')
    // Keys that were replaced twice between two visits, and at the home that keeps it no version is passed over.
    await rotate(ada)
    await rotate(ada)
    expect(await call(ada.session.state.ring)).toBe('no error')
    expect(await call(second)).toBe('BAD_SIGNATURE')
    back = ada
    const { controller, bundle } = ada.session.state.ring
    const { version } = ownBundle({ bundle }).signed
    const gap = await forged({ by: controller, handed: chain(ada.session.state.ring), after: version + 1 })
    expect(await codeOf(() => gap.enroll(OLD))).toBe('BUNDLE_ROLLBACK')
    expect(parseDid(did(ada)).address).toBe(secpAddress(first.controller))
  })
})
