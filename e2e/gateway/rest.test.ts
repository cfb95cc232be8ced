import { terminologyPart } from '@keepwell/daemon/gateway/terminology/part'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ask, consents, files, type GatewayWorld, gatewayWorld, type Json, NURSE, until } from '#e2e/gateway.kit'
import type { Party } from '#e2e/parties'

let world: GatewayWorld
let ada: Party
let id: string
let ask: Ask

const LOINC = 'http://loinc.org'
const observation = (value: number, more: Json = {}): Json => ({
  resourceType: 'Observation',
  status: 'final',
  code: { coding: [{ system: LOINC, code: '29463-7' }] },
  subject: { reference: `Patient/${id}` },
  effectiveDateTime: '2026-03-01',
  valueQuantity: { value, unit: 'kg', system: 'http://unitsofmeasure.org', code: 'kg' },
  ...more,
})
const practitioner = (npi: string, family = 'House'): Json => ({
  resourceType: 'Practitioner',
  identifier: [{ system: 'http://hl7.org/fhir/sid/us-npi', value: npi }],
  name: [{ family }],
})
const codeOf = (answer: { status: number; body: Json }) => [answer.status, answer.body?.issue?.[0]?.code]

beforeAll(async () => {
  world = await gatewayWorld({
    parts: async (gateway, clinic) => ({ parts: [await terminologyPart(gateway, { dir: clinic.folder, server: null })] }),
  })
  ada = await world.patient('Ada')
  await files(ada, { 'x.json': { resourceType: 'Condition', id: 'c1', subject: { reference: 'Patient/1' }, code: { text: 'Asthma' } } })
  ;({ id } = await consents(world, ada))
  ask = world.asking({ ...NURSE, 'x-keepwell-patient': id })
})
afterAll(() => world.close())

describe('reading', () => {
  test('what is unchanged is not sent again', async () => {
    const made = await ask('POST', 'Observation', observation(1))
    const path = `Observation/${made.body.id}`
    const first = await ask('GET', path)
    expect((await ask('GET', path, undefined, { 'if-none-match': first.headers.get('etag')! })).status).toBe(304)
    expect((await ask('GET', path, undefined, { 'if-none-match': 'W/"other"' })).status).toBe(200)
    expect((await ask('GET', path, undefined, { 'if-modified-since': first.headers.get('last-modified')! })).status).toBe(304)
    expect((await ask('GET', path, undefined, { 'if-modified-since': 'Thu, 01 Jan 1970 00:00:00 GMT' })).status).toBe(200)
    expect((await ask('HEAD', path)).headers.get('etag')).toBe(first.headers.get('etag'))
    expect((await ask('GET', `${path}/_history/${made.body.meta.versionId}`)).body).toEqual(first.body)
    expect((await ask('GET', `${path}?_elements=status`)).body.valueQuantity).toBeUndefined()
  })

  test('XML is taken and given, by Accept and by _format', async () => {
    const xml = `<Observation xmlns="http://hl7.org/fhir"><status value="final"/><code><text value="&lt;x&gt;"/></code><subject><reference value="Patient/${id}"/></subject><valueString value="a"/></Observation>`
    const made = await ask('POST', 'Observation', xml, { 'content-type': 'application/fhir+xml', accept: 'application/fhir+xml' })
    expect([made.status, made.headers.get('content-type')]).toEqual([201, 'application/fhir+xml; charset=utf-8'])
    const oid = /<id value="([^"]+)"/.exec(made.text)![1]!
    expect((await ask('GET', `Observation/${oid}`)).body.code.text).toBe('<x>')
    expect((await ask('GET', `Observation/${oid}?_format=xml`)).text).toContain('<text value="&lt;x&gt;"/>')
    expect((await ask('GET', `Observation/${oid}?_format=application/fhir%2Bjson&_pretty=true`)).text).toContain('\n  "')
    expect(codeOf(await ask('GET', `Observation/${oid}`, undefined, { accept: 'application/pdf' }))).toEqual([406, 'not-supported'])
    const entity = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><Observation xmlns="http://hl7.org/fhir"/>'
    expect(codeOf(await ask('POST', 'Observation', entity, { 'content-type': 'application/fhir+xml' }))).toEqual([400, 'invalid'])
  })

  test('what one session was shown is not missing in another: a letter that a colleague sees opens for whoever follows its address', async () => {
    await ask('GET', 'DocumentReference')
    await files(ada, { 'new.txt': 'A letter that came just now.' })
    const colleague = world.asking({ ...NURSE, 'x-keepwell-person': 'Nurse Jackie', 'x-keepwell-patient': id })
    const found = await colleague('GET', 'DocumentReference?description=new')
    const { url } = found.body.entry[0].resource.content[0].attachment
    const opened = await ask('GET', url, undefined, { accept: 'text/plain' })
    expect([opened.status, opened.text]).toEqual([200, 'A letter that came just now.'])
  })

  test('what is not there, or not of R4, is told as an OperationOutcome', async () => {
    expect(codeOf(await ask('GET', 'Observation/none'))).toEqual([404, 'not-found'])
    expect(codeOf(await ask('GET', 'Nothing/1'))).toEqual([404, 'not-supported'])
    expect(codeOf(await ask('GET', 'Observation/1/2/3/4'))).toEqual([404, 'not-found'])
    expect(codeOf(await ask('PUT', `Patient/${id}/$everything`, {}))).toEqual([405, 'not-supported'])
    expect(codeOf(await ask('POST', 'Observation', '{"resourceType":', {}))).toEqual([400, 'structure'])
    expect(codeOf(await ask('POST', 'Observation', `{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`))).toEqual([400, 'invalid'])
    expect(codeOf(await ask('POST', 'Observation', 'x', { 'content-type': 'text/plain' }))).toEqual([415, 'not-supported'])
    expect(codeOf(await ask('GET', 'Observation?nonsense=1', undefined, { prefer: 'handling=strict' }))[0]).toBe(400)
  })
})

