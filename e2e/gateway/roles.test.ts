import { writeFile } from 'node:fs/promises'
import { roleFile } from '@keepwell/daemon/bin/gateway-rules'
import { smartBeside } from '@keepwell/daemon/bin/gateway-smart'
import { writeRoleRules } from '@keepwell/daemon/gateway/core/role-rules'
import type { Actor } from '@keepwell/daemon/gateway/core/types'
import type { Smart } from '@keepwell/daemon/gateway/smart/smart'
import { grant } from '@keepwell/sdk/actions/access/grant'
import { verifyTrail } from '@keepwell/sdk/actions/access/verify-trail'
import { compartmentNamed } from '@keepwell/sdk/actions/records/secrets'
import { toHex } from '@keepwell/sdk/base/bytes'
import { KeepwellError } from '@keepwell/sdk/base/error'
import { type RoleName, roleOf } from '@keepwell/sdk/consent/roles'
import { parseScopes } from '@keepwell/sdk/health/smart/scope'
import { sampleDicom } from '@keepwell/sdk/sample/dicom'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { consents, files, type GatewayWorld, gatewayWorld, type Json, lateAnswers, until } from '#e2e/gateway.kit'
import type { Party } from '#e2e/parties'
import { DAY, didOf } from '#e2e/story'

let world: GatewayWorld
let smart: Smart
let ada: Party
let id: string
let carl: string

const late = lateAnswers()

/** A person as the SMART server makes an actor of them: role, purpose and parts from the table. A program that exports has system scopes. */
function actorOf(role: string): Actor {
  if (role.startsWith('export-')) return { ...actorOf(role.slice(7)), scopes: parseScopes('system/*.rs') }
  if (!['physician', 'reception', 'researcher', 'billing'].includes(role)) throw new KeepwellError('UNAUTHENTICATED', 'No such token.')
  const { compartments, purposes, scopes } = roleOf(role as RoleName)
  const parts = compartments === 'all' ? {} : { parts: compartments }
  // Scopes wider than a real token's: what is looked at here is what parts and purposes leave.
  return { person: `Somebody ${role}`, role, purpose: purposes[0], scopes: parseScopes(`${scopes} user/*.rs`), patient: null, ...parts }
}
const as = (role: string) => world.asking({ authorization: `Bearer ${role}` })
const subject = { reference: 'Patient/1' }
const MH = { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'MH' }] }

beforeAll(async () => {
  world = await gatewayWorld({
    ctx: late.ctx,
    async parts(gateway, clinic) {
      smart = await smartBeside(gateway, { ctx: clinic, dir: clinic.folder })
      return { parts: [], authenticate: async r => actorOf((r.headers.authorization ?? '').replace('Bearer ', '')) }
    },
  })
  ada = await world.patient('Ada')
  const filed = await files(ada, {
    'p.json': { resourceType: 'Patient', id: '1', name: [{ text: 'Ada Secretive' }] },
    'a.json': { resourceType: 'Condition', id: 'a', subject, code: { text: 'Asthma' } },
    'b.json': { resourceType: 'Condition', id: 'b', meta: MH, subject, code: { text: 'Depression' } },
    'e.json': {
      resourceType: 'Encounter',
      id: 'e',
      status: 'finished',
      class: { code: 'AMB' },
      subject,
      diagnosis: [{ condition: { reference: 'Condition/b' } }],
    },
    'i.dcm': sampleDicom('roles', { rows: 4, columns: 4 }),
  })
  expect(filed.map(f => f.compartment)).toEqual(['general', 'general', 'mental-health', 'general', 'imaging'])
  ;({ id } = await consents(world, ada, ['read', 'write'], ['TREAT', 'HOPERAT']))
  const other = await world.patient('Carl')
  const general = compartmentNamed(other.session.state.ring, 'general').id
  await grant(other, {
    to: didOf(world.clinic),
    level: 'read',
    purposes: ['HPAYMT'],
    compartments: [general],
    expiry: other.clock() + 90 * DAY,
  })
  await until(() => world.gateway.patients().length === 2)
  carl = world.gateway.patients().find(p => p.vaults[0]!.did === didOf(other))!.id
})
afterAll(async () => {
  await world.close()
  await smart.close()
})

