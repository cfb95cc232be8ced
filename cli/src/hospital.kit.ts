import { request as ask, createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { capability, openLogin, type Send, smartConfiguration } from './hospital-login.kit.ts'

/** For tests: a hospital's FHIR server with a SMART login, on a real port, that can be told to misbehave. */

export type Resource = Readonly<Record<string, unknown>> & { readonly resourceType: string; readonly id: string }
type Fault = { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }

export type Hospital = Awaited<ReturnType<typeof openHospital>>
export type HospitalOptions = {
  /** Resources on a page. */
  readonly page?: number
  readonly types?: readonly string[]
  /** Says how to log in in /metadata only. */
  readonly v1?: boolean
  /** Address of a real FHIR server, ending in `/fhir`: the login and the faults stand before it, and it answers. */
  readonly before?: string
}

export const PATIENT = 'p-1'
const START = Date.parse('2026-06-01T08:00:00Z')

/** Resources with their versions and times, by the server's own clock. */
function openShelf() {
  const resources = new Map<string, { resource: Resource; at: number; version: number }>()
  const clock = { now: START }
  const shown = (key: string): Resource | null => {
    const found = resources.get(key)
    return found ? { ...found.resource, meta: { versionId: String(found.version), lastUpdated: new Date(found.at).toISOString() } } : null
  }
  return {
    clock,
    shown,
    put(resource: Resource): void {
      clock.now += 60_000
      const key = `${resource.resourceType}/${resource.id}`
      resources.set(key, { resource, at: clock.now, version: (resources.get(key)?.version ?? 0) + 1 })
    },
    /** A page of a search: by category and time, with the Provenance of what is on it where that is asked for. */
    page(base: string, type: string, q: URLSearchParams, size: number) {
      const since = q.get('_lastUpdated')?.replace(/^ge/, '')
      const category = q.get('category')
      const all = [...resources].flatMap(([key, r]) => {
        if (!key.startsWith(`${type}/`) || (since && r.at < Date.parse(since))) return []
        return category === null || JSON.stringify(r.resource.category ?? '').includes(`"${category}"`) ? [key] : []
      })
      const offset = Number(q.get('offset') ?? 0)
      const page = all.slice(offset, offset + size)
      const about = (r: Resource): boolean => page.some(p => JSON.stringify(r).includes(`"${p}"`))
      const beside = [...resources].flatMap(([key, r]) => (key.startsWith('Provenance/') && about(r.resource) ? [key] : []))
      const more = new URLSearchParams(q)
      more.set('offset', String(offset + size))
      const entry = (mode: string) => (key: string) => ({ fullUrl: `${base}/${key}`, resource: shown(key), search: { mode } })
      return {
        resourceType: 'Bundle',
        type: 'searchset',
        meta: { lastUpdated: new Date(clock.now).toISOString() },
        total: all.length,
        link: offset + size < all.length ? [{ relation: 'next', url: `${base}/${type}?${more}` }] : [],
        entry: [...page.map(entry('match')), ...(q.has('_revinclude') ? beside.map(entry('include')) : [])],
      }
    },
  }
}

const ALL =
  'Patient AllergyIntolerance Condition MedicationRequest Immunization Observation DiagnosticReport Procedure DocumentReference CarePlan Practitioner Organization Provenance Binary'

/** Hands a request on as proxies do, under the name it came to. */
function handOn(server: string, { url, method, headers }: IncomingMessage, response: ServerResponse): void {
  const { authorization: _, ...rest } = headers
  const onward = ask(new URL(url!, server), { method, headers: rest, agent: false }, answer => {
    response.writeHead(answer.statusCode!, answer.rawHeaders)
    answer.pipe(response)
  })
  onward.on('error', () => response.destroy()).end()
}

export async function openHospital({ page = 50, types = ALL.split(' '), v1 = false, before }: HospitalOptions = {}) {
  const shelf = openShelf()
  const binaries = new Map<string, { type: string; bytes: Uint8Array }>()
  const once = new Map<string, Fault[]>()
  const always = new Map<string, Fault>()
  const rules: ((type: string, query: URLSearchParams) => Fault | null)[] = []
  const pages: ((query: URLSearchParams) => Fault | null)[] = []
  const asked: { path: string; query: URLSearchParams }[] = []
  /** Whether pages of others may ask at a path (CORS); by default everywhere. */
  const cors = { allows: (_path: string): boolean => true }
  const hold = { until: null as Promise<void> | null }
  const date = () => ({ date: new Date(shelf.clock.now).toUTCString() })
  const send: Send = (response, status, body, type = 'application/fhir+json') =>
    void response.writeHead(status, { 'content-type': type, ...date() }).end(typeof body === 'string' ? body : JSON.stringify(body))
  const login = openLogin(send)

  function fhir(url: URL, request: IncomingMessage, response: ServerResponse): void {
    const [type = '', id = ''] = url.pathname.slice('/fhir/'.length).split('/')
    const search = type ? rules.map(r => r(type, url.searchParams)) : pages.map(r => r(url.searchParams))
    const rule = id ? null : search.find(Boolean)
    const fault = once.get(url.pathname)?.shift() ?? always.get(url.pathname) ?? rule
    const binary = type === 'Binary' ? binaries.get(id) : undefined
    const found = shelf.shown(`${type}/${id}`)
    if (fault)
      response.writeHead(fault.status, { 'content-type': 'application/fhir+json', ...date(), ...fault.headers }).end(fault.body ?? '')
    else if (before) handOn(before, request, response)
    else if (!id) send(response, 200, shelf.page(`${url.origin}/fhir`, type, url.searchParams, page))
    else if (binary) response.writeHead(200, { 'content-type': binary.type }).end(binary.bytes)
    else if (found) send(response, 200, found)
    else send(response, 404, { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'not-found' }] })
  }

  const server: Server = createServer(async (request, response) => {
    const url = new URL(request.url!, `http://${request.headers.host}`)
    const auth = `${url.origin}/auth`
    if (cors.allows(url.pathname)) {
      response.setHeader('access-control-allow-origin', '*')
      response.setHeader('access-control-allow-headers', 'authorization, content-type')
    }
    if (request.method === 'OPTIONS') return void response.writeHead(204).end()
    if (url.pathname === '/fhir/.well-known/smart-configuration')
      return send(response, v1 ? 404 : 200, smartConfiguration(auth), 'application/json')
    if (url.pathname === '/fhir/metadata' && before) return handOn(before, request, response)
    if (url.pathname === '/fhir/metadata') return send(response, 200, capability(auth, types))
    if (url.pathname.startsWith('/auth/')) return login.answer(url, request, response)
    asked.push({ path: url.pathname, query: url.searchParams })
    await hold.until
    if (login.tokens.has(request.headers.authorization?.replace('Bearer ', '') ?? '')) fhir(url, request, response)
    else response.writeHead(401).end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}/fhir`,
    clock: shelf.clock,
    put: shelf.put,
    binary: (id: string, type: string, bytes: Uint8Array) => void binaries.set(id, { type, bytes }),
    /** Faults by path, each used once, and those that stay. */
    once,
    always,
    /** Decide on a search; a fault is its answer. */
    rules,
    /** The same on further pages, where they are asked for at the server itself. */
    pages,
    asked,
    cors,
    /** No question is answered before. */
    hold,
    login: login.state,
    tokens: login.tokens,
    refreshes: login.refreshes,
    /** Every access token counts for nothing from now on; with `all`, refresh tokens too. */
    expire(all = false): void {
      login.tokens.clear()
      if (all) login.refreshes.clear()
    },
    async close(): Promise<void> {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

const subject = { reference: `Patient/${PATIENT}` }

export const patient: Resource = {
  resourceType: 'Patient',
  id: PATIENT,
  name: [{ family: 'Example', given: ['Ada'] }],
  birthDate: '1980-02-03',
}

export const observation = (n: number, category = 'laboratory', value = 90 + n): Resource => ({
  resourceType: 'Observation',
  id: `o-${n}`,
  status: 'final',
  category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: category }] }],
  code: { coding: [{ system: 'http://loinc.org', code: '2345-7', display: 'Glucose' }] },
  subject,
  performer: [{ reference: 'Practitioner/dr-1' }],
  effectiveDateTime: `2026-01-${String((n % 28) + 1).padStart(2, '0')}`,
  valueQuantity: { value, unit: 'mg/dL', system: 'http://unitsofmeasure.org', code: 'mg/dL' },
})

export const condition: Resource = {
  resourceType: 'Condition',
  id: 'c-1',
  clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' }] },
  code: { coding: [{ system: 'http://snomed.info/sct', code: '38341003', display: 'Hypertension' }] },
  subject,
}

export const letter = (url: string): Resource => ({
  resourceType: 'DocumentReference',
  id: 'd-1',
  status: 'current',
  type: { coding: [{ system: 'http://loinc.org', code: '18842-5', display: 'Discharge summary' }] },
  date: '2026-05-01T10:00:00Z',
  subject,
  content: [{ attachment: { contentType: 'text/plain', url, title: 'Discharge summary' } }],
})

/** A whole small hospital: a patient, results, a diagnosis, a letter, who wrote what. */
export function fill(hospital: Hospital, observations: number): void {
  hospital.put(patient)
  hospital.put({ resourceType: 'Practitioner', id: 'dr-1', name: [{ family: 'Rivera', given: ['Ana'] }] })
  hospital.put(condition)
  for (let n = 1; n <= observations; n++) hospital.put(observation(n))
  hospital.put(letter('Binary/b-1'))
  hospital.binary('b-1', 'text/plain', new TextEncoder().encode('The patient was sent home in good health.'))
  hospital.put({
    resourceType: 'Provenance',
    id: 'pr-1',
    target: [{ reference: 'Condition/c-1' }],
    recorded: '2026-05-01T10:00:00Z',
    agent: [{ who: { reference: 'Practitioner/dr-1' } }],
  })
}
