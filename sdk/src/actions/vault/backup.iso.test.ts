import { describe, expect, test } from 'vitest'
import { grant } from '#actions/access/grant'
import { receivedGrants } from '#actions/access/grants'
import { invite, join } from '#actions/access/invite'
import { receiveMessages } from '#actions/access/receive-messages'
import { revoke } from '#actions/access/revoke'
import type { Ctx } from '#actions/context'
import { confirmAnchors } from '#actions/records/confirm-anchors'
import { fileRecords } from '#actions/records/file-records'
import { listEntries } from '#actions/records/list-entries'
import { openRecords } from '#actions/records/open-record'
import { checkState, publishState } from '#actions/records/publish-state'
import { receiveRecords } from '#actions/records/receive-records'
import { compartmentNamed, grantedSecret } from '#actions/records/secrets'
import { draft, person, type World, world } from '#actions/story.kit'
import { concat, equal, toHex, utf8 } from '#base/bytes'
import { decode } from '#base/cbor'
import { codeOf } from '#base/code.kit'
import { KeepwellError } from '#base/error'
import { hpkeOpen } from '#crypto/open'
import { newDevice } from '#identity/device'
import { recoveryOf, rootFromWords } from '#identity/root'
import { recipientId } from '#identity/sealed-keyring'
import { memoryCatalog } from '#memory/catalog'
import type { Relay } from '#ports/relay'
import { backup } from './backup.ts'
import { checkBackup } from './check-backup.ts'
import { restoreBackup } from './restore-backup.ts'

const OLD = 'http://old.test'
const NEW = 'http://new.test'
const CLINIC = 'http://clinic.test'
const DAY = 86_400

const id = (ctx: Ctx, name: string): Uint8Array => compartmentNamed(ctx.session.state.ring, name).id

async function* pieces(bytes: Uint8Array, size = 50_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function saved(ctx: Ctx): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const part of backup(ctx)) parts.push(part)
  return concat(...parts)
}

/** A vault with records of two generations, a large one, and a clinic that may read. */
async function lived(w: World) {
  const patient = await person(w, 'Ada Example', OLD)
  const clinic = await person(w, 'Clinic West', CLINIC)
  await join(clinic, await invite(patient))
  await receiveMessages(patient)
  const shared = {
    to: clinic.session.state.ring.did,
    level: 'read',
    purposes: ['TREAT'],
    compartments: [id(patient, 'laboratory')],
    expiry: w.now + 90 * DAY,
  } as const
  const first = await grant(patient, shared)
  await fileRecords(patient, [
    draft(patient, 'laboratory', 'before'),
    draft(patient, 'general', 'SECRET-TITLE', utf8('SECRET-BODY '.repeat(50))),
  ])
  await revoke(patient, first.commitment)
  await grant(patient, shared)
  await fileRecords(patient, [
    draft(patient, 'laboratory', 'after'),
    draft(
      patient,
      'imaging',
      'scan',
      new Uint8Array(700_001).map((_, i) => i & 255),
    ),
  ])
  await receiveMessages(clinic)
  return { patient, clinic }
}

