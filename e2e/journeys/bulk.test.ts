import { mkdtemp, readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readIfThere, writeDurable } from '@keepwell/daemon/bin/files'
import { groupsAt } from '@keepwell/daemon/bin/gateway-groups'
import { openDesk } from '@keepwell/daemon/gateway/bulk/desk'
import type { Plan } from '@keepwell/daemon/gateway/bulk/kick-off'
import { openMemory } from '@keepwell/daemon/gateway/bulk/memory'
import type { Actor, Scope } from '@keepwell/daemon/gateway/core/types'
import { NOTHING_SEEN, newReceipts } from '@keepwell/sdk/actions/access/new-receipts'
import { revoke } from '@keepwell/sdk/actions/access/revoke'
import { eraseRecords } from '@keepwell/sdk/actions/records/erase-records'
import { listEntries } from '@keepwell/sdk/actions/records/list-entries'
import { toHex } from '@keepwell/sdk/base/bytes'
import { codeOf } from '@keepwell/sdk/base/code.kit'
import { KeepwellError } from '@keepwell/sdk/base/error'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, type Ask, consents, files, type GatewayWorld, gatewayWorld, type Json, NURSE, until } from '#e2e/gateway.kit'
import type { Party } from '#e2e/parties'
import { didOf } from '#e2e/story'

let world: GatewayWorld
let ada: Party
let ben: Party
let adaId: string
let benId: string
let consentOfBen: Uint8Array

const MARKER = 'Zanzibar rhinitis'
const ASYNC = { prefer: 'respond-async' }

const observation = (id: string, category: string, effectiveDateTime: string) => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: category }] }],
  code: { coding: [{ system: 'http://loinc.org', code: '4548-4' }], text: MARKER },
  subject: { reference: 'Patient/me' },
  effectiveDateTime,
})

const scope = (text: string): Scope => {
  const [, context, type, rights, query = ''] = /^(patient|system)\/(\w+|\*)\.(\w+)(?:\?(.*))?$/.exec(text)!
  const may = (letter: string) => rights!.includes(letter)
  return {
    context: context as Scope['context'],
    type: type!,
    c: may('c'),
    r: may('r'),
    u: may('u'),
    d: may('d'),
    s: may('s'),
    query: [...new URLSearchParams(query)],
  }
}

/** Tokens whose text is their scopes, as an authorization server would have issued them to a program. */
const scoped = async ({ headers }: { readonly headers: Json }): Promise<Actor> => {
  const said = /^Bearer scopes (.+)$/.exec(headers.authorization ?? '')?.[1]
  if (!said) throw new KeepwellError('UNAUTHENTICATED', 'No token.')
  return { person: 'Registry', role: 'program', purpose: 'TREAT', scopes: said.split(' ').map(scope), patient: null, client: 'registry' }
}

const asProgram = (scopes: string): Ask => world.asking({ authorization: `Bearer scopes ${scopes}` })

async function started(path: string, ask: Ask = world.ask, body?: unknown): Promise<string> {
  const kick = await ask(body ? 'POST' : 'GET', path, body, ASYNC)
  expect([path, kick.status]).toEqual([path, 202])
  const at = kick.headers.get('content-location')!
  begun.push([ask, at])
  return at
}

/** What a test began is deleted after it: one caller keeps few. */
const begun: [Ask, string][] = []
afterEach(async () => {
  for (const [ask, at] of begun.splice(0)) await ask('DELETE', at)
})

async function finished(at: string, ask: Ask = world.ask): Promise<Answer> {
  let answer = await ask('GET', at)
  await until(async () => {
    if (answer.status === 202) {
      expect(answer.headers.get('x-progress')).toBeTruthy()
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
      answer = await ask('GET', at)
    }
    return answer.status !== 202
  })
  return answer
}

