import { spawn } from 'node:child_process'
import { once as event } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MedplumClient } from '@medplum/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { files, type Json } from '#e2e/gateway.kit'
import { type Here, newService, openHere } from '#e2e/requirements/world'
import { programOf } from '../../tools/python.ts'

// Clients of others that take records out in bulk: with a token of Backend Services, which they get themselves where they can.

const NAME = 'SMART’s bulk-data-client'
/** A checkout of smart-on-fhir/bulk-data-client with its dependencies, and with `node@18` among them, which it needs. */
const client = process.env.KEEPWELL_BULK_CLIENT
if (!client) console.warn(`SKIPPED ${NAME}: set KEEPWELL_BULK_CLIENT to a checkout with its dependencies and node@18`)
const FETCH = 'SMART’s smart-fetch'
const fetcher = programOf('smart-fetch')
if (!fetcher) console.warn(`SKIPPED ${FETCH}: it is not here; the gate installs it where there is Python.`)

let here: Here
let place: string
beforeAll(async () => {
  here = await openHere()
  place = mkdtempSync(join(tmpdir(), 'keepwell-bulk-'))
})
afterAll(async () => {
  await here?.close()
  rmSync(place, { recursive: true, force: true })
})

const lines = (ndjson: string): Json[] =>
  ndjson
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line))

test('MedplumClient.bulkExport asks, waits and is given every resource of both patients', async () => {
  const service = await newService(here.at, 'system/*.rs')
  const { access_token } = (await (await service.ask('system/*.rs')).json()) as Json
  const medplum = new MedplumClient({ baseUrl: `${here.at.url}/`, fhirUrlPath: 'fhir', fetch, accessToken: access_token })
  const { output, requiresAccessToken } = await medplum.bulkExport('Patient', 'Patient,Observation', undefined, {
    pollStatusOnAccepted: true,
    pollStatusPeriod: 50,
  })
  expect([requiresAccessToken, output!.map(o => o.type).sort()]).toEqual([true, ['Observation', 'Patient']])
  const found: Record<string, string[]> = {}
  for (const { type, url } of output!) found[type!] = lines(await (await medplum.download(url!)).text()).map(r => r.id)
  expect(found.Patient!.sort()).toEqual([here.adaId, here.benId].sort())
  const { body } = await here.atAda('GET', `Observation?patient=${here.adaId}&_summary=count`)
  expect(found.Observation).toHaveLength(body.total + 1)
})

/** Runs it with a configuration; gives what it wrote. */
async function taken(
  more: Json,
): Promise<{ code: number; said: string; log: Json[]; files: Record<string, Json[]>; attachments: string[] }> {
  const service = await newService(here.at, 'system/*.rs')
  const destination = mkdtempSync(join(place, 'to-'))
  const config = join(place, `${service.id}.js`)
  const settings = { fhirUrl: here.at.fhir, tokenUrl: `${here.at.url}/auth/token`, clientId: service.id, privateKey: service.jwk }
  writeFileSync(config, `module.exports = ${JSON.stringify({ ...settings, reporter: 'text', destination, saveManifest: true, ...more })}`)
  const child = spawn(join(client!, 'node_modules/.bin/node'), [join(client!, 'built/app.js'), '--config', config], { cwd: client })
  let said = ''
  for (const out of [child.stdout, child.stderr]) out.on('data', d => (said += d))
  const [code] = await event(child, 'close')
  const names = readdirSync(destination)
  const read = names.filter(n => /^\d+\..*ndjson$/.test(n)).map(n => [n, lines(readFileSync(join(destination, n), 'utf8'))])
  const log = join(destination, 'log.ndjson')
  const beside = join(destination, 'attachments')
  const attachments = existsSync(beside) ? readdirSync(beside).map(n => readFileSync(join(beside, n), 'utf8')) : []
  return { code, said, log: existsSync(log) ? lines(readFileSync(log, 'utf8')) : [], files: Object.fromEntries(read), attachments }
}

