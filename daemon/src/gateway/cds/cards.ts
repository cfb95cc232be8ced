import { conceptText, field, type JsonObject, list, string } from '@keepwell/sdk/health/fhir/read'
import type { EngineAnswer, Found, RuleName } from './engine.ts'

/** A card before it has an id (CDS Hooks 2.0 §Card Attributes). */
export type Card = {
  readonly rule: RuleName
  readonly summary: string
  readonly detail: string
  readonly indicator: 'info' | 'warning' | 'critical'
  /** Id of the draft order that the card advises to leave. */
  readonly leave?: string
}

export type CardInput = {
  readonly found: EngineAnswer
  readonly resources: readonly JsonObject[]
  /** Ids of the orders that are about to be signed; null when nothing is being signed. */
  readonly drafts: ReadonlySet<string> | null
}

const SUMMARY = 140
const NAME = 60

/** Names out of records, as they may stand in Markdown: they bring no links, pictures or marks of their own. */
const clean = (text: string): string => {
  const bare = text
    .replace(/[\p{Cc}\p{Cf}[\]<>*_`#|\\!]/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim()
  return bare.length > NAME ? `${bare.slice(0, NAME - 1)}…` : bare
}

const nameOf = (concept: unknown): string => clean(conceptText(concept) ?? '') || 'no name'
const day = (time: unknown): string | null => (typeof time === 'string' ? time.slice(0, 10) : null)

/** The cards for what the rules found, gravest first. Each says that it knows only what was shared. */
export function cardsFor(input: CardInput): Card[] {
  const cards = [
    ...allergies(input),
    ...duplicates(input),
    ...vaccinations(input.found.VaccinationOverdue),
    ...hba1c(input.found.HbA1cOverdue),
  ]
  return cards.map(c => ({ ...c, summary: c.summary.length < SUMMARY ? c.summary : `${c.summary.slice(0, SUMMARY - 2)}…` }))
}

const byId = ({ resources }: CardInput, type: string, id: unknown): JsonObject | undefined =>
  resources.find(r => r.resourceType === type && r.id === id)

const drugOf = (order: JsonObject | undefined): string => nameOf(order?.medicationCodeableConcept)
const writtenOn = (order: JsonObject | undefined): string => (day(order?.authoredOn) ? ` of ${day(order?.authoredOn)}` : '')

function allergies(input: CardInput): Card[] {
  const { found, drafts } = input
  return list(found.AllergyConflict?.Conflicts).flatMap((pair): Card[] => {
    const id = string(field(pair, 'order'))
    if (!id || (drafts && !drafts.has(id))) return []
    const order = byId(input, 'MedicationRequest', id)
    const allergy = byId(input, 'AllergyIntolerance', field(pair, 'allergy'))
    const since = day(allergy?.recordedDate) ?? day(allergy?.onsetDateTime)
    const grave = allergy?.criticality === 'high' ? ' It is recorded as one of high criticality.' : ''
    return [
      {
        rule: 'AllergyConflict',
        summary: `${drugOf(order)}: an allergy to it is recorded`,
        detail: `The record holds **${nameOf(allergy?.code)}**${since ? `, recorded ${since}` : ''}.${grave} The order${writtenOn(order)} is for **${drugOf(order)}**.`,
        indicator: 'critical',
        ...(drafts ? { leave: id } : {}),
      },
    ]
  })
}

/** Whether one of two orders says that it renews the other. */
function renews(a: JsonObject | undefined, b: JsonObject | undefined): boolean {
  const says = (x: JsonObject | undefined, y: JsonObject | undefined): boolean =>
    string(field(x?.priorPrescription, 'reference'))?.endsWith(`MedicationRequest/${String(y?.id)}`) ?? false
  return says(a, b) || says(b, a)
}

function duplicates(input: CardInput): Card[] {
  const { found, drafts } = input
  return list(found.DuplicateMedication?.Duplicates).flatMap((pair): Card[] => {
    const ids = [field(pair, 'order'), field(pair, 'other')].map(x => string(x) ?? '')
    const draft = ids.find(id => drafts?.has(id))
    if (drafts && draft === undefined) return []
    const [one, other] = ids.map(id => byId(input, 'MedicationRequest', id))
    if (renews(one, other)) return []
    const standing = draft === ids[0] ? other : one
    return [
      {
        rule: 'DuplicateMedication',
        summary: `${drugOf(standing)} is ordered already`,
        detail: `An order${writtenOn(standing)} of **${drugOf(standing)}** is ${standing?.status === 'draft' ? 'among those to be signed' : 'current'} beside this one.`,
        indicator: 'warning',
        ...(draft ? { leave: draft } : {}),
      },
    ]
  })
}

const VACCINES = [
  { key: 'Influenza', says: 'Influenza vaccination is due', every: 'once a year' },
  { key: 'Tetanus', says: 'Tetanus vaccination is due', every: 'every ten years' },
] as const

const lastTime = (time: unknown): string => (day(time) ? `The last one that was shared is of ${day(time)}.` : 'None was shared with us.')

const vaccinations = (found: Found | null | undefined): Card[] =>
  VACCINES.filter(v => found?.[`${v.key} overdue`] === true).map(({ key, says, every }) => ({
    rule: 'VaccinationOverdue',
    summary: says,
    detail: `It is advised ${every} at this age. ${lastTime(found?.[`${key} last`])} There may be others elsewhere.`,
    indicator: 'info',
  }))

const hba1c = (found: Found | null | undefined): Card[] =>
  found?.Overdue === true
    ? [
        {
          rule: 'HbA1cOverdue',
          summary: 'Diabetes without an HbA1c in the last year',
          detail: `${lastTime(found.Last)} There may be others elsewhere.`,
          indicator: 'info',
        },
      ]
    : []