/** Every line of an export, by type; afterwards it is deleted. */
async function lines(path: string, ask: Ask = world.ask, body?: unknown): Promise<Record<string, Json[]>> {
  const at = await started(path, ask, body)
  const manifest = await finished(at, ask)
  expect(manifest.status).toBe(200)
  const all: Record<string, Json[]> = {}
  for (const { type, url, count } of manifest.body.output) {
    const file = await ask('GET', url, undefined, { accept: 'application/fhir+ndjson' })
    expect([file.status, file.headers.get('content-type')]).toEqual([200, 'application/fhir+ndjson'])
    all[type] = file.text
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(all[type].every(r => r.resourceType === type)).toBe(true)
    expect(all[type].length).toBe(count)
  }
  expect((await ask('DELETE', at)).status).toBe(202)
  return all
}

const exportsAt = (): string => join(world.clinic.folder, 'exports')

async function onDisk(): Promise<string[]> {
  return readdir(exportsAt(), { recursive: true }).catch(() => [])
}

beforeAll(async () => {
  world = await gatewayWorld({ parts: () => ({ parts: [], authenticate: scoped }) })
  ada = await world.patient('Ada')
  ben = await world.patient('Ben')
  await files(ada, {
    'me.json': { resourceType: 'Patient', id: 'me', birthDate: '1980-02-03' },
    'lab.json': observation('lab', 'laboratory', '2026-01-01'),
    'vital.json': observation('vital', 'vital-signs', '2026-02-01'),
    'letter.txt': 'A letter to the doctor.',
    'nobody.json': { resourceType: 'Organization', id: 'o', name: 'A laboratory' },
  })
  await files(ben, { 'lab.json': observation('lab', 'laboratory', '2026-03-01') })
  ;({ id: adaId } = await consents(world, ada))
  const given = await consents(world, ben)
  benId = given.id
  consentOfBen = given.commitments.read!
})
afterAll(() => world.close())

