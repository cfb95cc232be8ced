/** Canonical URLs of the code systems that this house knows by name. */
export const SNOMED = 'http://snomed.info/sct'
export const LOINC = 'http://loinc.org'
export const ICD10CM = 'http://hl7.org/fhir/sid/icd-10-cm'
export const UCUM = 'http://unitsofmeasure.org'
export const LANGUAGES = 'urn:ietf:bcp:47'
/** ISO 3166. */
export const COUNTRIES = 'urn:iso:std:iso:3166'
export const MIME_TYPES = 'urn:ietf:bcp:13'

/** A concept as a release file tells it. Parents and property values are codes of the same system, where they are codes at all. */
export type ReleaseConcept = {
  readonly code: string
  readonly display: string
  readonly inactive?: boolean
  /** Exists to group others: not to be recorded. */
  readonly abstract?: boolean
  readonly parents?: readonly string[]
  readonly synonyms?: readonly string[]
  readonly properties?: readonly (readonly [key: string, value: string])[]
}

/** What is told of a code system beside its concepts. */
export type ReleaseSystem = {
  readonly url: string
  readonly version: string
  readonly name: string
  readonly copyright?: string
  /** False for a part: then a code that is not in it is unknown, not wrong. */
  readonly complete: boolean
  /** Whether parents mean "is a", so that subsumption can be told. */
  readonly hierarchy: boolean
}
