import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pagedRandom } from '@keepwell/adapters/base/random'
import { openNetwork } from '@keepwell/adapters/relay/network'
import { type RunningCustodian, serveCustodian } from '@keepwell/daemon/bin/custodian'
import { readConfig } from '@keepwell/daemon/config/config'
import { remember } from '@keepwell/sdk/actions/access/invite'
import { post } from '@keepwell/sdk/actions/access/post'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { addToBell } from '@keepwell/sdk/actions/emergency/bell'
import { addWake } from '@keepwell/sdk/actions/emergency/wake'
import { findParty } from '@keepwell/sdk/actions/vault/calls'
import { refreshRing } from '@keepwell/sdk/actions/vault/change-ring'
import { createVault } from '@keepwell/sdk/actions/vault/create-vault'
import { restoreVault } from '@keepwell/sdk/actions/vault/restore-vault'
import { fromHex, toHex } from '@keepwell/sdk/base/bytes'
import { newWakeKey } from '@keepwell/sdk/identity/wake-key'
import { memoryCatalog } from '@keepwell/sdk/memory/catalog'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Desk, freePort, seat, temporary } from './cli.kit.ts'

const parts = { clock: () => Math.floor(Date.now() / 1000), random: pagedRandom(), network: openNetwork() }
const place = temporary()
const at = (name: string): string => join(place.path, name)

type Person = { readonly desk: Desk; readonly did: string; readonly relay: string }

/** A person at the command line; without a relay that is named, one of their own. */
async function person(name: string, relay?: string): Promise<Person> {
  const desk = seat(at(name), { KEEPWELL_PORT: String(await freePort()) })
  const elsewhere = relay ? ['--relay', relay] : []
  const made = await desk.json('init', '--name', `${name} Example`, '--no-passphrase', '--words-file', at(`${name}.words`), ...elsewhere)
  return { desk, did: made.did, relay: made.relay }
}

/** The same person's app, on another device: there alone is something that a push service reaches. */
async function phoneOf(name: string, relay: string): Promise<Ctx> {
  const words = readFileSync(at(`${name}.words`), 'utf8')
  const session = await restoreVault(parts, { words, relay, deviceName: 'Phone' })
  return { ...parts, catalog: memoryCatalog(), session }
}

const subscription = (n: number, name: string) => ({
  endpoint: `https://push.example/${n}`,
  p256dh: new Uint8Array(65).fill(n),
  auth: new Uint8Array(16).fill(n),
  key: newWakeKey(parts.random),
  name,
})