describe('an export of everybody’s records', () => {
  test('holds each patient’s own resources, and nothing that belongs to none of them', async () => {
    const all = await lines(`Group/all/$export`)
    expect(Object.keys(all).sort()).toEqual(['DocumentReference', 'Observation', 'Patient', 'Provenance'])
    expect(all.Patient!.map(p => p.id).sort()).toEqual([adaId, benId].sort())
    expect(all.Observation).toHaveLength(3)
    expect(new Set(all.Observation!.map(o => o.subject.reference))).toEqual(new Set([`Patient/${adaId}`, `Patient/${benId}`]))
  })

  test('of the system holds that as well', async () => {
    const all = await lines('$export')
    expect(all.Organization).toHaveLength(1)
  })

  test('names documents by an address that stands for itself', async () => {
    const { DocumentReference } = await lines('Patient/$export?_type=DocumentReference')
    const { url } = DocumentReference![0].content[0].attachment
    expect(url.startsWith(`${world.base}/Binary/`)).toBe(true)
    expect((await world.ask('GET', url, undefined, { accept: '*/*' })).text).toBe('A letter to the doctor.')
  })

  test('is narrowed by type, by a search in a type, and by time', async () => {
    expect(Object.keys(await lines('Patient/$export?_type=Observation'))).toEqual(['Observation'])
    const one = encodeURIComponent('Observation?category=vital-signs')
    expect((await lines(`Patient/$export?_type=Observation&_typeFilter=${one}`)).Observation).toHaveLength(1)
    const two = encodeURIComponent('Observation?category=vital-signs,Observation?date=2026-03-01')
    expect((await lines(`Patient/$export?_type=Observation&_typeFilter=${two}`)).Observation).toHaveLength(2)
    expect(await lines('Patient/$export?_type=Observation&_since=2100-01-01T00:00:00Z')).toEqual({})
    expect((await lines('Patient/$export?_type=Observation&_since=2020-01-01T00:00:00%2B01:00')).Observation).toHaveLength(3)
  })

  test('is asked for by POST too, of some patients alone', async () => {
    const body = {
      resourceType: 'Parameters',
      parameter: [
        { name: 'patient', valueReference: { reference: `Patient/${benId}` } },
        { name: '_type', valueString: 'Patient,Observation' },
      ],
    }
    const all = await lines('Patient/$export', world.ask, body)
    expect([all.Patient!.map(p => p.id), all.Observation!.length]).toEqual([[benId], 1])
    const stranger = { ...body, parameter: [{ name: 'patient', valueReference: { reference: 'Patient/stranger' } }] }
    expect((await world.ask('POST', 'Patient/$export', stranger, ASYNC)).status).toBe(404)
  })

  test('what is asked wrongly is refused at its parameter, unless the client is lenient', async () => {
    const refused = async (path: string, headers: Record<string, string> = ASYNC) => {
      const { status, body } = await world.ask('GET', path, undefined, headers)
      return [status, body?.issue?.[0]?.expression?.[0]]
    }
    expect(await refused('Patient/$export', {})).toEqual([400, 'http.Prefer'])
    expect(await refused('Patient/$export?_type=Nonsense')).toEqual([400, 'http._type'])
    expect(await refused('Patient/$export?_outputFormat=text/csv')).toEqual([400, 'http._outputFormat'])
    expect(await refused('Patient/$export?_since=yesterday')).toEqual([400, 'http._since'])
    expect(await refused(`Patient/$export?_typeFilter=${encodeURIComponent('Observation?_include=*')}`)).toEqual([400, 'http._typeFilter'])
    expect((await refused(`Patient/$export?_typeFilter=${encodeURIComponent('Observation?nonsense=1')}`))[0]).toBe(400)
    expect(await refused('Patient/$export?_elements=Patient.name.family')).toEqual([400, 'http._elements'])
    expect(await refused('Patient/$export?includeAssociatedData=_everything')).toEqual([400, 'http.includeAssociatedData'])
    expect((await refused('Group/other/$export'))[0]).toBe(404)
    const lenient = { prefer: 'respond-async, handling=lenient' }
    const kick = await world.ask('GET', 'Patient/$export?organizeOutputBy=Patient&_type=Patient,Nonsense', undefined, lenient)
    const { body } = await finished(kick.headers.get('content-location')!)
    expect(body.output.map((o: Json) => o.type)).toEqual(['Patient'])
    const told = JSON.parse((await world.ask('GET', body.error[0].url)).text)
    expect(told.issue.map((i: Json) => [i.severity, i.expression[0]])).toEqual([
      ['warning', 'http.organizeOutputBy'],
      ['warning', 'http._type'],
    ])
  })

  test('of elements that are named holds those, and what a resource must have, and says that it is less', async () => {
    const { Patient, Observation } = await lines('Patient/$export?_elements=Observation.subject,birthDate&_type=Patient,Observation')
    expect(Object.keys(Observation![0]).sort()).toEqual(['code', 'id', 'meta', 'resourceType', 'status', 'subject'])
    expect(Observation![0].meta.tag[0].code).toBe('SUBSETTED')
    expect(Patient!.find(p => p.id === adaId).birthDate).toBe('1980-02-03')
  })

  test('is packed for whoever takes it packed, and has the same lines', async () => {
    const { body } = await finished(await started('Patient/$export?_type=Observation'))
    const [{ url }] = body.output
    const packed = await world.ask('GET', url, undefined, { 'accept-encoding': 'gzip' })
    const plain = await world.ask('GET', url, undefined, { 'accept-encoding': 'gzip;q=0' })
    expect([packed.headers.get('content-encoding'), plain.headers.get('content-encoding')]).toEqual(['gzip', null])
    expect(packed.text).toBe(plain.text)
  })

  test('the group can be found and read, and says who is in it', async () => {
    const found = (await world.ask('GET', 'Group?type=person')).body
    expect(found.entry.map((e: Json) => e.resource.id)).toEqual(['all'])
    expect((await world.ask('GET', 'Group?type=animal')).body.total).toBe(0)
    const { body } = await world.ask('GET', 'Group/all')
    expect(body.member.map((m: Json) => m.entity.reference).sort()).toEqual([`Patient/${adaId}`, `Patient/${benId}`].sort())
    const { body: told } = await world.ask('GET', 'metadata')
    const group = told.rest[0].resource.find((r: Json) => r.type === 'Group')
    expect(group.operation).toEqual([{ name: 'export', definition: 'http://hl7.org/fhir/uv/bulkdata/OperationDefinition/group-export' }])
  })
})

