import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFhirTerminology } from '@keepwell/adapters/terminology/fhir-server'
import { openTerminology, type TerminologyFile } from '@keepwell/adapters/terminology/sqlite'
import { ERRORS, isKeepwellError } from '@keepwell/sdk/base/error'
import { loadChecker } from '@keepwell/sdk/health/fhir/check'
import { field, type JsonObject } from '@keepwell/sdk/health/fhir/read'
import { conceptsOf, systemOf } from '@keepwell/sdk/health/terminology/fhir-release'
import { TERMINOLOGY_FIXTURE, terminologySuite } from '@keepwell/sdk/ports/terminology.suite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FhirRequest } from '#gateway/fhir/route'
import { terminologyPart } from './part.ts'
import { terminologyRoutes } from './routes.ts'

const folder = mkdtempSync(join(tmpdir(), 'keepwell-'))
let server: Server
let base: string
let terms: TerminologyFile

/** The rows behind a plain HTTP server: formats, actors and errors are the FHIR side's own matter. */
async function serve(): Promise<string> {
  const routes = terminologyRoutes({ terminology: terms, clock: () => 1_790_000_000, random: n => new Uint8Array(n).fill(7) })
  server = createServer(async (request, response) => {
    const url = new URL(request.url!, 'http://x')
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const route = routes.find(r => r.method === request.method && decodeURIComponent(url.pathname) === r.path)
    try {
      const resource = parts.length ? (JSON.parse(Buffer.concat(parts).toString()) as JsonObject) : null
      const answer = await route!.handle({ query: url.searchParams, resource } as FhirRequest)
      response.writeHead(200, { 'content-type': 'application/fhir+json' }).end(JSON.stringify(answer.resource))
    } catch (e) {
      const meaning = isKeepwellError(e) ? ERRORS[e.code] : { http: 500, fhir: 'exception' }
      const outcome = {
        resourceType: 'OperationOutcome',
        issue: [{ severity: 'error', code: meaning.fhir, diagnostics: (e as Error).message }],
      }
      response.writeHead(meaning.http).end(JSON.stringify(outcome))
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

beforeAll(async () => {
  terms = openTerminology({ file: join(folder, 'terms.sqlite') })
  for (const r of TERMINOLOGY_FIXTURE) {
    const system = r.resourceType === 'CodeSystem' ? systemOf(r) : null
    if (system) await terms.loadSystem(system, conceptsOf(r))
  }
  await terms.loadResources(TERMINOLOGY_FIXTURE.map(({ concept: _, ...r }) => r))
  base = await serve()
})
afterAll(async () => {
  await new Promise(resolve => server.close(resolve))
  await terms.close()
  rmSync(folder, { recursive: true, force: true })
})

terminologySuite('another FHIR server', async () => openFhirTerminology({ base }))

describe('the operations', () => {
  const get = async (path: string): Promise<JsonObject> => (await fetch(`${base}/${path}`)).json() as Promise<JsonObject>
  const post = async (path: string, body: JsonObject): Promise<JsonObject> =>
    (await fetch(`${base}/${path}`, { method: 'POST', body: JSON.stringify(body) })).json() as Promise<JsonObject>
  const system = 'http://keepwell.example/animals'

  test('answer by GET too, and every answer is valid FHIR', async () => {
    const check = await loadChecker()
    const answers = await Promise.all([
      get(`CodeSystem/$lookup?system=${system}&code=wolfhound`),
      get(`CodeSystem/$validate-code?url=${system}&code=cat`),
      get(`CodeSystem/$subsumes?system=${system}&codeA=pet&codeB=dog`),
      get('ValueSet/$expand?url=http://keepwell.example/ValueSet/mammals&count=2'),
      get(`ConceptMap/$translate?system=${system}&code=dog`),
      get('ValueSet/$expand?url=http://nowhere.example'),
    ])
    for (const a of answers) expect(check(a).filter(i => i.severity === 'error')).toEqual([])
    expect(answers.map(a => a.resourceType)).toEqual([
      'Parameters',
      'Parameters',
      'Parameters',
      'ValueSet',
      'Parameters',
      'OperationOutcome',
    ])
    expect(field(answers[3]!.expansion, 'total')).toBe(3)
  })

  test('a concept with several codings is valid when one of them is', async () => {
    const codeableConcept = {
      coding: [
        { system, code: 'cat' },
        { system, code: 'dog' },
      ],
    }
    const body = {
      resourceType: 'Parameters',
      parameter: [
        { name: 'url', valueUri: 'http://keepwell.example/ValueSet/below-pet' },
        { name: 'codeableConcept', valueCodeableConcept: codeableConcept },
      ],
    }
    expect(await post('ValueSet/$validate-code', body)).toMatchObject({
      parameter: expect.arrayContaining([{ name: 'result', valueBoolean: true }]),
    })
  })

  test('what is missing, or no number, is said', async () => {
    expect(await get('CodeSystem/$lookup?code=x')).toMatchObject({
      issue: [{ code: 'invalid', diagnostics: expect.stringContaining('system') }],
    })
    expect(await get('ValueSet/$expand?url=http://keepwell.example/ValueSet/mammals&count=-1')).toMatchObject({
      issue: [{ code: 'invalid' }],
    })
  })
})

describe('another server that misbehaves', () => {
  const answering = (status: number, body: string) =>
    openFhirTerminology({ base: 'http://x', fetch: async () => new Response(body, { status }) })
  test.each([
    ['is down', () => openFhirTerminology({ base: 'http://x', fetch: async () => Promise.reject(new TypeError('refused')) })],
    ['fails', () => answering(500, '{}')],
    ['talks HTML', () => answering(200, '<html>')],
  ])('%s: it is said, and nothing is made up', async (_, make) => {
    await expect(make().validateCode({ system: 's', code: 'c' })).rejects.toMatchObject({ code: 'PEER_FAILED' })
    await expect(make().lookup({ system: 's', code: 'c' })).rejects.toMatchObject({ code: 'PEER_FAILED' })
  })
})

test('a gateway that starts the first time knows what FHIR enumerates, and keeps what was loaded', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'keepwell-'))
  try {
    const gateway = { clock: () => 1_790_000_000, random: (n: number) => new Uint8Array(n) }
    for (const _ of [1, 2]) {
      const part = await terminologyPart(gateway, { dir, server: null })
      const route = part.fhir!.find(r => r.method === 'GET' && r.path === '/CodeSystem/$lookup')!
      const query = new URLSearchParams({ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' })
      const answer = await route.handle({ query, resource: null } as FhirRequest)
      expect(answer.resource).toMatchObject({ parameter: expect.arrayContaining([{ name: 'display', valueString: 'ambulatory' }]) })
      await part.close!()
    }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})