describe('conditions', () => {
  test('If-None-Exist creates once', async () => {
    const once = { 'if-none-exist': 'identifier=urn:test|one' }
    const body = observation(2, { identifier: [{ system: 'urn:test', value: 'one' }] })
    const first = await ask('POST', 'Observation', body, once)
    const second = await ask('POST', 'Observation', body, once)
    expect([first.status, second.status, second.body.id]).toEqual([201, 200, first.body.id])
    await ask('POST', 'Observation', body)
    expect(codeOf(await ask('POST', 'Observation', body, once))).toEqual([412, 'multiple-matches'])
  })

  test('the same create from two at once is written once', async () => {
    const body = observation(2, { identifier: [{ system: 'urn:test', value: 'race' }] })
    const both = await Promise.all([1, 2].map(() => ask('POST', 'Observation', body, { 'if-none-exist': 'identifier=urn:test|race' })))
    expect(both.map(b => b.status).sort()).toEqual([200, 201])
  })

  test('of two who change one version, one is refused', async () => {
    const made = await ask('POST', 'Observation', observation(3))
    const match = { 'if-match': `W/"${made.body.meta.versionId}"` }
    const both = await Promise.all(
      [4, 5].map(v =>
        ask('PUT', `Observation/${made.body.id}`, { ...made.body, valueQuantity: { ...made.body.valueQuantity, value: v } }, match),
      ),
    )
    expect(both.map(b => b.status).sort()).toEqual([200, 412])
  })

  test('a conditional update changes the one, makes the first, and refuses several', async () => {
    const body = (v: number) => observation(v, { identifier: [{ system: 'urn:test', value: 'cu' }] })
    const first = await ask('PUT', 'Observation?identifier=urn:test|cu', body(1))
    const second = await ask('PUT', 'Observation?identifier=urn:test|cu', body(2))
    expect([first.status, second.status, second.body.id]).toEqual([201, 200, first.body.id])
    expect(codeOf(await ask('PUT', 'Observation?code=29463-7', body(3)))).toEqual([412, 'multiple-matches'])
  })

  test('an id that a client chooses is taken; one of the server’s form is not', async () => {
    const chosen = await ask('PUT', 'Observation/mine-1', observation(6, { id: 'mine-1' }))
    expect([chosen.status, (await ask('GET', 'Observation/mine-1')).status]).toEqual([201, 200])
    const made = `${id}.${'0'.repeat(32)}`
    expect(codeOf(await ask('PUT', `Observation/${made}`, observation(6, { id: made })))).toEqual([405, 'not-supported'])
    expect(codeOf(await ask('PUT', 'Observation/other', observation(6, { id: 'mine-1' })))).toEqual([400, 'invalid'])
  })
})