describe('where it comes from', () => {
  test('goes along where that is asked for: the latest of each resource, or all that there is', async () => {
    const target = async (type: string, who: string): Promise<string> => {
      const found = (await lines(`Patient/$export?_type=${type}`))[type]!.find(r => JSON.stringify(r).includes(who))
      return `${type}/${found.id}`
    }
    const reference = await target('Observation', `Patient/${benId}`)
    for (const [id, recorded] of [
      ['early', '2026-01-01T00:00:00Z'],
      ['late', '2030-01-01T00:00:00Z'],
    ] as const)
      await files(ben, {
        [`${id}.json`]: {
          resourceType: 'Provenance',
          id,
          target: [{ reference: 'Observation/lab' }],
          recorded,
          agent: [{ who: { display: id } }],
        },
      })
    const exported = async (value: string, query = '_type=Observation'): Promise<Json[]> => {
      const all = await lines(`Patient/$export?${query}&includeAssociatedData=${value}`)
      return all.Provenance!.filter(p => p.target.some((t: Json) => t.reference.startsWith(reference)))
    }
    const who = (all: Json[]) => all.map(p => p.agent[0].who.display).filter(name => name === 'early' || name === 'late')
    const relevant = await exported('RelevantProvenanceResources')
    expect([who(relevant).sort(), relevant.length > 2]).toEqual([['early', 'late'], true])
    expect(who(await exported('LatestProvenanceResources'))).toEqual(['late'])
    expect(await exported('LatestProvenanceResources')).toHaveLength(1)
    expect(await exported('LatestProvenanceResources,RelevantProvenanceResources')).toHaveLength(relevant.length)
    const only = encodeURIComponent(`Observation?category=vital-signs`)
    const none = await lines(`Patient/$export?_type=Observation&_typeFilter=${only}&includeAssociatedData=RelevantProvenanceResources`)
    expect(JSON.stringify(none.Provenance)).not.toContain(reference)
    const program = asProgram('system/Observation.rs')
    const denied = await program('GET', 'Patient/$export?includeAssociatedData=RelevantProvenanceResources', undefined, ASYNC)
    expect(denied.status).toBe(403)
  })
})

describe('groups that the operator put together', () => {
  test('are exported with those of their members whose consents live and serve; of the others it is said how many and why', async () => {
    const cal = await world.patient('Cal')
    const dee = await world.patient('Dee')
    const { id: calId } = await consents(world, cal, ['read'], ['HPAYMT'])
    const given = await consents(world, dee)
    const groups = groupsAt(world.clinic, world.clinic.folder)
    const { id } = await groups.add('Register')
    await groups.change(id, () => [benId, calId, given.id])
    await groups.close()
    const at = await started(`Group/${id}/$export?_type=Patient,Observation`)
    const { status, body } = await finished(at)
    expect(status).toBe(200)
    const fetched = async (of: Json[]): Promise<string> =>
      (await Promise.all(of.map(async f => (await world.ask('GET', f.url)).text))).join('')
    const output = await fetched(body.output)
    expect([output.includes(benId), output.includes(adaId), output.includes(calId)]).toEqual([true, false, false])
    const [told] = (await fetched(body.error))
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(told.issue.map((i: Json) => [i.severity, i.code, i.details.text])).toEqual([
      ['warning', 'suppressed', '1 patient is left out: the consent is for another purpose than that of the caller.'],
    ])
    for (const commitment of Object.values(given.commitments)) await revoke(dee, commitment)
    await until(() => world.gateway.patient(given.id) === null)
    const errors = async () => fetched((await world.ask('GET', at)).body.error)
    await until(async () => (await errors()).includes('1 patient is left out: the consent has ended.'))
    expect(await errors()).not.toContain(given.id)
    const again = await finished(await started(`Group/${id}/$export?_type=Patient`))
    expect(await fetched(again.body.error)).toContain('the consent has ended')
  })

  test('are found and read by who may, with the members whose consents live, and what is none is not exported', async () => {
    const found = (await world.ask('GET', 'Group?type=person')).body.entry.find((e: Json) => e.resource.name === 'Register')
    expect(found.resource.member.map((m: Json) => m.entity.reference)).toContain(`Patient/${benId}`)
    expect(found.resource.quantity).toBe(2)
    const { id } = found.resource
    expect((await world.ask('GET', `Group/${id}`)).body.name).toBe('Register')
    expect((await asProgram('system/Patient.rs')('GET', `Group/${id}`)).status).toBe(403)
    const body = { resourceType: 'Parameters', parameter: [{ name: 'patient', valueReference: { reference: `Patient/${adaId}` } }] }
    expect((await world.ask('POST', `Group/${id}/$export`, body, ASYNC)).status).toBe(404)
    expect((await world.ask('GET', 'Group/g-000000000000/$export', undefined, ASYNC)).status).toBe(404)
  })
})

