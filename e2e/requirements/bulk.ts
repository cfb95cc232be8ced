import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import type { Answer, Ask, Json } from '#e2e/gateway.kit'
import type { Checks } from './g10.ts'
import { profiles } from './tables.ts'
import type { Here } from './world.ts'

const ASYNC = { prefer: 'respond-async', accept: 'application/fhir+json' }
const GROUP = 'Group/all/$export'

type Run = {
  readonly ask: Ask
  readonly kick: Answer
  readonly at: string
  readonly first: Answer
  readonly done: Answer
  readonly files: Record<string, Json[]>
}

async function run(ask: Ask, path: string, body?: Json): Promise<Run> {
  const kick = await ask(body ? 'POST' : 'GET', path, body, ASYNC)
  expect([path, kick.status]).toEqual([path, 202])
  const at = kick.headers.get('content-location')!
  const first = await ask('GET', at)
  let done = first
  while (done.status === 202) {
    await sleep(20)
    done = await ask('GET', at)
  }
  const files: Record<string, Json[]> = {}
  for (const { type, url } of done.body.output) files[type] = ndjson((await ask('GET', url)).text)
  return { ask, kick, at, first, done, files }
}

const ndjson = (text: string): Json[] =>
  text
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))

const byService = async ({ facts, bearing }: Here): Promise<Ask> => bearing((await facts.serviceToken()).access_token)

const whole = new WeakMap<Here, Promise<Run>>()
/** One export of the group, by a program with its own token, for all that only look at it. */
const theExport = (here: Here): Promise<Run> => {
  const known = whole.get(here) ?? byService(here).then(ask => run(ask, GROUP))
  whole.set(here, known)
  return known
}

/** The lines of an export that is deleted afterwards: few are kept for one caller. */
async function lines(here: Here, path: string, body?: Json): Promise<Record<string, Json[]>> {
  const made = await run(await byService(here), path, body)
  await made.ask('DELETE', made.at)
  return made.files
}

const outcomeOf = ({ status, headers, body }: Answer) => [
  status >= 400 && status < 500,
  headers.get('content-type')?.startsWith('application/fhir+json'),
  body?.resourceType,
]
const OUTCOME = [true, true, 'OperationOutcome']

const asking: Checks = {
  async bulkTold({ facts }) {
    const told = await facts.metadata()
    expect(told.instantiates).toContain('http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data')
    const group = told.rest[0].resource.find((r: Json) => r.type === 'Group')
    expect(group.operation[0].definition).toBe('http://hl7.org/fhir/uv/bulkdata/OperationDefinition/group-export')
  },
  async kickOff(here) {
    const ask = await byService(here)
    for (const path of [GROUP, 'Patient/$export', '$export']) {
      const { status, headers } = await ask('GET', `${path}?_type=Patient`, undefined, ASYNC)
      const at = headers.get('content-location')!
      expect([path, status, at.startsWith(here.at.url)]).toEqual([path, 202, true])
      await ask('DELETE', at)
    }
  },
  async formats(here) {
    for (const format of ['application/fhir%2Bndjson', 'application/ndjson', 'ndjson'])
      expect((await lines(here, `${GROUP}?_type=Patient&_outputFormat=${format}`)).Patient!.length).toBeGreaterThan(0)
  },
  async since(here) {
    expect((await lines(here, `${GROUP}?_type=Observation&_since=2020-01-01T00:00:00Z`)).Observation!.length).toBeGreaterThan(20)
    expect(await lines(here, `${GROUP}?_type=Observation&_since=2100-01-01T00:00:00Z`)).toEqual({})
  },
  async types(here) {
    expect(Object.keys(await lines(here, `${GROUP}?_type=Condition,Goal`)).sort()).toEqual(['Condition', 'Goal'])
  },
  async repeated(here) {
    expect(Object.keys(await lines(here, `${GROUP}?_type=Condition&_type=Goal`)).sort()).toEqual(['Condition', 'Goal'])
  },
  async elements(here) {
    const [goal] = (await lines(here, `${GROUP}?_type=Goal&_elements=subject`)).Goal!
    expect([goal.target, goal.subject.reference]).toEqual([undefined, `Patient/${here.adaId}`])
    expect(outcomeOf(await (await byService(here))('GET', `${GROUP}?_elements=Patient.name.family`, undefined, ASYNC))).toEqual(OUTCOME)
  },
  async patients(here) {
    const parameter = [{ name: 'patient', valueReference: { reference: `Patient/${here.adaId}` } }]
    const { Patient } = await lines(here, 'Patient/$export', { resourceType: 'Parameters', parameter })
    expect(Patient!.map(p => p.id)).toEqual([here.adaId])
  },
  async typeFilter(here) {
    const heart = encodeURIComponent('Observation?code=8867-4')
    const lab = encodeURIComponent('Observation?category=laboratory')
    const all = async (query: string) => new Set((await lines(here, `${GROUP}?_type=Observation&${query}`)).Observation!.map(o => o.id))
    const both = await all(`_typeFilter=${heart}&_typeFilter=${lab}`)
    expect(both).toEqual(new Set([...(await all(`_typeFilter=${heart}`)), ...(await all(`_typeFilter=${lab}`))]))
    expect(both.has('us-core-observation-lab') && !both.has('us-core-bmi')).toBe(true)
  },
  async lenient(here) {
    const ask = await byService(here)
    const kick = await ask('GET', `${GROUP}?_type=Patient&organizeOutputBy=Patient`, undefined, {
      prefer: 'respond-async, handling=lenient',
    })
    const at = kick.headers.get('content-location')!
    let done = await ask('GET', at)
    while (done.status === 202) {
      await sleep(20)
      done = await ask('GET', at)
    }
    const [{ type, url }] = done.body.error
    expect([type, ndjson((await ask('GET', url)).text)[0].resourceType]).toEqual(['OperationOutcome', 'OperationOutcome'])
    await ask('DELETE', at)
  },
}

