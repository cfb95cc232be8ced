import { smartBeside } from '@keepwell/daemon/bin/gateway-smart'
import { addApp } from '@keepwell/daemon/gateway/smart/apps'
import type { Smart } from '@keepwell/daemon/gateway/smart/smart'
import { type At, launched, newApp, type Person, tokenCall, withPasskey } from '@keepwell/daemon/gateway/smart/smart.kit'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { type Ask, consents, type GatewayWorld, gatewayWorld, type Json, NURSE } from '#e2e/gateway.kit'
import type { Party } from '#e2e/parties'
import { sampleRecord } from './record.ts'

export const SECRET = 's'.repeat(40)
/** Every scope of an app that asks for much. */
export const MUCH = 'openid fhirUser launch/patient offline_access patient/*.rs user/*.rs'

/** A gateway with its authorization server, a patient with a record of each profile, another with little, a person and apps. */
export type Here = {
  readonly world: GatewayWorld
  readonly at: At
  readonly ada: Party
  readonly ben: Party
  readonly adaId: string
  readonly benId: string
  readonly consentsOfBen: Record<string, Uint8Array>
  readonly record: Record<string, Json>
  readonly person: Person
  readonly client: string
  /** The house's own system, at Ada. */
  readonly atAda: Ask
  readonly bearing: (token: string) => Ask
  readonly facts: ReturnType<typeof factsOf>
  close(): Promise<void>
}

export async function openHere(): Promise<Here> {
  let smart: Smart | undefined
  const world = await gatewayWorld({
    async parts(gateway, clinic) {
      smart = await smartBeside(gateway, { ctx: clinic, dir: clinic.folder })
      return { parts: [smart.part], authenticate: smart.authenticate }
    },
  })
  const at: At = { url: world.running.url, fhir: world.base, smart: smart! }
  const [ada, ben] = [await world.patient('Ada'), await world.patient('Ben')]
  const { id: adaId } = await consents(world, ada, ['read', 'write'], ['TREAT'], 200)
  const { id: benId, commitments: consentsOfBen } = await consents(world, ben)
  const atAda = world.asking({ ...NURSE, 'x-keepwell-patient': adaId })
  const record = sampleRecord(adaId)
  await filed(atAda, [...Object.values(record), statement(adaId)])
  await filed(world.asking({ ...NURSE, 'x-keepwell-patient': benId }), [
    { ...record['us-core-heart-rate'], id: 'of-ben', subject: { reference: `Patient/${benId}` }, encounter: undefined },
  ])
  const base = { world, at, ada, ben, adaId, benId, consentsOfBen, record, atAda, person: await withPasskey(at), client: await newApp(at) }
  const bearing = (token: string): Ask => world.asking({ authorization: `Bearer ${token}` })
  return { ...base, bearing, facts: factsOf(base), close: () => world.close() }
}

/** Of the International Patient Summary, and not of US Core. */
const statement = (patient: string): Json => ({
  resourceType: 'MedicationStatement',
  id: 'statement',
  status: 'active',
  medicationCodeableConcept: { coding: [{ system: 'http://www.nlm.nih.gov/research/umls/rxnorm', code: '197361' }] },
  subject: { reference: `Patient/${patient}` },
  effectiveDateTime: '2026-03-01',
})

async function filed(ask: Ask, resources: readonly Json[]): Promise<void> {
  const entry = resources.map(resource => ({
    fullUrl: `https://other.example/fhir/${resource.resourceType}/${resource.id}`,
    resource,
    request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` },
  }))
  const answer = await ask('POST', '', { resourceType: 'Bundle', type: 'transaction', entry })
  if (answer.status !== 200) throw new Error(answer.text)
}

/** Done once, by whichever requirement asks first. */
export const once = <T>(make: () => Promise<T>): (() => Promise<T>) => {
  let made: Promise<T> | undefined
  return () => (made ??= make())
}

type Base = Omit<Here, 'facts' | 'bearing' | 'close'>

function factsOf({ world, at, adaId, person, client }: Base) {
  const tokens = once(() => launched(at, { client, person, patient: adaId, scope: MUCH }))
  const configuration = once(async (): Promise<Json> => (await fetch(`${at.fhir}/.well-known/smart-configuration`)).json())
  const metadata = once(async (): Promise<Json> => (await fetch(`${at.fhir}/metadata`)).json())
  const ehr = once(async () => {
    const opened = await fetch(`${at.url}/launch`, {
      method: 'POST',
      headers: { authorization: `Bearer ${world.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ patient: adaId, encounter: 'us-core-encounter' }),
    })
    const { launch } = (await opened.json()) as { launch: string }
    return launched(at, { client, person, launch, scope: 'launch openid fhirUser offline_access patient/*.rs' })
  })
  const service = once(() => newService(at, 'system/*.rs'))
  const serviceToken = once(async (): Promise<Json> => (await (await service()).ask('system/*.rs')).json())
  const summary = once(
    async (): Promise<Json> => (await world.asking({ 'x-keepwell-patient': adaId })('GET', `Patient/${adaId}/$summary`)).body,
  )
  return { tokens, configuration, metadata, ehr, service, serviceToken, summary }
}

export type Service = Awaited<ReturnType<typeof newService>>

/** A registered program with its key. */
export async function newService(at: At, scope: string) {
  const { privateKey, publicKey } = await generateKeyPair('ES384', { extractable: true })
  const { client_id } = await addApp(at.smart.context, {
    client_name: 'Registry feed',
    grant_types: ['client_credentials'],
    token_endpoint_auth_signing_alg: 'ES384',
    jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES384', use: 'sig' }] },
    smart_scope: scope,
  } as Parameters<typeof addApp>[1])
  const assertion = (more: { aud?: string; seconds?: number; jti?: string; key?: CryptoKey } = {}) =>
    new SignJWT({ jti: more.jti ?? crypto.randomUUID() })
      .setProtectedHeader({ alg: 'ES384', kid: 'k1', typ: 'JWT' })
      .setIssuer(client_id)
      .setSubject(client_id)
      .setAudience(more.aud ?? `${at.url}/auth/token`)
      .setExpirationTime(Math.floor(Date.now() / 1000) + (more.seconds ?? 240))
      .sign(more.key ?? (privateKey as CryptoKey))
  const ask = async (wanted: string, client_assertion?: string): Promise<Response> =>
    tokenCall(at, {
      grant_type: 'client_credentials',
      scope: wanted,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: client_assertion ?? (await assertion()),
    })
  const jwk = { ...(await exportJWK(privateKey)), kid: 'k1', alg: 'ES384' }
  return { id: client_id, ask, assertion, jwk, otherKey: (await generateKeyPair('ES384')).privateKey as CryptoKey }
}