describe('an export takes no more than its caller may', () => {
  test('a program gets what its system scopes cover, down to their searches', async () => {
    const all = await lines('Patient/$export', asProgram('system/Observation.rs?category=laboratory system/Patient.rs'))
    expect([Object.keys(all).sort(), all.Observation!.length]).toEqual([['Observation', 'Patient'], 2])
    const denied = await asProgram('system/Patient.rs')('GET', 'Patient/$export?_type=Observation', undefined, ASYNC)
    expect(denied.status).toBe(403)
  })

  test('scopes of a person at a patient, and scopes that only read or only search, export nothing', async () => {
    for (const scopes of ['patient/*.rs', 'system/*.r', 'system/*.s', 'system/*.cud'])
      expect([scopes, (await asProgram(scopes)('GET', 'Patient/$export', undefined, ASYNC)).status]).toEqual([scopes, 403])
  })

  test('nobody else asks after it, fetches of it, or ends it', async () => {
    const at = await started('Patient/$export')
    const { body } = await finished(at)
    const file: string = body.output[0].url
    const other = world.asking({ 'x-keepwell-person': 'Mallory' })
    const stranger = world.asking({ authorization: 'Bearer nothing' })
    for (const url of [at, file]) {
      expect((await other('GET', url)).status).toBe(404)
      expect((await asProgram('system/*.rs')('GET', url)).status).toBe(404)
      expect((await stranger('GET', url)).status).toBe(401)
    }
    expect([(await other('DELETE', at)).status, (await stranger('DELETE', at)).status]).toEqual([404, 401])
    expect((await world.ask('GET', file)).status).toBe(200)
  })

  test('a token that may do less than the one that began it fetches only what it may itself', async () => {
    const at = await started('Patient/$export', asProgram('system/*.rs'))
    const { body } = await finished(at, asProgram('system/*.rs'))
    const url = (type: string): string => body.output.find((o: Json) => o.type === type).url
    const less = asProgram('system/Patient.rs system/Observation.rs?category=laboratory')
    expect([(await less('GET', url('Patient'))).status, (await less('GET', url('Observation'))).status]).toEqual([200, 403])
  })
})

