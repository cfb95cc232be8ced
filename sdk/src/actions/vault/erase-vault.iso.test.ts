import { beforeAll, describe, expect, test } from 'vitest'
import { grant } from '#actions/access/grant'
import { receivedGrants } from '#actions/access/grants'
import { invite, join } from '#actions/access/invite'
import { openSession } from '#actions/access/open-session'
import { post } from '#actions/access/post'
import { receiveMessages } from '#actions/access/receive-messages'
import type { Ctx } from '#actions/context'
import { fileRecords } from '#actions/records/file-records'
import { receiveRecords } from '#actions/records/receive-records'
import { compartmentNamed } from '#actions/records/secrets'
import { submitRecords } from '#actions/records/submit-records'
import { draft, person, type World, world } from '#actions/story.kit'
import { codeOf } from '#base/code.kit'
import { KeepwellError } from '#base/error'
import { sign } from '#identity/signed'
import type { MemoryRelay } from '#memory/relay'
import { callRelay, findParty, homeRelay, signerOf } from './calls.ts'
import { changeRing } from './change-ring.ts'
import { eraseVault } from './erase-vault.ts'
import { restoreVault } from './restore-vault.ts'

const HOME = 'http://home.test'
const DAY = 86_400

/** A vault with 300 small records, a large one, a clinic that may read and write, and a second device. */
async function lived(w: World) {
  const patient = await person(w, 'Ada Example', HOME)
  const clinic = await person(w, 'Clinic West', HOME)
  await join(clinic, await invite(patient))
  await receiveMessages(patient)
  for (const level of ['read', 'write'] as const)
    await grant(patient, {
      to: clinic.session.state.ring.did,
      level,
      purposes: ['TREAT'],
      compartments: [compartmentNamed(patient.session.state.ring, 'laboratory').id],
      expiry: w.now + 90 * DAY,
    })
  await fileRecords(
    patient,
    Array.from({ length: 300 }, (_, i) => draft(patient, 'laboratory', `value ${i}`)),
  )
  await fileRecords(patient, [draft(patient, 'imaging', 'scan', new Uint8Array(700_001).fill(7))])
  await receiveMessages(clinic)
  return { patient, clinic }
}

/** What the relay has of a vault, by kind of row. */
async function kindsLeft(home: MemoryRelay, did: string): Promise<string[]> {
  const kinds = ['bundle', 'state', 'page', 'group', 'env', 'seq', 'id', 'bucket', 'doomed', 'unanchored', 'anchor', 'rcpt', 'revoked']
  const left = []
  for (const kind of [...kinds, 'nonce', 'msg', 'copy', 'counter', 'sweep', 'tomb', 'grave', 'gone'])
    if (await home.context.envelopes.read(did, rows => rows.count(kind))) left.push(kind)
  return left
}