/** Every way of the FHIR side to come at what lies in another part. */
const ways = (patient: string): readonly string[] => [
  `Condition?patient=${patient}`,
  `Condition?patient=${patient}&_summary=count`,
  `Condition?patient=${patient}&code:text=Depression&_total=accurate`,
  `Encounter?patient=${patient}&_include=Encounter:diagnosis`,
  `Encounter?patient=${patient}&diagnosis:Condition.code:text=Depression`,
  `Condition?patient=${patient}&_has:Encounter:diagnosis:status=finished`,
  `Patient?_id=${patient}&_has:Condition:patient:code:text=Depression`,
  `Patient?_id=${patient}&_revinclude=Condition:patient`,
  `Patient/${patient}/$everything`,
  `Condition/_history`,
  `ImagingStudy?patient=${patient}`,
  `DocumentReference?patient=${patient}`,
]
/** Among what was found: the query itself stands in the answer too. */
const depressed = (body: Json): boolean => JSON.stringify(body?.entry ?? []).includes('Depression')

describe('a role sees of a consent', () => {
  test('the parts that it has to do with, by search, count, include, chain, reverse chain, history and everything', async () => {
    for (const path of ways(id)) {
      const all = await as('physician')('GET', path)
      const { status, body } = await as('reception')('GET', path)
      if (!path.includes('_history')) expect([path, all.status, status]).toEqual([path, 200, 200])
      expect([path, depressed(body)]).toEqual([path, false])
    }
    const count = async (role: string, path: string) => (await as(role)('GET', path)).body.total
    expect([await count('physician', ways(id)[1]!), await count('reception', ways(id)[1]!)]).toEqual([2, 1])
    expect([await count('physician', ways(id)[2]!), await count('reception', ways(id)[2]!)]).toEqual([1, 0])
    expect([await count('physician', ways(id)[4]!), await count('reception', ways(id)[4]!)]).toEqual([1, 0])
    expect([await count('physician', ways(id)[10]!), await count('reception', ways(id)[10]!)]).toEqual([1, 0])
    expect(depressed((await as('physician')('GET', ways(id)[3]!)).body)).toBe(true)
  })

  test('no more by its name: a resource, a version, an image or a bundle of another part is not there', async () => {
    const [found] = (await as('physician')('GET', `Condition?patient=${id}&code:text=Depression`)).body.entry
    const { id: hidden, meta } = found.resource
    for (const path of [`Condition/${hidden}`, `Condition/${hidden}/_history/${meta.versionId}`, `Condition/${hidden}/_history`])
      expect([path, (await as('reception')('GET', path)).status]).toEqual([path, 404])
    const batch = { resourceType: 'Bundle', type: 'batch', entry: [{ request: { method: 'GET', url: `Condition/${hidden}` } }] }
    expect(depressed((await as('reception')('POST', '', batch)).body)).toBe(false)
    const studies = async (role: string) =>
      (await as(role)('GET', `${world.running.url}/dicomweb/studies?PatientID=${id}`, undefined, { accept: 'application/dicom+json' })).text
    expect(JSON.parse(await studies('physician'))).toHaveLength(1)
    expect(JSON.parse((await studies('reception')) || '[]')).toEqual([])
  })

  test('and the relay is asked for no other: the patient’s receipts name person, role and those parts alone', async () => {
    const { looked } = await verifyTrail(ada)
    const general = toHex(compartmentNamed(ada.session.state.ring, 'general').id)
    const theirs = looked.filter(l => l.receipt.role === 'reception')
    expect(theirs.length).toBeGreaterThan(0)
    const listed = theirs.filter(l => l.receipt.action === 'list').map(l => l.receipt.compartments.map(toHex))
    expect([...new Set(listed.map(String))]).toEqual([general])
    expect(new Set(theirs.map(l => l.receipt.person))).toEqual(new Set(['Somebody reception']))
    const imaging = looked.filter(l => l.receipt.role === 'physician' && l.receipt.action === 'list')
    expect(imaging[0]!.receipt.compartments.length).toBeGreaterThan(1)
  })
})

describe('a role sees of patients', () => {
  test('those who gave something that it has to do with, and no name of another', async () => {
    const names = async (role: string) => ((await as(role)('GET', 'Patient')).body.entry ?? []).map((e: Json) => e.resource.id).sort()
    expect([await names('physician'), await names('reception'), await names('billing'), await names('researcher')]).toEqual([
      [id],
      [id],
      [carl],
      [],
    ])
    for (const [role, patient] of [
      ['physician', carl],
      ['researcher', id],
      ['billing', id],
    ] as const)
      expect([role, (await as(role)('GET', `Patient/${patient}`)).status]).toEqual([role, 403])
  })

  test('on the page where apps are opened as well', async () => {
    const listed = async (role: RoleName) => (await smart.context.directory.patients(role)).map(p => p.id)
    expect(await Promise.all((['nurse', 'reception', 'billing', 'researcher', 'laboratory'] as const).map(listed))).toEqual([
      [id],
      [id],
      [carl],
      [],
      [id],
    ])
  })
})

