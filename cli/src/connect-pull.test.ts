import { connections, pullState } from '@keepwell/sdk/actions/connect/connections'
import { disconnect } from '@keepwell/sdk/actions/connect/disconnect'
import { beginLogin, findHospital, finishLogin } from '@keepwell/sdk/actions/connect/log-in'
import { listEntries } from '@keepwell/sdk/actions/records/list-entries'
import { openBodies } from '@keepwell/sdk/actions/records/open-bodies'
import { text, toHex, utf8 } from '@keepwell/sdk/base/bytes'
import { isKeepwellError } from '@keepwell/sdk/base/error'
import { corpusTest } from '@keepwell/sdk/health/corpora.kit'
import { afterEach, expect, test } from 'vitest'
import { closeHospitals, fresh, hospital, logIn, missingOf, patientOf, powers, pulled, REDIRECT, searches } from './connect.kit.ts'
import { condition, fill, letter, observation, type Resource } from './hospital.kit.ts'

// The verbs over real HTTP, with a vault in memory; the command itself is in `connect.test.ts`.

afterEach(closeHospitals)

test('a record comes whole, each resource with its bytes and its address; pulled again, only what changed comes, as a new version', async () => {
  const h = await hospital({ page: 7 })
  fill(h, 20)
  const ada = await patientOf()
  const west = await logIn(ada, h)
  const first = await pulled(ada, west)
  expect(fresh(first)).toEqual({
    Patient: 1,
    Practitioner: 1,
    Condition: 1,
    Observation: 20,
    DocumentReference: 1,
    Provenance: 1,
    document: 1,
  })
  expect(missingOf(first).filter(m => !m.endsWith('not-offered'))).toEqual([])
  const entries = await listEntries(ada)
  const bySource = new Map<string | undefined, string>()
  for await (const { entry, meta, chunks } of openBodies(ada, entries)) {
    for await (const part of chunks()) bySource.set(entry.card.source, text(part))
    expect(meta.attributes).toMatchObject({ server: h.base, file: expect.stringMatching(/^West: /) })
  }
  const served = await fetch(`${h.base}/Observation/o-3`, { headers: { authorization: `Bearer ${[...h.tokens.keys()][0]}` } })
  expect(bySource.get(`${h.base}/Observation/o-3`)).toBe(await served.text())
  expect(bySource.get(`${h.base}/Binary/b-1`)).toBe('The patient was sent home in good health.')

  const before = h.asked.length
  const same = await pulled(ada, west)
  expect([fresh(same), await listEntries(ada).then(e => e.length)]).toEqual([{}, entries.length])
  expect(h.asked.slice(before).some(a => a.path.startsWith('/fhir/Binary') || a.path.startsWith('/fhir/Practitioner'))).toBe(false)
  expect(searches(h, 'Observation').at(-1)).toContain('_lastUpdated=ge')

  h.clock.now += 3600_000
  h.put(observation(3, 'laboratory', 55))
  h.put(observation(21))
  const third = await pulled(ada, west)
  expect(third.filed).toEqual({ Observation: { fresh: 1, changed: 1 } })
  const last = (await listEntries(ada)).filter(e => e.card.source === `${h.base}/Observation/o-3`)
  expect(last).toHaveLength(2)
  // What is changed back is a change as well: the newest version here is what the hospital says now.
  h.clock.now += 3600_000
  h.put(observation(3))
  expect((await pulled(ada, west)).filed).toEqual({ Observation: { fresh: 0, changed: 1 } })
})

