import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KeepwellError } from '@keepwell/sdk/base/error'
import { search } from '@keepwell/sdk/health/fhir/search/search'
import { openStore } from '@keepwell/sdk/health/fhir/search/store'
import type { Authenticate } from '#gateway/core/types'
import { granted } from '#gateway/fhir/access'
import { httpRoutes } from '#gateway/fhir/serve'
import { openReader } from '#gateway/reading/reader'
import { freePort } from '#http/free-port'
import type { HttpRoute } from '#http/route'
import { type HttpServer, serveHttp } from '#http/server'
import { HTTP_LIMITS, type LogLine } from '#http/settings'
import { softPasskey } from './authenticator.kit.ts'
import type { Reader } from './directory.ts'
import type { SmartLimits } from './limits.ts'
import { openSmart, type Smart, type SmartInput } from './smart.ts'
import { addStaff, type NewStaff, type Staff, staffByLogin } from './staff.ts'

export const random = (n: number): Uint8Array => new Uint8Array(randomBytes(n))
/** The least that is allowed: tests log in often. */
const CHEAP = { memoryKiB: 8192, passes: 1, lanes: 1 }
export const SYSTEM_KEY = 'the-ehr-of-this-house-0123456789'

type Standing = Map<string, { name: string; expires: number; write?: null }>

/** Only the organisation's own EHR, by a fixed key: what the gateway's API keys do. */
const systems: Authenticate = async ({ headers }) => {
  if (headers.authorization !== `Bearer ${SYSTEM_KEY}`) throw new KeepwellError('UNAUTHENTICATED', 'Who are you?')
  return { person: 'EHR', role: 'system', purpose: 'TREAT', scopes: null, patient: null }
}

const store = openStore({ bases: [] })
for (const code of ['laboratory', 'vital-signs'])
  store.put({
    resourceType: 'Observation',
    id: code,
    meta: { versionId: '1', lastUpdated: '2026-01-01T00:00:00Z' },
    status: 'final',
    category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code }] }],
    code: { text: code },
  })

/** A FHIR side just large enough to present tokens to: it says who is asking, and shows what the scopes let through. */
const fhirRoutes = (smart: Smart): HttpRoute[] => [
  {
    name: 'whoami',
    method: 'GET',
    path: '/fhir/whoami',
    handle: async r => ({ type: 'application/json', body: JSON.stringify(await smart.authenticate(r)) }),
  },
  {
    name: 'patient',
    method: 'GET',
    path: '/fhir/Patient/{id}',
    async handle(r) {
      const actor = await smart.authenticate(r)
      const resource = { resourceType: 'Patient', id: r.params.id!, name: [{ text: 'Test' }] }
      if (actor.patient !== r.params.id || granted(actor, 'Patient', 'r') !== true) throw new KeepwellError('DENIED', 'Not yours.')
      return { type: 'application/fhir+json', body: JSON.stringify(resource) }
    },
  },
  {
    name: 'observations',
    method: 'GET',
    path: '/fhir/Observation',
    async handle(r) {
      const actor = await smart.authenticate(r)
      const visible = (type: string) => granted(actor, type, 's')
      const found = search(store, { type: 'Observation', params: [], now: 0, visible }).matches.map(m => m.resource)
      const entry = found.map(resource => ({ resource }))
      return {
        type: 'application/fhir+json',
        body: JSON.stringify({ resourceType: 'Bundle', type: 'searchset', total: entry.length, entry }),
      }
    },
  },
  {
    name: 'metadata',
    method: 'GET',
    path: '/fhir/metadata',
    handle: () => ({
      type: 'application/fhir+json',
      body: JSON.stringify({
        resourceType: 'CapabilityStatement',
        status: 'active',
        kind: 'instance',
        fhirVersion: '4.0.1',
        date: '2026-01-01',
        format: ['json'],
        rest: [{ mode: 'server', security: smart.part.security, resource: [] }],
      }),
    }),
  },
]

export type TestGateway = Awaited<ReturnType<typeof startGateway>>
/** Where a launch happens: this kit's gateway, or a whole one. */
export type At = { readonly url: string; readonly fhir: string; readonly smart: Smart }

