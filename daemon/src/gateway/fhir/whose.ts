import { setTimeout as after } from 'node:timers/promises'
import { ensure } from '@keepwell/sdk/base/error'
import type { JsonObject } from '@keepwell/sdk/health/fhir/read'
import type { Params } from '@keepwell/sdk/health/fhir/search/types'
import { literal, renamed } from '#gateway/core/references'
import type { Actor, Gateway, PatientSession } from '#gateway/core/types'
import { refuse } from './outcome.ts'
import type { FhirRequest } from './route.ts'

/** What the handlers work with. */
export type Fhir = {
  readonly gateway: Gateway
  /** Unix milliseconds. */
  readonly now: () => number
}

/** Search parameters that name the patient, in the types that have them. */
const PATIENT_PARAMETERS = ['patient', 'subject', 'beneficiary', 'individual', 'patient:Patient', 'subject:Patient']

const idIn = (value: string, base: string): string | null => {
  const found = literal(value)
  if (found) return found.type === 'Patient' && (found.base === '' || found.base === `${base}/`) ? found.id : null
  return /^[A-Za-z0-9\-.]{1,64}$/.test(value) ? value : null
}

/** The patients that a search of a type names. */
export const patientIds = (type: string, params: Params, base: string): string[] =>
  params.flatMap(([name, value]) =>
    PATIENT_PARAMETERS.includes(name) || (type === 'Patient' && name === '_id') ? value.split(',').flatMap(v => idIn(v, base) ?? []) : [],
  )

export type About = { readonly type?: string; readonly id?: string | undefined; readonly query?: URLSearchParams }

/**
 * Whose record a request is about: the token's patient; the patient in the id, or in a search parameter; the record that is open and holds
 * it; or the only one there is. Null when that leaves several.
 */
export function patientOf(
  { gateway }: Fhir,
  { actor, base }: Pick<FhirRequest, 'actor' | 'base'>,
  { type, id, query }: About,
): string | null {
  if (actor.patient !== null) return actor.patient
  const named = id === undefined ? null : (gateway.ids.patientOf(id) ?? (type === 'Patient' ? id : null))
  if (named) return named
  for (const name of PATIENT_PARAMETERS)
    for (const value of query?.getAll(name) ?? []) {
      const found = idIn(value, base)
      if (found) return found
    }
  for (const value of query?.getAll('_id') ?? []) {
    const ids = new Set(value.split(',').map(v => gateway.ids.patientOf(v)))
    const [only] = ids
    if (ids.size === 1 && only) return only
  }
  for (const value of query?.getAll('target') ?? []) {
    const about = literal(value.split(',')[0]!)
    const owner = about && (about.type === 'Patient' ? about.id : (gateway.ids.patientOf(about.id) ?? holder(gateway, actor, about)))
    if (owner) return owner
  }
  if (type && id) {
    const found = holder(gateway, actor, { type, id })
    if (found) return found
  }
  const all = gateway.patients()
  return all.length === 1 ? all[0]!.id : null
}

/** The one open record that holds a resource. */
function holder(gateway: Gateway, actor: Actor, { type, id }: { readonly type: string; readonly id: string }): string | null {
  const open = gateway.openFor(actor).filter(s => s.store.read(type, id))
  return open.length === 1 ? open[0]!.patient.id : null
}

const WHOSE = 'Say whose record is meant: with the patient’s id in the request, or with a token for one patient.'

/** The id, if it is the one in front of its person's vaults; throws a refusal that says which is, for a search by another would find nothing. */
export function inFront({ gateway }: Pick<Fhir, 'gateway'>, id: string): string {
  const front = gateway.patient(id)?.id ?? id
  if (front !== id) throw refuse(404, 'not-found', `Patient/${id} is shown together with Patient/${front}: ask for that one.`)
  return id
}

/** The open session a request is about. Throws a refusal when it does not say whose record is meant. */
export async function sessionFor(fhir: Fhir, request: Pick<FhirRequest, 'actor' | 'base'>, about: About): Promise<PatientSession> {
  const patient = patientOf(fhir, request, about)
  if (patient === null)
    throw about.id ? refuse(404, 'not-found', `There is no such ${about.type ?? 'resource'}. ${WHOSE}`) : refuse(400, 'too-costly', WHOSE)
  return fhir.gateway.session(request.actor, inFront(fhir, patient))
}

/** All ids of patients that a resource refers to, as this gateway calls them. */
export function patientsNamed(resource: JsonObject, base: string): Set<string> {
  const found = new Set<string>()
  renamed(resource, reference => {
    const id = reference.includes('Patient/') ? idIn(reference, base) : null
    if (id) found.add(id)
    return null
  })
  return found
}

/** Made of all that is there: where records come from is told when they have all come, and an image belongs to its study. */
export const ALL_AT_ONCE: ReadonlySet<string> = new Set(['Provenance', 'ImagingStudy'])

/** Says of an answer that it is not of the whole record. */
export const PARTIAL: Readonly<Record<string, string>> = { 'x-keepwell-partial': 'yes' }

export const STILL_OPENING = 'The record is still being opened: this is not all of it. Ask with “Prefer: wait=SECONDS” for more.'

export const NOT_ALL_THERE = 'A part of this person’s record lies at a relay that does not answer now: this is not all of it.'

/** Throws RELAY_UNREACHABLE where a part would mislead: what is made of the record, or decided by it. */
export function allThere({ away }: Pick<PatientSession, 'away'>): void {
  ensure(away.length === 0, 'RELAY_UNREACHABLE', NOT_ALL_THERE)
}

export type Question = {
  /** What must be open for the whole truth; absent: all. */
  readonly types: readonly string[] | undefined
  /** A part would mislead; one is given only to who said how long they wait. */
  readonly exact: boolean
  /** Whether a part answers the question at all: “nothing” is said of a whole only. */
  readonly answers: () => Promise<boolean> | boolean
}

/**
 * Waits until a question can be answered: wholly, or in part when the record is large, or when the caller’s patience ends (`Prefer: wait`,
 * RFC 7240 §4.3). True when it is the whole.
 */
export async function answerable(request: FhirRequest, session: PatientSession, { types, exact, answers }: Question): Promise<boolean> {
  const { wait } = request.prefer
  const inParts = !request.entry && !partsMayLeak(request) && !(exact && wait === undefined)
  const patience = wait === undefined ? null : patienceOf(wait)
  try {
    while (inParts && session.filling && !session.whole(types)) {
      if ((patience?.over() ?? session.large) && (await answers())) return false
      // Whoever's patience is over waits for what answers at all.
      await Promise.race([session.more(), ...(patience?.over() === false ? [patience.end] : [])])
    }
  } finally {
    patience?.stop()
  }
  await session.ready(types)
  return true
}

/** Scopes with search arguments are judged by the newest version, which a part may not hold. */
const partsMayLeak = ({ actor }: Pick<FhirRequest, 'actor'>): boolean => actor.scopes?.some(s => s.query.length > 0) ?? false

function patienceOf(seconds: number) {
  let over = seconds === 0
  const stop = new AbortController()
  const end = after(seconds * 1000, undefined, { signal: stop.signal }).then(
    () => {
      over = true
    },
    () => {},
  )
  return { over: () => over, end, stop: () => stop.abort() }
}
