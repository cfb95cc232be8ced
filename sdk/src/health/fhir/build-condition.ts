import { begin, type Common, coded, named, noteOf, pointers, type Resource, some, written } from './build.ts'

export const CONDITION_STATES = ['active', 'remission', 'resolved'] as const

export type ConditionInput = {
  readonly name: string
  readonly state: (typeof CONDITION_STATES)[number]
  readonly since?: string
  readonly until?: string
  readonly note?: string
}

/** A condition or diagnosis. What a patient says counts as unconfirmed until someone confirms it. */
export const buildCondition = (common: Common, input: ConditionInput): Resource => ({
  ...begin('Condition', common),
  clinicalStatus: coded('condition-clinical', input.state),
  verificationStatus: coded('condition-ver-status', common.origin.by === 'patient' ? 'unconfirmed' : 'confirmed'),
  category: [coded('condition-category', 'problem-list-item')],
  code: { text: input.name },
  subject: named(common.patient),
  ...some('onsetDateTime', input.since),
  // R4 lets a condition end only when it is no longer active (con-4).
  ...(input.state === 'active' ? {} : some('abatementDateTime', input.until)),
  recordedDate: common.recorded,
  asserter: named(common.origin.name),
  ...(common.attached?.length ? { evidence: [{ detail: pointers(common.attached) }] } : {}),
  ...noteOf(input.note, common.recorded),
})

export const readCondition = (r: unknown): ConditionInput => ({
  name: written(r, 'code', 'text'),
  state: CONDITION_STATES.find(s => s === written(r, 'clinicalStatus', 'coding', 'code')) ?? 'active',
  since: written(r, 'onsetDateTime'),
  until: written(r, 'abatementDateTime'),
  note: written(r, 'note', 'text'),
})
