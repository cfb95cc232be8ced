import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openTokens } from '@keepwell/adapters/tokens/sqlite'
import { dutiesAt, heldAt, keeperAt } from '@keepwell/daemon/bin/gateway-duties'
import { smartFile, smartKey } from '@keepwell/daemon/bin/gateway-smart'
import { affectedBy, type Question } from '@keepwell/daemon/gateway/duties/affected'
import type { Breach } from '@keepwell/daemon/gateway/duties/breaches'
import { draft, FILL } from '@keepwell/daemon/gateway/duties/drafts'
import { newPassphrase } from '@keepwell/daemon/gateway/smart/factors'
import { addStaff, changeStaff, suspendStaff } from '@keepwell/daemon/gateway/smart/staff'
import { revoke } from '@keepwell/sdk/actions/access/revoke'
import { Secret, TOTP } from 'otpauth'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { consents, files, type GatewayWorld, gatewayWorld, type Json, until } from '#e2e/gateway.kit'
import type { Party } from '#e2e/parties'
import { didOf } from '#e2e/story'

let world: GatewayWorld
let ada: Party
let bob: Party
let cy: Party
let ids: Record<'ada' | 'bob' | 'cy', string>

const KEEPER = { person: 'Immanuel Kant (mkant)', role: 'auditor' }
const HOUR = 3600
const duties = (keeper = KEEPER) => dutiesAt(world.clinic, world.clinic.folder, keeper)
const within = async <T>(work: (d: Awaited<ReturnType<typeof duties>>) => Promise<T>): Promise<T> => {
  const d = await duties()
  try {
    return await work(d)
  } finally {
    await d.close()
  }
}
const asking = (more: Partial<Question>): Question => ({
  ...{ from: 0, to: world.clinic.clock() + 60, persons: [], apps: [], types: [], purposes: [] },
  ...more,
})
const ask = (more: Partial<Question>) => within(d => affectedBy(d.trail, world.gateway.ids, asking(more)))
const file = () => join(world.clinic.folder, 'gateway-duties.sqlite')

beforeAll(async () => {
  world = await gatewayWorld()
  const made: Party[] = []
  for (const name of ['Ada', 'Bob', 'Cy']) {
    const party = await world.patient(name)
    await files(party, { 'letter.txt': `A letter of ${name}.` })
    made.push(party)
  }
  ;[ada, bob, cy] = made as [Party, Party, Party]
  const id = async (p: Party) => (await consents(world, p, ['read'])).id
  ids = { ada: await id(ada), bob: await id(bob), cy: await id(cy) }
  const joy = world.asking({ 'x-keepwell-person': 'Joy Nurse (joy)' })
  const grace = world.asking({ 'x-keepwell-person': 'Grace Hopper (grace)' })
  expect((await joy('GET', `DocumentReference?patient=${ids.ada}`)).status).toBe(200)
  expect((await joy('GET', `DocumentReference?patient=${ids.bob}`)).status).toBe(200)
  expect((await grace('GET', `DocumentReference?patient=${ids.bob}`)).status).toBe(200)
  expect((await joy('GET', `Observation?patient=${ids.cy}`, undefined, { 'x-keepwell-purpose': 'HRESCH' })).status).toBe(403)
})
afterAll(() => world.close())

describe('who is affected', () => {
  test('is whoever was opened by them, with the receipt that proves it; refusals are not openings', async () => {
    const { affected, unsure, unproven } = await ask({ persons: ['joy'] })
    expect([affected.map(a => a.patient).sort(), unsure, unproven]).toEqual([[ids.ada, ids.bob].sort(), [], []])
    expect(affected.find(a => a.patient === ids.ada)).toMatchObject({ did: didOf(ada), persons: ['Joy Nurse (joy)'], records: 1 })
    expect((await ask({ persons: ['grace'] })).affected.map(a => a.did)).toEqual([didOf(bob)])
    expect((await ask({ persons: ['nobody'] })).affected).toEqual([])
  })

  test('is still known after the consent ended', async () => {
    const [g] = ada.session.state.ring.given
    await revoke(ada, g!.commitment)
    await until(() => world.gateway.patient(ids.ada) === null)
    expect((await ask({ persons: ['joy'] })).affected.find(a => a.patient === ids.ada)?.did).toBe(didOf(ada))
  })
})