test('what a hospital refuses or cannot do is said type by type, and does not keep the rest back', async () => {
  const h = await hospital({ page: 5 })
  fill(h, 12)
  h.put(letter('https://elsewhere.example/secret.pdf'))
  h.put({ ...letter('Binary/gone'), id: 'd-2' })
  h.always.set('/fhir/Condition', {
    status: 403,
    body: '{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"forbidden"}]}',
  })
  h.always.set('/fhir/Immunization', { status: 200, body: '<html>login</html>' })
  h.always.set('/fhir/Procedure', { status: 500 })
  h.always.set('/fhir/MedicationRequest', { status: 400 })
  // Some servers want a category, and do not know `_revinclude`.
  h.rules.push((type, q) => (type === 'Observation' && (!q.has('category') || q.has('_revinclude')) ? { status: 400 } : null))
  h.login.grant = scope =>
    scope.replace('patient/AllergyIntolerance.rs', 'patient/CarePlan.rs?category=assess-plan').replace('patient/CarePlan.rs ', '')
  const ada = await patientOf()
  const west = await logIn(ada, h)
  const first = await pulled(ada, west)
  expect(fresh(first)).toMatchObject({ Patient: 1, Observation: 12, DocumentReference: 2 })
  expect(first.stopped).toBe(null)
  expect(missingOf(first).filter(m => !m.endsWith('not-offered'))).toEqual([
    'AllergyIntolerance not-permitted',
    'CarePlan some-permitted',
    'Condition refused',
    'DocumentReference document-elsewhere',
    'DocumentReference document-gone',
    'Immunization unreadable',
    'MedicationRequest not-understood',
    'Procedure failed',
    'Provenance no-authorship',
  ])
  expect(first.missing.find(m => m.type === 'Condition')).toMatchObject({ status: 403, codes: 'forbidden' })
  // Nothing of ours went to where the hospital's letter pointed, and a failing server was asked three times.
  expect(searches(h, 'Procedure')).toHaveLength(3)
  expect(ada.pauses).toEqual([1, 4])

  // Mended there, it comes; how the server wants to be asked is remembered; what was lost stays said.
  h.always.clear()
  const before = h.asked.length
  const second = await pulled(ada, west)
  expect(fresh(second)).toEqual({ Condition: 1, Provenance: 1 })
  expect(h.asked.slice(before).filter(a => a.path === '/fhir/Observation' && !a.query.has('category'))).toEqual([])
  expect(missingOf(second)).toContain('DocumentReference document-gone')
  expect(missingOf(second)).not.toContain('Procedure failed')
})

test('a person or a letter that could not be fetched is fetched by the next pull; a letter that changed is a new version of itself', async () => {
  const h = await hospital()
  fill(h, 2)
  h.always.set('/fhir/Practitioner/dr-1', { status: 500 })
  h.always.set('/fhir/Binary/b-1', { status: 502 })
  const ada = await patientOf()
  const west = await logIn(ada, h)
  const first = await pulled(ada, west)
  expect([fresh(first).Practitioner, fresh(first).document]).toEqual([undefined, undefined])
  expect(missingOf(first)).toEqual(expect.arrayContaining(['Practitioner failed', 'DocumentReference document-failed']))
  h.always.clear()
  expect(fresh(await pulled(ada, west))).toEqual({ Practitioner: 1, document: 1 })
  h.clock.now += 3600_000
  h.binary(
    'b-1',
    'application/fhir+json',
    utf8(JSON.stringify({ resourceType: 'Binary', contentType: 'text/plain', data: btoa('Sent home, corrected.') })),
  )
  h.put(letter('Binary/b-1'))
  expect((await pulled(ada, west)).filed).toEqual({ document: { fresh: 0, changed: 1 } })
  const entries = (await listEntries(ada)).filter(e => e.card.source === `${h.base}/Binary/b-1`)
  const contents: string[] = []
  for await (const { chunks } of openBodies(ada, entries)) for await (const part of chunks()) contents.push(text(part))
  expect(contents.sort()).toEqual(['Sent home, corrected.', 'The patient was sent home in good health.'])
  // From the beginning: everything is asked for again, and nothing is filed twice.
  const all = await pulled(ada, west, true)
  expect([all.filed, all.already]).toEqual([{}, 7])
  expect(searches(h, 'Observation').at(-1)).not.toContain('_lastUpdated')
})

test('a server that wants a pause gets it; one that wants a long one is left, and the next pull goes on where it was', async () => {
  const h = await hospital({ page: 5 })
  fill(h, 20)
  h.once.set('/fhir/Observation', [{ status: 429, headers: { 'retry-after': '3' } }])
  h.once.set('/fhir/DocumentReference', [{ status: 503, headers: { 'retry-after': new Date(h.clock.now + 7000).toUTCString() } }])
  const ada = await patientOf()
  const west = await logIn(ada, h)
  h.rules.push((_, q) => (q.get('offset') === '10' && ada.pauses.length === 1 ? { status: 429, headers: { 'retry-after': '600' } } : null))
  const first = await pulled(ada, west)
  expect([first.stopped, fresh(first).Observation, fresh(first).DocumentReference]).toEqual(['throttled', 10, undefined])
  expect(ada.pauses).toEqual([3])
  expect((await pullState(ada, west.id)).pulledAt).toBe(null)
  h.rules.pop()
  const before = h.asked.length
  const second = await pulled(ada, west)
  expect(
    h.asked
      .slice(before)
      .find(a => a.path === '/fhir/Observation')!
      .query.get('offset'),
  ).toBe('10')
  expect([second.stopped, fresh(second).Observation, fresh(second).DocumentReference]).toEqual([null, 10, 1])
  expect(ada.pauses).toEqual([3, 7])
})

