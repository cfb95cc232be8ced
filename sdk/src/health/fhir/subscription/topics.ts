import { at, codings, field, type JsonObject, string } from '#health/fhir/read'

/** What one may subscribe to (R5 SubscriptionTopic, as the R4 backport names it: by canonical URL). */
export type Topic = {
  readonly url: string
  readonly title: string
  /** Types of its focus; null: whatever type the subscription's filters name. */
  readonly types: readonly string[] | null
  /** Whether a new or changed resource of one of its types is an event of it. */
  readonly about: (resource: JsonObject) => boolean
}

const BASE = 'urn:keepwell:topic'
export const CONSENT_ENDED = `${BASE}:consent-ended`

const REPORTED = new Set(['preliminary', 'partial', 'final', 'amended', 'corrected', 'appended'])
const LABORATORY = new Set(['laboratory', 'LAB'])

/** An Observation says `laboratory`, a DiagnosticReport in older code sets `LAB`; reports of other departments are results as well. */
const isResult = (resource: JsonObject): boolean =>
  REPORTED.has(string(field(resource, 'status')) ?? '') &&
  (field(resource, 'resourceType') === 'DiagnosticReport' || codings(field(resource, 'category')).some(c => LABORATORY.has(c.code)))

export const TOPICS: readonly Topic[] = [
  {
    url: `${BASE}:resource`,
    title: 'A resource of a type was filed in a patient’s record, or changed: the filters name the type',
    types: null,
    about: () => true,
  },
  { url: `${BASE}:result`, title: 'A result was reported, or corrected', types: ['Observation', 'DiagnosticReport'], about: isResult },
  {
    url: `${BASE}:encounter`,
    title: 'A visit or a stay began, changed or ended: admission, transfer, discharge',
    types: ['Encounter'],
    about: resource => at(resource, 'status') !== 'entered-in-error',
  },
  { url: CONSENT_ENDED, title: 'A patient ended their consent, or it ran out', types: ['Patient'], about: () => false },
]

/** A canonical may name a version (`|1`); ours have none. */
export const topicOf = (canonical: string): Topic | undefined => TOPICS.find(t => t.url === canonical)
