import { newRegistrationCode } from '@keepwell/daemon/gateway/smart/apps'
import {
  authorized,
  authorizeUrl,
  browser,
  launched,
  newApp,
  pkce,
  REDIRECT,
  ticks,
  tokenCall,
} from '@keepwell/daemon/gateway/smart/smart.kit'
import { revoke } from '@keepwell/sdk/actions/access/revoke'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { expect } from 'vitest'
import { type Json, until } from '#e2e/gateway.kit'
import { profiles } from './tables.ts'
import { findsBySearch, withProvenance } from './us-core.ts'
import { type Here, MUCH, SECRET } from './world.ts'

/** The checks of `g10.tsv` about authorization and a single patient's data, by name. */
export type Checks = Readonly<Record<string, (here: Here) => Promise<void>>>

const US_CORE = [...new Set(profiles().map(p => p.type))]
const json = async (answer: Response): Promise<Json> => answer.json()
const parameterOf = (url: URL, name: string): string | null => url.searchParams.get(name)

/** What comes back when an app asks for authorization in a way that is refused. */
async function refusedAsking({ at, client }: Here, query: Record<string, string | undefined>): Promise<string | null> {
  const b = browser()
  const all = { scope: 'patient/*.rs', code_challenge: pkce().challenge, ...query }
  const page = await b.follow(await b.send(authorizeUrl(at, client, all)), at.url)
  return parameterOf(new URL(page.url), 'error')
}

const exchange = (at: Here['at'], fields: Record<string, string>, headers: Record<string, string> = {}) =>
  tokenCall(at, { grant_type: 'authorization_code', redirect_uri: REDIRECT, ...fields }, headers)

/** The documentation that the server itself names, as anybody reads it. */
const documentation = async ({ facts }: Here): Promise<string> => {
  const page = await fetch((await facts.configuration()).service_documentation)
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/markdown; charset=utf-8'])
  return page.text()
}

const documented: Checks = {
  async documentationPublic(here) {
    const text = await documentation(here)
    for (const [, page] of text.matchAll(/\]\(([a-z]+\.md)\)/g)) expect((await fetch(`${here.at.url}/docs/${page}`)).status, page).toBe(200)
    expect((await fetch(`${here.at.url}/docs/README.md`)).status).toBe(404)
  },
  async documentationNames(here) {
    const text = await documentation(here)
    const [rest] = (await here.facts.metadata()).rest
    const operations = [...(rest.operation ?? []), ...rest.resource.flatMap((r: Json) => r.operation ?? [])].map((o: Json) => `$${o.name}`)
    expect(operations.length).toBeGreaterThan(10)
    expect(operations.filter(name => !text.includes(name))).toEqual([])
    for (const word of ['OperationOutcome', 'Prefer', 'If-Match', '_typeFilter']) expect(text, word).toContain(word)
  },
  async documentationRegisters(here) {
    const text = await documentation(here)
    const told = await here.facts.configuration()
    const paths = Object.entries(told).flatMap(([name, url]) => (/_(endpoint|uri)$/.test(name) ? [new URL(url as string).pathname] : []))
    expect(paths.filter(path => !text.includes(path))).toEqual([])
    for (const word of [
      ...told.token_endpoint_auth_methods_supported,
      ...told.grant_types_supported,
      'redirect_uris',
      'jwks_uri',
      'launch_url',
      'S256',
    ])
      expect(text, word).toContain(word)
  },
}

const registering: Checks = {
  async registered({ at }) {
    const answer = await fetch(`${at.url}/auth/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${await newRegistrationCode(at.smart.context)}` },
      body: JSON.stringify({
        client_name: 'New',
        redirect_uris: [REDIRECT],
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code'],
      }),
    })
    expect([answer.status, typeof (await json(answer)).client_id]).toEqual([201, 'string'])
  },
  async whereToFind({ facts, at }) {
    expect((await facts.configuration()).authorization_endpoint.startsWith(at.url)).toBe(true)
    expect(await facts.metadata()).toMatchObject({ resourceType: 'CapabilityStatement', fhirVersion: '4.0.1', kind: 'instance' })
  },
  async configuration({ facts }) {
    const told = await facts.configuration()
    for (const name of ['authorization_endpoint', 'token_endpoint', 'introspection_endpoint', 'revocation_endpoint'])
      expect(told[name], name).toMatch(/^http/)
    const capabilities =
      'launch-ehr launch-standalone authorize-post client-public client-confidential-symmetric client-confidential-asymmetric sso-openid-connect context-banner context-style context-ehr-patient context-ehr-encounter context-standalone-patient permission-offline permission-patient permission-user permission-v1 permission-v2'
    expect(told.capabilities).toEqual(expect.arrayContaining(capabilities.split(' ')))
    expect(told.grant_types_supported).toEqual(expect.arrayContaining(['authorization_code', 'client_credentials']))
    expect(told.code_challenge_methods_supported).toEqual(['S256'])
  },
  async oauthUris({ facts }) {
    const { security } = (await facts.metadata()).rest[0]
    const uris = Object.fromEntries(security.extension[0].extension.map((e: Json) => [e.url, e.valueUri]))
    const told = await facts.configuration()
    expect([uris.authorize, uris.token]).toEqual([told.authorization_endpoint, told.token_endpoint])
  },
}

