import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { addApp } from './apps.ts'
import { softPasskey } from './authenticator.kit.ts'
import {
  authorized,
  authorizeUrl,
  browser,
  launched,
  newApp,
  type Person,
  passkeyOptions,
  pkce,
  REDIRECT,
  startGateway,
  type TestGateway,
  tokenCall,
  whoami,
  withPasskey,
} from './smart.kit.ts'
import { addStaff, suspendStaff } from './staff.ts'

let gateway: TestGateway
let person: Person
let client: string
beforeAll(async () => {
  gateway = await startGateway({ idleSeconds: 1800, sessionSeconds: 36_000 })
  person = await withPasskey(gateway)
  client = await newApp(gateway)
})
afterAll(() => gateway.close())
afterEach(() => {
  gateway.time.ahead = 0
})

const exchange = (code: string, verifier: string, more: Record<string, string> = {}) =>
  tokenCall(gateway, {
    grant_type: 'authorization_code',
    code,
    code_verifier: verifier,
    redirect_uri: REDIRECT,
    client_id: client,
    ...more,
  })
const errorOf = async (response: Response) => ((await response.json()) as { error: string }).error
const start = async (query: Record<string, string | undefined>) => {
  const b = browser()
  const all = { scope: 'patient/*.rs', code_challenge: pkce().challenge, ...query }
  return b.follow(await b.send(authorizeUrl(gateway, client, all)), gateway.url)
}

describe('codes', () => {
  test('a stolen code is worth nothing without the verifier, to another app, or at another address', async () => {
    const other = await newApp(gateway)
    const { code, verifier } = await authorized(gateway, { client, person })
    expect(await errorOf(await exchange(code, pkce().verifier))).toBe('invalid_grant')
    expect(await errorOf(await exchange(code, verifier, { client_id: other }))).toBe('invalid_grant')
    expect(await errorOf(await exchange(code, verifier, { redirect_uri: 'https://evil.example/' }))).toBe('invalid_grant')
    expect((await exchange(code, verifier)).status).toBe(200)
  })

  test('a code that comes twice ends what the first use of it gave', async () => {
    const { code, verifier } = await authorized(gateway, { client, person, scope: 'patient/*.rs offline_access' })
    const first = (await (await exchange(code, verifier)).json()) as { access_token: string; refresh_token: string }
    expect((await whoami(gateway, first.access_token)).status).toBe(200)
    expect(await errorOf(await exchange(code, verifier))).toBe('invalid_grant')
    expect((await whoami(gateway, first.access_token)).status).toBe(401)
    const refreshed = await tokenCall(gateway, { grant_type: 'refresh_token', refresh_token: first.refresh_token, client_id: client })
    expect(await errorOf(refreshed)).toBe('invalid_grant')
  })

  test('of two exchanges at the same moment one at most succeeds', async () => {
    const { code, verifier } = await authorized(gateway, { client, person })
    const both = await Promise.all(Array.from({ length: 6 }, () => exchange(code, verifier)))
    expect(both.filter(r => r.status === 200).length).toBeLessThanOrEqual(1)
  })

  test('a code is short-lived', async () => {
    const { code, verifier } = await authorized(gateway, { client, person })
    gateway.time.ahead += 61
    expect(await errorOf(await exchange(code, verifier))).toBe('invalid_grant')
  })

  test('without a challenge, or with a plain one, there is no code', async () => {
    for (const query of [{ code_challenge: undefined, code_challenge_method: undefined }, { code_challenge_method: 'plain' }]) {
      const page = await start(query)
      expect(new URL(page.url).searchParams.get('error')).toBe('invalid_request')
    }
  })
})

describe('addresses', () => {
  test('an address that was not registered gets nothing, not even an error', async () => {
    for (const redirect_uri of [
      'https://evil.example/callback',
      `${REDIRECT}/../x`,
      `${REDIRECT}?a=b`,
      'https://app.example/callback@evil.example',
    ]) {
      const page = await start({ redirect_uri })
      expect(page.url.startsWith(gateway.url), redirect_uri).toBe(true)
      expect(page.status).toBe(400)
      expect(page.text).toContain('invalid_redirect_uri')
    }
  })

  test('a token for another server is not asked for here', async () => {
    for (const aud of [undefined, 'https://evil.example/fhir', `${gateway.url}/fhirx`]) {
      const page = await start({ aud })
      expect(new URL(page.url).searchParams.get('error')).toBe('invalid_request')
    }
    expect((await start({ aud: `${gateway.fhir}/` })).url).toContain('/step/')
  })

  test('an unknown app sees a page of ours, and its words are not on it as mark-up', async () => {
    const page = await start({ client_id: '<script>alert(1)</script>' })
    expect(page.status).toBe(400)
    expect(page.text).not.toContain('<script>alert')
  })

  test('the host a request claims is not in what we answer', async () => {
    const { request } = await import('node:http')
    const text = await new Promise<string>(resolve => {
      const { port } = new URL(gateway.url)
      request(
        {
          port,
          host: 'localhost',
          path: '/auth/.well-known/openid-configuration',
          headers: { host: `localhost:${port}`, 'x-forwarded-host': 'evil.example' },
        },
        async r => {
          let all = ''
          for await (const part of r) all += part
          resolve(all)
        },
      ).end()
    })
    expect(text).toContain(gateway.url)
    expect(text).not.toContain('evil.example')
  })
})

