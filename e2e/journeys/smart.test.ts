import { smartBeside } from '@keepwell/daemon/bin/gateway-smart'
import type { Smart } from '@keepwell/daemon/gateway/smart/smart'
import {
  type At,
  browser,
  launched,
  newApp,
  type Person,
  passkeyOptions,
  tokenCall,
  withPasskey,
} from '@keepwell/daemon/gateway/smart/smart.kit'
import { NOTHING_SEEN, newReceipts } from '@keepwell/sdk/actions/access/new-receipts'
import { revoke } from '@keepwell/sdk/actions/access/revoke'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { consents, files, type GatewayWorld, gatewayWorld, type Json } from '#e2e/gateway.kit'
import type { Party } from '#e2e/parties'

const CATEGORY = 'http://terminology.hl7.org/CodeSystem/observation-category'
const observation = (id: string, category: string) => ({
  fullUrl: `https://other.example/fhir/Observation/${id}`,
  resource: {
    resourceType: 'Observation',
    id,
    status: 'final',
    category: [{ coding: [{ system: CATEGORY, code: category }] }],
    code: { coding: [{ system: 'http://loinc.org', code: '8302-2' }] },
    subject: { reference: 'Patient/7' },
    valueQuantity: { value: 170, unit: 'cm', system: 'http://unitsofmeasure.org', code: 'cm' },
  },
})
const HOSPITAL = {
  resourceType: 'Bundle',
  type: 'collection',
  entry: [
    {
      fullUrl: 'https://other.example/fhir/Patient/7',
      resource: { resourceType: 'Patient', id: '7', name: [{ family: 'Example', given: ['Ada'] }] },
    },
    {
      fullUrl: 'https://other.example/fhir/Condition/c1',
      resource: {
        resourceType: 'Condition',
        id: 'c1',
        clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' }] },
        code: { coding: [{ system: 'http://snomed.info/sct', code: '370143000', display: 'Major depressive disorder' }] },
        subject: { reference: 'Patient/7' },
      },
    },
    {
      fullUrl: 'https://other.example/fhir/Encounter/e1',
      resource: {
        resourceType: 'Encounter',
        id: 'e1',
        status: 'finished',
        class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
        subject: { reference: 'Patient/7' },
        period: { start: '2026-03-02T09:00:00Z', end: '2026-03-02T10:00:00Z' },
      },
    },
    observation('o1', 'vital-signs'),
    observation('o2', 'laboratory'),
  ],
}

let world: GatewayWorld
let at: At
let ada: Party
let id: string
let given: Record<string, Uint8Array>
let person: Person
let client: string
beforeAll(async () => {
  let smart: Smart | undefined
  world = await gatewayWorld({
    async parts(gateway, clinic) {
      smart = await smartBeside(gateway, { ctx: clinic, dir: clinic.folder })
      return { parts: [smart.part], authenticate: smart.authenticate }
    },
  })
  at = { url: world.running.url, fhir: world.base, smart: smart! }
  ada = await world.patient('Ada')
  await files(ada, { 'hospital.json': HOSPITAL })
  const consent = await consents(world, ada)
  id = consent.id
  given = consent.commitments
  person = await withPasskey(at)
  client = await newApp(at)
})
afterAll(() => world?.close())

const read = async (token: string, path: string): Promise<{ status: number; body: Json }> => {
  const response = await fetch(`${world.base}/${path}`, { headers: { authorization: `Bearer ${token}` } })
  return { status: response.status, body: await response.json() }
}

test('an app reads, for a person of the clinic, what patient, person and scopes allow, and the patient sees that person’s name', async () => {
  const lab = `patient/Observation.rs?category=${CATEGORY}|laboratory`
  const tokens = await launched(at, { client, person, patient: id, scope: `openid fhirUser launch/patient patient/Patient.r ${lab}` })
  expect(tokens.patient).toBe(id)
  expect(await read(tokens.access_token, `Patient/${id}`)).toMatchObject({ status: 200, body: { id } })
  const found = await read(tokens.access_token, 'Observation')
  expect(found.body.total).toBe(1)
  expect(found.body.entry[0].resource.category[0].coding[0].code).toBe('laboratory')
  expect((await read(tokens.access_token, 'Condition')).status).toBe(403)
  expect((await read(tokens.access_token, `Practitioner/staff-${person.staff.id}`)).body.name[0].text).toBe('Dr. Grace Hopper')
  const metadata = await fetch(`${world.base}/metadata`, { headers: { origin: 'https://anywhere.example' } })
  expect(metadata.headers.get('access-control-allow-origin')).toBe('*')
  expect(JSON.stringify(((await metadata.json()) as Json).rest[0].security)).toContain(`${at.url}/auth/token`)
  const { receipts } = await newReceipts(ada, NOTHING_SEEN)
  const seen = receipts.filter(r => r.purpose !== 'PATRQT')
  expect(seen.length).toBeGreaterThan(0)
  for (const r of seen) expect([r.person, r.role, r.purpose]).toEqual([`Dr. Grace Hopper (${person.staff.login})`, 'physician', 'TREAT'])
})