describe('changing', () => {
  test('JSON Patch makes a new version, and leaves the resource when a test in it fails', async () => {
    const made = await ask('POST', 'Observation', observation(7))
    const patch = (ops: Json) => ask('PATCH', `Observation/${made.body.id}`, ops, { 'content-type': 'application/json-patch+json' })
    const done = await patch([
      { op: 'test', path: '/status', value: 'final' },
      { op: 'replace', path: '/status', value: 'amended' },
      { op: 'add', path: '/note', value: [{ text: 'x' }] },
    ])
    expect([done.status, done.body.status, done.body.note]).toEqual([200, 'amended', [{ text: 'x' }]])
    expect(codeOf(await patch([{ op: 'test', path: '/status', value: 'final' }]))).toEqual([422, 'invalid'])
    expect(codeOf(await patch([{ op: 'replace', path: '/status', value: 'bogus' }]))[0]).toBe(422)
    expect((await ask('GET', `Observation/${made.body.id}`)).body.status).toBe('amended')
  })

  test('FHIRPath Patch does the same by path, alone, in a transaction and in a batch', async () => {
    const made = await ask('POST', 'Observation', observation(7, { note: [{ text: 'x' }] }))
    const address = `Observation/${made.body.id}`
    const operation = (...parts: Json[]): Json => ({
      resourceType: 'Parameters',
      parameter: [{ name: 'operation', part: parts.map(([name, value]) => ({ name, ...value })) }],
    })
    const replace = (status: string): Json =>
      operation(['type', { valueCode: 'replace' }], ['path', { valueString: 'Observation.status' }], ['value', { valueCode: status }])
    expect((await ask('PATCH', address, replace('amended'))).body).toMatchObject({ status: 'amended', note: [{ text: 'x' }] })
    const xml = `<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="operation"/><part><name value="type"/><valueCode value="delete"/></part>
      <part><name value="path"/><valueString value="Observation.note.where(text = 'x')"/></part></parameter></Parameters>`
    const gone = await ask('PATCH', address, xml, { 'content-type': 'application/fhir+xml' })
    expect([gone.status, gone.body.note]).toEqual([200, undefined])
    for (const [type, status] of [
      ['transaction', 'final'],
      ['batch', 'corrected'],
    ] as const) {
      const entry = [{ request: { method: 'PATCH', url: address }, resource: replace(status) }]
      const done = await ask('POST', '', { resourceType: 'Bundle', type, entry })
      expect([type, done.body.entry?.[0].response.status]).toEqual([type, expect.stringContaining('200')])
      expect((await ask('GET', address)).body.status).toBe(status)
    }
    expect(codeOf(await ask('PATCH', address, replace('bogus')))[0]).toBe(422)
    const nowhere = await ask(
      'PATCH',
      address,
      operation(['type', { valueCode: 'replace' }], ['path', { valueString: 'Observation.method' }]),
    )
    expect([nowhere.status, nowhere.body.issue[0].expression]).toEqual([422, ['Parameters.parameter[0]']])
    expect(codeOf(await ask('PATCH', address, made.body))).toEqual([400, 'structure'])
  })

  test('DELETE asks the patient for what this organisation wrote, and for nothing else', async () => {
    const made = await ask('POST', 'Observation', observation(8))
    expect((await ask('DELETE', `Observation/${made.body.id}`)).status).toBe(202)
    expect((await ask('GET', `Observation/${made.body.id}`)).status).toBe(200)
    const theirs = (await ask('GET', 'Condition')).body.entry[0].resource
    expect(codeOf(await ask('DELETE', `Condition/${theirs.id}`))).toEqual([403, 'forbidden'])
    expect((await ask('DELETE', 'Observation?identifier=urn:none|1')).status).toBe(204)
  })

  test('Prefer chooses what comes back', async () => {
    const minimal = await ask('POST', 'Observation', observation(9), { prefer: 'return=minimal' })
    expect([minimal.status, minimal.text, Boolean(minimal.headers.get('location'))]).toEqual([201, '', true])
    expect((await ask('POST', 'Observation', observation(9), { prefer: 'return=OperationOutcome' })).body.resourceType).toBe(
      'OperationOutcome',
    )
  })

  test('what is written names its writer in a Provenance', async () => {
    const made = await ask('POST', 'Observation', observation(10))
    const found = await ask('GET', `Provenance?target=Observation/${made.body.id}`)
    expect(found.body.entry[0].resource.agent[0]).toMatchObject({ who: { display: 'Nurse Joy' }, onBehalfOf: { display: 'Clinic' } })
  })
})

