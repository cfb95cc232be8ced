import { decodeJwt } from 'jose'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import {
  authorizeUrl,
  browser,
  launched,
  newApp,
  type Person,
  pkce,
  startGateway,
  type TestGateway,
  tokenCall,
  whoami,
  withPasskey,
} from './smart.kit.ts'

let gateway: TestGateway
let person: Person
let client: string
let resourceServer: string
const DAY = 86_400
beforeAll(async () => {
  gateway = await startGateway()
  person = await withPasskey(gateway)
  client = await newApp(gateway)
  resourceServer = await newApp(gateway, {
    token_endpoint_auth_method: 'client_secret_basic',
    client_secret: 's'.repeat(40),
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    smart_introspects: true,
    smart_scope: 'system/Patient.r',
    jwks: { keys: [] },
  })
})
afterAll(() => gateway.close())
beforeEach(() => {
  gateway.time.ahead = 0
  gateway.standing.set('patient-1', { name: 'Ada Example', expires: Math.floor(Date.now() / 1000) + 30 * DAY })
})

const basic = (id: string) => ({ authorization: `Basic ${Buffer.from(`${id}:${'s'.repeat(40)}`).toString('base64')}` })
const introspect = async (token: string, headers: Record<string, string> = basic(resourceServer), more: Record<string, string> = {}) =>
  (await (
    await fetch(`${gateway.url}/auth/introspect`, { method: 'POST', headers, body: new URLSearchParams({ token, ...more }) })
  ).json()) as Record<string, unknown>
const refresh = (refresh_token: string) => tokenCall(gateway, { grant_type: 'refresh_token', refresh_token, client_id: client })

test('when the patient’s consent ends the token is refused with the next request, unknown to introspection, and not refreshed', async () => {
  const tokens = await launched(gateway, { client, person, scope: 'openid fhirUser patient/*.rs offline_access' })
  expect((await whoami(gateway, tokens.access_token)).status).toBe(200)
  expect(await introspect(tokens.access_token)).toMatchObject({ active: true })
  gateway.standing.delete('patient-1')
  expect((await whoami(gateway, tokens.access_token)).status).toBe(401)
  for (const token of [tokens.access_token, tokens.refresh_token!]) expect(await introspect(token)).toEqual({ active: false })
  expect(await (await refresh(tokens.refresh_token!)).json()).toMatchObject({ error: 'invalid_grant' })
})

test('where only the consent to read was given nothing can be written, and a token ends with the consent it rests on', async () => {
  gateway.standing.set('patient-1', { name: 'Ada Example', expires: Math.floor(Date.now() / 1000) + DAY, write: null })
  const tokens = await launched(gateway, { client, person, scope: 'patient/Observation.cruds patient/Condition.cud' })
  expect(tokens.scope).toBe('patient/Observation.rs')
  gateway.standing.set('patient-1', { name: 'Ada Example', expires: Math.floor(Date.now() / 1000) + DAY })
  const both = await launched(gateway, { client, person, scope: 'patient/Observation.cruds' })
  const reading = await launched(gateway, { client, person, scope: 'patient/Observation.rs' })
  gateway.standing.set('patient-1', { name: 'Ada Example', expires: Math.floor(Date.now() / 1000) + DAY, write: null })
  expect((await whoami(gateway, both.access_token)).status).toBe(401)
  expect((await whoami(gateway, reading.access_token)).status).toBe(200)
})

test('a new consent does not wake what an ended one had given', async () => {
  const tokens = await launched(gateway, { client, person, scope: 'patient/*.rs offline_access' })
  await gateway.smart.ended('patient-1')
  expect((await whoami(gateway, tokens.access_token)).status).toBe(401)
  expect((await refresh(tokens.refresh_token!)).status).toBe(400)
})

test('the end of one patient’s consent leaves tokens for others alone', async () => {
  const [one, two] = [await launched(gateway, { client, person }), await launched(gateway, { client, person, patient: 'patient-2' })]
  gateway.standing.delete('patient-1')
  expect((await whoami(gateway, one.access_token)).status).toBe(401)
  expect((await whoami(gateway, two.access_token)).status).toBe(200)
})