describe('tokens', () => {
  test('another app’s refresh token is refused, and a replayed one ends the whole line', async () => {
    const other = await newApp(gateway)
    const tokens = await launched(gateway, { client, person, scope: 'patient/*.rs offline_access' })
    const refresh = (client_id: string, refresh_token: string) =>
      tokenCall(gateway, { grant_type: 'refresh_token', refresh_token, client_id })
    expect(await errorOf(await refresh(other, tokens.refresh_token!))).toBe('invalid_grant')
    const next = (await (await refresh(client, tokens.refresh_token!)).json()) as { access_token: string; refresh_token: string }
    expect((await whoami(gateway, next.access_token)).status).toBe(200)
    expect(await errorOf(await refresh(client, tokens.refresh_token!))).toBe('invalid_grant')
    expect((await whoami(gateway, next.access_token)).status).toBe(401)
    expect(await errorOf(await refresh(client, next.refresh_token))).toBe('invalid_grant')
  })

  test('what is no access token opens nothing', async () => {
    const tokens = await launched(gateway, { client, person, scope: 'openid patient/*.rs offline_access' })
    for (const text of [
      '',
      'x'.repeat(43),
      tokens.refresh_token!,
      tokens.id_token!,
      `${tokens.access_token}x`,
      tokens.access_token.toLowerCase(),
    ])
      expect((await whoami(gateway, text)).status, text).toBe(401)
    const inQuery = await fetch(`${gateway.fhir}/whoami?access_token=${tokens.access_token}`)
    expect(inQuery.status).toBe(401)
  })

  test('an access token ends by itself', async () => {
    const tokens = await launched(gateway, { client, person })
    gateway.time.ahead += 901
    expect((await whoami(gateway, tokens.access_token)).status).toBe(401)
  })

  test('another app cannot revoke a token; its own can, and with it all that came of the launch', async () => {
    const other = await newApp(gateway)
    const tokens = await launched(gateway, { client, person, scope: 'patient/*.rs offline_access' })
    const revoke = (client_id: string, token: string) =>
      fetch(`${gateway.url}/auth/revoke`, { method: 'POST', body: new URLSearchParams({ token, client_id }) })
    await revoke(other, tokens.access_token)
    expect((await whoami(gateway, tokens.access_token)).status).toBe(200)
    expect((await revoke(client, tokens.refresh_token!)).status).toBe(200)
    expect((await whoami(gateway, tokens.access_token)).status).toBe(401)
  })
})

