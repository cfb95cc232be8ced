import { search } from '@keepwell/sdk/health/fhir/search/search'
import { openStore } from '@keepwell/sdk/health/fhir/search/store'
import type { FhirResource } from '@keepwell/sdk/health/fhir/search/types'
import type { Actor, Gateway } from '#gateway/core/types'
import { demand, visibleTo } from '#gateway/fhir/access'
import { read } from '#gateway/fhir/read'
import type { FhirAnswer, FhirRequest } from '#gateway/fhir/route'
import { bundled, searches } from '#gateway/fhir/search'
import { patientsOf } from './work.ts'

/** The one group there is: everybody who lets the organisation read. Nothing else that is known without opening a record makes a group. */
export const EVERYBODY = 'all'

const everybody = (gateway: Gateway, actor: Actor): FhirResource => {
  const member = patientsOf(gateway, actor, { patients: null }).map(p => ({ entity: { reference: `Patient/${p.id}` } }))
  return {
    resourceType: 'Group',
    id: EVERYBODY,
    active: true,
    type: 'person',
    actual: true,
    name: 'Everybody whose consent to read lives',
    quantity: member.length,
    ...(member.length ? { member } : {}),
  } as unknown as FhirResource
}

const fhirOf = (gateway: Gateway) => ({ gateway, terminology: null, now: () => gateway.clock() * 1000 })

/** The built-in group; any other is a resource like all. */
export async function group(gateway: Gateway, request: FhirRequest): Promise<FhirAnswer> {
  const { actor, params } = request
  if (params.id !== EVERYBODY) return read(fhirOf(gateway))({ ...request, params: { ...params, type: 'Group' } })
  demand(actor, 'Group', 'r')
  return { resource: everybody(gateway, actor) }
}

/** Search among the built-in groups; for a caller who is at one patient, in that patient's record. */
export async function groups(gateway: Gateway, request: FhirRequest): Promise<FhirAnswer> {
  const { actor, query, prefer } = request
  if (actor.patient !== null) return searches(fhirOf(gateway))({ ...request, params: { type: 'Group' } })
  demand(actor, 'Group', 's')
  const store = openStore({ bases: [`${gateway.url}/fhir`] })
  store.put({ ...everybody(gateway, actor), meta: { versionId: '1', lastUpdated: new Date(gateway.clock() * 1000).toISOString() } })
  const found = search(store, {
    type: 'Group',
    params: [...query],
    now: gateway.clock() * 1000,
    visible: visibleTo(actor),
    ...(prefer.handling ? { handling: prefer.handling } : {}),
  })
  return { resource: bundled(request, found) }
}