/** A gateway's authorization server on a real port, with two patients and a clock that can be moved. `url`: as a proxy shows it. */
export async function startGateway(limits: Partial<SmartLimits> = {}, more: Partial<Pick<SmartInput, 'getKeys' | 'url'>> = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'keepwell-smart-'))
  const port = await freePort()
  const url = `http://localhost:${port}`
  const time = { ahead: 0 }
  const clock = () => Math.floor(Date.now() / 1000) + time.ahead
  const standing: Standing = new Map([
    ['patient-1', { name: 'Ada Example', expires: clock() + 30 * 86_400 }],
    ['patient-2', { name: 'Ben <b>Bold</b>', expires: clock() + 30 * 86_400 }],
  ])
  /** Whose visits were read, and by whom. */
  const looked: (Reader & { readonly patient: string })[] = []
  const directory = {
    patients: async () => [...standing].map(([id, { name }]) => ({ id, name })),
    async standing(id: string) {
      const found = standing.get(id)
      return found ? { read: found.expires, write: found.write === null ? null : found.expires } : null
    },
    async visits(id: string, who: Reader) {
      looked.push({ patient: id, ...who })
      return id === 'patient-1' ? [{ id: 'visit-7', name: 'Check-up <7>', from: '2026-03-02T09:00:00Z', to: '' }] : []
    },
  }
  const logged: LogLine[] = []
  let smart: Smart
  let server: HttpServer
  const open = async () => {
    const key = new Uint8Array(32).fill(5)
    smart = await openSmart({
      file: join(dir, 'smart.sqlite'),
      key,
      url,
      name: 'Test clinic',
      tenant: 'did:example:clinic',
      directory,
      systems,
      random,
      clock,
      limits,
      log: line => void logged.push(line),
      cost: CHEAP,
      ...more,
    })
    const options = {
      host: 'localhost',
      port,
      tls: null,
      origins: [],
      hosts: [],
      proxies: 0,
      limits: HTTP_LIMITS,
      now: () => performance.now(),
      newId: () => 'incident',
      log: (line: object) => void ('incident' in line && console.error(line)),
    }
    server = await serveHttp(
      [
        ...(smart.part.routes ?? []),
        ...fhirRoutes(smart),
        ...httpRoutes(smart.part.fhir ?? [], { base: `${url}/fhir`, authenticate: smart.authenticate, reader: openReader() }),
      ],
      options,
      () => {},
      { mounts: smart.part.mounts ?? [], mayCall: smart.part.mayCall! },
    )
  }
  const shut = async () => {
    await server.close()
    await smart.close()
  }
  await open()
  return {
    url,
    fhir: `${url}/fhir`,
    dir,
    standing,
    looked,
    time,
    /** What the operator would read. */
    logged,
    get smart() {
      return smart
    },
    async restart() {
      await shut()
      await open()
    },
    async close() {
      await shut()
      rmSync(dir, { recursive: true })
    },
  }
}

/** A browser as far as logins need one: cookies, redirects by hand, forms. */
export function browser() {
  const jar = new Map<string, string>()
  const send = async (url: string, init: RequestInit = {}): Promise<Response> => {
    const path = new URL(url).pathname
    const cookies = [...jar].filter(([key]) => path.startsWith(key.split(' ')[1]!)).map(([key, value]) => `${key.split(' ')[0]}=${value}`)
    const headers = { ...(cookies.length ? { cookie: cookies.join('; ') } : {}), ...(init.headers as Record<string, string>) }
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) {
      const [pair] = line.split(';')
      const at = /path=([^;]+)/i.exec(line)?.[1] ?? '/'
      const name = pair!.slice(0, pair!.indexOf('='))
      if (/expires=Thu, 01 Jan 1970|max-age=0/i.test(line)) jar.delete(`${name} ${at}`)
      else jar.set(`${name} ${at}`, pair!.slice(pair!.indexOf('=') + 1))
    }
    return response
  }
  /** Follows redirects within the gateway; stops at a page, or with the address that an app would get. */
  const follow = async (response: Response, home: string): Promise<{ url: string; status: number; text: string }> => {
    let last = response
    let url = response.url
    while (last.status >= 300 && last.status < 400) {
      url = new URL(last.headers.get('location')!, url).href
      if (!url.startsWith(home)) return { url, status: last.status, text: '' }
      last = await send(url)
    }
    return { url, status: last.status, text: await last.text() }
  }
  const post = (url: string, fields: Record<string, string | readonly string[]>, headers: Record<string, string> = {}) => {
    const body = new URLSearchParams(Object.entries(fields).flatMap(([k, v]) => (typeof v === 'string' ? [[k, v]] : v.map(x => [k, x]))))
    return send(url, { method: 'POST', body, headers: { 'sec-fetch-site': 'same-origin', ...headers } })
  }
  return { send, follow, post, jar }
}
export type Browser = ReturnType<typeof browser>

const unescaped = (s: string) =>
  s.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
export const passkeyOptions = (page: string) => JSON.parse(unescaped(/data-options="([^"]*)"/.exec(page)![1]!))
export const ticks = (page: string): string[] => [...page.matchAll(/name="scope" value="([^"]*)"/g)].map(m => unescaped(m[1]!))

export type Person = { readonly staff: Staff; readonly passkey: ReturnType<typeof softPasskey> }