// Once as when the second turns between our look at the clock and the library's.
test.each([0, -1])('no token lives longer than the consent (%i)', async ahead => {
  gateway.time.ahead = ahead
  const ends = Math.floor(Date.now() / 1000) + 120
  gateway.standing.set('patient-1', { name: 'Ada Example', expires: ends })
  const tokens = await launched(gateway, { client, person, scope: 'patient/*.rs offline_access' })
  expect(tokens.expires_in).toBeLessThanOrEqual(120 - ahead)
  for (const token of [tokens.access_token, tokens.refresh_token!]) {
    const { exp } = await introspect(token)
    expect(exp).toBeLessThanOrEqual(ends + 1)
  }
})

test('introspection tells a resource server what the app was told', async () => {
  const tokens = await launched(gateway, { client, person, scope: 'openid fhirUser launch/patient patient/Observation.rs' })
  const { sub, iss, fhirUser, iat } = decodeJwt(tokens.id_token!)
  const told = await introspect(tokens.access_token)
  expect(told).toMatchObject({
    active: true,
    client_id: client,
    scope: tokens.scope,
    patient: 'patient-1',
    need_patient_banner: true,
    sub,
    iss,
    fhirUser,
    aud: gateway.fhir,
  })
  // Made in one go with the token, within a second or two.
  expect(Math.abs(Number(told.exp) - Number(iat) - Number(tokens.expires_in))).toBeLessThan(5)
})

test('an app learns about its own tokens only, a stranger about none', async () => {
  const tokens = await launched(gateway, { client, person })
  const other = await newApp(gateway)
  expect(await introspect(tokens.access_token, {}, { client_id: client })).toMatchObject({ active: true })
  expect(await introspect(tokens.access_token, {}, { client_id: other })).toEqual({ active: false })
  expect(await introspect(tokens.access_token, {})).toHaveProperty('error')
  expect(await introspect(tokens.access_token, basic(other))).toHaveProperty('error')
})

test('a resource server may show its own access token instead of its secret', async () => {
  const tokens = await launched(gateway, { client, person })
  const own = (await (
    await tokenCall(gateway, { grant_type: 'client_credentials', scope: 'system/Patient.r' }, basic(resourceServer))
  ).json()) as {
    access_token: string
  }
  expect(await introspect(tokens.access_token, { authorization: `Bearer ${own.access_token}` })).toMatchObject({
    active: true,
    client_id: client,
    scope: tokens.scope,
    patient: 'patient-1',
  })
  expect(await introspect('x'.repeat(43), { authorization: `Bearer ${own.access_token}` })).toEqual({ active: false })
  const app = await fetch(`${gateway.url}/auth/introspect`, {
    method: 'POST',
    headers: { authorization: `Bearer ${tokens.access_token}` },
    body: new URLSearchParams({ token: own.access_token }),
  })
  expect(app.status).toBe(401)
})

test('a launch begun before the consent ended gives nothing after it', async () => {
  const b = browser()
  await launched(gateway, { client, person, browser: b })
  const page = await b.follow(
    await b.send(authorizeUrl(gateway, client, { scope: 'patient/*.rs', code_challenge: pkce().challenge })),
    gateway.url,
  )
  gateway.standing.delete('patient-1')
  const refused = await b.post(`${page.url}/consent`, { scope: 'patient/*.rs', purpose: 'TREAT', patient: 'patient-1' })
  expect(refused.status).toBe(400)
})

test('what has expired is swept out of the store', async () => {
  await launched(gateway, { client, person, scope: 'patient/*.rs offline_access' })
  gateway.time.ahead = 91 * DAY
  expect(await gateway.smart.sweep()).toBeGreaterThan(3)
  expect(await gateway.smart.context.tokens.list('oidc AccessToken')).toEqual([])
  expect((await gateway.smart.context.tokens.list('staff')).length).toBe(1)
})