const launching: Checks = {
  async bothLaunches({ facts, adaId }) {
    for (const tokens of [await facts.tokens(), await facts.ehr()]) expect(tokens.patient).toBe(adaId)
  },
  async standalone({ facts, adaId }) {
    expect((await facts.tokens()).patient).toBe(adaId)
  },
  async publicClient({ facts }) {
    expect((await facts.tokens()).access_token).toBeTruthy()
  },
  async ehr({ facts, adaId }) {
    expect((await facts.ehr()).patient).toBe(adaId)
  },
  async getAndPost({ at, client }) {
    const b = browser()
    const { search } = new URL(authorizeUrl(at, client, { scope: 'patient/*.rs', code_challenge: pkce().challenge }))
    for (const sent of [
      await b.send(`${at.url}/auth/authorize${search}`),
      await b.send(`${at.url}/auth/authorize`, { method: 'POST', body: new URLSearchParams(search) }),
    ])
      expect((await b.follow(sent, at.url)).url).toContain('/auth/step/')
  },
  async scopesOfV1({ at, client, person, adaId }) {
    const scope = 'openid fhirUser launch/patient offline_access patient/Observation.read user/Condition.read'
    expect((await launched(at, { client, person, patient: adaId, scope })).scope.split(' ').sort()).toEqual(scope.split(' ').sort())
  },
  async scopesOfV2({ at, client, person, adaId, bearing }) {
    const category = 'http://terminology.hl7.org/CodeSystem/observation-category|laboratory'
    const scope = `openid fhirUser launch/patient offline_access patient/Observation.rs?category=${category} user/Patient.r`
    const tokens = await launched(at, { client, person, patient: adaId, scope })
    expect(tokens.scope.split(' ').sort()).toEqual(scope.split(' ').sort())
    const { body } = await bearing(tokens.access_token)('GET', 'Observation')
    expect(new Set(body.entry.map((e: Json) => e.resource.category[0].coding[0].code))).toEqual(new Set(['laboratory']))
  },
  async eachType({ at, client, person, adaId }) {
    const asked = US_CORE.map(type => `patient/${type}.rs`)
    let offered: readonly string[] = []
    const tokens = await launched(at, {
      client,
      person,
      patient: adaId,
      scope: asked.join(' '),
      pick(all) {
        offered = all
        return all
      },
    })
    expect(offered).toEqual(expect.arrayContaining(asked))
    expect(tokens.scope.split(' ')).toEqual(expect.arrayContaining(asked))
  },
  async offlineAsked({ at, client, person, adaId }) {
    const { page } = await authorized(at, { client, person, patient: adaId, scope: 'patient/*.rs offline_access' })
    expect(ticks(page)).toContain('offline_access')
  },
  async lessGiven({ at, client, person, adaId, bearing }) {
    const tokens = await launched(at, {
      client,
      person,
      patient: adaId,
      scope: 'patient/Observation.rs patient/Condition.rs offline_access',
      pick: all => all.filter(s => s === 'patient/Condition.rs'),
    })
    expect([tokens.scope, tokens.refresh_token]).toEqual(['patient/Condition.rs', undefined])
    const ask = bearing(tokens.access_token)
    expect([(await ask('GET', 'Condition')).status, (await ask('GET', 'Observation')).status]).toEqual([200, 403])
  },
  async wrongAudience(here) {
    for (const aud of [undefined, 'https://other.example/fhir']) expect(await refusedAsking(here, { aud })).toBe('invalid_request')
  },
  async codeAndState({ at, client, person, adaId }) {
    const { url } = await authorized(at, { client, person, patient: adaId })
    expect([parameterOf(url, 'state'), Boolean(parameterOf(url, 'code'))]).toEqual(['xyz', true])
  },
  async denial({ at, client }) {
    const b = browser()
    const asked = authorizeUrl(at, client, { scope: 'patient/*.rs', code_challenge: pkce().challenge })
    const page = await b.follow(await b.send(asked), at.url)
    const end = await b.follow(await b.post(`${page.url}/cancel`, {}), at.url)
    expect(parameterOf(new URL(end.url), 'error')).toBe('access_denied')
  },
}

