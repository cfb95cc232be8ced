import { MedplumClient } from '@medplum/core'
import { Client } from 'fhir-kit-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { consents, files, type GatewayWorld, gatewayWorld, type Json, NURSE } from '#e2e/gateway.kit'

let world: GatewayWorld
let id: string

beforeAll(async () => {
  world = await gatewayWorld()
  const ada = await world.patient('Ada')
  await files(ada, {
    'x.json': {
      resourceType: 'Bundle',
      type: 'collection',
      entry: [{ resource: { resourceType: 'Patient', id: '1', name: [{ family: 'Example', given: ['Ada'] }] } }],
    },
  })
  ;({ id } = await consents(world, ada))
})
afterAll(() => world.close())

const observation = (value: number): Json => ({
  resourceType: 'Observation',
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] },
  subject: { reference: `Patient/${id}` },
  effectiveDateTime: '2026-03-01T10:00:00Z',
  valueQuantity: { value, unit: '/min', system: 'http://unitsofmeasure.org', code: '/min' },
})

describe('fhir-kit-client', () => {
  const client = (): Json => new Client({ baseUrl: world.base, customHeaders: { authorization: `Bearer ${world.key}`, ...NURSE } })

  test('reads the statement, creates, reads, versions, searches with pages, patches, and runs a batch and an operation', async () => {
    const c = client()
    expect((await c.capabilityStatement()).fhirVersion).toBe('4.0.1')
    const made = []
    for (const v of [60, 61, 62]) made.push(await c.create({ resourceType: 'Observation', body: observation(v) }))
    const first = await c.read({ resourceType: 'Observation', id: made[0].id })
    expect(first.valueQuantity.value).toBe(60)
    expect(await c.vread({ resourceType: 'Observation', id: first.id, version: first.meta.versionId })).toEqual(first)
    const updated = await c.update({ resourceType: 'Observation', id: first.id, body: { ...first, status: 'amended' } })
    expect(updated.status).toBe('amended')
    const patched = await c.patch({
      resourceType: 'Observation',
      id: first.id,
      jsonPatch: [{ op: 'replace', path: '/status', value: 'corrected' }],
    })
    expect(patched.status).toBe('corrected')
    expect((await c.history({ resourceType: 'Observation', id: first.id })).total).toBe(3)
    const page = await c.search({ resourceType: 'Observation', searchParams: { patient: id, code: '8867-4', _count: 2, _sort: '_id' } })
    const next = await c.nextPage({ bundle: page })
    expect([page.total, page.entry.length, next.entry.length]).toEqual([3, 2, 1])
    expect((await c.search({ resourceType: 'Observation', searchParams: { patient: id }, options: { postSearch: true } })).total).toBe(3)
    const batch = await c.batch({
      body: { resourceType: 'Bundle', type: 'batch', entry: [{ request: { method: 'GET', url: `Patient/${id}` } }] },
    })
    expect(batch.entry[0].resource.id).toBe(id)
    const everything = await c.operation({ name: '$everything', resourceType: 'Patient', id, method: 'get' })
    expect(everything.entry.length).toBeGreaterThan(3)
    await expect(c.read({ resourceType: 'Observation', id: 'none' })).rejects.toMatchObject({
      response: { status: 404, data: { resourceType: 'OperationOutcome' } },
    })
  })
})

describe('@medplum/core’s client', () => {
  test('creates once, reads, updates, searches, patches, and validates', async () => {
    const medplum = new MedplumClient({
      baseUrl: `${world.running.url}/`,
      fhirUrlPath: 'fhir',
      fetch,
      accessToken: world.key,
      defaultHeaders: NURSE,
    } as never)
    const body = { ...observation(70), identifier: [{ system: 'urn:m', value: '1' }] }
    const made = await medplum.createResourceIfNoneExist(body, 'identifier=urn:m|1')
    expect((await medplum.createResourceIfNoneExist(body, 'identifier=urn:m|1')).id).toBe(made.id)
    expect((await medplum.readResource('Observation', made.id)).valueQuantity?.value).toBe(70)
    const updated = await medplum.updateResource({ ...made, status: 'amended' })
    expect(updated.status).toBe('amended')
    expect((await medplum.patchResource('Observation', made.id, [{ op: 'replace', path: '/status', value: 'corrected' }])).status).toBe(
      'corrected',
    )
    expect(await medplum.searchOne('Observation', `patient=${id}&identifier=urn:m|1`)).toMatchObject({ id: made.id })
    expect((await medplum.readHistory('Observation', made.id)).entry).toHaveLength(3)
    expect((await medplum.validateResource(observation(1))).issue?.[0]?.severity).toBe('information')
    await expect(medplum.createResource({ ...body, status: 'bogus' } as never)).rejects.toMatchObject({
      outcome: { issue: [{ expression: ['Observation.status'] }] },
    })
  })
})