/** Somebody of the staff who set up a passkey, as they would: with the operator's code, in a browser. */
export async function withPasskey(gateway: At, who: Partial<NewStaff> = {}): Promise<Person> {
  const { context } = gateway.smart
  const login = who.login ?? `dr.${randomBytes(3).toString('hex')}`
  const { code } = await addStaff(context, { name: 'Dr. Grace Hopper', role: 'physician', ...who, login })
  const b = browser()
  const base = `${gateway.url}/auth/enrol`
  const page = await b.follow(await b.post(base, { code }), gateway.url)
  const passkey = softPasskey(gateway.url)
  const answer = JSON.stringify(passkey.make(passkeyOptions(page.text)))
  const done = await b.post(`${base}/passkey`, { answer })
  if (done.status !== 200) throw new Error(`enrolment failed: ${await done.text()}`)
  return { staff: (await staffByLogin(context, login))!, passkey }
}

export const REDIRECT = 'https://app.example/callback'

export async function newApp(gateway: At, more: Record<string, unknown> = {}): Promise<string> {
  const { addApp } = await import('./apps.ts')
  const app = await addApp(gateway.smart.context, {
    client_name: 'Growth chart',
    redirect_uris: [REDIRECT],
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    ...more,
  })
  return app.client_id
}

export const pkce = () => {
  const verifier = randomBytes(32).toString('base64url')
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') }
}

export type Launching = {
  readonly client: string
  readonly person: Person
  readonly scope?: string
  readonly patient?: string
  readonly launch?: string
  readonly browser?: Browser
  readonly query?: Record<string, string | undefined>
  readonly pick?: (offered: readonly string[]) => readonly string[]
}

/** What the app sends the browser to. */
export function authorizeUrl(gateway: At, client: string, query: Record<string, string | undefined>): string {
  const all = {
    response_type: 'code',
    client_id: client,
    redirect_uri: REDIRECT,
    aud: gateway.fhir,
    state: 'xyz',
    code_challenge_method: 'S256',
    ...query,
  }
  const given = Object.entries(all).filter((e): e is [string, string] => e[1] !== undefined)
  return `${gateway.url}/auth/authorize?${new URLSearchParams(given)}`
}

/** Logs in where asked, allows what is asked, and comes back with the code. */
export async function authorized(gateway: At, input: Launching): Promise<{ code: string; verifier: string; url: URL; page: string }> {
  const { verifier, challenge } = pkce()
  const scope = input.scope ?? 'openid fhirUser launch/patient patient/*.rs'
  const query = { scope, code_challenge: challenge, ...(input.launch ? { launch: input.launch } : {}), ...input.query }
  const { url, page } = await agreed(gateway, authorizeUrl(gateway, input.client, query), input)
  return { code: url.searchParams.get('code') ?? '', verifier, url, page }
}

/** What a person does in the browser to which an app sent them; gives where they end, and the page of the consent. */
export async function agreed(gateway: At, start: string, input: Omit<Launching, 'client'>): Promise<{ url: URL; page: string }> {
  const b = input.browser ?? browser()
  let page = await b.follow(await b.send(start), gateway.url)
  if (page.text.includes('/passkey"')) {
    const answer = JSON.stringify(input.person.passkey.use(passkeyOptions(page.text)))
    page = await b.follow(await b.post(`${page.url}/passkey`, { answer }), gateway.url)
  }
  const consent = page.text
  if (page.url.includes('/step/') && page.status === 200) {
    const chosen = input.pick ? input.pick(ticks(page.text)) : ticks(page.text)
    const purpose = /<option value="([A-Z]+)"/.exec(page.text)?.[1] ?? ''
    page = await b.follow(
      await b.post(`${page.url}/consent`, { scope: chosen, purpose, patient: input.patient ?? 'patient-1' }),
      gateway.url,
    )
  }
  return { url: new URL(page.url), page: consent || page.text }
}

export type TokenResponse = Record<string, unknown> & { access_token: string; refresh_token?: string; id_token?: string; scope: string }

export const tokenCall = (gateway: At, fields: Record<string, string>, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${gateway.url}/auth/token`, { method: 'POST', body: new URLSearchParams(fields), headers })

export async function launched(gateway: At, input: Launching): Promise<TokenResponse> {
  const { code, verifier, url } = await authorized(gateway, input)
  if (!code) throw new Error(`no code: ${url}`)
  const response = await tokenCall(gateway, {
    grant_type: 'authorization_code',
    code,
    code_verifier: verifier,
    redirect_uri: REDIRECT,
    client_id: input.client,
  })
  const body = (await response.json()) as TokenResponse
  if (response.status !== 200) throw new Error(JSON.stringify(body))
  return body
}

export const whoami = (gateway: At, token: string): Promise<Response> =>
  fetch(`${gateway.fhir}/whoami`, { headers: { authorization: `Bearer ${token}` } })