describe('the register of breaches', () => {
  test('has the clock of 72 hours, outlives a restart, stands in the trail, and its drafts say what is known and mark what is not', async () => {
    const now = world.clinic.clock()
    const id = await within(async ({ breaches, trail }) => {
      const made = await breaches.open({ title: 'A lost login was used at night', aware: now - 80 * HOUR })
      expect([made.due.authority - made.aware, made.due.people - made.aware]).toEqual([72 * HOUR, 60 * 24 * HOUR])
      const question = asking({ persons: ['joy'] })
      await breaches.step(made.id, { step: 'affected', question, answer: await affectedBy(trail, world.gateway.ids, question) })
      await breaches.step(made.id, { step: 'sent', notice: 'authority', sent: now })
      return made.id
    })
    await world.restart()
    const [b] = await within(({ breaches }) => breaches.list())
    expect(b).toMatchObject({ id, title: 'A lost login was used at night', sent: { authority: now }, closed: null })
    expect(b!.found!.answer.affected).toHaveLength(2)
    const text = (notice: 'authority' | 'people' | 'ftc' | 'media', residents = {}) =>
      draft(notice, { breach: b as Breach, settings: null, residents, now }).join('\n')
    expect(text('authority')).toMatch(/People: 2 people/)
    expect(text('authority')).toContain('Why it comes after 72 hours')
    for (const notice of ['authority', 'people', 'ftc', 'media'] as const) expect(text(notice)).toContain(FILL)
    // Of the people concerned nobody is named to others.
    for (const notice of ['authority', 'ftc', 'media'] as const)
      for (const name of ['Ada', 'Bob', didOf(ada), ids.bob]) expect(text(notice)).not.toContain(name)
    expect(text('ftc')).toContain('fewer than 500')
    expect(text('media', { CA: 500, NY: 499 })).toContain('Owed in: CA (500)\n')
    expect(text('media', { NY: 499 })).toContain('Owed in no state')
    const events = (await world.ask('GET', 'AuditEvent?agent-name=Immanuel')).body
    expect(events.entry.map((e: Json) => e.resource.action).sort()).toEqual(['R', 'U', 'U'])
    const { body } = await world.ask('GET', `AuditEvent?patient=${ids.bob}`)
    expect(JSON.stringify(body)).not.toContain('breach')
  })

  test('is not for another role, nor for a suspended or unproven person', async () => {
    for (const role of ['nurse', 'physician', 'billing', 'system'])
      await expect(duties({ person: 'Joy', role })).rejects.toMatchObject({ code: 'DENIED' })
    const { clinic } = world
    const tokens = openTokens({ file: smartFile(clinic.folder), key: smartKey(clinic), random: clinic.random, clock: clinic.clock })
    const store = { tokens, random: clinic.random, clock: clinic.clock, cost: { memoryKiB: 8192, passes: 1, lanes: 1 } }
    try {
      const secret = new Secret({ size: 20 })
      const { staff } = await addStaff(store, { login: 'mkant', name: 'Immanuel Kant', role: 'auditor' })
      const passphrase = await newPassphrase('correct horse battery', store)
      await changeStaff(store, staff.id, s => ({ ...s, passphrase, totp: { secret: secret.base32, last: 0 } }))
      const code = () => new TOTP({ secret }).generate({ timestamp: clinic.clock() * 1000 })
      const as = (given: string) => keeperAt(store, { login: 'mkant', secrets: async () => ({ passphrase: given, code: code() }) })
      await expect(as('wrong horse battery')).rejects.toMatchObject({ code: 'DENIED' })
      expect(await as('correct horse battery')).toEqual(KEEPER)
      // Not asked again for a while; and out at once when suspended.
      expect(await as('')).toEqual(KEEPER)
      await suspendStaff(store, 'mkant', true)
      await expect(as('correct horse battery')).rejects.toMatchObject({ code: 'DENIED' })
    } finally {
      await tokens.close()
    }
  })

  test('what two write at once stands both, and the trail of the running gateway counts on', async () => {
    const [a, b] = [await duties(), await duties()]
    try {
      await Promise.all([a, b].flatMap((d, i) => [1, 2, 3].map(n => d.breaches.open({ title: `Incident ${i} ${n}`, aware: 0 }))))
    } finally {
      await a.close()
      await b.close()
    }
    expect((await within(d => d.breaches.list())).length).toBe(7)
    expect((await world.ask('GET', `DocumentReference?patient=${ids.bob}`, undefined, { 'x-keepwell-person': 'Third' })).status).toBe(200)
    const names = async () =>
      (await world.ask('GET', 'AuditEvent?_count=200')).body.entry.map((e: Json) => e.resource.agent[1].name) as string[]
    await until(async () => (await names()).includes('Third'))
    expect((await names()).filter(n => n.startsWith('Immanuel'))).toHaveLength(9)
  })

  test('a legal hold stands beside it: the gateway knows of whom nothing may go, until it is lifted, and trusts no altered register', async () => {
    const known = () => within(({ trail }) => heldAt(world.clinic, world.clinic.folder, trail))
    const place = { patient: ids.bob, did: didOf(bob), reason: 'A court asks for it.', law: 'FRCP 37(e)', until: null }
    const made = await within(({ holds }) => holds.place(place))
    await world.restart()
    expect([...(await known())]).toEqual([ids.bob])
    const db = new DatabaseSync(file())
    const rows = db.prepare("select id, sealed from things where kind = 'hold register'").all() as { id: Uint8Array; sealed: Uint8Array }[]
    db.prepare("delete from things where kind = 'hold register'").run()
    await expect(known()).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
    for (const { id, sealed } of rows) db.prepare("insert into things (kind, id, sealed) values ('hold register', ?, ?)").run(id, sealed)
    db.close()
    await within(({ holds }) => holds.lift(made.id))
    expect([...(await known())]).toEqual([])
  })

  test('an altered line, one that is missing, and one taken off the end are found', async () => {
    const alter = (sql: string, ...values: (Uint8Array | string)[]) => {
      const db = new DatabaseSync(file())
      try {
        return db.prepare(sql).run(...values).changes
      } finally {
        db.close()
      }
    }
    const rows = () => {
      const db = new DatabaseSync(file())
      try {
        return db.prepare("select id, sealed from things where kind = 'breach register'").all() as { id: Uint8Array; sealed: Uint8Array }[]
      } finally {
        db.close()
      }
    }
    const state = () =>
      within(d => d.breaches.list()).then(
        all => `${all.length} incidents`,
        e => (e as { code: string }).code,
      )
    expect(await state()).toBe('7 incidents')
    const all = rows()
    // Each line in turn, the last among them.
    for (const { id, sealed } of all) {
      alter("delete from things where kind = 'breach register' and id = ?", id)
      expect(await state()).toBe('STORAGE_CORRUPT')
      const other = all.find(r => r.id !== id)!
      alter("insert into things (kind, id, sealed) values ('breach register', ?, ?)", id, other.sealed)
      expect(await state()).toBe('STORAGE_CORRUPT')
      alter("update things set sealed = ? where kind = 'breach register' and id = ?", sealed, id)
    }
    expect(await state()).toBe('7 incidents')
    expect(rows().some(r => Buffer.from(r.sealed).includes('Incident'))).toBe(false)
  })
})
