import { ensure } from '#base/error'
import { bytes, type Infer, int, list, nullable, object, oneOf, optional, string } from '#base/shape'
import { did } from './did.ts'

/** What a person may ask of whoever keeps data about them, and the law they ask under. */
export const RIGHTS = ['access', 'rectify', 'erase', 'restrict', 'object', 'accounting'] as const
export type Right = (typeof RIGHTS)[number]
export const LAWS = ['gdpr', 'hipaa'] as const
export type Law = (typeof LAWS)[number]

type Span = { readonly months: number } | { readonly days: number }
/** Until when they must answer, and how much longer they may take when they say so in time. */
type Deadline = { readonly answer: Span; readonly longer: Span; readonly source: string }

/** GDPR 12(3): one month, two more where it is hard. HIPAA has a deadline for three of these rights, and none for the others. */
const GDPR: Deadline = { answer: { months: 1 }, longer: { months: 2 }, source: 'GDPR 12(3)' }
const HIPAA: Readonly<Partial<Record<Right, Deadline>>> = {
  access: { answer: { days: 30 }, longer: { days: 30 }, source: '45 CFR 164.524(b)(2)' },
  rectify: { answer: { days: 60 }, longer: { days: 30 }, source: '45 CFR 164.526(b)(2)' },
  accounting: { answer: { days: 60 }, longer: { days: 30 }, source: '45 CFR 164.528(c)(1)' },
}

/** Throws BAD_INPUT for a right that the law does not set a deadline for. */
export function deadlineOf(law: Law, right: Right): Deadline {
  const found = law === 'gdpr' ? GDPR : HIPAA[right]
  ensure(found, 'BAD_INPUT', 'HIPAA sets no deadline for that; ask under GDPR, or ask for access, rectification or an accounting.')
  return found
}

/** The laws that set a deadline for a right. */
export const lawsFor = (right: Right): readonly Law[] => LAWS.filter(law => law === 'gdpr' || HIPAA[right])

/**
 * Unix seconds of the end. A month ends on the day of the same number, or on the month's last where it has none (Regulation (EEC, Euratom)
 * No 1182/71, article 3(2)(c)).
 */
export function after(unix: number, span: Span): number {
  if ('days' in span) return unix + span.days * 86_400
  const from = new Date(unix * 1000)
  const to = new Date(unix * 1000)
  to.setUTCDate(1)
  to.setUTCMonth(from.getUTCMonth() + span.months)
  const last = new Date(Date.UTC(to.getUTCFullYear(), to.getUTCMonth() + 1, 0)).getUTCDate()
  to.setUTCDate(Math.min(from.getUTCDate(), last))
  return Math.floor(to.getTime() / 1000)
}

const MAX_TEXT = 4000
const asking = {
  id: bytes(16),
  right: oneOf(...RIGHTS),
  law: oneOf(...LAWS),
  /** Records that it is about; none when it is about everything. */
  records: list(bytes(16), 64),
  text: string(MAX_TEXT),
}
export const asked = object(asking)
export const OUTCOMES = ['done', 'refused', 'extended'] as const

/** The state of one request: `at`, `due` and `answeredAt` in Unix seconds. */
const dated = {
  name: string(200),
  at: int(),
  due: int(),
  state: oneOf('asked', ...OUTCOMES),
  answer: string(MAX_TEXT),
  answeredAt: nullable(int()),
}

/** What this party asked somebody for. `statement` is the record in which the person disagrees with the answer. */
export const rightsCase = object({ ...asking, ...dated, to: did, statement: optional(bytes(16)) })
export type RightsCase = Infer<typeof rightsCase>
/** What somebody asked this party for. */
export const rightsAsked = object({ ...asking, ...dated, from: did })
export type RightsAsked = Infer<typeof rightsAsked>

export const MAX_CASES = 1000

/** What an organisation owes a patient to say: that their data were exposed, or that it keeps what it would have deleted. */
export const DUTIES = ['breach', 'hold'] as const
export type DutyKind = (typeof DUTIES)[number]
const said = {
  id: bytes(16),
  kind: oneOf(...DUTIES),
  text: string(MAX_TEXT),
  /** The law they name, in their words. */
  law: string(200),
  /** Of a breach: the window in which data were exposed. Of a hold: from when until when; null for an open end. */
  since: int(),
  until: nullable(int()),
  /** When it was lifted, before its end. */
  ended: nullable(int()),
}
export const duty = object(said)
export type Duty = Infer<typeof duty>
/** As the patient keeps it: who said it, and when. */
export const dutyTold = object({ ...said, from: did, name: string(200), at: int() })
export type DutyTold = Infer<typeof dutyTold>
export const MAX_DUTIES = 200

export const rightsState = object({
  /** The limits this vault signed last, and the relay's word that they are in force; null until it gave it. */
  limits: nullable(object({ signed: bytes({ max: 1 << 14 }), receipt: nullable(bytes({ max: 1 << 14 })) })),
  cases: list(rightsCase, MAX_CASES),
  asked: list(rightsAsked, MAX_CASES),
  told: optional(list(dutyTold, MAX_DUTIES)),
})
export type RightsState = Infer<typeof rightsState>
export const NO_RIGHTS: RightsState = { limits: null, cases: [], asked: [] }
