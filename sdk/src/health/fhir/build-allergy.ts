import { begin, type Common, coded, named, noteOf, type Resource, some, supporting, written } from './build.ts'
import { at } from './read.ts'

export const ALLERGY_CATEGORIES = ['food', 'medication', 'environment', 'biologic'] as const
export type AllergyCategory = (typeof ALLERGY_CATEGORIES)[number]
export const SEVERITIES = ['mild', 'moderate', 'severe'] as const
export type Severity = (typeof SEVERITIES)[number]

export type AllergyInput = {
  readonly substance: string
  readonly category?: AllergyCategory | ''
  /** What happens: `rash`, `short of breath`. */
  readonly reaction?: string
  readonly severity?: Severity | ''
  /** Whether the next contact could be dangerous. */
  readonly dangerous?: boolean
  readonly since?: string
  readonly note?: string
}

/** An allergy or intolerance. What a patient says counts as unconfirmed until someone confirms it. */
export const buildAllergy = (common: Common, input: AllergyInput): Resource => ({
  ...begin('AllergyIntolerance', common),
  ...supporting(common.attached),
  clinicalStatus: coded('allergyintolerance-clinical', 'active'),
  verificationStatus: coded('allergyintolerance-verification', common.origin.by === 'patient' ? 'unconfirmed' : 'confirmed'),
  ...(input.category ? { category: [input.category] } : {}),
  ...(input.dangerous ? { criticality: 'high' } : {}),
  code: { text: input.substance },
  patient: named(common.patient),
  ...some('onsetDateTime', input.since),
  recordedDate: common.recorded,
  asserter: named(common.origin.name),
  ...noteOf(input.note, common.recorded),
  ...(input.reaction ? { reaction: [{ manifestation: [{ text: input.reaction }], ...some('severity', input.severity) }] } : {}),
})

export const readAllergy = (r: unknown): AllergyInput => ({
  substance: written(r, 'code', 'text'),
  category: ALLERGY_CATEGORIES.find(c => c === firstOf(at(r, 'category'))) ?? '',
  reaction: written(r, 'reaction', 'manifestation', 'text'),
  severity: SEVERITIES.find(s => s === written(r, 'reaction', 'severity')) ?? '',
  dangerous: written(r, 'criticality') === 'high',
  since: written(r, 'onsetDateTime'),
  note: written(r, 'note', 'text'),
})

const firstOf = (x: unknown): unknown => (Array.isArray(x) ? x[0] : x)
