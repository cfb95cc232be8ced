import { search } from '@keepwell/sdk/health/fhir/search/search'
import { openStore } from '@keepwell/sdk/health/fhir/search/store'
import type { FhirResource } from '@keepwell/sdk/health/fhir/search/types'
import type { Actor, Gateway } from '#gateway/core/types'
import { demand, visibleTo } from '#gateway/fhir/access'
import { read } from '#gateway/fhir/read'
import type { FhirAnswer, FhirRequest } from '#gateway/fhir/route'
import { bundled, searches } from '#gateway/fhir/search'
import type { Groups } from './groups.ts'
import { patientsOf } from './work.ts'

/** The group that is always there: everybody who lets the organisation read. */
export const EVERYBODY = 'all'
const ALL: Known = { id: EVERYBODY, name: 'Everybody whose consent to read lives', patients: null }

/** `patients`: logical ids; null for everybody. */
export type Known = { readonly id: string; readonly name: string; readonly patients: ReadonlySet<string> | null }

/** A group that can be exported; null when there is none. */
export async function knownGroup(groups: Pick<Groups, 'get'>, id: string): Promise<Known | null> {
  if (id === EVERYBODY) return ALL
  const found = await groups.get(id)
  return found && { id, name: found.name, patients: new Set(found.members) }
}

/** Its members are those whose consent to read lives: of others the caller is told nothing. */
const told = (gateway: Gateway, actor: Actor, { id, name, patients }: Known): FhirResource => {
  const member = patientsOf(gateway, actor, { patients }).map(p => ({ entity: { reference: `Patient/${p.id}` } }))
  return {
    resourceType: 'Group',
    id,
    active: true,
    type: 'person',
    actual: true,
    name,
    quantity: member.length,
    ...(member.length ? { member } : {}),
  } as unknown as FhirResource
}

export type Grouping = { readonly gateway: Gateway; readonly groups: Pick<Groups, 'get' | 'list'> }

const fhirOf = (gateway: Gateway) => ({ gateway, terminology: null, now: () => gateway.clock() * 1000 })

/** A group of patients; any other is a resource like all. */
export async function group({ gateway, groups }: Grouping, request: FhirRequest): Promise<FhirAnswer> {
  const { actor, params } = request
  const known = await knownGroup(groups, params.id ?? '')
  if (!known) return read(fhirOf(gateway))({ ...request, params: { ...params, type: 'Group' } })
  demand(actor, 'Group', 'r')
  return { resource: told(gateway, actor, known) }
}

/** Search among the groups of patients; for a caller who is at one patient, in that patient's record. */
export async function groupsFound({ gateway, groups }: Grouping, request: FhirRequest): Promise<FhirAnswer> {
  const { actor, query, prefer } = request
  if (actor.patient !== null) return searches(fhirOf(gateway))({ ...request, params: { type: 'Group' } })
  demand(actor, 'Group', 's')
  const store = openStore({ bases: [`${gateway.url}/fhir`] })
  const meta = { versionId: '1', lastUpdated: new Date(gateway.clock() * 1000).toISOString() }
  const configured = (await groups.list()).map((g): Known => ({ id: g.id, name: g.name, patients: new Set(g.members) }))
  for (const known of [ALL, ...configured]) store.put({ ...told(gateway, actor, known), meta })
  const found = search(store, {
    type: 'Group',
    params: [...query],
    now: gateway.clock() * 1000,
    visible: visibleTo(actor),
    ...(prefer.handling ? { handling: prefer.handling } : {}),
  })
  return { resource: bundled(request, found) }
}