test('a page that is no longer kept there begins its search again, and nothing is filed twice', async () => {
  const h = await hospital({ page: 5 })
  fill(h, 20)
  const ada = await patientOf()
  const west = await logIn(ada, h)
  h.rules.push((_, q) => (q.get('offset') === '10' ? { status: 503 } : null))
  expect(fresh(await pulled(ada, west)).Observation).toBe(10)
  let kept = true
  h.rules[0] = (_, q) => {
    const gone = kept && q.get('offset') === '10'
    if (gone) kept = false
    return gone ? { status: 410 } : null
  }
  const second = await pulled(ada, west)
  expect(fresh(second).Observation).toBe(10)
  expect(new Set((await listEntries(ada)).map(e => e.card.source)).size).toBe((await listEntries(ada)).length)
  expect(missingOf(second).filter(m => !m.endsWith('not-offered'))).toEqual([])
})

test('T38: pages that lead elsewhere or in a circle are not followed, and what came until then is here', async () => {
  const h = await hospital({ page: 50 })
  fill(h, 3)
  const page = (next: string) =>
    JSON.stringify({
      resourceType: 'Bundle',
      type: 'searchset',
      link: [{ relation: 'next', url: next }],
      entry: [{ fullUrl: `${h.base}/Condition/c-1`, resource: condition }],
    })
  h.always.set('/fhir/Condition', { status: 200, body: page('https://elsewhere.example/fhir?page=2') })
  h.always.set('/fhir/Procedure', { status: 200, body: page(`${h.base}/Procedure?again`).replaceAll('c-1', 'c-2') })
  const ada = await patientOf()
  const first = await pulled(ada, await logIn(ada, h))
  expect(fresh(first).Condition).toBe(2)
  expect(missingOf(first)).toEqual(expect.arrayContaining(['Condition next-elsewhere', 'Procedure goes-round']))
})

test('what a server says of its own page is told and is no record; entries beyond reading are kept as they are', async () => {
  const h = await hospital()
  fill(h, 1)
  const outcome = { resourceType: 'OperationOutcome', issue: [{ severity: 'warning', code: 'suppressed' }] }
  const deep = `{"resourceType":"Condition","id":"deep","note":${'['.repeat(100)}${']'.repeat(100)}}`
  h.always.set('/fhir/Condition', {
    status: 200,
    body: `{"resourceType":"Bundle","type":"searchset","total":3,"entry":[{"fullUrl":"${h.base}/Condition/c-1","resource":${JSON.stringify(condition)}},{"resource":${deep}},{"search":{"mode":"outcome"},"resource":${JSON.stringify(outcome)}}]}`,
  })
  const ada = await patientOf()
  const first = await pulled(ada, await logIn(ada, h))
  expect(first.missing.filter(m => m.type === 'Condition')).toEqual([
    { type: 'Condition', reason: 'held-back', codes: 'suppressed' },
    { type: 'Condition', reason: 'fewer', count: 1 },
  ])
  const entries = await listEntries(ada)
  expect(entries.filter(e => e.card.resourceType === 'OperationOutcome')).toEqual([])
  let kept = false
  for await (const { chunks } of openBodies(ada, entries)) for await (const part of chunks()) kept ||= text(part).includes(deep)
  expect(kept).toBe(true)
})

test('a token that ended is renewed and the new one kept before it is used; a login that ended is said, and can be renewed', async () => {
  const h = await hospital()
  fill(h, 2)
  const ada = await patientOf()
  const west = await logIn(ada, h)
  h.expire()
  expect((await pulled(ada, west)).stopped).toBe(null)
  const [kept] = await connections(ada)
  expect([...h.refreshes.keys()]).toEqual([kept!.refresh])
  expect(kept!.access).not.toBe(west.access)
  h.expire(true)
  const ended = await pulled(ada, west)
  expect([ended.stopped, missingOf(ended)]).toEqual(['login-ended', ['Patient login-ended']])
  const again = await logIn(ada, h, { again: kept! })
  expect(toHex(again.id)).toBe(toHex(west.id))
  expect(await connections(ada)).toHaveLength(1)
  expect((await pulled(ada, again)).stopped).toBe(null)
  h.login.patient = 'somebody-else'
  await expect(logIn(ada, h, { again })).rejects.toSatisfy(e => isKeepwellError(e, 'BAD_INPUT'))
})

