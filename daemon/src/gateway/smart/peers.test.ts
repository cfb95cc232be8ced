import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  browser,
  launched,
  newApp,
  type Person,
  passkeyOptions,
  SYSTEM_KEY,
  startGateway,
  type TestGateway,
  ticks,
  withPasskey,
} from './smart.kit.ts'

const require = createRequire(import.meta.url)

let gateway: TestGateway
let person: Person
beforeAll(async () => {
  gateway = await startGateway()
  person = await withPasskey(gateway)
})
afterAll(() => gateway.close())

type KitClient = { smartAuthMetadata(): Promise<Record<string, URL>>; read(i: object): Promise<{ id: string }>; bearerToken: string }

test('fhir-kit-client finds the endpoints and reads with the token', async () => {
  const { Client } = (await import('fhir-kit-client')) as unknown as { Client: new (o: object) => KitClient }
  const kit = new Client({ baseUrl: gateway.fhir })
  const { authorizeUrl, tokenUrl } = await kit.smartAuthMetadata()
  expect(String(authorizeUrl)).toBe(`${gateway.url}/auth/authorize`)
  expect(String(tokenUrl)).toBe(`${gateway.url}/auth/token`)
  const { access_token } = await launched(gateway, { client: await newApp(gateway), person })
  kit.bearerToken = access_token
  expect(await kit.read({ resourceType: 'Patient', id: 'patient-1' })).toMatchObject({ id: 'patient-1' })
})

type SmartClient = {
  readonly patient: { readonly id: string; read(): Promise<{ id: string }> }
  readonly encounter: { readonly id: string }
  readonly user: { read(): Promise<{ resourceType: string }> }
  request(url: string): Promise<{ total: number }>
  refresh(): Promise<{ tokenResponse: { access_token: string } }>
}
type Smart = (
  request: IncomingMessage,
  response: ServerResponse,
  storage: object,
) => { authorize(o: object): Promise<void>; ready(): Promise<SmartClient> }

/** An app on a server, written with SMART's own client for Node. */
function serveApp(settings: object): Promise<{ url: string; server: Server; ready: Promise<SmartClient> }> {
  const smart = require('fhirclient') as Smart
  const kept = new Map<string, unknown>()
  const storage = {
    get: async (k: string) => kept.get(k),
    set: async (k: string, v: unknown) => {
      kept.set(k, v)
      return v
    },
    unset: async (k: string) => kept.delete(k),
  }
  const ready = Promise.withResolvers<SmartClient>()
  const server = createServer((request, response) => {
    const api = smart(request, response, storage)
    if (request.url!.startsWith('/launch')) return void api.authorize({ ...settings, redirectUri: '/app' }).catch(ready.reject)
    api.ready().then(ready.resolve, ready.reject)
    response.end('thank you')
  })
  return new Promise(resolve =>
    server.listen(0, 'localhost', () =>
      resolve({ url: `http://localhost:${(server.address() as AddressInfo).port}`, server, ready: ready.promise }),
    ),
  )
}

test('SMART’s own client for Node is launched from the EHR, reads patient, person and results, and refreshes', async () => {
  const scope = 'launch openid fhirUser patient/Patient.r patient/Observation.rs user/Practitioner.rs offline_access'
  const client_secret = 'k'.repeat(43)
  const settings = { clientId: 'node-app', clientSecret: client_secret, scope, pkceMode: 'required' }
  const app = await serveApp(settings)
  await newApp(gateway, {
    client_id: 'node-app',
    client_secret,
    token_endpoint_auth_method: 'client_secret_basic',
    redirect_uris: [`${app.url}/app`],
  })
  const opened = await fetch(`${gateway.url}/launch`, {
    method: 'POST',
    headers: { authorization: `Bearer ${SYSTEM_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ patient: 'patient-2', encounter: 'enc-1' }),
  })
  const { launch } = (await opened.json()) as { launch: string }
  const b = browser()
  const begun = await b.send(`${app.url}/launch?${new URLSearchParams({ iss: gateway.fhir, launch })}`)
  let page = await b.follow(await b.send(begun.headers.get('location')!), gateway.url)
  page = await b.follow(
    await b.post(`${page.url}/passkey`, { answer: JSON.stringify(person.passkey.use(passkeyOptions(page.text))) }),
    gateway.url,
  )
  expect(page.text).toContain('Ben &lt;b&gt;Bold&lt;/b&gt;')
  page = await b.follow(await b.post(`${page.url}/consent`, { scope: ticks(page.text), purpose: 'TREAT' }), gateway.url)
  await b.send(page.url)
  const smart = await app.ready
  expect(smart.patient.id).toBe('patient-2')
  expect(smart.encounter.id).toBe('enc-1')
  expect(await smart.patient.read()).toMatchObject({ id: 'patient-2' })
  expect(await smart.user.read()).toMatchObject({ resourceType: 'Practitioner' })
  expect((await smart.request('Observation')).total).toBe(2)
  await smart.refresh()
  expect((await smart.request('Observation')).total).toBe(2)
  app.server.close()
})

test('SMART’s own client is opened by a person from the organisation’s page of apps, on the patient they chose there', async () => {
  const settings = { clientId: 'page-app', scope: 'launch openid fhirUser patient/Observation.rs', pkceMode: 'required' }
  const app = await serveApp(settings)
  await newApp(gateway, { client_id: 'page-app', client_name: 'Chart', redirect_uris: [`${app.url}/app`], launch_url: `${app.url}/launch` })
  const b = browser()
  const login = await b.follow(await b.send(`${gateway.url}/auth/apps`), gateway.url)
  const answer = JSON.stringify(person.passkey.use(passkeyOptions(login.text)))
  const page = await b.follow(await b.post(`${gateway.url}/auth/apps/passkey`, { answer }), gateway.url)
  expect(page.text).toContain('Open Chart')
  const sent = await b.post(`${gateway.url}/auth/apps/start`, { app: 'page-app', patient: 'patient-2' })
  const begun = await b.send(sent.headers.get('location')!)
  // The person is logged in already: what comes is the question whether the app may.
  let consent = await b.follow(await b.send(begun.headers.get('location')!), gateway.url)
  expect(consent.text).toContain('Ben &lt;b&gt;Bold&lt;/b&gt;')
  consent = await b.follow(await b.post(`${consent.url}/consent`, { scope: ticks(consent.text), purpose: 'TREAT' }), gateway.url)
  await b.send(consent.url)
  const smart = await app.ready
  expect(smart.patient.id).toBe('patient-2')
  expect((await smart.request('Observation')).total).toBe(2)
  app.server.close()
})
