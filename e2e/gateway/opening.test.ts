import { receivedGrant } from '@keepwell/sdk/actions/access/grants'
import { revoke } from '@keepwell/sdk/actions/access/revoke'
import { fileRecords } from '@keepwell/sdk/actions/records/file-records'
import { equal, toHex, utf8 } from '@keepwell/sdk/base/bytes'
import { decodeAs } from '@keepwell/sdk/base/shape'
import type { Call } from '@keepwell/sdk/identity/call'
import { METHODS } from '@keepwell/sdk/wire/methods'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Answer, consents, files, type GatewayWorld, gatewayWorld, type Json, NURSE, until } from '#e2e/gateway.kit'
import type { Party } from '#e2e/parties'
import { draft, share } from '#e2e/story'

// A record under two consents, of which the relay is made to list one late: then it is known what is there and what is not.

let world: GatewayWorld
/** Commitments of the consents whose list is held back, all of it or what comes after a write number, until it is let go. */
const held = new Map<Uint8Array, { readonly after: number; readonly gate: Promise<void>; readonly open: () => void }>()

function hold(commitment: Uint8Array, after = 0): () => void {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>()
  held.set(commitment, { after, gate, open })
  return open
}

function slow(clinic: Party): Party {
  const waits = async (call: Call): Promise<void> => {
    const { action, terms, selection } = decodeAs(METHODS.access.body, call.body)
    if (action !== 'list' || !terms) return
    for (const [commitment, { after, gate }] of held)
      if ((selection.since ?? 0) >= after && equal(terms, receivedGrant(clinic, commitment).grant.terms)) await gate
  }
  const relay: Party['network']['relay'] = async url => {
    const real = await clinic.network.relay(url)
    const call: typeof real.call = async (method, signed) => {
      if (method === 'access') await waits(signed)
      return real.call(method, signed)
    }
    return { ...real, call }
  }
  return { ...clinic, network: { ...clinic.network, relay } }
}

/** A person with five results under one consent, and one more, an allergy and their details under another. */
async function person(
  name: string,
  results = 5,
): Promise<{ readonly party: Party; readonly id: string; readonly first: Uint8Array; readonly second: Uint8Array }> {
  const party = await world.patient(name)
  await fileRecords(
    party,
    Array.from({ length: results }, (_, n) => draft(party, 'laboratory', `Result ${n}`)),
  )
  const about = { subject: { reference: 'Patient/p' } }
  await files(party, {
    'p.json': { resourceType: 'Patient', id: 'p', name: [{ family: name }] },
    'a.json': { resourceType: 'AllergyIntolerance', id: 'a', patient: { reference: 'Patient/p' }, code: { text: 'Penicillin' } },
    'o.json': {
      resourceType: 'Observation',
      id: 'o',
      status: 'final',
      ...about,
      code: { text: 'Pulse' },
      category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'vital-signs' }] }],
    },
  })
  const first = await share(party, world.clinic, ['laboratory'])
  const others = party.session.state.ring.compartments.map(c => c.name).filter(n => n !== 'laboratory')
  const second = await share(party, world.clinic, others)
  const { id } = await consents(world, party, ['write'])
  return { party, id, first, second }
}

beforeAll(async () => {
  world = await gatewayWorld({ ctx: slow, sessions: { large: 4 } })
})
afterAll(async () => {
  for (const { open } of held.values()) open()
  await world.close()
})

const about = (id: string) => world.asking({ ...NURSE, 'x-keepwell-patient': id })
const shown = ({ body, headers }: Answer) => ({
  partial: headers.get('x-keepwell-partial'),
  total: body.total,
  titles: (body.entry ?? []).flatMap((e: Json) => (e.search.mode === 'match' ? [e.resource.code.text] : [])).sort(),
  told: (body.entry ?? []).flatMap((e: Json) =>
    e.search.mode === 'outcome' ? e.resource.issue.map((i: Json) => `${i.severity} ${i.code}`) : [],
  ),
})
const RESULTS = [0, 1, 2, 3, 4].map(n => `Result ${n}`)