describe('a transaction', () => {
  const send = (entry: Json[], headers = {}) => ask('POST', '', { resourceType: 'Bundle', type: 'transaction', entry }, headers)

  test('links what it creates, whatever the order of its entries', async () => {
    const answer = await send([
      {
        fullUrl: 'urn:uuid:11111111-1111-4111-8111-111111111111',
        resource: observation(20, {
          performer: [
            { reference: 'urn:uuid:22222222-2222-4222-8222-222222222222' },
            { reference: 'Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|77' },
          ],
        }),
        request: { method: 'POST', url: 'Observation' },
      },
      {
        fullUrl: 'urn:uuid:22222222-2222-4222-8222-222222222222',
        resource: practitioner('66'),
        request: { method: 'POST', url: 'Practitioner', ifNoneExist: 'identifier=http://hl7.org/fhir/sid/us-npi|66' },
      },
      { request: { method: 'GET', url: 'Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|66' } },
    ])
    expect(codeOf(answer)).toEqual([412, 'not-found'])
    expect((await ask('GET', 'Practitioner?identifier=66')).body.total).toBe(0)
    await ask('POST', 'Practitioner', practitioner('77'))
    const again = await send([
      {
        fullUrl: 'urn:uuid:11111111-1111-4111-8111-111111111111',
        resource: observation(20, {
          performer: [
            { reference: 'urn:uuid:22222222-2222-4222-8222-222222222222' },
            { reference: 'Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|77' },
          ],
        }),
        request: { method: 'POST', url: 'Observation' },
      },
      {
        fullUrl: 'urn:uuid:22222222-2222-4222-8222-222222222222',
        resource: practitioner('66'),
        request: { method: 'POST', url: 'Practitioner', ifNoneExist: 'identifier=http://hl7.org/fhir/sid/us-npi|66' },
      },
      { request: { method: 'GET', url: 'Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|66' } },
    ])
    expect(again.body.entry.map((e: Json) => e.response.status)).toEqual(['201 Created', '201 Created', '200'])
    expect(again.body.entry[2].resource.total).toBe(1)
    const [, oid] = /Observation\/([^/]+)/.exec(again.body.entry[0].response.location)!
    const read = await ask('GET', `Observation/${oid}`)
    const names = await Promise.all(read.body.performer.map((p: Json) => ask('GET', p.reference)))
    expect(names.map(n => n.body.identifier[0].value)).toEqual(['66', '77'])
  })

  test('stands whole or not at all', async () => {
    const before = (await ask('GET', 'Observation?_summary=count')).body.total
    const answer = await send([
      { resource: observation(21), request: { method: 'POST', url: 'Observation' } },
      { resource: observation(22, { status: 'bogus' }), request: { method: 'POST', url: 'Observation' } },
    ])
    expect([answer.status, answer.body.issue[0].expression]).toEqual([422, ['Bundle.entry[1].resource.status']])
    expect((await ask('GET', 'Observation?_summary=count')).body.total).toBe(before)
  })

  test('goes into one record', async () => {
    const ask2 = world.asking(NURSE)
    const answer = await ask2('POST', '', {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [
        { resource: observation(23), request: { method: 'POST', url: 'Observation' } },
        {
          resource: observation(23, { subject: { reference: 'Patient/0123456789abcdef0123' } }),
          request: { method: 'POST', url: 'Observation' },
        },
      ],
    })
    expect(codeOf(answer)).toEqual([422, 'business-rule'])
  })

  test('a batch answers each entry for itself', async () => {
    const answer = await ask('POST', '', {
      resourceType: 'Bundle',
      type: 'batch',
      entry: [
        { resource: observation(24), request: { method: 'POST', url: 'Observation' } },
        { request: { method: 'GET', url: 'Observation/none' } },
        { request: { method: 'GET', url: `Patient/${id}` } },
        { request: { method: 'GET', url: 'https://elsewhere.example/x' } },
      ].slice(0, 3),
    })
    expect(answer.body.entry.map((e: Json) => e.response.status)).toEqual(['201', '404', '200'])
  })
})

