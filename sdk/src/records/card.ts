import { bool, bytes, type Infer, int, list, object, oneOf, optional, string } from '#base/shape'
import { did } from '#identity/did'

export const KINDS = ['fhir', 'dicom', 'document', 'wearable', 'genome', 'manifest'] as const
export const MILESTONES = ['Vaccination', 'MajorProcedure', 'ChronicAchievement', 'PreventiveCare'] as const
export type Milestone = (typeof MILESTONES)[number]

const code = object({ system: optional(string(300)), code: string(200), display: optional(string(300)) })

/**
 * What a list needs without opening the payload (protocol §3). `salt` makes the record's leaf a hiding commitment; `token` is
 * the token address in the leaf, when there is one. Dates are FHIR date or dateTime strings of care, not of filing.
 */
export const card = object({
  v: int(1, 2),
  salt: bytes(32),
  token: optional(bytes(20)),
  author: did,
  kind: oneOf(...KINDS),
  mediaType: string(120),
  resourceType: optional(string(64)),
  title: string(200),
  codes: list(code, 8),
  start: optional(string(40)),
  end: optional(string(40)),
  category: optional(list(string(80), 8)),
  status: optional(string(40)),
  encounter: optional(string(300)),
  source: optional(string(600)),
  canonical: optional(bytes(32)),
  issues: optional(int(0, 10_000)),
  milestone: optional(oneOf(...MILESTONES)),
  prior: optional(bytes(16)),
  size: int(),
  /** Of version 2: the content lies at its author's, and not at the relay (protocol §13). */
  held: optional(bool),
})
export type Card = Infer<typeof card>