test('a login ends at the hospital and here, and what was pulled stays', async () => {
  const h = await hospital()
  fill(h, 2)
  const ada = await patientOf()
  const west = await logIn(ada, h)
  await pulled(ada, west)
  const count = (await listEntries(ada)).length
  expect(await disconnect(powers(ada), west)).toBe(true)
  expect([h.refreshes.size, await connections(ada), (await listEntries(ada)).length]).toEqual([0, [], count])
})

test('nothing of a login lies on the device unsealed', async () => {
  const h = await hospital()
  fill(h, 1)
  const ada = await patientOf()
  const west = await logIn(ada, h)
  await pulled(ada, west)
  for (const mark of ['connections', `connection-${toHex(west.id)}`]) {
    const sealed = Buffer.from((await ada.catalog.marked(mark))!)
    expect(sealed.length).toBeGreaterThan(100)
    for (const secret of [west.access, west.refresh!, h.base, 'Observation']) expect(sealed.includes(secret)).toBe(false)
  }
})

test('a server of SMART’s first version is asked in its words; what is no login, or no safe one, is refused', async () => {
  const h = await hospital({ v1: true })
  fill(h, 1)
  const ada = await patientOf()
  await expect(logIn(ada, h)).rejects.toThrow(/Register Keepwell there/)
  const old = await logIn(ada, h, { client: 'known-app' })
  expect(old.scope).toContain('patient/Observation.read')
  expect((await pulled(ada, old)).stopped).toBe(null)
  h.login.patient = undefined
  await expect(logIn(ada, h, { client: 'known-app' })).rejects.toThrow(/whose record/)
  const all = powers(ada)
  const found = await findHospital(all, `${h.base}/metadata`)
  const begun = await beginLogin(all, { hospital: found, redirect: REDIRECT, client: 'known-app' })
  const refused = { returned: `${REDIRECT}?error=access_denied&state=${begun.state}`, label: 'West' }
  await expect(finishLogin(all, begun, refused)).rejects.toThrow(/access_denied/)
  await expect(finishLogin(all, begun, { ...refused, returned: `${REDIRECT}?code=1&state=other` })).rejects.toSatisfy(e =>
    isKeepwellError(e, 'DENIED'),
  )
  await expect(findHospital(all, 'http://hospital.example/fhir')).rejects.toThrow(/https/)
})

corpusTest(
  'a whole made patient of US Core comes as it was served: every resource, the bills and medicines it points to, and who wrote it',
  async ({ files }) => {
    const [, file] = files('fhir/synthea-us-core').toSorted((a, b) => a.bytes.length - b.bytes.length)
    const bundle = JSON.parse(text(file!.bytes)) as { entry: { fullUrl: string; resource: Resource }[] }
    const names = new Map(bundle.entry.map(e => [e.fullUrl, `${e.resource.resourceType}/${e.resource.id}`]))
    const served = bundle.entry.map(
      e =>
        JSON.parse(
          JSON.stringify(e.resource).replace(/"urn:uuid:[0-9a-f-]{36}"/g, urn => JSON.stringify(names.get(urn.slice(1, -1)) ?? urn)),
        ) as Resource,
    )
    const h = await hospital({ types: [...new Set(served.map(r => r.resourceType))], page: 40 })
    for (const resource of served) h.put(resource)
    h.login.patient = served.find(r => r.resourceType === 'Patient')!.id
    const ada = await patientOf()
    const first = await pulled(ada, await logIn(ada, h))
    const came = new Set((await listEntries(ada)).map(e => e.card.source))
    expect(served.filter(r => !came.has(`${h.base}/${r.resourceType}/${r.id}`)).map(r => `${r.resourceType}/${r.id}`)).toEqual([])
    expect(missingOf(first).filter(m => !m.endsWith('not-offered'))).toEqual([])
    console.log(`connect: ${served.length} resources of ${file!.name} pulled, ${Object.keys(fresh(first)).length} types`)
  },
)