describe('people', () => {
  test('who is suspended is out at once: tokens, refreshing, logging in', async () => {
    const leaver = await withPasskey(gateway, { login: 'leaver' })
    const b = browser()
    const tokens = await launched(gateway, { client, person: leaver, browser: b, scope: 'patient/*.rs offline_access' })
    expect((await whoami(gateway, tokens.access_token)).status).toBe(200)
    await suspendStaff(gateway.smart.context, 'leaver', true)
    expect((await whoami(gateway, tokens.access_token)).status).toBe(401)
    const refreshed = await tokenCall(gateway, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token!, client_id: client })
    expect(refreshed.status).toBe(400)
    expect((await authorized(gateway, { client, person: leaver, browser: b })).code).toBe('')
    await suspendStaff(gateway.smart.context, 'leaver', false)
    expect((await whoami(gateway, tokens.access_token)).status).toBe(200)
  })

  test('a login asks again after idleness, and after a working day whatever happens', async () => {
    const b = browser()
    const asks = async () => {
      const page = await b.follow(
        await b.send(authorizeUrl(gateway, client, { scope: 'patient/*.rs', code_challenge: pkce().challenge })),
        gateway.url,
      )
      return page.text.includes('name="passphrase"')
    }
    await launched(gateway, { client, person, browser: b })
    expect(await asks()).toBe(false)
    gateway.time.ahead += 1700
    expect(await asks()).toBe(false)
    gateway.time.ahead += 1801
    expect(await asks()).toBe(true)
    await launched(gateway, { client, person, browser: b })
    for (let i = 0; i < 22; i++) {
      gateway.time.ahead += 1700
      if (i < 21) await asks()
    }
    expect(await asks()).toBe(true)
  })

  test('when somebody else logs in at the same browser, what the first gave for their login ends', async () => {
    const b = browser()
    const mine = await launched(gateway, { client, person, browser: b })
    const next = await withPasskey(gateway)
    gateway.time.ahead += 1801
    const theirs = await launched(gateway, { client, person: next, browser: b })
    gateway.time.ahead = 0
    expect((await whoami(gateway, theirs.access_token)).status).toBe(200)
    expect((await whoami(gateway, mine.access_token)).status).toBe(401)
  })

  test('behind TLS each cookie is for TLS alone, out of reach of scripts and of other sites, and says so by its name; a login’s is this host’s', async () => {
    const outside = await startGateway({}, { url: 'https://gateway.example' })
    try {
      const app = await newApp(outside)
      const url = authorizeUrl({ ...outside, fhir: 'https://gateway.example/fhir' }, app, {
        scope: 'patient/*.rs',
        code_challenge: pkce().challenge,
      })
      const { code } = await addStaff(outside.smart.context, { login: 'nora', name: 'Nora', role: 'nurse' })
      const b = browser()
      const [set, own] = [`${outside.url}/auth/enrol`, `${outside.url}/auth/me`]
      const enrol = await b.post(set, { code })
      const passkey = softPasskey('https://gateway.example')
      const offered = (await b.follow(enrol, outside.url)).text
      const made = await b.post(`${set}/passkey`, { answer: JSON.stringify(passkey.make(passkeyOptions(offered))) })
      const asked = (await b.follow(await b.send(own), outside.url)).text
      const entered = await b.post(`${own}/passkey`, { answer: JSON.stringify(passkey.use(passkeyOptions(asked))) })
      expect((await b.follow(entered, outside.url)).text).toContain('Where you are logged in')
      const step = await fetch(url, { redirect: 'manual' })
      const names = [enrol, made, entered, step].map(answer => {
        const cookies = answer.headers.getSetCookie()
        for (const cookie of cookies) expect(cookie).toMatch(/; secure/i)
        for (const cookie of cookies) expect(cookie).toMatch(/^__(Host|Secure)-kw_(?=.*; httponly)(?=.*; samesite=(lax|strict))/i)
        for (const cookie of cookies.filter(c => c.startsWith('__Host-'))) expect(cookie).toMatch(/; path=\/(;|$)(?!.*; domain)/i)
        return [...new Set(cookies.map(c => /^\w+-\w+/.exec(c)![0]))]
      })
      expect(names).toEqual([['__Host-kw_enrol'], ['__Host-kw_enrol'], ['__Host-kw_session'], ['__Secure-kw_step', '__Secure-kw_resume']])
    } finally {
      await outside.close()
    }
  })

  test('every login, made or refused, is logged by opaque ids; what was typed is not', async () => {
    const login = async (tried: { login: string; passphrase: string; code: string } | null) => {
      const before = gateway.logged.length
      const b = browser()
      const page = await b.follow(
        await b.send(authorizeUrl(gateway, client, { scope: 'patient/*.rs', code_challenge: pkce().challenge })),
        gateway.url,
      )
      if (tried) expect((await b.post(`${page.url}/login`, tried)).status).toBe(401)
      else await b.post(`${page.url}/passkey`, { answer: JSON.stringify(person.passkey.use(passkeyOptions(page.text))) })
      return gateway.logged.slice(before)
    }
    const common = { task: 'login' }
    expect(await login(null)).toEqual([{ ...common, level: 'info', by: 'passkey', outcome: 'in', staff: person.staff.id }])
    const typed = { login: person.staff.login, passphrase: 'spoken in confidence', code: '123456' }
    const refused = await login(typed)
    expect(refused).toEqual([{ ...common, level: 'warn', by: 'passphrase', outcome: 'refused' }])
    for (const word of Object.values(typed)) expect(JSON.stringify(gateway.logged)).not.toContain(word)
  })

  test('a form that another site sends is refused, and so is a step of another browser', async () => {
    const b = browser()
    const page = await b.follow(
      await b.send(authorizeUrl(gateway, client, { scope: 'patient/*.rs', code_challenge: pkce().challenge })),
      gateway.url,
    )
    const answer = JSON.stringify(person.passkey.use(passkeyOptions(page.text)))
    expect((await b.post(`${page.url}/passkey`, { answer }, { 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect((await browser().post(`${page.url}/passkey`, { answer })).status).toBe(404)
    expect((await b.post(`${page.url}/consent`, { scope: 'patient/*.rs', purpose: 'TREAT', patient: 'patient-1' })).status).toBe(400)
  })

  test('a consent form cannot give what was not asked, nor for a patient who is not there', async () => {
    const b = browser()
    await launched(gateway, { client, person, browser: b })
    const open = async () =>
      b.follow(
        await b.send(authorizeUrl(gateway, client, { scope: 'patient/Observation.rs', code_challenge: pkce().challenge })),
        gateway.url,
      )
    const fields = { purpose: 'TREAT', patient: 'patient-1' }
    const more = await b.follow(await b.post(`${(await open()).url}/consent`, { ...fields, scope: ['patient/*.cruds'] }), gateway.url)
    expect(new URL(more.url).searchParams.get('error')).toBe('access_denied')
    expect((await b.post(`${(await open()).url}/consent`, { ...fields, scope: 'patient/Observation.rs', patient: 'nobody' })).status).toBe(
      400,
    )
    expect((await b.post(`${(await open()).url}/consent`, { ...fields, scope: 'patient/Observation.rs', purpose: 'HRESCH' })).status).toBe(
      400,
    )
  })
})

describe('backend services', () => {
  const service = async (scope = 'system/*.rs') => {
    const { privateKey, publicKey } = await generateKeyPair('ES384', { extractable: true })
    const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES384', use: 'sig' }
    const app = await addApp(gateway.smart.context, {
      client_name: 'Registry feed',
      grant_types: ['client_credentials'],
      token_endpoint_auth_signing_alg: 'ES384',
      jwks: { keys: [jwk] },
      smart_scope: scope,
    } as Parameters<typeof addApp>[1])
    return { id: app.client_id, privateKey }
  }
  type Service = Awaited<ReturnType<typeof service>>
  const assertion = (by: { id: string; privateKey: Service['privateKey'] }, more: { jti?: string; aud?: string; seconds?: number } = {}) =>
    new SignJWT({ jti: more.jti ?? crypto.randomUUID() })
      .setProtectedHeader({ alg: 'ES384', kid: 'k1', typ: 'JWT' })
      .setIssuer(by.id)
      .setSubject(by.id)
      .setAudience(more.aud ?? `${gateway.url}/auth/token`)
      .setExpirationTime(Math.floor(Date.now() / 1000) + (more.seconds ?? 240))
      .sign(by.privateKey)
  const ask = async (client_assertion: string, scope = 'system/Observation.rs') =>
    tokenCall(gateway, {
      grant_type: 'client_credentials',
      scope,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion,
    })

  test('a service proves itself by its key and acts in its own name, for five minutes, without refresh', async () => {
    const one = await service()
    const response = await ask(await assertion(one))
    const body = (await response.json()) as Record<string, unknown> & { access_token: string }
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 300, scope: 'system/Observation.rs' })
    expect(body).not.toHaveProperty('refresh_token')
    expect(await (await whoami(gateway, body.access_token)).json()).toMatchObject({
      person: 'Registry feed',
      role: 'system',
      patient: null,
      scopes: [{ context: 'system', type: 'Observation' }],
    })
  })

  test('an assertion counts once, also when it comes many times at once', async () => {
    const one = await service()
    const text = await assertion(one)
    const all = await Promise.all(Array.from({ length: 5 }, () => ask(text)))
    expect(all.filter(r => r.status === 200)).toHaveLength(1)
    expect(await errorOf(await ask(text))).toBe('invalid_client')
  })

  test('mixed-up keys, audiences, names and times are refused', async () => {
    const [one, two] = [await service(), await service()]
    expect(await errorOf(await ask(await assertion({ id: one.id, privateKey: two.privateKey })))).toBe('invalid_client')
    expect(await errorOf(await ask(await assertion({ id: 'nobody', privateKey: one.privateKey })))).toBe('invalid_client')
    expect(await errorOf(await ask(await assertion(one, { aud: 'https://other.example/token' })))).toBe('invalid_client')
    expect(await errorOf(await ask(await assertion(one, { seconds: -60 })))).toBe('invalid_client')
    expect((await ask(await assertion(one))).status).toBe(200)
  })

  test('a service gets no more than it was registered for, and nothing of people', async () => {
    const one = await service('system/Patient.rs')
    const some = (await (await ask(await assertion(one), 'system/Patient.rs system/Observation.rs patient/*.rs')).json()) as {
      scope: string
    }
    expect(some.scope).toBe('system/Patient.rs')
    expect(await errorOf(await ask(await assertion(one), 'system/Observation.rs'))).toBe('invalid_scope')
    const login = await start({ client_id: one.id })
    expect(login.status).toBe(400)
  })

  test('a removed service is out at once', async () => {
    const { removeApp } = await import('./apps.ts')
    const one = await service()
    const { access_token } = (await (await ask(await assertion(one))).json()) as { access_token: string }
    expect((await whoami(gateway, access_token)).status).toBe(200)
    await removeApp(gateway.smart.context, one.id)
    expect((await whoami(gateway, access_token)).status).toBe(401)
  })
})
