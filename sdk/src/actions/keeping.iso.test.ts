import { describe, expect, test } from 'vitest'
import { equal, text, toHex } from '#base/bytes'
import { codeOf } from '#base/code.kit'
import { openKeyring } from '#identity/keyring'
import { memoryCatalog } from '#memory/catalog'
import { grant } from './access/grant.ts'
import { grantAsProxy } from './access/grant-as-proxy.ts'
import { receivedGrants } from './access/grants.ts'
import { invite, join } from './access/invite.ts'
import { openSession } from './access/open-session.ts'
import { receiveMessages } from './access/receive-messages.ts'
import { revoke } from './access/revoke.ts'
import { verifyTrail } from './access/verify-trail.ts'
import type { Ctx } from './context.ts'
import { checkTombstones } from './records/check-tombstones.ts'
import { eraseRecords } from './records/erase-records.ts'
import { fileRecords } from './records/file-records.ts'
import { listEntries } from './records/list-entries.ts'
import { attestMilestone, burnTokens, mintMilestone, withAttestations } from './records/mint-milestone.ts'
import { openRecords } from './records/open-record.ts'
import { checkState, publishState } from './records/publish-state.ts'
import { receiveRecords } from './records/receive-records.ts'
import { compartmentNamed } from './records/secrets.ts'
import { draft, person, type World, world } from './story.kit.ts'
import { changeRing, refreshRing } from './vault/change-ring.ts'
import { removeDevice } from './vault/devices.ts'
import { restoreVault } from './vault/restore-vault.ts'
import { rotate } from './vault/rotate.ts'

const HOME = 'http://patient.test'
const DAY = 86_400

const id = (ctx: Ctx, name: string): Uint8Array => compartmentNamed(ctx.session.state.ring, name).id

async function meet(inviter: Ctx, guest: Ctx): Promise<void> {
  await join(guest, await invite(inviter))
  await receiveMessages(inviter)
}

async function secondDevice(first: Ctx & { words: string }): Promise<Ctx> {
  const session = await restoreVault(first, { words: first.words, relay: HOME, deviceName: 'second' })
  return { ...first, session, catalog: memoryCatalog() }
}

describe('several devices of one vault', () => {
  test('two devices that change the keyring at once both succeed: the loser rebases', async () => {
    const w = await world([HOME])
    const first = await person(w, 'Ada Example', HOME)
    const second = await secondDevice(first)
    await Promise.all(
      Array.from({ length: 6 }, (_, i) => {
        const ctx = i % 2 ? first : second
        return i < 2 ? changeRing(ctx, r => ({ ...r, marks: { ...r.marks, [`m${i}`]: Uint8Array.of(i) } })) : null
      }),
    )
    await refreshRing(first)
    expect(Object.keys(first.session.state.ring.marks).sort()).toEqual(['m0', 'm1'])
  })

  test('both devices file at once and each then sees all records', async () => {
    const w = await world([HOME])
    const first = await person(w, 'Ada Example', HOME)
    const second = await secondDevice(first)
    await Promise.all([fileRecords(first, [draft(first, 'laboratory', 'one')]), fileRecords(second, [draft(second, 'laboratory', 'two')])])
    for (const ctx of [first, second]) {
      await receiveRecords(ctx)
      expect((await listEntries(ctx)).map(e => e.card.title).sort()).toEqual(['one', 'two'])
    }
  })

  test('a removed device no longer opens the keyring', async () => {
    const w = await world([HOME])
    const first = await person(w, 'Ada Example', HOME)
    const second = await secondDevice(first)
    await refreshRing(first)
    await removeDevice(first, second.session.device.id)
    expect(await codeOf(() => openKeyring(first.session.state.sealed, second.session.device))).toBe('NO_KEY')
    expect(await codeOf(() => refreshRing(second))).toBe('NO_KEY')
  })

  test('a relay that serves an older state is refused', async () => {
    const w = await world([HOME])
    const first = await person(w, 'Ada Example', HOME)
    const before = first.session.state
    await changeRing(first, r => r)
    const old = { head: before.head, keyring: before.sealed, calendar: null, writes: 0 }
    expect(await codeOf(() => refreshRing(first, old))).toBe('HEAD_ROLLBACK')
  })
})