describe('what was erased', () => {
  test('is named to whoever took it before and asks for what is new, and to nobody else', async () => {
    await files(ada, { 'mistake.json': { ...observation('mistake', 'laboratory', '2026-01-05'), note: [{ text: 'A mistake' }] } })
    const nurse = await lines('Patient/$export?_type=Observation')
    const mistake = nurse.Observation!.find(o => o.note)
    const at = new Date(world.gateway.clock() * 1000).toISOString()
    const entry = (await listEntries(ada)).find(e => e.card.start === '2026-01-05')!
    await eraseRecords(ada, [entry.id])
    const deleted = async (ask: Ask, query: string): Promise<string[]> => {
      const { body } = await finished(await started(`Patient/$export?${query}`, ask), ask)
      const all: string[] = []
      for (const { type, url } of body.deleted) {
        expect(type).toBe('Bundle')
        const { text } = await ask('GET', url)
        for (const line of text.trimEnd().split('\n'))
          for (const { request } of JSON.parse(line).entry) all.push(`${request.method} ${request.url}`)
      }
      return all
    }
    expect(await deleted(world.ask, '_type=Patient&_since=2020-01-01T00:00:00Z')).toEqual([])
    expect(await deleted(world.ask, '_since=2020-01-01T00:00:00Z')).toEqual([`DELETE Observation/${mistake.id}`])
    expect(await deleted(world.ask, `_since=${at}`)).toEqual([`DELETE Observation/${mistake.id}`])
    expect(await deleted(world.ask, '_since=2100-01-01T00:00:00Z')).toEqual([])
    expect(await deleted(world.ask, '')).toEqual([])
    expect(await deleted(asProgram('system/*.rs'), '_since=2020-01-01T00:00:00Z')).toEqual([])
    const kept = (await readdir(join(world.clinic.folder, 'exported'), { recursive: true })).filter(f => f.endsWith('.sealed'))
    expect(kept.length).toBeGreaterThan(1)
    for (const name of kept) {
      const bytes = await readFile(join(world.clinic.folder, 'exported', name))
      expect([bytes.includes('Observation'), bytes.includes(mistake.id)]).toEqual([false, false])
    }
  })
})

describe('an import', () => {
  const ndjson = { 'content-type': 'application/fhir+ndjson' }
  const report = (answer: Answer): Json[] =>
    answer.text
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
  const line = (i: number, patient: string) =>
    JSON.stringify({
      ...observation(`import-${i}`, 'vital-signs', '2026-04-01'),
      subject: { reference: `Patient/${patient}` },
      valueString: `import ${i}`,
    })

  test('files each line in its patient’s record; one that is broken costs itself', async () => {
    const all = Array.from({ length: 1000 }, (_, i) => (i === 500 ? '{"resourceType":"Observation",' : line(i, i % 2 ? adaId : benId)))
    const answer = await world.ask('POST', '$import', all.join('\n'), ndjson)
    const told = report(answer)
    expect([answer.status, told.length, told[1000].id, told[1000].issue[0].details.text]).toEqual([
      200,
      1001,
      'summary',
      '999 of 1000 lines were written; not written: 1.',
    ])
    expect([told[500].id, told[500].issue[0].severity, told[500].issue[0].code]).toEqual(['line-501', 'error', 'structure'])
    for (const [patient, count] of [
      [adaId, 500],
      [benId, 499],
    ] as const) {
      const found = (await world.asking({ ...NURSE, 'x-keepwell-patient': patient })('GET', 'Observation?date=2026-04-01&_count=0')).body
      expect(found.total).toBe(count)
    }
  })

  test('takes what breaks rules and says so, and refuses what is nobody’s, another’s, or not the caller’s to write', async () => {
    const at = world.asking({ ...NURSE, 'x-keepwell-patient': adaId })
    const invalid = JSON.stringify({ resourceType: 'Observation', id: 'invalid-1', status: 'nonsense', code: { text: 'x' } })
    const stranger = JSON.stringify({
      resourceType: 'Patient',
      id: '9',
      name: [{ family: 'Someone', given: ['Else'] }],
      birthDate: '1950-01-01',
    })
    const told = report(
      await at('POST', '$import', [invalid, line(1, 'a-name-from-elsewhere'), line(2, benId), stranger].join('\n'), ndjson),
    )
    expect(told.map(t => t.issue.map((i: Json) => i.severity))).toEqual([
      ['information', 'warning'],
      ['information'],
      ['error'],
      ['error'],
      ['warning'],
    ])
    expect(told[0].issue[1].expression).toEqual(['Observation.status'])
    expect(report(await world.ask('POST', '$import', line(3, 'nobody'), ndjson))[0].issue[0].code).toBe('required')
    const program = asProgram('system/Patient.c system/Observation.rs')
    expect(report(await program('POST', '$import', line(4, adaId), ndjson))[0].issue[0].code).toBe('forbidden')
    expect((await world.ask('POST', '$import', line(5, adaId), { 'content-type': 'application/fhir+json' })).status).toBe(415)
  })
})