describe('T36: erasing a vault', () => {
  let w: World
  let home: MemoryRelay
  let patient: Ctx & { words: string }
  let clinic: Ctx
  const shredNames = new Set<string>()
  beforeAll(async () => {
    w = await world([HOME])
    home = w.homes.get(HOME)!
    const { put } = home.context.shred
    const noted = (name: string, key: Uint8Array) => put(name, key).then(() => void shredNames.add(name))
    Object.assign(home.context.shred, { put: noted })
    ;({ patient, clinic } = await lived(w))
  })

  test('nobody else can do it, and a vault’s signed end does for no other', async () => {
    const relay = await homeRelay(patient)
    const { did } = patient.session.state.ring
    const theirs = await sign(signerOf(clinic.session.state.ring), 'tombstone', { v: 1, vault: did, whole: 1, at: w.now })
    expect(await codeOf(() => callRelay(clinic, relay, 'erase-vault', { tombstone: theirs }))).toBe('BAD_SIGNATURE')
    expect(await codeOf(() => callRelay(patient, relay, 'erase-vault', { tombstone: theirs }))).toBe('BAD_SIGNATURE')
    // A tombstone for records is none for the vault, nor the other way round.
    const some = await sign(signerOf(patient.session.state.ring), 'tombstone', { v: 1, vault: did, ids: [w.random(16)], at: w.now })
    expect(await codeOf(() => callRelay(patient, relay, 'erase-vault', { tombstone: some }))).toBe('BAD_INPUT')
    const whole = await sign(signerOf(patient.session.state.ring), 'tombstone', { v: 1, vault: did, whole: 1, at: w.now })
    expect(await codeOf(() => callRelay(patient, relay, 'erase', { tombstone: whole }))).toBe('BAD_INPUT')
    expect((await openSession(clinic, { grant: readGrant(clinic), purpose: 'TREAT' })).records.length).toBe(300)
  })

  const readGrant = (ctx: Ctx) => receivedGrants(ctx).find(g => g.terms.level === 'read')!.grant.commitment

  test('leaves nothing readable at the relay, no key, no way back, and signed receipts', async () => {
    const { did } = patient.session.state.ring
    const second: Ctx = { ...patient, session: await restoreVault(patient, { words: patient.words, relay: HOME, deviceName: 'second' }) }
    const saved = await (await homeRelay(patient)).restore(patient.session.state.ring.recovery.tag)
    const grants = receivedGrants(clinic).map(g => g.grant)
    const seen: number[] = []
    const done = await eraseVault(patient, n => seen.push(n))
    expect([done.records, done.consents, done.unreached, seen.at(-1)]).toEqual([301, 2, [], 301])
    expect(done.receipts.reduce((n, r) => n + r.ids.length, 0)).toBe(301)
    expect(done.last).toMatchObject({ vault: did, whole: 1 })

    expect(await kindsLeft(home, did)).toEqual(['state', 'tomb', 'grave', 'gone'])
    expect(shredNames.size).toBeGreaterThan(1)
    for (const name of shredNames) expect(await home.context.shred.get(name)).toBeNull()
    expect(await home.context.blocks.size()).toEqual({ blocks: 0, bytes: 0 })
    expect(await (await homeRelay(clinic)).restore(patient.session.state.ring.recovery.tag)).toBeNull()
    expect(await codeOf(() => restoreVault(patient, { words: patient.words, relay: HOME, deviceName: 'thief' }))).toBe('WRONG_WORDS')
    expect(await codeOf(() => receiveRecords(second))).toBe('ERASED')
    expect(await codeOf(() => changeRing(second, r => r))).toBe('ERASED')
    expect(await codeOf(async () => callRelay(second, await homeRelay(second), 'enroll', { bundle: saved!.bundle }))).toBe('ERASED')

    for (const g of grants) expect(await codeOf(() => openSession(clinic, { grant: g.commitment, purpose: 'TREAT' }))).toBe('ERASED')
    const { compartment: _, ...late } = draft(clinic, 'laboratory', 'late')
    const submission = { to: did, purpose: 'TREAT' as const, drafts: [{ ...late, compartmentName: 'laboratory' }] }
    expect(await codeOf(() => submitRecords(clinic, submission))).toBe('NOT_FOUND')
    const party = await findParty(clinic, did, [HOME])
    expect(await codeOf(() => post(clinic, party!, 'notice', { text: 'hello' }))).toBe('UNKNOWN_PARTY')
    await receiveMessages(clinic)
    expect(receivedGrants(clinic)).toEqual([])
  })

  test('asked again, the relay signs again, and begins nothing anew', async () => {
    const again = await eraseVault(patient)
    expect([again.records, again.last.vault]).toEqual([0, patient.session.state.ring.did])
    expect(await kindsLeft(home, patient.session.state.ring.did)).toEqual(['state', 'tomb', 'grave', 'gone'])
  })
})

describe('an erasure of a vault that a crash cut short', () => {
  test.each(['blocks', 'shred'] as const)('at its %s is finished at the next start; meanwhile nothing is served', async port => {
    const w = await world([HOME])
    const home = w.homes.get(HOME)!
    const { patient } = await lived(w)
    const { did } = patient.session.state.ring
    const cut = { blocks: home.context.blocks.drop, shred: home.context.shred.destroy }
    const fail = async () => {
      throw new KeepwellError('STORAGE_FAILED', 'The disk went away.')
    }
    const tombstone = await sign(signerOf(patient.session.state.ring), 'tombstone', { v: 1, vault: did, whole: 1, at: w.now })
    Object.assign(port === 'blocks' ? home.context.blocks : home.context.shred, port === 'blocks' ? { drop: fail } : { destroy: fail })
    expect(await codeOf(async () => callRelay(patient, await homeRelay(patient), 'erase-vault', { tombstone }))).toBe('STORAGE_FAILED')
    expect(await codeOf(() => receiveRecords(patient))).toBe('ERASED')
    expect(await kindsLeft(home, did)).toContain('sweep')
    Object.assign(home.context.blocks, { drop: cut.blocks })
    Object.assign(home.context.shred, { destroy: cut.shred })
    await home.relay.recover()
    expect(await kindsLeft(home, did)).toEqual(['state', 'gone'])
  })
})