test('a large record is answered in part and says so; what a part cannot answer truly waits for the whole', async () => {
  const { id, second } = await person('Ada')
  const letGo = hold(second)
  const ask = about(id)
  expect(shown(await ask('GET', 'Observation'))).toEqual({
    partial: 'yes',
    total: undefined,
    titles: RESULTS,
    told: ['warning incomplete'],
  })
  const page = await ask('GET', 'Observation?_count=2')
  const seen = page.body.entry[0].resource
  const one = await ask('GET', `Observation/${seen.id}`)
  expect([one.status, one.headers.get('x-keepwell-partial')]).toEqual([200, 'yes'])

  // Names of what was answered before the list went on.
  const early: string[] = []
  let listed = false
  const asked = {
    'another id': ask('GET', 'Observation/nothing'),
    'the patient, of whom the name on the consent is there': ask('GET', `Patient/${id}`),
    'nothing of a type': ask('GET', 'AllergyIntolerance'),
    'nothing that matches': ask('GET', 'Observation?category=vital-signs'),
    'a number': ask('GET', 'Observation?_summary=count', undefined, { prefer: 'wait=0' }),
    'what changed since': ask('GET', 'Observation?_lastUpdated=gt2000'),
    everything: ask('GET', `Patient/${id}/$everything`),
    'an entry of a batch': ask('POST', '', {
      resourceType: 'Bundle',
      type: 'batch',
      entry: [{ request: { method: 'GET', url: 'Observation' } }],
    }),
    'a conditional create': ask(
      'POST',
      'AllergyIntolerance',
      {
        resourceType: 'AllergyIntolerance',
        patient: { reference: `Patient/${id}` },
        code: { text: 'Penicillin' },
        clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: 'active' }] },
      },
      { 'if-none-exist': 'code:text=Penicillin' },
    ),
    patience: ask('GET', 'Observation', undefined, { prefer: 'wait=600' }),
  }
  for (const [name, answer] of Object.entries(asked)) void answer.then(() => listed || early.push(name))
  // Each of them has had its turn when so many others were answered.
  for (let n = 0; n < 20; n++) expect((await ask('GET', 'Observation?_count=1')).headers.get('x-keepwell-partial')).toBe('yes')
  expect(early).toEqual([])
  listed = true
  letGo()

  expect((await asked['another id']).status).toBe(404)
  expect((await asked['the patient, of whom the name on the consent is there']).body.name).toEqual([{ family: 'Ada' }])
  // These may come with what they wait for, before the last is open.
  expect(shown(await asked['nothing of a type']).titles).toEqual(['Penicillin'])
  expect(shown(await asked['nothing that matches']).titles).toEqual(['Pulse'])
  expect(shown(await asked['a number'])).toMatchObject({ partial: null, total: 6 })
  expect((await asked['what changed since']).body.total).toBe(6)
  expect((await asked.everything).body.entry.map((e: Json) => e.resource.resourceType)).toContain('AllergyIntolerance')
  expect((await asked['an entry of a batch']).body.entry[0].resource.total).toBe(6)
  expect((await asked['a conditional create']).status).toBe(200)
  expect(shown(await asked.patience)).toEqual({ partial: null, total: 6, titles: ['Pulse', ...RESULTS], told: [] })

  // The pages of a part stay those of the part, and say so to the end.
  const titles: string[] = []
  for (let at = page; ; ) {
    expect(shown(at)).toMatchObject({ partial: 'yes', total: undefined, told: ['warning incomplete'] })
    titles.push(...shown(at).titles)
    const next = at.body.link.find((l: Json) => l.relation === 'next')?.url
    if (!next) break
    at = await ask('GET', next)
  }
  expect(titles.sort()).toEqual(RESULTS)
  expect(shown(await ask('GET', 'Observation'))).toMatchObject({ partial: null, total: 6 })
})