const answered: Checks = {
  async manifest(here) {
    const { done } = await theExport(here)
    const { body } = done
    expect([done.status, done.headers.get('content-type')]).toEqual([200, 'application/json'])
    for (const name of ['output', 'deleted', 'error']) expect([name, Array.isArray(body[name])]).toEqual([name, true])
    for (const { type, url } of body.output) expect([typeof type, url.startsWith('http')]).toEqual(['string', true])
    expect(['undefined', 'object']).toContain(typeof body.extension)
  },
  async manifestTime(here) {
    const { done } = await theExport(here)
    const at = Date.parse(done.body.transactionTime)
    expect(done.body.transactionTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/)
    expect(Math.abs(at / 1000 - here.world.gateway.clock())).toBeLessThan(600)
  },
  async manifestRequest(here) {
    expect((await theExport(here)).done.body.request).toBe(`${here.at.fhir}/${GROUP}`)
    const parameter = [{ name: '_type', valueString: 'Patient' }]
    const { done, ask, at } = await run(await byService(here), 'Patient/$export', { resourceType: 'Parameters', parameter })
    expect(done.body.request).toBe(`${here.at.fhir}/Patient/$export`)
    await ask('DELETE', at)
  },
  async manifestAccess(here) {
    const { done } = await theExport(here)
    expect(done.body.requiresAccessToken).toBe(true)
    expect((await fetch(done.body.output[0].url)).status).toBe(401)
  },
  async exportStatus(here) {
    const ask = await byService(here)
    // More than are made at a time, so that one waits.
    const kicks = await Promise.all([1, 2, 3, 4].map(() => ask('GET', GROUP, undefined, ASYNC)))
    const places = kicks.map(k => k.headers.get('content-location')!)
    const seen = await Promise.all(places.map(at => ask('GET', at)))
    expect(seen.map(s => s.status)).toContain(202)
    for (const at of places) await ask('DELETE', at)
  },
  async exportDeleted(here) {
    const { ask, at } = await run(await byService(here), `${GROUP}?_type=Patient`)
    expect((await ask('DELETE', at)).status).toBe(202)
    const after = await ask('GET', at)
    expect([after.status, after.body.resourceType]).toEqual([404, 'OperationOutcome'])
  },
  async exportErrors(here) {
    const ask = await byService(here)
    const { at } = await theExport(here)
    expect(outcomeOf(await ask('GET', GROUP, undefined, { accept: 'application/fhir+json' }))).toEqual(OUTCOME)
    for (const [method, path] of [
      ['GET', `${here.at.fhir}/bulk/none`],
      ['DELETE', `${here.at.fhir}/bulk/none`],
      ['GET', `${at}/Nothing.ndjson`],
    ] as const)
      expect([path, ...outcomeOf(await ask(method, path))]).toEqual([path, ...OUTCOME])
  },
}

