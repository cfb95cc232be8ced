import { openAuthorizer } from '@keepwell/adapters/web/authorizer'
import { openWeb } from '@keepwell/adapters/web/fetch'
import { smartBeside } from '@keepwell/daemon/bin/gateway-smart'
import { newRegistrationCode } from '@keepwell/daemon/gateway/smart/apps'
import type { Smart } from '@keepwell/daemon/gateway/smart/smart'
import { type At, agreed, withPasskey } from '@keepwell/daemon/gateway/smart/smart.kit'
import { openOneRedirect } from '@keepwell/daemon/http/one-redirect'
import { revoke } from '@keepwell/sdk/actions/access/revoke'
import { type Connection, connections } from '@keepwell/sdk/actions/connect/connections'
import { beginLogin, findHospital, finishLogin } from '@keepwell/sdk/actions/connect/log-in'
import { pull } from '@keepwell/sdk/actions/connect/pull'
import { listEntries } from '@keepwell/sdk/actions/records/list-entries'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { consents, files, type GatewayWorld, gatewayWorld } from '#e2e/gateway.kit'
import type { Party } from '#e2e/parties'

// A hospital that is a real authorization server and a real FHIR server: our own gateway. Someone with a home of their own pulls from it.

const FAR = 'https://other.example/fhir'
const observation = (id: string, value: number) => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'laboratory' }] }],
  code: { coding: [{ system: 'http://loinc.org', code: '2345-7', display: 'Glucose' }] },
  subject: { reference: 'Patient/7' },
  valueQuantity: { value, unit: 'mg/dL', system: 'http://unitsofmeasure.org', code: 'mg/dL' },
})
const condition = {
  resourceType: 'Condition',
  id: 'c1',
  clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' }] },
  code: { coding: [{ system: 'http://snomed.info/sct', code: '38341003', display: 'Hypertension' }] },
  subject: { reference: 'Patient/7' },
}
const entry = (resource: { readonly resourceType: string; readonly id: string }) => ({
  fullUrl: `${FAR}/${resource.resourceType}/${resource.id}`,
  resource,
})
const RECORD = {
  resourceType: 'Bundle',
  type: 'collection',
  entry: [
    entry({ resourceType: 'Patient', id: '7', name: [{ family: 'Example', given: ['Ada'] }] } as never),
    entry(condition),
    ...Array.from({ length: 30 }, (_, i) => entry(observation(`o${i}`, 90 + i))),
  ],
}

let world: GatewayWorld
let at: At
let smart: Smart
let ada: Party
let home: Party
let id: string
let given: Record<string, Uint8Array>
beforeAll(async () => {
  world = await gatewayWorld({
    async parts(gateway, clinic) {
      smart = await smartBeside(gateway, { ctx: clinic, dir: clinic.folder })
      return { parts: [smart.part], authenticate: smart.authenticate }
    },
  })
  at = { url: world.running.url, fhir: world.base, smart }
  ada = await world.patient('Ada')
  home = await world.network.party('Ada at home', 'home')
  await files(ada, { 'record.json': RECORD, 'letter.txt': 'A letter that the clinic keeps.' })
  const consent = await consents(world, ada)
  id = consent.id
  given = consent.commitments
})
afterAll(() => world?.close())

const powers = () => {
  const web = openWeb()
  return { ...home, web, authorizer: openAuthorizer(web), pause: async () => {} }
}
const pulled = async () => pull(powers(), (await connections(home))[0]!)

/** The app registers itself with the clinic's code; the login ends at a page of this machine. */
async function connected(without: string): Promise<Connection> {
  const person = await withPasskey(at)
  const redirect = await openOneRedirect()
  try {
    const code = await newRegistrationCode(smart.context)
    const begun = await beginLogin(powers(), { hospital: await findHospital(powers(), world.base), redirect: redirect.url, code })
    const arrival = redirect.arrival(begun.state, AbortSignal.timeout(240_000))
    const { url } = await agreed(at, begun.url, { person, patient: id, pick: offered => offered.filter(s => !s.includes(without)) })
    expect((await fetch(url)).status).toBe(200)
    return await finishLogin(powers(), begun, { returned: await arrival, label: 'Clinic' })
  } finally {
    redirect.close()
  }
}

test('a record comes from a hospital by a login; later only the difference; what was not allowed is said; a consent that ended ends it', async () => {
  const connection = await connected('Condition')
  expect(connection).toMatchObject({ base: world.base, patient: id, label: 'Clinic' })
  const first = await pulled()
  expect(first.stopped).toBe(null)
  expect(first.filed).toMatchObject({
    Patient: { fresh: 1 },
    Observation: { fresh: 30 },
    DocumentReference: { fresh: 1 },
    document: { fresh: 1 },
  })
  expect(first.missing.filter(m => m.type === 'Condition')).toEqual([{ type: 'Condition', reason: 'not-permitted' }])
  const entries = await listEntries(home)
  expect(entries.filter(e => e.card.source?.startsWith(`${world.base}/Observation/`))).toHaveLength(30)

  expect((await pulled()).filed).toEqual({})
  const { body } = await world.ask('GET', `Observation?patient=${id}&_count=1`)
  const before = body.entry[0].resource
  const put = await world.ask('PUT', `Observation/${before.id}`, { ...before, valueQuantity: { ...before.valueQuantity, value: 41 } })
  expect(put.status).toBe(200)
  // Beside it who made the change: as the clinic says, and by whose signature it came.
  expect((await pulled()).filed).toEqual({ Observation: { fresh: 0, changed: 1 }, Provenance: { fresh: 2, changed: 0 } })

  const gone = new Promise<void>(resolve => world.gateway.onEnded(patient => patient === id && resolve()))
  for (const commitment of Object.values(given)) await revoke(ada, commitment)
  await gone
  expect((await pulled()).stopped).toBe('login-ended')
  expect((await listEntries(home)).length).toBe(entries.length + 3)
})