describe('rotation', () => {
  test('new words open everything, old words nothing, grantees keep what they were granted, and the DID stays', async () => {
    const w = await world([HOME])
    const patient = await person(w, 'Ada Example', HOME)
    const clinic = await person(w, 'Clinic West', HOME)
    await meet(patient, clinic)
    await fileRecords(patient, [draft(patient, 'laboratory', 'HbA1c'), draft(patient, 'imaging', 'CT')])
    await grant(patient, {
      to: clinic.session.state.ring.did,
      level: 'read',
      purposes: ['TREAT'],
      compartments: [id(patient, 'laboratory')],
      expiry: w.now + 30 * DAY,
    })
    await receiveMessages(clinic)
    const before = patient.session.state.ring
    const words = await rotate(patient)
    const after = patient.session.state.ring
    expect(after.did).toBe(before.did)
    expect(after.rotation).toBeUndefined()
    for (const k of ['controller', 'request', 'inbox'] as const) expect(equal(after[k], before[k])).toBe(false)
    expect(await codeOf(() => restoreVault(patient, { words: patient.words, relay: HOME, deviceName: 'thief' }))).toBe('WRONG_WORDS')
    const restored: Ctx = {
      ...patient,
      session: await restoreVault(patient, { words, relay: HOME, deviceName: 'new' }),
      catalog: memoryCatalog(),
    }
    await receiveRecords(restored)
    expect((await listEntries(restored)).map(e => [e.card.title, e.generation]).sort()).toEqual([
      ['CT', 1],
      ['HbA1c', 1],
    ])
    // Whoever holds consents signed with the old keys, thief or clinic, is refused until the patient's renewed ones arrive.
    expect(await codeOf(() => openSession(clinic, { grant: receivedGrants(clinic)[0]!.grant.commitment, purpose: 'TREAT' }))).toBe(
      'NO_GRANT',
    )
    await receiveMessages(clinic)
    const session = await openSession(clinic, { grant: receivedGrants(clinic)[0]!.grant.commitment, purpose: 'TREAT' })
    expect(session.records.map(r => r.card.title)).toEqual(['HbA1c'])
    const [opened] = await session.open([session.records[0]!.id])
    expect(opened!.author).toBe('verified')
    expect((await verifyTrail(restored)).problems).toEqual([])
  })
})

describe('a proxy', () => {
  const family = async (w: World) => {
    const [child, parent, clinic] = [await person(w, 'Child', HOME), await person(w, 'Parent', HOME), await person(w, 'Clinic', HOME)]
    await meet(child, parent)
    await meet(parent, clinic)
    await fileRecords(child, [draft(child, 'laboratory', 'glucose'), draft(child, 'imaging', 'CT')])
    await grant(child, {
      to: parent.session.state.ring.did,
      level: 'admin',
      purposes: ['TREAT', 'FAMRQT'],
      compartments: [id(child, 'laboratory'), id(child, 'imaging')],
      expiry: w.now + 300 * DAY,
    })
    await receiveMessages(parent)
    return { child, parent, clinic, under: receivedGrants(parent)[0]!.grant.commitment }
  }

  test('passes on part of what it was given, and no more', async () => {
    const w = await world([HOME])
    const { child, parent, clinic, under } = await family(w)
    const to = clinic.session.state.ring.did
    const lab = [id(child, 'laboratory')]
    await grantAsProxy(parent, under, { to, level: 'read', purposes: ['TREAT'], compartments: lab, expiry: w.now + 30 * DAY })
    await receiveMessages(clinic)
    const session = await openSession(clinic, { grant: receivedGrants(clinic)[0]!.grant.commitment, purpose: 'TREAT' })
    expect(session.records.map(r => r.card.title)).toEqual(['glucose'])
    expect(
      await codeOf(() =>
        grantAsProxy(parent, under, { to, level: 'read', purposes: ['TREAT'], compartments: lab, expiry: w.now + 301 * DAY }),
      ),
    ).toBe('NO_GRANT')
    expect(
      await codeOf(() =>
        grantAsProxy(parent, under, { to, level: 'read', purposes: ['COVERAGE'], compartments: lab, expiry: w.now + DAY }),
      ),
    ).toBe('NO_GRANT')
    const hidden = [id(child, 'mental-health')]
    expect(
      await codeOf(() =>
        grantAsProxy(parent, under, { to, level: 'read', purposes: ['TREAT'], compartments: hidden, expiry: w.now + DAY }),
      ),
    ).toBe('NO_GRANT')
  })

  test('what it passed on ends when its own consent ends, or when it says so', async () => {
    const w = await world([HOME])
    const { child, parent, clinic, under } = await family(w)
    const input = {
      to: clinic.session.state.ring.did,
      level: 'read',
      purposes: ['TREAT'],
      compartments: [id(child, 'laboratory')],
      expiry: w.now + 30 * DAY,
    } as const
    const a = await grantAsProxy(parent, under, input)
    const b = await grantAsProxy(parent, under, { ...input, expiry: w.now + 31 * DAY })
    await receiveMessages(clinic)
    const read = (commitment: Uint8Array) => codeOf(() => openSession(clinic, { grant: commitment, purpose: 'TREAT' }))
    expect([await read(a.commitment), await read(b.commitment)]).toEqual(['no error', 'no error'])
    await revoke(parent, a.commitment)
    expect([await read(a.commitment), await read(b.commitment)]).toEqual(['DENIED', 'no error'])
    await revoke(child, under)
    expect(await read(b.commitment)).toBe('DENIED')
  })
})