describe('who the patient is', () => {
  test('may be told in a transaction under any name, and never becomes somebody else', async () => {
    const entry = (resource: Json) => [
      { fullUrl: 'urn:uuid:33333333-3333-4333-8333-333333333333', resource, request: { method: 'POST', url: 'Patient' } },
    ]
    const tell = (resource: Json) => ask('POST', '', { resourceType: 'Bundle', type: 'transaction', entry: entry(resource) })
    const told = await tell({
      resourceType: 'Patient',
      name: [{ family: 'Example', given: ['Ada'] }],
      birthDate: '1980-02-03',
      gender: 'female',
    })
    expect(told.body.entry[0].response.location).toContain(`/Patient/${id}/`)
    expect((await ask('GET', `Patient/${id}`)).body.birthDate).toBe('1980-02-03')
    expect(codeOf(await tell({ resourceType: 'Patient', name: [{ family: 'Other', given: ['Bob'] }], birthDate: '1999-09-09' }))).toEqual([
      409,
      'business-rule',
    ])
    expect((await ask('GET', `Patient/${id}`)).body.birthDate).toBe('1980-02-03')
  })
})

describe('codes in searches', () => {
  const CLINICAL = 'http://terminology.hl7.org/CodeSystem/condition-clinical'
  const condition = (code: string): Json => ({
    resourceType: 'Condition',
    clinicalStatus: { coding: [{ system: CLINICAL, code }] },
    code: { text: code },
    subject: { reference: `Patient/${id}` },
  })
  test('are found by value set and by what they mean', async () => {
    for (const code of ['relapse', 'resolved']) await ask('POST', 'Condition', condition(code))
    const found = async (question: string): Promise<string[]> => {
      const { body } = await ask('GET', `Condition?${question}`)
      return body.entry?.map((e: Json) => e.resource.code.text).sort() ?? [body.issue?.[0]?.code, body.total]
    }
    expect(await found(`clinical-status:below=${CLINICAL}|active`)).toEqual(['relapse'])
    expect(await found(`clinical-status:above=${CLINICAL}|resolved`)).toEqual(['resolved'])
    expect(await found('clinical-status:in=http://hl7.org/fhir/ValueSet/condition-clinical')).toEqual(['relapse', 'resolved'])
    expect(await found('clinical-status:not-in=http://hl7.org/fhir/ValueSet/condition-clinical')).toEqual(['Asthma'])
    expect(await found('clinical-status:in=http://nowhere.example/vs')).toEqual(['not-found', undefined])
  })
})

describe('profiles', () => {
  const IPS = 'http://hl7.org/fhir/uv/ips/StructureDefinition/Observation-results-laboratory-pathology-uv-ips'
  const claiming = (): Json => observation(3, { meta: { profile: [IPS] } })
  test('that a resource claims are checked: told at a write, refused when the writer is strict', async () => {
    const told = await ask('POST', 'Observation', claiming(), { prefer: 'return=OperationOutcome' })
    expect(told.status).toBe(201)
    const warned = told.body.issue.filter((i: Json) => i.severity === 'warning')
    expect(warned.map((i: Json) => i.expression[0])).toEqual(expect.arrayContaining(['Observation.category', 'Observation.performer']))
    const strict = await ask('POST', 'Observation', claiming(), { prefer: 'handling=strict' })
    expect([strict.status, strict.body.issue[0].severity]).toEqual([422, 'error'])
    const entry = [{ request: { method: 'POST', url: 'Observation' }, resource: claiming() }]
    const sent = await ask('POST', '', { resourceType: 'Bundle', type: 'transaction', entry })
    expect(sent.body.entry[0].response.outcome.issue[0].severity).toBe('warning')
  })
  test('are what $validate judges by, claimed or asked for', async () => {
    const severities = async (path: string, body: Json): Promise<string[]> =>
      (await ask('POST', path, body)).body.issue.map((i: Json) => i.severity)
    expect(await severities('Observation/$validate', claiming())).toContain('error')
    expect(await severities('Observation/$validate', observation(3))).toEqual(['information'])
    const inside = {
      resourceType: 'Bundle',
      type: 'collection',
      entry: [{ fullUrl: 'https://x.example/Observation/1', resource: claiming() }],
    }
    expect(await severities('Bundle/$validate', inside)).toContain('error')
    expect(await severities(`Observation/$validate?profile=${IPS}`, observation(3))).toContain('error')
    expect(await severities('Observation/$validate?profile=http://nowhere.example/p', observation(3))).toEqual(['error'])
    expect(await severities('Observation/$validate', observation(3, { meta: { profile: ['http://nowhere.example/p'] } }))).toEqual([
      'information',
    ])
    const told = await ask('GET', 'metadata')
    const supported = told.body.rest[0].resource.find((r: Json) => r.type === 'Observation').supportedProfile
    expect(supported).toContain(`${IPS}|2.0.0`)
  })
})

