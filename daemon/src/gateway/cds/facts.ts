import { isKeepwellError } from '@keepwell/sdk/base/error'
import type { JsonObject } from '@keepwell/sdk/health/fhir/read'
import { search } from '@keepwell/sdk/health/fhir/search/search'
import type { Actor, Gateway, PatientSession } from '#gateway/core/types'
import { granted, visibleTo } from '#gateway/fhir/access'
import { allThere } from '#gateway/fhir/whose'
import type { RuleName } from './engine.ts'
import { NEEDED, NEEDS, type Need, type NeedName, needsOf, withDrug } from './needs.ts'
import type { HookRequest } from './request.ts'

export type Facts = {
  /** The rules for which everything is known. */
  readonly rules: readonly RuleName[]
  readonly resources: readonly JsonObject[]
}

const MOST = 5000
/** Rules about what is not there: they are silent where a role, what the organisation says of it, or a policy shows a part of the record only. */
const OF_ABSENCE: ReadonlySet<RuleName> = new Set(['VaccinationOverdue', 'HbA1cOverdue'])
const NO_RECORD = new Set(['NO_GRANT', 'DENIED', 'GRANT_ENDED'])

/**
 * What the rules are to look at: the patient's own record, where the caller may open it, and what the client sent along for the rest. Throws
 * NO_GRANT and its like when neither gives enough for a single rule; null when the client just did not send enough.
 */
export async function factsFor(gateway: Gateway, actor: Actor, request: HookRequest, rules: readonly RuleName[]): Promise<Facts | null> {
  const opened = await sessionOf(gateway, actor, request.patient, rules)
  const known = new Map<NeedName, readonly JsonObject[]>()
  for (const name of needsOf(rules)) {
    const found =
      ('session' in opened ? fromRecord(opened.session, actor, NEEDS[name], gateway.clock()) : null) ?? fromClient(request, name)
    if (found) known.set(name, found)
  }
  const partly = actor.parts !== undefined || ('session' in opened && opened.session.narrowed)
  const able = rules.filter(r => NEEDED[r].every(n => known.has(n)) && !(partly && OF_ABSENCE.has(r)))
  if (able.length === 0) {
    if ('refused' in opened && request.prefetch.size === 0) throw opened.refused
    return null
  }
  const needed = needsOf(able)
  const byPlace = new Map<string, JsonObject>()
  const all = [...needed.flatMap(n => known.get(n)!), ...request.drafts]
  const resolve = (reference: string): JsonObject | null => {
    const sent = [...request.prefetch.values()]
      .flatMap(r => r ?? [])
      .find(r => reference.endsWith(`${String(r.resourceType)}/${String(r.id)}`))
    if (sent || !('session' in opened) || granted(actor, 'Medication', 's') !== true) return sent ?? null
    return opened.session.store.resolve(reference)?.resource ?? null
  }
  for (const r of all) {
    const place = `${String(r.resourceType)}/${String(r.id ?? byPlace.size)}`
    byPlace.set(place, r.resourceType === 'MedicationRequest' ? withDrug(r, resolve) : r)
  }
  return { rules: able, resources: [...byPlace.values()] }
}

type Opened = { readonly session: PatientSession } | { readonly refused: unknown }

async function sessionOf(gateway: Gateway, actor: Actor, patient: string, rules: readonly RuleName[]): Promise<Opened> {
  try {
    const session = await gateway.session(actor, patient)
    const types = new Set<string>(needsOf(rules).map(n => NEEDS[n].type))
    await session.ready([...types, ...(types.has('MedicationRequest') ? ['Medication'] : [])])
    allThere(session)
    return { session }
  } catch (refused) {
    if (isKeepwellError(refused) && NO_RECORD.has(refused.code)) return { refused }
    throw refused
  }
}

/** Null for what the caller may see only in part, or not at all. */
function fromRecord(session: PatientSession, actor: Actor, { type, query }: Need, clock: number): JsonObject[] | null {
  if (granted(actor, type, 's') !== true) return null
  const { matches } = search(session.store, {
    type,
    params: query,
    now: clock * 1000,
    visible: visibleTo(actor),
    defaultCount: MOST,
    maxCount: MOST,
  })
  return matches.flatMap(v => v.resource ?? [])
}

function fromClient({ prefetch }: HookRequest, name: NeedName): JsonObject[] | null {
  const sent = prefetch.get(name)
  return sent ? sent.filter(r => r.resourceType === NEEDS[name].type) : null
}