test('a role sees the parts of a record that are its own, whatever the patient granted and the app asked for', async () => {
  const seen = async (role: 'physician' | 'pharmacist') => {
    const someone = role === 'physician' ? person : await withPasskey(at, { login: 'curie', name: 'Marie Curie', role })
    const { access_token } = await launched(at, { client, person: someone, patient: id, scope: 'launch/patient patient/*.rs' })
    const conditions = await read(access_token, 'Condition')
    return {
      access_token,
      status: conditions.status,
      conditions: conditions.body.total,
      vitals: (await read(access_token, 'Observation')).body.total,
    }
  }
  const physician = await seen('physician')
  expect(physician).toMatchObject({ conditions: 1, vitals: 2 })
  const pharmacist = await seen('pharmacist')
  expect(pharmacist).toMatchObject({ status: 200, conditions: 0, vitals: 2 })
  const [depression] = (await read(physician.access_token, 'Condition')).body.entry
  expect((await read(pharmacist.access_token, `Condition/${depression.resource.id}`)).status).toBe(404)
})

test('a person picks patient and visit at the page of apps: the app is told both, and the patient sees who listed the visits', async () => {
  const grace = await withPasskey(at, { login: 'gracee', name: 'Grace Encounter' })
  const app = await newApp(at, { launch_url: 'https://app.example/launch' })
  const b = browser()
  const page = `${at.url}/auth/apps`
  const login = await b.follow(await b.send(page), at.url)
  const answer = JSON.stringify(grace.passkey.use(passkeyOptions(login.text)))
  await b.follow(await b.post(`${page}/passkey`, { answer }), at.url)
  const listed = await b.follow(await b.post(`${page}/visits`, { patient: id }), at.url)
  const encounter = /<option value="([^"]+)">ambulatory, 2026-03-02 – 2026-03-02</.exec(listed.text)?.[1] ?? ''
  const opened = await b.post(`${page}/start`, { app, patient: id, of: id, encounter })
  const launch = new URL(opened.headers.get('location')!).searchParams.get('launch')!
  const tokens = await launched(at, { client: app, person: grace, browser: b, launch, scope: 'launch patient/*.rs' })
  expect([tokens.patient, tokens.encounter]).toEqual([id, encounter])
  expect((await read(tokens.access_token, `Encounter/${encounter}`)).body.period.start).toBe('2026-03-02T09:00:00Z')
  const { receipts } = await newReceipts(ada, NOTHING_SEEN)
  expect(receipts.filter(r => r.person === 'Grace Encounter (gracee)').map(r => r.purpose)).toContain('TREAT')
})

test('an organisation’s system opens a launch with its API key, and nothing but systems can', async () => {
  const open = (key: string) =>
    fetch(`${at.url}/launch`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ patient: id }),
    })
  const { launch } = (await (await open(world.key)).json()) as { launch: string }
  const tokens = await launched(at, { client, person, launch, scope: 'launch patient/*.rs' })
  expect(tokens.patient).toBe(id)
  expect((await open(tokens.access_token)).status).toBe(401)
})

test('when the patient revokes, the next request of the app is a 401, and refreshing is over', async () => {
  const tokens = await launched(at, { client, person, patient: id, scope: 'patient/*.rs offline_access' })
  expect((await read(tokens.access_token, 'Observation')).status).toBe(200)
  const gone = new Promise<void>(resolve => world.gateway.onEnded(patient => patient === id && resolve()))
  for (const commitment of Object.values(given)) await revoke(ada, commitment)
  await gone
  expect((await read(tokens.access_token, 'Observation')).status).toBe(401)
  const refreshed = await tokenCall(at, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token!, client_id: client })
  expect(refreshed.status).toBe(400)
})