describe('who and what is woken in an emergency, chosen at the command line', { timeout: 240_000 }, () => {
  let ada: Person
  let ben: Person
  let cleo: Person
  let phone: Ctx
  const servers = new Map<Person, { stop(): Promise<number> }>()
  const keepers: { readonly name: string; readonly ctx: Ctx; readonly runs: RunningCustodian }[] = []

  const start = async (who: Person) => servers.set(who, await who.desk.serve('start'))
  const stop = async (who: Person) => {
    await servers.get(who)?.stop()
    servers.delete(who)
  }

  async function met(a: Person, b: Person): Promise<void> {
    await b.desk.json('join', (await a.desk.json('invite')).link)
    await a.desk.json('sync')
  }

  async function keeper(name: string, relay: string): Promise<void> {
    const { session } = await createVault(parts, { name, relay, deviceName: 'server' })
    const ctx = { ...parts, catalog: memoryCatalog(), session }
    const patient = (await findParty(ctx, ada.did, [ada.relay]))!
    await remember(phone, (await findParty(phone, session.state.ring.did, [relay]))!, name)
    await remember(ctx, patient, 'Ada Example')
    const dir = at(name)
    mkdirSync(dir)
    const { http } = readConfig({ HOME: place.path })
    const where = { host: '127.0.0.1', port: 0, tls: null, limits: http, hosts: [], hooksTo: [] }
    const runs = await serveCustodian({ ctx, dir, ...where, mail: null, log: () => {}, lookEvery: 3600 })
    keepers.push({ name, ctx, runs })
  }

  /** What each custodian has, once it looked into its mailbox. */
  const held = <T>(look: (custody: RunningCustodian['custody']) => Promise<T>): Promise<T[]> =>
    Promise.all(keepers.map(({ runs }) => runs.look().then(() => look(runs.custody))))
  const waking = () => held(async custody => (await custody.wakes(ada.did))?.devices.map(d => d.endpoint))
  const ringing = () => held(async custody => (await custody.bells(ada.did))?.bells.map(b => b.of) ?? [])

  beforeAll(async () => {
    ;[ada, ben] = await Promise.all([person('Ada'), person('Ben')])
    await Promise.all([start(ada), start(ben)])
    cleo = await person('Cleo', ben.relay)
    await met(ada, ben)
    await met(ada, cleo)
    await met(ben, cleo)
    phone = await phoneOf('Ada', ada.relay)
    await keeper('Clinic', ada.relay)
    await keeper('Bank', ben.relay)
  }, 240_000)
  afterAll(async () => {
    for (const k of keepers) await k.runs.close()
    for (const s of servers.values()) await s.stop()
    place.remove()
  })

  test('where nothing is set up it says so, and where a device is added; nothing is sent to anybody', async () => {
    const { run } = ada.desk
    for (const call of [['wake'], ['wake', 'Ben'], ['wake', 'Ben', '--off']])
      expect(await run('emergency', ...call)).toMatchObject({ code: 3, err: expect.stringContaining('not set up') })
    expect(await run('emergency', 'devices')).toMatchObject({
      code: 0,
      out: 'No device of yours is woken. One is added in the app, on that device, under Emergency.\n',
    })
    expect((await ben.desk.run('emergency', 'offer')).out).toBe(
      'Ada Example   not offered\nCleo Example  not offered\nNo device of yours is woken for others yet. One is added in the app, on that device, under Emergency.\n',
    )
    for (const off of [[], ['--off']]) expect((await ben.desk.run('emergency', 'offer', 'Ada', ...off)).code).toBe(3)
    expect((await ben.desk.run('emergency', 'offer', 'Ada')).err).toContain('added in the app')
    expect((await ada.desk.json('sync')).arrivals).toEqual([])
  })

  test('devices that custodians wake are listed with their state and none of their secrets, and taken off', async () => {
    const named = keepers.flatMap(k => ['--custodian', `${k.name}=${k.runs.url}`])
    await ada.desk.json('emergency', 'set-up', ...named, '--threshold', '2')
    await refreshRing(phone)
    const [tablet, old] = [subscription(1, 'Tablet'), subscription(2, 'Old phone')]
    for (const made of [tablet, old]) expect(await addWake(phone, { ...made, whose: 'own' })).toEqual([])
    expect(await waking()).toEqual(keepers.map(() => [tablet.endpoint, old.endpoint]))

    const { devices } = await ada.desk.json('emergency', 'devices')
    expect(devices).toMatchObject(['Tablet', 'Old phone'].map(name => ({ name, wokenFor: 'own', gone: null, stale: false })))
    expect(Object.keys(devices[0])).toEqual(['id', 'name', 'wokenFor', 'at', 'gone', 'stale'])
    const patient = (await findParty(phone, ada.did))!
    await post(
      keepers[0]!.ctx,
      patient,
      'notice',
      { text: 'A device is not reached.', gone: [fromHex(devices[1].id)] },
      { introduce: true },
    )
    const { out } = await ada.desk.run('emergency', 'devices')
    expect(out).toMatch(/Tablet +in your emergencies +since \d{4}-\d\d-\d\d\n/)
    expect(out).toMatch(/Old phone +in your emergencies +since .* not reached since \d{4}-\d\d-\d\d: turn it on again there/)
    expect(JSON.stringify(devices)).not.toContain(toHex(tablet.key))

    for (const [call, code] of [
      [['--remove', 'ffffffffffff'], 3],
      [['--remove', 'phone'], 2],
      [[devices[1].id], 2],
      [[devices[1].id, '--off'], 2],
    ] as const)
      expect([call, (await ada.desk.run('emergency', 'devices', ...call)).code]).toEqual([call, code])
    expect(await ada.desk.json('emergency', 'devices', '--remove', devices[1].id.slice(0, 12))).toMatchObject({
      devices: [{ name: 'Tablet' }],
      unreached: [],
    })
    expect(await waking()).toEqual(keepers.map(() => [tablet.endpoint]))
    await ada.desk.json('emergency', 'replace')
    expect((await ada.desk.run('emergency', 'devices')).out).toContain('of custodians before: open Emergency there')
  })

  test('a relative offers, the patient chooses and lets be; a custodian out of reach is named until it was told', async () => {
    await addToBell(await phoneOf('Ben', ben.relay), subscription(3, 'Ben’s phone'))
    const offered = await ben.desk.run('emergency', 'offer', 'Ada')
    expect(offered.out).toMatch(/^Ada Example +can choose that you are woken\nCleo Example +not offered\n1 device of yours/)
    expect(await ben.desk.json('emergency', 'devices')).toMatchObject({ devices: [{ name: 'Ben’s phone', wokenFor: 'others' }] })

    const seen = await ada.desk.run('emergency', 'wake')
    expect(seen.out).toBe('Ben Example  offers to be woken, and is not\n')
    expect(seen.err).toContain('See: keepwell emergency wake')
    expect(await ringing()).toEqual([[], []])
    for (const [call, code] of [
      [['Cleo'], 3],
      [['Cleo', '--off'], 3],
      [['Dee'], 4],
      [[ada.did], 3],
      [['Ben', 'Cleo'], 2],
      [['--off'], 2],
    ] as const)
      expect([call, (await ada.desk.run('emergency', 'wake', ...call)).code]).toEqual([call, code])
    expect(await ringing()).toEqual([[], []])

    await stop(ben)
    const chosen = await ada.desk.run('emergency', 'wake', 'ben')
    expect(chosen).toMatchObject({
      code: 0,
      out: 'Ben Example  is woken in your emergencies\nNot told yet: Bank. It is tried again with the next sync.\n',
    })
    expect((await ada.desk.json('emergency', 'devices')).unreached).toEqual(['Bank'])
    await start(ben)
    await ada.desk.json('sync')
    expect(await ada.desk.json('emergency', 'wake')).toEqual({
      people: [{ did: ben.did, name: 'Ben Example', chosen: true }],
      unreached: [],
    })
    expect(await ringing()).toEqual([[ben.did], [ben.did]])
    expect((await ada.desk.json('emergency', 'wake', 'Ben', '--off')).people).toMatchObject([{ chosen: false }])
    expect(await ringing()).toEqual([[], []])
  })

  test('what was offered is taken back from one alone; who could not be told of the new one is named', async () => {
    await ada.desk.json('emergency', 'wake', 'Ben')
    await ben.desk.json('emergency', 'offer', 'Cleo')
    const bells = () => held(async custody => (await custody.bells(ada.did))!.bells[0]!.secret)
    const before = await bells()
    await stop(ada)
    const back = await ben.desk.run('emergency', 'offer', 'Cleo', '--off')
    expect(back.out).toMatch(/^Ada Example +can choose that you are woken\nCleo Example +not offered\n.*\nNot told yet: Ada Example\. /)
    expect((await ben.desk.json('emergency', 'offer')).unreached).toEqual(['Ada Example'])
    await start(ada)
    await ben.desk.json('sync')
    expect((await ben.desk.json('emergency', 'offer')).unreached).toEqual([])
    await ada.desk.json('sync')
    expect(await bells()).not.toEqual(before)

    for (const [call, code] of [
      [['Cleo', '--off'], 3],
      [['Dee', '--off'], 4],
      [['Dee'], 4],
      [['did:ethr:0x1:0x0000000000000000000000000000000000000001'], 4],
    ] as const)
      expect([call, (await ben.desk.run('emergency', 'offer', ...call)).code]).toEqual([call, code])

    const [{ id }] = (await ben.desk.json('emergency', 'devices')).devices
    expect((await ben.desk.run('emergency', 'devices', '--remove', id)).out).toMatch(/^No device of yours is woken\./)
    // It wakes nobody now, and can still be taken back.
    expect((await ben.desk.run('emergency', 'offer', 'Cleo')).code).toBe(3)
    expect((await ben.desk.json('emergency', 'offer', 'Ada', '--off')).people).toMatchObject([{ given: false }, { given: false }])
    expect((await ada.desk.run('emergency', 'wake')).out).toMatch(/^Nobody offered to be woken yet\./)
  })
})