const say = (rules: Parameters<typeof writeRoleRules>[0]) => writeFile(roleFile(world.clinic.folder), writeRoleRules(rules))

describe('an export', () => {
  const kick = (role: string) => as(role)('GET', 'Patient/$export?_type=Condition', undefined, { prefer: 'respond-async' })
  const started = async (role: string): Promise<string> => (await kick(role)).headers.get('content-location')!
  const ended = async (role: string, at: string) => {
    let answer = await as(role)('GET', at)
    await until(async () => {
      if (answer.status === 202) answer = await as(role)('GET', at)
      return answer.status !== 202
    })
    return answer
  }
  const given = async (role: string, at: string): Promise<string> => {
    const { status, body } = await ended(role, at)
    expect(status).toBe(200)
    return (await Promise.all(body.output.map(async (o: Json) => (await as(role)('GET', o.url)).text))).join('')
  }

  test('is refused to whoever logged in, whatever their role', async () => {
    for (const role of ['physician', 'reception', 'researcher', 'billing']) expect([role, (await kick(role)).status]).toEqual([role, 403])
  })

  test('holds the parts of its caller’s role and no other, and another role does not find it', async () => {
    const [all, some] = [await started('export-physician'), await started('export-reception')]
    expect((await given('export-physician', all)).includes('Depression')).toBe(true)
    const theirs = await given('export-reception', some)
    expect([theirs.includes('Asthma'), theirs.includes('Depression')]).toEqual([true, false])
    expect((await as('export-reception')('GET', all)).status).toBe(404)
  })

  test('that runs, and one that is done, end when a rule narrows a role: nothing of either is given', async () => {
    const done = await started('export-physician')
    const { body } = await ended('export-physician', done)
    const { waits, release } = late.hold()
    const running = await started('export-physician')
    await until(waits)
    await say({ physician: { purposes: null, parts: ['general'] } })
    await until(async () => (await as('export-physician')('GET', done)).status === 403)
    release()
    expect((await ended('export-physician', running)).status).toBe(403)
    expect((await as('export-physician')('GET', body.output[0].url)).status).not.toBe(200)
    const again = await given('export-physician', await started('export-physician'))
    expect([again.includes('Asthma'), again.includes('Depression')]).toEqual([true, false])
    await say({})
    await until(async () => depressed((await as('physician')('GET', `Condition?patient=${id}`)).body))
  })
})

describe('what an organisation says of a role', () => {
  const conditions = async () => (await world.ask('GET', `Condition?patient=${id}`)).body

  test('narrows it at the running gateway, whoever bears it, and open sessions with it; never widens it', async () => {
    expect(depressed(await conditions())).toBe(true)
    await say({ nurse: { purposes: null, parts: ['general'] }, reception: { purposes: null, parts: ['general', 'mental-health'] } })
    await until(async () => !depressed(await conditions()))
    expect((await conditions()).total).toBe(1)
    expect(depressed((await as('physician')('GET', `Condition?patient=${id}`)).body)).toBe(true)
    expect(depressed((await as('reception')('GET', `Condition?patient=${id}`)).body)).toBe(false)
    const wrong = { resourceType: 'Condition', meta: MH, subject: { reference: `Patient/${id}` }, code: { text: 'Panic' } }
    expect((await world.ask('POST', 'Condition', wrong)).status).toBe(403)
    expect((await world.ask('POST', 'Condition', { ...wrong, meta: {} })).status).toBe(201)
  })

  test('is what a purpose is for, and leaves out who gave nothing for it', async () => {
    await say({ nurse: { purposes: ['CAREMGT'], parts: null } })
    await until(async () => (await world.ask('GET', `Condition?patient=${id}`)).status === 403)
    expect((await world.ask('GET', 'Patient')).body.total).toBe(0)
  })

  test('does not fall away when its file is spoilt, and does when it is gone', async () => {
    await writeFile(roleFile(world.clinic.folder), '{"nurse":')
    await until(() => world.logged.some(l => 'task' in l && l.task === 'roles'))
    expect((await world.ask('GET', `Condition?patient=${id}`)).status).toBe(403)
    await say({})
    await until(async () => (await world.ask('GET', `Condition?patient=${id}`)).status === 200)
  })
})