const tokens: Checks = {
  async secretClient({ at, person, adaId }) {
    const client = await newApp(at, { token_endpoint_auth_method: 'client_secret_basic', client_secret: SECRET })
    const { code, verifier } = await authorized(at, { client, person, patient: adaId })
    const basic = (secret: string) => ({ authorization: `Basic ${Buffer.from(`${client}:${secret}`).toString('base64')}` })
    expect((await exchange(at, { code, code_verifier: verifier }, basic('wrong'))).status).toBe(401)
    expect((await exchange(at, { code, code_verifier: verifier }, basic(SECRET))).status).toBe(200)
  },
  async keyClient({ at, person, adaId }) {
    const { privateKey, publicKey } = await generateKeyPair('ES384', { extractable: true })
    const client = await newApp(at, {
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES384',
      jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES384', use: 'sig' }] },
    })
    const { code, verifier } = await authorized(at, { client, person, patient: adaId })
    const client_assertion = await new SignJWT({ jti: crypto.randomUUID() })
      .setProtectedHeader({ alg: 'ES384', kid: 'k', typ: 'JWT' })
      .setIssuer(client)
      .setSubject(client)
      .setAudience(`${at.url}/auth/token`)
      .setExpirationTime('4m')
      .sign(privateKey)
    const proof = { client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', client_assertion }
    expect((await exchange(at, { code, code_verifier: verifier, ...proof })).status).toBe(200)
  },
  async wrongVerifier({ at, client, person, adaId }) {
    const { code } = await authorized(at, { client, person, patient: adaId })
    const answer = await exchange(at, { code, code_verifier: pkce().verifier, client_id: client })
    expect([answer.status, (await json(answer)).error]).toEqual([400, 'invalid_grant'])
  },
  async tokenAnswer({ at, client, person, adaId, facts }) {
    const { code, verifier } = await authorized(at, { client, person, patient: adaId, scope: MUCH })
    const answer = await exchange(at, { code, code_verifier: verifier, client_id: client })
    expect([answer.headers.get('cache-control'), answer.headers.get('pragma')]).toEqual(['no-store', 'no-cache'])
    for (const name of ['access_token', 'token_type', 'scope', 'id_token', 'refresh_token', 'patient'])
      expect([name, typeof (await facts.tokens())[name]]).toEqual([name, 'string'])
    expect(await facts.ehr()).toMatchObject({
      patient: adaId,
      encounter: 'us-core-encounter',
      need_patient_banner: expect.any(Boolean),
      smart_style_url: expect.any(String),
    })
    await tokens.threeMonths!({ at, client, facts } as Here)
  },
  async openId({ facts }) {
    const { issuer } = await facts.configuration()
    const told = await json(await fetch(`${issuer}/.well-known/openid-configuration`))
    const required =
      'issuer authorization_endpoint token_endpoint jwks_uri response_types_supported subject_types_supported id_token_signing_alg_values_supported'
    for (const name of required.split(' ')) expect(told, name).toHaveProperty(name)
    expect((await json(await fetch(told.jwks_uri))).keys.length).toBeGreaterThan(0)
  },
  async refreshed({ at, client, person, adaId, bearing }) {
    const first = await launched(at, { client, person, patient: adaId, scope: 'patient/*.rs offline_access' })
    const next = await json(await tokenCall(at, { grant_type: 'refresh_token', refresh_token: first.refresh_token!, client_id: client }))
    expect((await bearing(next.access_token)('GET', `Patient/${adaId}`)).status).toBe(200)
  },
  async threeMonths({ at, client, facts }) {
    const { refresh_token } = await facts.tokens()
    const body = new URLSearchParams({ token: refresh_token!, client_id: client })
    const told = await json(await fetch(`${at.url}/auth/introspect`, { method: 'POST', body }))
    expect(told.active).toBe(true)
    expect(told.exp - Math.floor(Date.now() / 1000)).toBeGreaterThan(92 * 86_400)
  },
  async badRefresh({ at, client }) {
    const answer = await tokenCall(at, { grant_type: 'refresh_token', refresh_token: 'x'.repeat(43), client_id: client })
    expect([answer.status, (await json(answer)).error]).toEqual([400, 'invalid_grant'])
  },
  async introspected({ at, client, facts, adaId }) {
    const { access_token, scope } = await facts.tokens()
    const told = await json(
      await fetch(`${at.url}/auth/introspect`, { method: 'POST', body: new URLSearchParams({ token: access_token, client_id: client }) }),
    )
    expect(told).toMatchObject({ active: true, scope, client_id: client, patient: adaId })
  },
  async revoked({ at, client, person, benId, ben, bearing, consentsOfBen, world }) {
    const given = await launched(at, { client, person, patient: benId, scope: 'patient/*.rs offline_access' })
    const ask = bearing(given.access_token)
    expect((await ask('GET', 'Observation')).status).toBe(200)
    for (const commitment of Object.values(consentsOfBen)) await revoke(ben, commitment)
    await until(() => world.gateway.patient(benId) === null)
    expect((await ask('GET', 'Observation')).status).toBe(401)
    const again = await tokenCall(at, { grant_type: 'refresh_token', refresh_token: given.refresh_token!, client_id: client })
    expect(again.status).toBe(400)
  },
}

const services: Checks = {
  async service({ facts }) {
    expect(await facts.serviceToken()).toMatchObject({
      token_type: 'Bearer',
      expires_in: 300,
      scope: 'system/*.rs',
      access_token: expect.any(String),
    })
  },
  async assertions({ facts }) {
    const one = await facts.service()
    const once = await one.assertion()
    expect((await one.ask('system/*.rs', once)).status).toBe(200)
    for (const bad of [
      once,
      await one.assertion({ key: one.otherKey }),
      await one.assertion({ aud: 'https://other.example/token' }),
      await one.assertion({ seconds: -60 }),
    ])
      expect((await json(await one.ask('system/*.rs', bad))).error).toBe('invalid_client')
  },
  async registeredScopes({ at }) {
    const { newService } = await import('./world.ts')
    const small = await newService(at, 'system/Patient.rs')
    expect((await json(await small.ask('system/Patient.rs system/Observation.rs'))).scope).toBe('system/Patient.rs')
    expect((await json(await small.ask('system/Observation.rs'))).error).toBe('invalid_scope')
  },
}

const data: Checks = {
  async readsPatient({ facts, adaId, bearing }) {
    const found = await bearing((await facts.tokens()).access_token)('GET', `Patient/${adaId}`)
    expect([found.status, found.body.id]).toEqual([200, adaId])
  },
  async readsEncounter({ facts, bearing }) {
    const { access_token, encounter } = await facts.ehr()
    expect((await bearing(access_token)('GET', `Encounter/${String(encounter)}`)).body.resourceType).toBe('Encounter')
  },
  async allSearches(here) {
    for (const row of profiles()) for (const names of row.shall) await findsBySearch(here, row, names)
  },
  async allProvenance(here) {
    for (const row of profiles().filter(p => p.provenance)) await withProvenance(here, row)
  },
  async provenance({ atAda }) {
    const { body } = await atAda('GET', 'Observation?_id=us-core-heart-rate&_revinclude=Provenance:target')
    const agents = body.entry.flatMap((e: Json) => (e.resource.resourceType === 'Provenance' ? e.resource.agent : []))
    const authors = agents.filter((a: Json) => a.type.coding[0].code === 'author')
    expect([authors.length > 0, authors.every((a: Json) => a.who && a.onBehalfOf)]).toEqual([true, true])
  },
  async notes({ atAda }) {
    for (const search of ['DocumentReference?category=clinical-note', 'DiagnosticReport?category=LP29684-5'])
      expect([search, (await atAda('GET', search)).body.total]).toEqual([search, 1])
  },
  async medication({ atAda }) {
    const { body } = await atAda('GET', 'MedicationRequest?intent=order&_include=MedicationRequest:medication')
    expect(body.entry.map((e: Json) => e.resource.resourceType).sort()).toEqual(['Medication', 'MedicationRequest'])
  },
  async missingData({ atAda, adaId }) {
    const reason = { url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' }
    const code = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/data-absent-reason', code: 'unknown' }] }
    const procedure = {
      resourceType: 'Procedure',
      status: 'completed',
      code,
      subject: { reference: `Patient/${adaId}` },
      _performedDateTime: { extension: [reason] },
    }
    const made = await atAda('POST', 'Procedure', procedure)
    expect((await atAda('GET', `Procedure/${made.body.id}`)).body).toMatchObject({ code, _performedDateTime: { extension: [reason] } })
  },
  async wholeRecord({ facts, bearing, adaId, record }) {
    const { body } = await bearing((await facts.tokens()).access_token)('GET', `Patient/${adaId}/$everything`)
    const found = new Set(body.entry.map((e: Json) => `${e.resource.resourceType}/${e.resource.id}`))
    const outside = new Set(['PractitionerRole', 'Provenance'])
    for (const r of Object.values(record)) if (!outside.has(r.resourceType)) expect(found).toContain(`${r.resourceType}/${r.id}`)
  },
}

export const G10: Checks = { ...documented, ...registering, ...launching, ...tokens, ...services, ...data }