describe('a backup', () => {
  test('holds everything and opens with words or a device, and nothing in it is readable', async () => {
    const w = await world([OLD, CLINIC])
    const { patient } = await lived(w)
    const file = await saved(patient)
    const recovery = await recoveryOf(rootFromWords(patient.words))
    for (const pair of [patient.session.device, recovery])
      expect(await checkBackup(pieces(file), pair)).toMatchObject({ records: 4, opened: 4, vault: patient.session.state.ring.did })
    const clear = String.fromCharCode(...file.subarray(0, 100_000))
    const rest = String.fromCharCode(...file.subarray(100_000, 200_000))
    for (const known of [
      'SECRET',
      'Ada Example',
      'laboratory',
      'Clinic West',
      patient.session.state.ring.did,
      OLD,
      patient.words.split(' ')[0]!.padEnd(99),
    ])
      expect([known, (clear + rest).includes(known)]).toEqual([known, false])
    const hex = toHex(file)
    for (const secret of [patient.session.state.ring.inbox, patient.session.state.ring.controller, patient.session.device.secret])
      expect(hex.includes(toHex(secret))).toBe(false)
    const stranger = await newDevice(patient.session.state.ring.did, 'stranger', w.random)
    expect(await codeOf(() => checkBackup(pieces(file), stranger))).toBe('NO_KEY')
  })

  test('T30: is sealed to the recovery key and the devices of that time and to nobody else, each under a key of its own', async () => {
    const w = await world([OLD, CLINIC])
    const { patient } = await lived(w)
    const { recovery, devices } = patient.session.state.ring
    const { secret } = patient.session.device
    const keys = new Set<string>()
    for (let n = 0; n < 2; n++) {
      const file = await saved(patient)
      const at = utf8('keepwell backup 1\n').length
      const size = new DataView(file.buffer, file.byteOffset + at).getUint32(0)
      type Header = { readonly recipients: readonly { readonly id: Uint8Array; readonly enc: Uint8Array; readonly key: Uint8Array }[] }
      const { recipients } = decode(file.subarray(at + 4, at + 4 + size)) as Header
      const named = [recovery.public, ...devices.map(d => d.public)].map(recipientId)
      expect(recipients.map(r => toHex(r.id))).toEqual(named.map(toHex))
      const { enc, key } = recipients[1]!
      keys.add(toHex(await hpkeOpen({ secret, enc, info: utf8('keepwell/v1/backup'), aad: new Uint8Array(0), ciphertext: key })))
    }
    expect(keys.size).toBe(2)
  })

  test('that was cut, altered or is no backup at all is refused', async () => {
    const w = await world([OLD, CLINIC])
    const { patient } = await lived(w)
    const file = await saved(patient)
    const { device } = patient.session
    expect(await codeOf(() => checkBackup(pieces(file.subarray(0, file.length - 1)), device))).toMatch(/TRUNCATED|OPEN_FAILED/)
    expect(await codeOf(() => checkBackup(pieces(file.subarray(0, 300_000)), device))).toMatch(/TRUNCATED|OPEN_FAILED/)
    expect(await codeOf(() => checkBackup(pieces(file.subarray(0, 5)), device))).toBe('UNREADABLE')
    expect(await codeOf(() => checkBackup(pieces(utf8('x'.repeat(5000))), device))).toBe('UNREADABLE')
    const longer = concat(file, new Uint8Array(64))
    expect(await codeOf(() => checkBackup(pieces(longer), device))).toMatch(/TRUNCATED|OPEN_FAILED/)
    for (const at of [20, 200, 5000, file.length >> 1, file.length - 5]) {
      const bad = file.slice()
      bad[at]! ^= 1
      expect([at, await codeOf(() => checkBackup(pieces(bad), device))]).not.toEqual([at, 'no error'])
    }
  })

  test('brings the vault back at another relay and ledger: the same DID, all records, new keys', async () => {
    const w = await world([OLD, NEW, CLINIC])
    const { patient, clinic } = await lived(w)
    const before = await listEntries(patient)
    const file = await saved(patient)
    const recovery = await recoveryOf(rootFromWords(patient.words))
    const restored = await restoreBackup(patient, { chunks: pieces(file), recovery, relay: NEW, deviceName: 'new' })
    expect([restored.records, restored.session.state.ring.did]).toEqual([4, patient.session.state.ring.did])
    const again: Ctx = { ...patient, session: restored.session, catalog: memoryCatalog() }
    expect(await receiveRecords(again)).toMatchObject({ fresh: 4, problems: [] })
    const entries = await listEntries(again)
    await publishState(again)
    checkState(again, entries)
    expect(entries.map(e => [e.card.title, toHex(e.leaf)]).sort()).toEqual(before.map(e => [e.card.title, toHex(e.leaf)]).sort())
    const bodies = await openRecords(
      again,
      entries.map(e => e.id),
    )
    for (const { meta, body } of bodies) {
      const [old] = await openRecords(patient, [meta.id])
      expect(equal(old!.body, body)).toBe(true)
    }
    // What the clinic was given before the move opens nothing at the new place.
    for (const g of receivedGrants(clinic)) for (const e of entries) expect(grantedSecret(g.package.nodes, e)).toBeNull()
    await w.homes.get(NEW)!.relay.anchor()
    expect(await confirmAnchors(again, entries)).toMatchObject({ confirmed: 4, wrong: [] })
    const shared = await grant(again, {
      to: clinic.session.state.ring.did,
      level: 'read',
      purposes: ['TREAT'],
      compartments: [id(again, 'laboratory')],
      expiry: w.now + DAY,
    })
    expect(shared.messageBytes).toBeGreaterThan(0)
    expect(await codeOf(() => restoreBackup(patient, { chunks: pieces(file), recovery, relay: NEW, deviceName: 'third' }))).toBe(
      'HOME_EXISTS',
    )
  })

  test('a restore that was cut short is run again and ends whole', async () => {
    const w = await world([OLD, NEW, CLINIC])
    const { patient } = await lived(w)
    const file = await saved(patient)
    const recovery = await recoveryOf(rootFromWords(patient.words))
    const home = w.homes.get(NEW)!.relay
    const cut: Relay = {
      ...home,
      call: async (method, call) => {
        const answer = await home.call(method, call)
        if (method === 'submit') throw new KeepwellError('RELAY_UNREACHABLE', 'The relay went away behind the submission.')
        return answer
      },
    }
    const flaky = {
      ...patient,
      network: { ...patient.network, relay: async (url: string) => (url === NEW ? cut : patient.network.relay(url)) },
    }
    expect(await codeOf(() => restoreBackup(flaky, { chunks: pieces(file), recovery, relay: NEW, deviceName: 'new' }))).toBe(
      'RELAY_UNREACHABLE',
    )
    w.now += 60
    const { session, records } = await restoreBackup(patient, { chunks: pieces(file), recovery, relay: NEW, deviceName: 'new' })
    const again: Ctx = { ...patient, session, catalog: memoryCatalog() }
    expect([records, (await receiveRecords(again)).fresh]).toEqual([4, 4])
    expect(
      await openRecords(
        again,
        (await listEntries(again)).map(e => e.id),
      ),
    ).toHaveLength(4)
  })
})
