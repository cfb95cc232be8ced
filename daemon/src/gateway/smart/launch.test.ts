import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  authorized,
  authorizeUrl,
  browser,
  launched,
  newApp,
  type Person,
  pkce,
  REDIRECT,
  SYSTEM_KEY,
  startGateway,
  type TestGateway,
  tokenCall,
  whoami,
  withPasskey,
} from './smart.kit.ts'

let gateway: TestGateway
let person: Person
let client: string
beforeAll(async () => {
  gateway = await startGateway()
  person = await withPasskey(gateway)
  client = await newApp(gateway)
})
afterAll(() => gateway.close())

const ehrLaunch = async (body: object, key = SYSTEM_KEY): Promise<Response> =>
  fetch(`${gateway.url}/launch`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
const actorOf = async (token: string) => (await whoami(gateway, token)).json()
const total = async (token: string) => {
  const response = await fetch(`${gateway.fhir}/Observation`, { headers: { authorization: `Bearer ${token}` } })
  return ((await response.json()) as { total: number }).total
}

describe('standalone launch', () => {
  test('the person chooses a patient and the token is for that patient, the person and the role', async () => {
    const tokens = await launched(gateway, { client, person, patient: 'patient-2' })
    expect(tokens).toMatchObject({
      patient: 'patient-2',
      need_patient_banner: true,
      token_type: 'Bearer',
      scope: 'openid fhirUser launch/patient patient/*.rs',
      smart_style_url: `${gateway.url}/auth/style.json`,
    })
    expect(tokens.expires_in).toBe(900)
    expect(tokens.refresh_token).toBeUndefined()
    expect(await actorOf(tokens.access_token)).toMatchObject({
      person: `Dr. Grace Hopper (${person.staff.login})`,
      role: 'physician',
      purpose: 'TREAT',
      patient: 'patient-2',
      client,
    })
    const style = await fetch(tokens.smart_style_url as string)
    expect(await style.json()).toHaveProperty('color_background')
  })

  test('the identity token names the person by a FHIR resource that can be read, signed by a published key', async () => {
    const tokens = await launched(gateway, { client, person, scope: 'openid fhirUser patient/Patient.r' })
    const keys = createRemoteJWKSet(new URL(`${gateway.url}/auth/jwks`))
    const { payload, protectedHeader } = await jwtVerify(tokens.id_token!, keys, { issuer: `${gateway.url}/auth`, audience: client })
    expect(protectedHeader.alg).toBe('RS256')
    expect(payload.sub).toBe(person.staff.id)
    expect(payload.fhirUser).toMatch(/\/Practitioner\/staff-/)
    expect((await fetch(payload.fhirUser as string)).status).toBe(401)
    const me = await fetch(payload.fhirUser as string, { headers: { authorization: `Bearer ${tokens.access_token}` } })
    expect(await me.json()).toMatchObject({ resourceType: 'Practitioner', name: [{ text: 'Dr. Grace Hopper' }] })
    const published = (await (await fetch(`${gateway.url}/auth/jwks`)).json()) as { keys: Record<string, unknown>[] }
    for (const key of published.keys) for (const secret of ['d', 'p', 'q']) expect(key).not.toHaveProperty(secret)
  })

  test('a patient scope without launch/patient puts a patient in context all the same', async () => {
    expect((await launched(gateway, { client, person, scope: 'patient/Observation.rs' })).patient).toBe('patient-1')
  })

  test('a role or a context that is not known here is no hindrance: the patient is asked for all the same', async () => {
    const scope = 'launch/patient?role=https://example.org/role launch/imagingstudy user/Observation.rs'
    const tokens = await launched(gateway, { client, person, scope })
    expect([tokens.patient, tokens.fhirContext]).toEqual(['patient-1', undefined])
  })

  test('an app that would like to know the visit is told the one chosen, of those read in the person’s own name when they ask; what was unticked stays so', async () => {
    const b = browser()
    await launched(gateway, { client, person, browser: b })
    const scope = 'launch/encounter patient/*.rs user/Patient.rs offline_access'
    const before = gateway.looked.length
    const told = async (fields: Record<string, string>) => {
      const { verifier, challenge } = pkce()
      const asked = await b.follow(await b.send(authorizeUrl(gateway, client, { scope, code_challenge: challenge })), gateway.url)
      const form = { patient: 'patient-1', purpose: 'HPAYMT', scope: ['patient/*.rs'] }
      const listed = await b.follow(await b.post(`${asked.url}/visits`, form), gateway.url)
      const end = await b.follow(await b.post(`${asked.url}/consent`, { ...form, purpose: 'TREAT', ...fields }), gateway.url)
      const code = new URL(end.url, gateway.url).searchParams.get('code') ?? ''
      const exchanged = { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: REDIRECT, client_id: client }
      return { listed: listed.text, status: end.status, tokens: code ? await (await tokenCall(gateway, exchanged)).json() : null }
    }
    const { listed, tokens } = await told({ of: 'patient-1', encounter: 'visit-7' })
    expect(tokens).toMatchObject({ patient: 'patient-1', encounter: 'visit-7', scope: 'launch/encounter patient/*.rs' })
    expect(listed).toContain('<option value="visit-7">Check-up &lt;7&gt;, 2026-03-02</option>')
    expect([...listed.matchAll(/value="([^"]+)" (?:checked|selected)/g)].map(m => m[1])).toEqual(['patient-1', 'patient/*.rs'])
    expect(gateway.looked[before]).toEqual({
      patient: 'patient-1',
      person: `${person.staff.name} (${person.staff.login})`,
      role: person.staff.role,
    })
    expect((await told({})).tokens).not.toHaveProperty('encounter')
    // The list was of one patient, and then another was chosen; a visit of nobody; a patient without a consent.
    expect((await told({ patient: 'patient-2', of: 'patient-1', encounter: 'visit-7' })).tokens).not.toHaveProperty('encounter')
    expect((await told({ of: 'patient-1', encounter: 'visit-8' })).status).toBe(400)
    expect((await told({ patient: 'patient-2', of: 'patient-2', encounter: 'visit-7' })).status).toBe(400)
    const asked = await b.follow(await b.send(authorizeUrl(gateway, client, { scope, code_challenge: pkce().challenge })), gateway.url)
    const count = gateway.looked.length
    expect((await b.post(`${asked.url}/visits`, { patient: 'nobody' })).status).toBe(400)
    expect((await b.post(`${asked.url}/visits`, { patient: 'patient-1' }, { 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect((await browser().post(`${asked.url}/visits`, { patient: 'patient-1' })).status).toBe(404)
    const none = await b.follow(
      await b.send(authorizeUrl(gateway, client, { scope: 'patient/*.rs', code_challenge: pkce().challenge })),
      gateway.url,
    )
    expect((await b.post(`${none.url}/visits`, { patient: 'patient-1' })).status).toBe(400)
    expect(gateway.looked.length).toBe(count)
  })

  test('UserInfo tells who the person is, to a token that may know', async () => {
    const ask = async (scope: string) => {
      const { access_token } = await launched(gateway, { client, person, scope })
      return fetch(`${gateway.url}/auth/userinfo`, { headers: { authorization: `Bearer ${access_token}` } })
    }
    const fhirUser = `${gateway.fhir}/Practitioner/staff-${person.staff.id}`
    expect(await (await ask('openid fhirUser patient/*.rs')).json()).toEqual({ sub: person.staff.id, fhirUser })
    expect(await (await ask('openid profile patient/*.rs')).json()).toMatchObject({ name: 'Dr. Grace Hopper' })
    expect((await ask('patient/*.rs')).status).toBe(403)
    expect((await fetch(`${gateway.url}/auth/userinfo`)).status).toBe(401)
  })

  test('user scopes alone name no patient', async () => {
    const tokens = await launched(gateway, { client, person, scope: 'user/Observation.rs' })
    expect(tokens).not.toHaveProperty('patient')
    expect(await actorOf(tokens.access_token)).toMatchObject({ patient: null })
  })

  test('a denial goes back to the app as an error, with its state', async () => {
    const b = browser()
    const page = await b.follow(
      await b.send(authorizeUrl(gateway, client, { scope: 'patient/*.rs', code_challenge: pkce().challenge })),
      gateway.url,
    )
    const end = await b.follow(await b.post(`${page.url}/cancel`, {}), gateway.url)
    expect(new URL(end.url).searchParams.get('error')).toBe('access_denied')
    expect(new URL(end.url).searchParams.get('state')).toBe('xyz')
    expect(end.url.startsWith(REDIRECT)).toBe(true)
  })

  test('an authorization request may come by POST', async () => {
    const b = browser()
    const { search } = new URL(authorizeUrl(gateway, client, { scope: 'patient/*.rs', code_challenge: pkce().challenge }))
    const posted = await b.send(`${gateway.url}/auth/authorize`, { method: 'POST', body: new URLSearchParams(search) })
    expect((await b.follow(posted, gateway.url)).url).toContain('/auth/step/')
  })
})

test('one app open on two patients works on both', async () => {
  const b = browser()
  const [one, two] = [
    await launched(gateway, { client, person, browser: b }),
    await launched(gateway, { client, person, browser: b, patient: 'patient-2' }),
  ]
  expect(await actorOf(one.access_token)).toMatchObject({ patient: 'patient-1' })
  expect(await actorOf(two.access_token)).toMatchObject({ patient: 'patient-2' })
})

describe('EHR launch', () => {
  test('what the EHR said of the launch comes with the token', async () => {
    const opened = await ehrLaunch({
      patient: 'patient-1',
      encounter: 'enc-7',
      intent: 'reconcile',
      needPatientBanner: false,
      fhirContext: [{ reference: 'ImagingStudy/im-1' }, { reference: 'Task/t-1', role: 'https://example.org/role/worklist' }],
    })
    expect(opened.status).toBe(201)
    const { launch } = (await opened.json()) as { launch: string }
    const tokens = await launched(gateway, { client, person, launch, scope: 'launch openid patient/*.rs' })
    expect(tokens).toMatchObject({
      patient: 'patient-1',
      encounter: 'enc-7',
      intent: 'reconcile',
      need_patient_banner: false,
      fhirContext: [{ reference: 'ImagingStudy/im-1' }, { reference: 'Task/t-1', role: 'https://example.org/role/worklist' }],
    })
    const again = await authorized(gateway, { client, person, launch, scope: 'launch patient/*.rs' })
    expect(again.url.searchParams.get('error')).toBe('invalid_request')
  })

  test('only the organisation’s own systems open launches, and only for patients with a live consent', async () => {
    const tokens = await launched(gateway, { client, person })
    expect((await ehrLaunch({ patient: 'patient-1' }, tokens.access_token)).status).toBe(401)
    expect((await ehrLaunch({ patient: 'somebody' })).status).toBe(403)
    expect((await ehrLaunch({ patient: '../etc' })).status).toBe(400)
    expect((await ehrLaunch({ patient: 'patient-1', fhirContext: [{ reference: 'Patient/patient-2' }] })).status).toBe(400)
    expect((await ehrLaunch({ patient: 'patient-1', fhirContext: [{ reference: 'Task/1', role: '' }] })).status).toBe(400)
  })

  test('further contexts are told as they were: several of one type and role, by reference, canonical or identifier', async () => {
    const fhirContext = [
      { reference: 'ImagingStudy/im-1', role: 'launch' },
      { reference: 'ImagingStudy/im-2', role: 'launch' },
      { canonical: 'https://example.org/Questionnaire/q|2', type: 'Questionnaire' },
      { identifier: { system: 'https://example.org/orders', value: '17' }, type: 'ServiceRequest' },
    ]
    const { launch } = (await (await ehrLaunch({ patient: 'patient-1', fhirContext })).json()) as { launch: string }
    expect((await launched(gateway, { client, person, launch, scope: 'launch patient/*.rs' })).fhirContext).toEqual(fhirContext)
    for (const bad of [{}, { canonical: 'https://example.org/q' }, { identifier: { value: '17' } }, { role: 'launch' }])
      expect((await ehrLaunch({ patient: 'patient-1', fhirContext: [bad] })).status, JSON.stringify(bad)).toBe(400)
  })

  test('the app is told which organisation launches it', async () => {
    const { launch } = (await (await ehrLaunch({ patient: 'patient-1' })).json()) as { launch: string }
    expect((await launched(gateway, { client, person, launch, scope: 'launch patient/*.rs' })).tenant).toBe('did:example:clinic')
  })

  test('a system that names the app is told where to send the browser', async () => {
    const opened = await newApp(gateway, { launch_url: 'https://app.example/launch' })
    const { launch, url } = (await (await ehrLaunch({ patient: 'patient-1', client: opened })).json()) as { launch: string; url: string }
    expect(Object.fromEntries(new URL(url).searchParams)).toEqual({ iss: gateway.fhir, launch })
    expect((await ehrLaunch({ patient: 'patient-1', client: 'nobody' })).status).toBe(404)
  })

  test('a launch for one app or one person is of no use to another', async () => {
    const other = await newApp(gateway)
    const { launch } = (await (await ehrLaunch({ patient: 'patient-1', client })).json()) as { launch: string }
    const wrong = await authorized(gateway, { client: other, person, launch, scope: 'launch patient/*.rs' })
    expect(wrong.url.searchParams.get('error')).toBe('invalid_request')
    const theirs = (await (await ehrLaunch({ patient: 'patient-1', login: 'somebody.else' })).json()) as { launch: string }
    const refused = await authorized(gateway, { client, person, launch: theirs.launch, scope: 'launch patient/*.rs' })
    expect(refused.code).toBe('')
    expect(refused.page).toContain('DENIED')
  })

  test('the scope launch and the parameter launch come together', async () => {
    for (const input of [{ scope: 'launch patient/*.rs' }, { scope: 'patient/*.rs', launch: 'x' }]) {
      const { url } = await authorized(gateway, { client, person, ...input })
      expect(url.searchParams.get('error')).toBe('invalid_request')
    }
  })
})

describe('scopes', () => {
  test('what was asked in version 1 forms is answered in them, and works as version 2 says', async () => {
    const tokens = await launched(gateway, { client, person, scope: 'patient/Observation.read user/Condition.*' })
    expect(tokens.scope).toBe('patient/Observation.read user/Condition.*')
    const { scopes } = (await actorOf(tokens.access_token)) as { scopes: object[] }
    expect(scopes).toMatchObject([
      { type: 'Observation', r: true, s: true, c: false },
      { type: 'Condition', c: true, r: true, u: true, d: true, s: true },
    ])
  })

  test('a scope with search arguments lets through only what meets them', async () => {
    const all = await launched(gateway, { client, person, scope: 'patient/Observation.rs' })
    expect(await total(all.access_token)).toBe(2)
    const lab = 'patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory'
    const some = await launched(gateway, { client, person, scope: lab })
    expect(some.scope).toBe(lab)
    expect(await total(some.access_token)).toBe(1)
    const none = await launched(gateway, { client, person, scope: 'patient/Condition.rs' })
    expect(await total(none.access_token)).toBe(0)
  })

  test('scopes that nobody can enforce, or that only services may have, are not given', async () => {
    const tokens = await launched(gateway, {
      client,
      person,
      scope: 'patient/Condition.rs patient/Observation.rs?value-quantity=gt5 system/*.rs patient/Patient.sr',
    })
    expect(tokens.scope).toBe('patient/Condition.rs')
  })

  test('the role narrows what the app gets, and the answer says so', async () => {
    const nurse = await withPasskey(gateway, { role: 'nurse', name: 'Nina Nurse' })
    const tokens = await launched(gateway, { client, person: nurse, scope: 'patient/*.cruds patient/Claim.c' })
    expect(tokens.scope).toContain('patient/*.rs')
    expect(tokens.scope).toContain('patient/Observation.cu')
    expect(tokens.scope).not.toContain('Claim')
    expect(tokens.scope).not.toContain('cruds')
    const { scopes } = (await actorOf(tokens.access_token)) as { scopes: { type: string; d: boolean }[] }
    expect(scopes.some(s => s.d)).toBe(false)
  })

  test('the person may give less than was asked', async () => {
    const tokens = await launched(gateway, {
      client,
      person,
      scope: 'patient/Observation.rs patient/Condition.rs offline_access',
      pick: offered => offered.filter(s => s === 'patient/Condition.rs'),
    })
    expect(tokens.scope).toBe('patient/Condition.rs')
    expect(tokens.refresh_token).toBeUndefined()
  })

  test('an app that the operator limited gets nothing beyond', async () => {
    const limited = await newApp(gateway, { smart_scope: 'patient/Observation.rs' })
    const tokens = await launched(gateway, {
      client: limited,
      person,
      scope: 'patient/Observation.rs patient/Condition.rs user/Observation.rs',
    })
    expect(tokens.scope).toBe('patient/Observation.rs')
  })
})

describe('refreshing', () => {
  const refresh = (token: string, more: Record<string, string> = {}) =>
    tokenCall(gateway, { grant_type: 'refresh_token', refresh_token: token, client_id: client, ...more })

  test('offline access goes on without the person, online access only while they are logged in', async () => {
    const b = browser()
    const online = await launched(gateway, { client, person, browser: b, scope: 'patient/*.rs online_access' })
    const offline = await launched(gateway, { client, person, browser: b, scope: 'patient/*.rs offline_access' })
    expect([online.refresh_token, offline.refresh_token].every(Boolean)).toBe(true)
    const again = (await (await refresh(online.refresh_token!)).json()) as { access_token: string; refresh_token: string }
    expect((await whoami(gateway, again.access_token)).status).toBe(200)
    const session = await gateway.smart.context.tokens.list<{ uid: string; jti: string; accountId?: string }>('oidc Session')
    for (const { jti, accountId } of session)
      if (accountId === person.staff.id) await gateway.smart.context.tokens.drop('oidc Session', jti)
    expect((await whoami(gateway, online.access_token)).status).toBe(401)
    expect((await refresh(again.refresh_token)).status).toBe(400)
    expect((await whoami(gateway, offline.access_token)).status).toBe(200)
    const fresh = await refresh(offline.refresh_token!)
    expect(fresh.status).toBe(200)
    expect(fresh.headers.get('cache-control')).toBe('no-store')
    expect(fresh.headers.get('pragma')).toBe('no-cache')
    expect(await fresh.json()).toMatchObject({ scope: offline.scope, patient: 'patient-1', token_type: 'Bearer', expires_in: 900 })
  })

  test('an app that can keep a secret has its whole time again with each refresh, one that cannot has not, and neither beyond the consent', async () => {
    const short = await startGateway({ refreshSeconds: 1000 })
    try {
      const who = await withPasskey(short)
      const client_secret = 's'.repeat(40)
      const secret = await newApp(short, { token_endpoint_auth_method: 'client_secret_post', client_secret })
      const open = await newApp(short)
      const begun = async (client_id: string, more: Record<string, string>, patient: string) => {
        const scope = 'launch/patient patient/*.rs offline_access'
        const { code, verifier, page } = await authorized(short, { client: client_id, person: who, scope, patient })
        expect(page.includes('has not used it')).toBe('client_secret' in more)
        const fields = { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: REDIRECT, client_id, ...more }
        let refresh_token = ((await (await tokenCall(short, fields)).json()) as { refresh_token: string }).refresh_token
        return async (): Promise<number> => {
          const answer = await tokenCall(short, { grant_type: 'refresh_token', refresh_token, client_id, ...more })
          refresh_token = ((await answer.json()) as { refresh_token: string }).refresh_token
          return answer.status
        }
      }
      const all = [
        await begun(secret, { client_secret }, 'patient-1'),
        await begun(open, {}, 'patient-1'),
        await begun(secret, { client_secret }, 'patient-2'),
      ]
      short.standing.set('patient-2', { name: 'Ben', expires: short.smart.context.clock() + 1100 })
      const each = async () => [await all[0]!(), await all[1]!(), await all[2]!()]
      short.time.ahead += 600
      expect(await each()).toEqual([200, 200, 200])
      short.time.ahead += 600
      expect(await each()).toEqual([200, 400, 400])
    } finally {
      await short.close()
    }
  })

  test('however often it is used, what an app was given ends, and a person is asked anew', async () => {
    const short = await startGateway({ refreshSeconds: 1000, appSeconds: 1500 })
    try {
      const client_secret = 's'.repeat(40)
      const client_id = await newApp(short, { token_endpoint_auth_method: 'client_secret_post', client_secret })
      // About no patient: there is no consent whose end would be its end.
      const { code, verifier } = await authorized(short, {
        client: client_id,
        person: await withPasskey(short),
        scope: 'user/Observation.rs offline_access',
      })
      const app = { client_id, client_secret }
      const fields = { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: REDIRECT, ...app }
      let { refresh_token } = (await (await tokenCall(short, fields)).json()) as { refresh_token: string }
      const again = async (): Promise<number> => {
        short.time.ahead += 550
        const answer = await tokenCall(short, { grant_type: 'refresh_token', refresh_token, ...app })
        refresh_token = ((await answer.json()) as { refresh_token: string }).refresh_token
        return answer.status
      }
      expect([await again(), await again(), await again()]).toEqual([200, 200, 400])
    } finally {
      await short.close()
    }
  })

  test('an app that was not registered to refresh does not, whatever it asks for', async () => {
    const once = await newApp(gateway, { grant_types: ['authorization_code'] })
    expect((await launched(gateway, { client: once, person, scope: 'patient/*.rs offline_access' })).refresh_token).toBeUndefined()
  })

  test('a refresh may ask for less, never for more', async () => {
    const tokens = await launched(gateway, { client, person, scope: 'patient/Observation.rs patient/Condition.rs offline_access' })
    const more = await refresh(tokens.refresh_token!, { scope: 'patient/*.cruds' })
    expect(await more.json()).toMatchObject({ error: 'invalid_scope' })
    const less = (await (await refresh(tokens.refresh_token!, { scope: 'patient/Condition.rs' })).json()) as {
      scope: string
      access_token: string
    }
    expect(less.scope).toContain('patient/Condition.rs')
    expect(less.scope).not.toContain('patient/Observation.rs')
    expect(await total(less.access_token)).toBe(0)
  })

  test('tokens survive a restart of the gateway', async () => {
    const tokens = await launched(gateway, { client, person, scope: 'openid patient/*.rs offline_access' })
    await gateway.restart()
    expect((await whoami(gateway, tokens.access_token)).status).toBe(200)
    const fresh = (await (await refresh(tokens.refresh_token!)).json()) as { id_token: string }
    expect(decodeJwt(fresh.id_token).sub).toBe(person.staff.id)
  })
})
