import { launched, tokenCall } from '@keepwell/daemon/gateway/smart/smart.kit'
import { expect } from 'vitest'
import type { Json } from '#e2e/gateway.kit'
import type { Checks } from './g10.ts'
import { type Here, once } from './world.ts'

/** A token for Ada's observations, and for nothing else. */
const onlyObservations = new WeakMap<Here, () => Promise<string>>()
function observationsOnly(here: Here): Promise<string> {
  const { at, client, person, adaId } = here
  const known =
    onlyObservations.get(here) ??
    once(async () => (await launched(at, { client, person, patient: adaId, scope: 'patient/Observation.rs' })).access_token)
  onlyObservations.set(here, known)
  return known()
}

/** The checks of `smart.tsv` that take a whole gateway, by name. */
export const SMART: Checks = {
  async createsByUpdate({ at, client, person, adaId, bearing, record }) {
    const { access_token } = await launched(at, { client, person, patient: adaId, scope: 'patient/Observation.rus' })
    const made = { ...record['us-core-heart-rate'], id: 'made-by-update' }
    expect((await bearing(access_token)('PUT', 'Observation/made-by-update', made)).status).toBe(201)
    const { id: _id, ...unnamed } = made
    expect((await bearing(access_token)('POST', 'Observation', unnamed)).status).toBe(403)
  },
  async judgesWithin(here) {
    const entry = ['Observation?_count=1', 'Condition?_count=1'].map(url => ({ request: { method: 'GET', url } }))
    const ask = here.bearing(await observationsOnly(here))
    const { body } = await ask('POST', '', { resourceType: 'Bundle', type: 'batch', entry })
    expect(body.entry.map((e: Json) => e.response.status.slice(0, 3))).toEqual(['200', '403'])
  },
  async smallTokens({ facts }) {
    const { access_token, refresh_token } = await facts.tokens()
    expect([access_token.length, refresh_token!.length].every(n => n < 100)).toBe(true)
  },
  async refusesUnasked(here) {
    const ask = here.bearing(await observationsOnly(here))
    for (const path of ['Condition', `Patient/${here.adaId}`, 'Practitioner/us-core-practitioner'])
      expect([path, (await ask('GET', path)).status]).toEqual([path, 403])
  },
  async refusesUnknown({ atAda }) {
    const { status, body } = await atAda('GET', 'Nonsense')
    expect([status, body.resourceType]).toEqual([404, 'OperationOutcome'])
  },
  async linksStayShut({ facts, bearing, benId, adaId, atAda }) {
    const { readFileSync } = await import('node:fs')
    expect(readFileSync(new URL('../../docs/gateway.md', import.meta.url), 'utf8')).toContain('`Patient.link` is not followed')
    const { body } = await atAda('GET', `Patient/${adaId}`)
    const link = [{ other: { reference: `Patient/${benId}` }, type: 'seealso' }]
    // A link to another patient of this gateway is not even taken.
    expect((await atAda('PUT', `Patient/${adaId}`, { ...body, link })).status).toBe(422)
    const ask = bearing((await facts.tokens()).access_token)
    expect([403, 404]).toContain((await ask('GET', `Patient/${benId}`)).status)
    expect((await ask('GET', `Observation?patient=${benId}`)).body.total).toBe(0)
  },
  async saysWhatIsWrong({ at, client }) {
    const answer = await tokenCall(at, { grant_type: 'refresh_token', refresh_token: 'x'.repeat(43), client_id: client })
    expect(await answer.json()).toMatchObject({ error: 'invalid_grant', error_description: expect.any(String) })
  },
  async tellsMethods({ facts }) {
    const { token_endpoint_auth_methods_supported: methods } = await facts.configuration()
    expect(methods).toEqual(expect.arrayContaining(['client_secret_post', 'client_secret_basic', 'private_key_jwt']))
  },
}
