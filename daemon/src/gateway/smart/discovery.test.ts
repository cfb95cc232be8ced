import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newRegistrationCode } from './apps.ts'
import { launched, newApp, type Person, startGateway, type TestGateway, whoami, withPasskey } from './smart.kit.ts'

let gateway: TestGateway
let person: Person
beforeAll(async () => {
  gateway = await startGateway()
  person = await withPasskey(gateway)
})
afterAll(() => gateway.close())

const ORIGIN = 'https://app.example'
const configuration = async () => {
  const response = await fetch(`${gateway.fhir}/.well-known/smart-configuration`, { headers: { accept: 'text/html', origin: ORIGIN } })
  return { response, body: (await response.json()) as Record<string, string> & Record<string, string[]> }
}

describe('what the server says of itself', () => {
  test('smart-configuration is JSON for everybody, and every address in it answers', async () => {
    const { response, body } = await configuration()
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    for (const [name, url] of Object.entries(body).filter(([name]) => /_(endpoint|uri)$/.test(name))) {
      expect(url.startsWith('http'), name).toBe(true)
      const get = /authorization|jwks/.test(name)
      const answer = await fetch(url, { method: get ? 'GET' : 'POST', redirect: 'manual' })
      expect([404, 405, 501], name).not.toContain(answer.status)
    }
    expect(body.code_challenge_methods_supported).toEqual(['S256'])
    expect(body.grant_types_supported).toEqual(['authorization_code', 'refresh_token', 'client_credentials'])
    expect(body.scopes_supported).toEqual(expect.arrayContaining(['openid', 'fhirUser', 'launch', 'launch/patient', 'offline_access']))
    for (const word of ['permission-v1', 'permission-v2', 'launch-ehr', 'launch-standalone', 'client-confidential-asymmetric'])
      expect(body.capabilities).toContain(word)
  })

  test('OpenID’s own discovery says the same of what both speak about', async () => {
    const { body } = await configuration()
    const openid = (await (await fetch(`${body.issuer}/.well-known/openid-configuration`)).json()) as Record<string, unknown>
    for (const name of [
      'issuer',
      'jwks_uri',
      'authorization_endpoint',
      'token_endpoint',
      'registration_endpoint',
      'code_challenge_methods_supported',
    ])
      expect(openid[name], name).toEqual(body[name])
    for (const name of ['introspection_endpoint', 'revocation_endpoint']) expect(openid[name], name).toEqual(body[name])
    expect([...(openid.token_endpoint_auth_methods_supported as string[])].sort()).toEqual(
      [...body.token_endpoint_auth_methods_supported!].sort(),
    )
    expect(openid.response_types_supported).toEqual(['code'])
  })

  test('/metadata’s security names the same addresses', async () => {
    const { body } = await configuration()
    const security = JSON.stringify(gateway.smart.part.security)
    for (const name of [
      'authorization_endpoint',
      'token_endpoint',
      'registration_endpoint',
      'introspection_endpoint',
      'revocation_endpoint',
    ])
      expect(security).toContain(body[name])
  })
})

describe('browser apps', () => {
  test('pages of a registered app may call the token endpoint, pages of others may not', async () => {
    const client = await newApp(gateway)
    const call = (origin: string) =>
      fetch(`${gateway.url}/auth/token`, {
        method: 'POST',
        headers: { origin },
        body: new URLSearchParams({
          grant_type: 'authorization_code',
          code: 'x',
          code_verifier: 'y'.repeat(43),
          redirect_uri: `${ORIGIN}/callback`,
          client_id: client,
        }),
      })
    const allowed = await call(ORIGIN)
    expect(allowed.headers.get('access-control-allow-origin')).toBe(ORIGIN)
    expect((await allowed.json()) as object).toMatchObject({ error: 'invalid_grant' })
    const other = await call('https://evil.example')
    expect(other.headers.get('access-control-allow-origin')).toBeNull()
    const preflight = await fetch(`${gateway.url}/auth/token`, {
      method: 'OPTIONS',
      headers: { origin: ORIGIN, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-origin')).toBe(ORIGIN)
    for (const [origin, told] of [
      [ORIGIN, ORIGIN],
      ['https://evil.example', null],
    ] as const) {
      const read = await fetch(`${gateway.fhir}/Observation`, { headers: { origin } })
      expect(read.headers.get('access-control-allow-origin')).toBe(told)
    }
  })

  test('pages of other origins read nothing of the login pages', async () => {
    const response = await fetch(`${gateway.url}/auth/enrol`, { headers: { origin: ORIGIN } })
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
    const policy = response.headers.get('content-security-policy')!
    for (const word of ["default-src 'none'", "frame-ancestors 'none'", "script-src 'self'", "form-action 'self'"])
      expect(policy).toContain(word)
    expect(policy).not.toContain('unsafe')
  })
})

describe('registration', () => {
  const register = (body: unknown, code?: string) =>
    fetch(`${gateway.url}/auth/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(code ? { authorization: `Bearer ${code}` } : {}) },
      body: JSON.stringify(body),
    })
  const app = {
    client_name: 'Registered',
    redirect_uris: [`${ORIGIN}/callback`],
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code'],
  }

  test('an app registers itself with the operator’s code, and is an app like others', async () => {
    const response = await register(
      { ...app, scope: 'launch/patient patient/Observation.rs openid' },
      await newRegistrationCode(gateway.smart.context),
    )
    expect(response.status).toBe(201)
    const { client_id, scope } = (await response.json()) as { client_id: string; scope: string }
    expect(scope).toBe('launch/patient patient/Observation.rs openid')
    const tokens = await launched(gateway, { client: client_id, person, scope: 'patient/Observation.rs patient/Condition.rs' })
    expect(tokens.scope).toBe('patient/Observation.rs')
    expect((await whoami(gateway, tokens.access_token)).status).toBe(200)
  })

  test('the operator’s code is good for one app', async () => {
    const code = await newRegistrationCode(gateway.smart.context)
    expect((await register(app, code)).status).toBe(201)
    expect((await register(app, code)).status).toBe(401)
  })

  test('without the code, or for more than apps may be, nothing is registered', async () => {
    expect((await register(app)).status).toBe(401)
    expect((await register(app, 'x'.repeat(43))).status).toBe(401)
    const code = await newRegistrationCode(gateway.smart.context)
    for (const bad of [
      { ...app, grant_types: ['client_credentials'] },
      { ...app, redirect_uris: ['javascript:alert(1)'] },
      { ...app, redirect_uris: [] },
      'text',
      [],
    ])
      expect((await register(bad, code)).status, JSON.stringify(bad)).toBe(400)
    const sly = (await (await register({ ...app, smart_introspects: true, smart_purpose: 'HRESCH' }, code)).json()) as Record<
      string,
      unknown
    >
    expect(sly.smart_introspects).toBeUndefined()
    expect(sly.smart_purpose).toBeUndefined()
  })
})
