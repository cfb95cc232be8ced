import { bytes, type Infer, int, list, nullable, object, oneOf, string, union } from '#base/shape'
import { PURPOSES } from '#consent/terms'
import { asked, duty, OUTCOMES } from '#identity/rights'

/** What recipients are told of (GDPR 19, 7(3), 21). Records are named by ids they know; none means the whole record. */
export const TOLD = ['frozen', 'lifted', 'objected', 'erased', 'amended'] as const
export type ToldEvent = (typeof TOLD)[number]

const told = object({
  step: oneOf('told'),
  event: oneOf(...TOLD),
  records: list(bytes(16), 4096),
  purposes: list(oneOf(...PURPOSES), PURPOSES.length),
})
export type Told = Omit<Infer<typeof told>, 'step'>

/** A message of kind `right`: a request, its answer, what a patient tells those who may have read, or what one of these owes the patient to say. */
export const rightMessage = union('step', {
  ask: object({ step: oneOf('ask'), case: asked }),
  answer: object({
    step: oneOf('answer'),
    id: bytes(16),
    outcome: oneOf(...OUTCOMES),
    text: string(4000),
    /** Of `extended`: until when, Unix seconds. */
    until: nullable(int()),
  }),
  told,
  duty: object({ step: oneOf('duty'), duty }),
})