describe('operations', () => {
  test('$everything, $summary, $docref, $validate and $meta answer', async () => {
    const everything = await ask('GET', `Patient/${id}/$everything`)
    expect(everything.body.entry.some((e: Json) => e.resource.resourceType === 'Condition')).toBe(true)
    const summary = await ask('GET', `Patient/${id}/$summary`)
    expect([summary.body.type, summary.body.entry[0].resource.resourceType]).toEqual(['document', 'Composition'])
    expect((await ask('GET', `DocumentReference/$docref?patient=${id}`)).body.type).toBe('searchset')
    const good = await ask('POST', 'Observation/$validate', observation(1))
    expect([good.status, good.body.issue[0].severity]).toEqual([200, 'information'])
    const bad = await ask('POST', 'Observation/$validate', {
      resourceType: 'Parameters',
      parameter: [{ name: 'resource', resource: observation(1, { status: 'x' }) }],
    })
    expect(bad.body.issue.some((i: Json) => i.severity === 'error')).toBe(true)
    expect((await ask('GET', `Patient/${id}/$meta`)).body.parameter[0].valueMeta.versionId).toBeTruthy()
  })

  test('$summary names codes that came without a name, by the gateway’s own terminology', async () => {
    const coded = { coding: [{ system: 'http://snomed.info/sct', code: '394807007' }] }
    const made = await ask('POST', 'Condition', { resourceType: 'Condition', subject: { reference: `Patient/${id}` }, code: coded })
    expect(made.status).toBe(201)
    const { body } = await ask('GET', `Patient/${id}/$summary`)
    const texts = body.entry[0].resource.section.map((s: Json) => s.text.div).join()
    expect(texts).toContain('Infectious diseases')
    expect(texts).not.toContain('394807007')
    const told = body.entry.map((e: Json) => e.resource).find((r: Json) => r.code?.coding?.[0]?.code === '394807007')
    expect(told.code).toEqual(coded)
  })

  test('search by POST and in a compartment finds what GET finds', async () => {
    const get = await ask('GET', 'Observation?code=29463-7&_count=5&_sort=-_lastUpdated')
    const post = await ask('POST', 'Observation/_search', 'code=29463-7&_count=5&_sort=-_lastUpdated', {
      'content-type': 'application/x-www-form-urlencoded',
    })
    const inside = await ask('GET', `Patient/${id}/Observation?code=29463-7&_count=5`)
    expect([post.body.total, inside.body.total]).toEqual([get.body.total, get.body.total])
    const next = get.body.link.find((l: Json) => l.relation === 'next').url
    const page = await ask('GET', next)
    const seen = new Set(get.body.entry.map((e: Json) => e.resource.id))
    expect(page.body.entry.some((e: Json) => seen.has(e.resource.id))).toBe(false)
  })
})