describe('an export is under each patient’s eyes and hand', () => {
  test('each record it opened has a receipt that says so', async () => {
    const before = await newReceipts(ada, NOTHING_SEEN)
    const at = await started('Patient/$export')
    await finished(at)
    const id = at.split('/').at(-1)!
    const { receipts } = await newReceipts(ada, before.seen)
    const mine = receipts.filter(r => r.actor === didOf(world.clinic))
    expect(mine.length).toBeGreaterThan(0)
    for (const r of mine) expect([r.person, r.role]).toEqual(['Nurse Joy', `nurse, export ${id.slice(0, 6)}`])
    const opened = new Set(mine.filter(r => r.action === 'view').flatMap(r => r.ids.map(toHex)))
    expect(opened.size).toBeGreaterThan(5)
  })

  test('what waits to be fetched is sealed, and gone from the disk once it is cancelled', async () => {
    const at = await started('Patient/$export')
    await finished(at)
    const folder = join(exportsAt(), at.split('/').at(-1)!)
    const kept = await readdir(folder)
    expect(kept.length).toBe(2)
    for (const name of kept) {
      const bytes = await readFile(join(folder, name))
      expect([bytes.length > 200, bytes.includes(MARKER), bytes.includes('resourceType')]).toEqual([true, false, false])
    }
    expect((await world.ask('DELETE', at)).status).toBe(202)
    expect((await world.ask('GET', at)).status).toBe(404)
    await until(async () => !(await onDisk()).some(f => f.includes(at.split('/').at(-1)!)))
  })

  test('when a consent ends, that patient’s lines are gone and the others’ stay', async () => {
    const at = await started('Patient/$export?_type=Patient,Observation')
    const before = await finished(at)
    const counts = (a: Answer) => Object.fromEntries(a.body.output.map((o: Json) => [o.type, o.count]))
    await revoke(ben, consentOfBen)
    await until(async () => counts(await world.ask('GET', at)).Patient === 1)
    const after = counts(await world.ask('GET', at))
    expect([counts(before).Patient, after.Patient, after.Observation < counts(before).Observation]).toEqual([2, 1, true])
    const file = await world.ask('GET', before.body.output.find((o: Json) => o.type === 'Observation').url)
    expect([file.text.includes(adaId), file.text.includes(benId)]).toEqual([true, false])
    await until(async () => (await readdir(join(exportsAt(), at.split('/').at(-1)!))).length === 1)
    expect((await lines('Patient/$export?_type=Patient')).Patient!.map(p => p.id)).toEqual([adaId])
  })
})

describe('the desk of exports', () => {
  const plan: Plan = {
    level: 'patient',
    types: ['Patient'],
    since: null,
    filters: new Map(),
    elements: null,
    provenance: null,
    patients: null,
    notes: [],
  }
  const actor: Actor = { person: 'Nurse Joy', role: 'nurse', purpose: 'TREAT', scopes: null, patient: null }
  const pause = (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal, ref: false })

  test('keeps a bounded number, takes them in turn, and lets each go when its time is over', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'keepwell-exports-'))
    const memory = openMemory({
      dir: join(dir, 'memory'),
      secret: new Uint8Array(32),
      random: world.gateway.random,
      readFile: readIfThere,
      writeFile: writeDurable,
    })
    const desk = openDesk({
      gateway: world.gateway,
      dir: join(dir, 'exports'),
      memory,
      pause,
      limits: { together: 1, perActor: 2, keep: 0 },
    })
    const jobs = [desk.start(actor, plan, 'a'), desk.start(actor, plan, 'b')]
    expect(await codeOf(async () => desk.start(actor, plan, 'c'))).toBe('RATE_LIMITED')
    expect(jobs[1]!.state().is).toBe('waiting')
    await until(() => jobs.every(j => j.state().is === 'done'))
    await until(() => jobs.every(j => desk.find(actor, j.id) === null))
    await until(async () => (await readdir(join(dir, 'exports'))).length === 0)
    await desk.close()
  })
})