const files: Checks = {
  async exportFiles(here) {
    const { done, ask, files: all } = await theExport(here)
    for (const { type, url, count: told } of done.body.output) {
      const file = await ask('GET', url)
      expect([type, file.status, file.headers.get('content-type')]).toEqual([type, 200, 'application/fhir+ndjson'])
      expect([all[type]!.every(r => r.resourceType === type), all[type]!.length]).toEqual([true, told])
    }
  },
  async exported(here) {
    const { files: all } = await theExport(here)
    // Somebody's role is in an export where a resource refers to it, and none here does.
    const wanted = [...new Set(profiles().map(p => p.type))].filter(t => t !== 'PractitionerRole')
    expect(Object.keys(all)).toEqual(expect.arrayContaining(wanted))
    expect(all.Patient!.map(p => p.id).sort()).toEqual([here.adaId, here.benId].sort())
  },
  async exportLimited(here) {
    const { newService } = await import('./world.ts')
    const small = await newService(here.at, 'system/Observation.rs?category=laboratory')
    const { access_token } = (await (await small.ask('system/Observation.rs?category=laboratory')).json()) as Json
    const { files: all } = await run(here.bearing(access_token), GROUP)
    expect([Object.keys(all), new Set(all.Observation!.map(o => o.category?.[0].coding[0].code))]).toEqual([
      ['Observation'],
      new Set(['laboratory']),
    ])
  },
  async exportProtected(here) {
    const { at, done } = await theExport(here)
    const other = here.bearing((await here.facts.tokens()).access_token)
    for (const url of [at, done.body.output[0].url]) {
      expect((await fetch(url)).status).toBe(401)
      expect((await other('GET', url)).status).toBe(404)
    }
  },
  async attachments(here) {
    const letter = { resourceType: 'Binary', contentType: 'text/plain', data: 'TmV1' }
    const made = await here.atAda('POST', 'Binary', letter)
    const document = { ...here.record['us-core-documentreference'], id: undefined }
    const content = [{ attachment: { contentType: 'text/plain', url: `Binary/${made.body.id}` } }]
    const filed = await here.atAda('POST', 'DocumentReference', { ...document, content, category: undefined, type: undefined })
    const all = (await lines(here, `${GROUP}?_type=DocumentReference`)).DocumentReference!
    const { url } = all.find(d => d.id === filed.body.id).content[0].attachment
    expect(url.startsWith(`${here.at.fhir}/Binary/`)).toBe(true)
    expect((await (await byService(here))('GET', url, undefined, { accept: '*/*' })).status).toBe(200)
  },
  async exportedProvenance(here) {
    const { files: all } = await theExport(here)
    // One of these tells of an observation alone, and not of the patient.
    expect(all.Provenance!.map(p => p.id)).toContain('us-core-provenance')
  },
  async systemProvenance(here) {
    const all = await lines(here, '$export')
    const { body } = await here.atAda('GET', 'Provenance?_count=0')
    expect(all.Provenance!.length).toBeGreaterThanOrEqual(body.total)
  },
  async currentOnly(here) {
    const goal = (await here.atAda('GET', 'Goal/us-core-goal')).body
    await here.atAda('PUT', 'Goal/us-core-goal', { ...goal, description: { text: 'Walk two miles' } })
    const { Goal } = await lines(here, `${GROUP}?_type=Goal`)
    expect(Goal!.map(g => [g.id, g.description.text])).toEqual([['us-core-goal', 'Walk two miles']])
  },
}

export const BULK: Checks = { ...asking, ...answered, ...files }
