import { matches } from '@keepwell/sdk/health/fhir/search/search'
import type { FhirResource, Version } from '@keepwell/sdk/health/fhir/search/types'
import { CONSENT_ENDED, topicOf } from '@keepwell/sdk/health/fhir/subscription/topics'
import type { Actor, Filed, FiledRecord, Gateway, Marks } from '#gateway/core/types'
import { mayTouch } from '#gateway/fhir/access'
import type { Subscribed } from './types.ts'

export type Found = {
  readonly marks: Marks
  readonly events: readonly (FiledRecord & { readonly method: 'POST' | 'PUT'; readonly resource: FhirResource })[]
}

/** On the receipt it says that this was no person looking but their subscription. At most 80 characters. */
export const asSubscription = (owner: Actor): Actor => ({
  ...owner,
  as: owner.as ?? owner.role,
  role: `${owner.role.slice(0, 66)}, subscription`,
})

/**
 * Looks for what is new in a patient's record, and of that what the subscription is about and its owner may read. `also` are records that
 * are known to be new.
 */
export async function look(gateway: Gateway, sub: Subscribed, patient: string, also: readonly string[]): Promise<Found> {
  const { plan, owner, marks } = sub
  if (plan.topic === CONSENT_ENDED) return { marks: {}, events: [] }
  const after = marks[patient] ?? null
  const filed = await gateway.filed(asSubscription(owner), patient, { after, also, wanted: type => plan.types.includes(type) })
  return { marks: { ...after, ...filed.marks }, events: eventsIn(gateway, sub, filed) }
}

function eventsIn(gateway: Gateway, { plan, owner }: Subscribed, { store, records }: Filed): Found['events'] {
  const about = topicOf(plan.topic)?.about ?? (() => false)
  const now = gateway.clock() * 1000
  // Several versions, or images of one study, that came together are one event: what is there now.
  const once = new Map(records.map(r => [`${r.type}/${r.id}`, r]))
  return [...once.values()].flatMap(r => {
    const version = store.read(r.type, r.id)
    if (!version?.resource || !about(version.resource)) return []
    const wanted = plan.filters.every(f => f.type !== r.type || matches(store, version, { params: f.params, now }))
    if (!wanted || !mayTouch(owner, store, version, 'r', now)) return []
    return [{ ...r, method: methodOf(version), resource: version.resource }]
  })
}

const methodOf = ({ method }: Version): 'POST' | 'PUT' => (method === 'POST' ? 'POST' : 'PUT')