describe('milestones', () => {
  test('any record can become a soulbound token through an attestation, once anchored; erasing burns it', async () => {
    const w = await world([HOME])
    const patient = await person(w, 'Ada Example', HOME)
    const [shot] = await fileRecords(patient, [draft(patient, 'general', 'Influenza vaccine')])
    const entry = await attestMilestone(patient, shot!, 'Vaccination')
    const metadata = {
      recordType: 'Vaccination',
      provider: 'self',
      timestamp: w.now,
      verificationProof: { record: shot!.id, leaf: shot!.leaf },
    } as const
    expect(await codeOf(() => mintMilestone(patient, entry, metadata))).toBe('NOT_ANCHORED')
    expect(await codeOf(() => mintMilestone(patient, shot!, metadata))).toBe('NO_KEY')
    const home = w.homes.get(HOME)!
    await home.relay.anchor()
    const { tokenId } = await mintMilestone(patient, entry, metadata)
    const owner = await home.ledger.tokens.ownerOf(tokenId)
    expect(owner).toBe(patient.session.state.ring.tokens.find(t => t.used)!.address)
    const other = await fileRecords(patient, [draft(patient, 'general', 'Another')])
    const gone = withAttestations(patient.session.state.ring, [shot!], await listEntries(patient))
    expect(gone.map(e => e.card.title)).toEqual(['Influenza vaccine', 'Attestation: Influenza vaccine'])
    expect(withAttestations(patient.session.state.ring, other, await listEntries(patient))).toEqual(other)
    expect(await burnTokens(patient, gone)).toBe(1)
    expect(await home.ledger.tokens.ownerOf(tokenId)).toBeNull()
  })
})

describe('what the head names', () => {
  test('a relay that leaves a record out is caught by a device that never saw it', async () => {
    const w = await world([HOME])
    const patient = await person(w, 'Ada Example', HOME)
    await fileRecords(patient, [draft(patient, 'laboratory', 'one'), draft(patient, 'laboratory', 'two')])
    await publishState(patient)
    const fresh = await secondDevice(patient)
    await receiveRecords(fresh)
    const all = await listEntries(fresh)
    checkState(fresh, all)
    expect(await codeOf(async () => checkState(fresh, all.slice(1)))).toBe('OMISSION')
  })
  test('what one device filed or erased is in the head that another publishes', async () => {
    const w = await world([HOME])
    const first = await person(w, 'Ada Example', HOME)
    const [kept, doomed] = await fileRecords(first, [draft(first, 'laboratory', 'kept'), draft(first, 'laboratory', 'doomed')])
    const second = await secondDevice(first)
    await receiveRecords(second)
    const [late] = await fileRecords(first, [draft(first, 'imaging', 'late')])
    await eraseRecords(first, [doomed!.id])
    await fileRecords(second, [draft(second, 'laboratory', 'from the second')])
    await publishState(second)
    await refreshRing(first)
    await receiveRecords(first)
    const all = await listEntries(first)
    expect(all.map(e => e.card.title).sort()).toEqual(['from the second', 'kept', 'late'])
    checkState(first, all)
    expect((await listEntries(second)).map(e => toHex(e.id))).not.toContain(toHex(doomed!.id))
    expect([kept, late].every(Boolean)).toBe(true)
  })
  test('a relay that forgets a tombstone is caught', async () => {
    const w = await world([HOME])
    const patient = await person(w, 'Ada Example', HOME)
    const [one] = await fileRecords(patient, [draft(patient, 'laboratory', 'one')])
    await eraseRecords(patient, [one!.id])
    const { did } = patient.session.state.ring
    await w.homes.get(HOME)!.context.envelopes.transact(did, async rows => {
      const graves = await rows.scan('grave', { limit: 9 })
      await rows.delete(
        'grave',
        graves.map(g => g.key),
      )
    })
    expect(await codeOf(() => checkTombstones(patient))).toBe('OMISSION')
  })
  test('an erased record is not missed', async () => {
    const w = await world([HOME])
    const patient = await person(w, 'Ada Example', HOME)
    const [one] = await fileRecords(patient, [draft(patient, 'laboratory', 'one'), draft(patient, 'laboratory', 'two')])
    await eraseRecords(patient, [one!.id])
    expect((await checkTombstones(patient)).map(toHex)).toEqual([toHex(one!.id)])
    await publishState(patient)
    const fresh = await secondDevice(patient)
    await receiveRecords(fresh)
    checkState(fresh, await listEntries(fresh))
    const [left] = await openRecords(
      fresh,
      (await listEntries(fresh)).map(e => e.id),
    )
    expect(JSON.parse(text(left!.body)).title).toBe('two')
    expect(toHex(left!.meta.id)).not.toBe(toHex(one!.id))
  })
})
