/** What is asked of a terminology, and what it answers. */
import type { JsonObject } from '#health/fhir/read'

export type TermCoding = { readonly system: string; readonly code: string; readonly display?: string }
export type Designation = { readonly value: string; readonly language?: string; readonly use?: string }

export type TermConcept = {
  readonly system: string
  /** What the code system is called, and of which version it is. */
  readonly name: string
  readonly version?: string
  readonly code: string
  readonly display: string
  readonly inactive?: boolean
  /** Groups others, and is not to be recorded. */
  readonly abstract?: boolean
  readonly designations: readonly Designation[]
  /** Direct ones, where the system has a hierarchy. */
  readonly parents: readonly string[]
  readonly children: readonly string[]
  readonly properties: readonly (readonly [key: string, value: string])[]
}

export type ValidateCode = {
  readonly code: string
  /** Without it the code must be of one system only in the value set. */
  readonly system?: string
  readonly display?: string
  /** Canonical URL, or the resource itself; without it the code system alone decides. */
  readonly valueSet?: string | JsonObject
}

export type Validation = {
  /** `unknown`: only a part of the code system is here, and the code is not in that part. */
  readonly verdict: 'valid' | 'invalid' | 'unknown'
  readonly system?: string
  /** The name that should be shown. */
  readonly display?: string
  readonly inactive?: boolean
  /** For people: what is wrong. Names codes and value sets, nothing of a person. */
  readonly message?: string
}

export type Expand = {
  readonly valueSet: string | JsonObject
  /** Words, or beginnings of words, that a name must hold. */
  readonly filter?: string
  readonly offset?: number
  /** At most 10,000; default 1,000. */
  readonly count?: number
  readonly activeOnly?: boolean
}

export type ExpandedConcept = TermCoding & { readonly display: string; readonly inactive?: boolean; readonly abstract?: boolean }
export type Expansion = { readonly total: number; readonly offset: number; readonly contains: readonly ExpandedConcept[] }

export type Translate = {
  readonly system: string
  readonly code: string
  /** Canonical URL of the one map to use; default all. */
  readonly map?: string
  readonly targetSystem?: string
  /** From the map's target to its source. */
  readonly reverse?: boolean
}
export type Translation = { readonly equivalence: string; readonly concept: TermCoding; readonly map?: string }

/** FHIR's `concept-subsumption-outcome`. */
export type Subsumption = 'equivalent' | 'subsumes' | 'subsumed-by' | 'not-subsumed'