describe('pages of a search', () => {
  const coding = (code: string) => ({ code: { coding: [{ system: 'urn:paging', code }] } })
  const pageAt = async (url: string): Promise<{ ids: string[]; values: number[]; total: number; next?: string }> => {
    const { status, body } = await ask('GET', url)
    expect([url, status]).toEqual([url, 200])
    const resources: Json[] = (body.entry ?? []).map((e: Json) => e.resource)
    const next = body.link.find((l: Json) => l.relation === 'next')?.url
    return {
      ids: resources.map(r => r.id),
      values: resources.map(r => r.valueQuantity.value),
      total: body.total,
      ...(next ? { next } : {}),
    }
  }

  test('are those of the first one, nothing twice and nothing left out, while others create, change and delete', async () => {
    const other = world.asking({ 'x-keepwell-person': 'Dr. Grace', 'x-keepwell-role': 'physician', 'x-keepwell-patient': id })
    for (let v = 1; v <= 12; v++) await ask('POST', 'Observation', observation(v, coding('page')))
    const search = 'Observation?code=urn:paging|page&_sort=value-quantity'
    const first = await pageAt(`${search}&_count=3`)
    expect([first.values, first.total]).toEqual([[1, 2, 3], 12])

    const all = (await ask('GET', search)).body.entry.map((e: Json) => e.resource)
    const seen = { ids: [...first.ids], values: [...first.values] }
    let next = first.next
    for (let round = 0; next; round++) {
      // Before the place that is read, behind it, changed away from the question, changed in order, and deleted: the patient is asked to erase it.
      await other('POST', 'Observation', observation(0.5, coding('page')))
      await other('POST', 'Observation', observation(8.5, coding('page')))
      if (round === 0) await other('PUT', `Observation/${all[4].id}`, { ...all[4], ...coding('elsewhere') })
      if (round === 0) await other('PUT', `Observation/${all[8].id}`, { ...all[8], valueQuantity: { ...all[8].valueQuantity, value: 0.1 } })
      if (round === 1) expect((await other('DELETE', `Observation/${all[10].id}`)).status).toBe(202)
      // Whoever pages has all of it in their own session, where a search asked anew finds it.
      await until(async () => (await pageAt(search)).total === 13 + 2 * round)
      const page = await pageAt(next)
      expect(page.total).toBe(12)
      seen.ids.push(...page.ids)
      seen.values.push(...page.values)
      next = page.next
    }
    expect(seen.values).toEqual(all.map((r: Json) => r.valueQuantity.value))
    expect(seen.ids).toEqual(all.map((r: Json) => r.id))
    // Asked anew, it is as things are now.
    expect((await pageAt(search)).values.slice(0, 4)).toEqual([0.1, 0.5, 0.5, 0.5])
  })
})

describe('/metadata', () => {
  test('tells what is routed: each interaction and operation it names is answered', async () => {
    const told = await ask('GET', 'metadata', undefined, { authorization: '' })
    expect([told.status, told.body.fhirVersion]).toEqual([200, '4.0.1'])
    const patient = told.body.rest[0].resource.find((r: Json) => r.type === 'Patient')
    expect(patient.interaction.map((i: Json) => i.code).sort()).toEqual(
      ['create', 'delete', 'history-instance', 'history-type', 'patch', 'read', 'search-type', 'update', 'vread'].sort(),
    )
    expect(patient.operation.map((o: Json) => o.name).sort()).toEqual(['everything', 'export', 'summary'])
    expect(patient.searchParam.map((p: Json) => p.name)).toContain('birthdate')
    const version = (await ask('GET', `Patient/${id}`)).body.meta.versionId
    const reads = [
      `Patient/${id}`,
      `Patient/${id}/_history/${version}`,
      `Patient/${id}/_history`,
      'Patient/_history',
      'Patient',
      '_history',
      '?_type=Patient',
    ]
    for (const path of reads) expect([path, (await ask('GET', path)).status]).toEqual([path, 200])
    expect((await ask('POST', 'metadata/$validate', told.body)).status).toBe(404)
    expect((await ask('POST', 'CapabilityStatement/$validate', told.body)).body.issue).toEqual([
      expect.objectContaining({ severity: 'information' }),
    ])
  })
})

describe('several patients', () => {
  test('are listed by the names on their consents; whose record is meant must be said', async () => {
    const bob = await world.patient('Bob')
    const { id: other } = await consents(world, bob)
    const anyone = world.asking(NURSE)
    const listed = await anyone('GET', 'Patient')
    expect(listed.body.entry.map((e: Json) => e.resource.id).sort()).toEqual([id, other].sort())
    expect((await anyone('GET', 'Patient?name=Bob')).body.total).toBe(1)
    expect(codeOf(await anyone('GET', 'Observation'))).toEqual([400, 'too-costly'])
    expect((await anyone('GET', `Observation?patient=${other}`)).body.total).toBe(0)
    // Of one patient's token, the other's record is as if it were not.
    expect(codeOf(await ask('GET', `Observation?patient=${other}`))).toEqual([200, undefined])
    expect((await ask('GET', `Observation?patient=${other}`)).body.total).toBe(0)
    expect(codeOf(await ask('GET', `Patient/${other}`))).toEqual([404, 'not-found'])
    expect(codeOf(await anyone('GET', 'Patient/0123456789abcdef0123'))).toEqual([403, 'forbidden'])
  })
})