test('that a record is large is known with the first page of its list: nobody waits for the others to hear so', async () => {
  held.clear()
  const other = await gatewayWorld({ ctx: slow, sessions: { large: 251 } })
  const listed = async (results: number) => {
    const party = await other.patient(`With ${results}`)
    await fileRecords(
      party,
      Array.from({ length: results }, (_, n) => draft(party, 'laboratory', `Result ${n}`)),
    )
    const { id, commitments } = await consents(other, party, ['read'])
    const letGo = hold(commitments.read!, 1)
    return { ask: other.asking({ ...NURSE, 'x-keepwell-patient': id }), letGo }
  }
  try {
    const large = await listed(252)
    expect(shown(await large.ask('GET', 'Observation?_count=1'))).toMatchObject({ partial: 'yes', told: ['warning incomplete'] })
    const small = await listed(251)
    const waits = small.ask('GET', 'Observation?_count=1')
    const there = await small.ask('GET', 'Observation?_count=1', undefined, { prefer: 'wait=0' })
    expect(shown(there).partial).toBe('yes')
    small.letGo()
    expect(shown(await waits)).toMatchObject({ partial: null, total: 251 })
    large.letGo()
  } finally {
    held.clear()
    await other.close()
  }
})

test('a record that is not large is waited for, unless the caller says for how long', async () => {
  const { id, second } = await person('Bob', 1)
  const letGo = hold(second)
  const ask = about(id)
  let whole = false
  const waits = ask('GET', 'Observation').then(answer => {
    whole = true
    return answer
  })
  expect(shown(await ask('GET', 'Observation', undefined, { prefer: 'wait=0' }))).toMatchObject({
    partial: 'yes',
    titles: RESULTS.slice(0, 1),
  })
  expect(whole).toBe(false)
  letGo()
  expect(shown(await waits)).toMatchObject({ partial: null, total: 2 })
})

test('a record that cannot be read is named where it may have been what was sought, and costs nothing else', async () => {
  const { party, id } = await person('Fay', 1)
  const broken = draft(party, 'laboratory', 'Broken', utf8('{"resourceType":'))
  await fileRecords(party, [broken])
  const ask = about(id)
  const found = await ask('GET', 'Observation?_sort=date', undefined, { prefer: 'wait=600' })
  expect(shown(found)).toEqual({ partial: null, total: 2, titles: ['Pulse', 'Result 0'], told: ['warning processing'] })
  expect(found.text).toContain(`${toHex(broken.id).slice(0, 8)} (UNREADABLE)`)
  expect(shown(await ask('GET', 'AllergyIntolerance')).told).toEqual([])
  expect((await ask('GET', 'Observation/nothing')).body.issue[0].details.text).toContain('1 could not')
})

test('the whole of a record that is on its way when its consent ends is broken off, and nobody takes it for whole', async () => {
  const party = await world.patient('Gil')
  const note = [{ text: 'x'.repeat(150_000) }]
  const one = (n: number): Json => ({
    ...{ resourceType: 'Condition', id: `c${n}`, subject: { reference: 'Patient/p' } },
    ...{ code: { text: `Condition ${n}` }, note },
  })
  await files(party, Object.fromEntries(Array.from({ length: 110 }, (_, n) => [`${n}.json`, one(n)])))
  const { id, commitments } = await consents(world, party, ['read'])
  const begun = await fetch(`${world.base}/Patient/${id}/$everything`, { headers: { authorization: `Bearer ${world.key}`, ...NURSE } })
  expect([begun.status, begun.headers.get('content-type')]).toEqual([200, 'application/fhir+json; charset=utf-8'])
  await revoke(party, commitments.read!)
  await until(() => world.logged.some(l => l.route === 'fhir-everything' && l.code === 'GRANT_ENDED'))
  await expect(begun.text()).rejects.toThrow('terminated')
})

test('whoever waits for the rest of a record whose consent ends is told at once, and nothing of it is shown any more', async () => {
  const { party, id, first, second } = await person('Eve')
  hold(second)
  const ask = about(id)
  expect((await ask('GET', 'Observation')).headers.get('x-keepwell-partial')).toBe('yes')
  const waits = ask('GET', 'AllergyIntolerance')
  await revoke(party, first)
  expect((await waits).body.issue[0]).toMatchObject({ severity: 'error', code: 'expired' })
  await revoke(party, second)
  await until(() => !world.gateway.patients().some(p => p.id === id && p.read))
  expect((await ask('GET', 'Observation')).status).toBe(403)
})