test.skipIf(!client)(`${NAME} authorizes itself, exports, checks every line, and takes documents along`, async () => {
  await files(here.ada, { 'letter.txt': 'The patient was sent home in good health.' })

  const all = await taken({ group: 'all' })
  const { eventDetail: told } = all.log.find(l => l.eventId === 'export_complete') ?? {}
  expect([all.code, all.log.filter(l => /error/.test(l.eventId))], all.said).toEqual([0, []])
  expect(all.files['1.Patient.ndjson']!.map(r => r.id).sort()).toEqual([here.adaId, here.benId].sort())
  const resources = Object.values(all.files).flat()
  expect([told.files, told.resources]).toEqual([Object.keys(all.files).length, resources.length])
  expect(all.attachments).toContain('The patient was sent home in good health.')
  console.log(`${NAME}: ${told.files} files, ${told.resources} resources, ${told.attachments} documents`)

  const some = await taken({ global: true, post: true, _type: 'Patient,Goal', _since: '2020-01-01', patient: '' })
  expect([some.code, Object.keys(some.files).sort()], some.said).toEqual([0, ['1.Goal.ndjson', '1.Patient.ndjson']])
  const one = await taken({ _type: 'Patient', patient: `Patient/${here.adaId}`, _elements: 'name' })
  expect([one.code, one.files['1.Patient.ndjson']!.map(r => r.id)], one.said).toEqual([0, [here.adaId]])
})

/** Runs its commands one after the other, with one key, into one folder; gives what is there then: the resources by type, and its log. */
async function fetched(...commands: readonly (readonly string[])[]): Promise<{ byType: Record<string, Json[]>; log: Json[] }> {
  const service = await newService(here.at, 'system/*.rs')
  const to = mkdtempSync(join(place, 'fetched-'))
  const key = join(place, `${service.id}.jwks`)
  writeFileSync(key, JSON.stringify({ keys: [{ ...service.jwk, key_ops: ['sign'] }] }))
  for (const [command, ...args] of commands) {
    const login = ['--fhir-url', here.at.fhir, '--smart-client-id', service.id, '--smart-key', key]
    const child = spawn(fetcher!, [command!, ...login, '--no-compression', ...args, to], { env: { PATH: process.env.PATH } })
    let said = ''
    for (const out of [child.stdout, child.stderr]) out.on('data', d => (said += d))
    const [code] = await event(child, 'close')
    expect(code, said).toBe(0)
  }
  const names = readdirSync(to).filter(n => n.endsWith('.ndjson'))
  const files = names.map(n => [n.split('.')[0]!, lines(readFileSync(join(to, n), 'utf8'))] as const)
  const { log = [], ...byType } = Object.fromEntries(files)
  return { byType, log }
}

test.skipIf(!fetcher)(`${FETCH} takes the same in bulk and by searches, and puts letters into it`, async () => {
  await files(here.ada, { 'note.txt': 'The wound has healed.' })
  const idsOf = (byType: Record<string, Json[]>) =>
    Object.fromEntries(Object.entries(byType).map(([type, all]) => [type, all.map(r => r.id).sort()]))
  const bulk = await fetched(['bulk', '--group', 'all'], ['hydrate', '--tasks', 'inline', '--mimetypes', 'text/plain'])
  const ids = idsOf(bulk.byType)
  expect(bulk.log.filter(l => /error/.test(l.eventId))).toEqual([])
  expect(ids.Patient).toEqual([here.adaId, here.benId].sort())
  // R4 leaves devices out of a patient's compartment; an implant is theirs all the same.
  expect(ids.Device).toHaveLength(1)
  const texts = bulk.byType.DocumentReference!.flatMap(r => r.content.map((c: Json) => atob(c.attachment.data ?? '')))
  expect(texts).toContain('The wound has healed.')
  expect(idsOf((await fetched(['crawl', '--group', 'all'])).byType)).toEqual(ids)
  const { eventDetail: told } = bulk.log.find(l => l.eventId === 'export_complete')!
  console.log(`${FETCH}: ${told.files} files, ${told.resources} resources, and the same by searches`)
})
