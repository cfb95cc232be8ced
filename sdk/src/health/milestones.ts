/** Which records are worth a place on the wall: a vaccination, a major procedure, something achieved, preventive care that was completed. */

export type MilestoneKind = 'Vaccination' | 'MajorProcedure' | 'ChronicAchievement' | 'PreventiveCare'

export type MilestoneFacts = {
  readonly resourceType?: string
  readonly title: string
  readonly status?: string
  readonly codes: readonly { readonly code: string; readonly display?: string }[]
}

/** Word stems that hold across European languages, as the filing table has them; matched in names and displays, never in narrative. */
const PREVENTIVE =
  /\b(screening|check-?up|well[- ](child|woman|man|baby|visit)|wellness|preventi(ve|on)|vorsorge|früherkennung|dépistage|cribado|chequeo|mammogra|colonoscop|koloskop|sigmoidoscop|pap(anicolaou)? (smear|test)|cervical cytology|general (medical )?examination|dental (examination|cleaning|prophylaxis)|fecal occult|bone density|densitometry)/i
const MAJOR =
  /(ectomy\b|ektomie\b|plasty\b|plastik\b|ostomy\b|otomy\b|transplant|bypass|\bsurg(ery|ical)|\boperation|cesarean|caesarean|kaiserschnitt|arthroscop|stent|pacemaker|schrittmacher|implantation|joint replacement|replacement of (hip|knee|heart|valve)|gelenkersatz|endoprothe|cholezyst|appendekt|fixation of fracture|repair of|graft\b|ablation)/i
/** Diseases that stay for years, so that their going is an achievement. */
const CHRONIC =
  /(diabet|hypertens|hyperlipid|hypercholest|asthma|obes|adipos|cancer|carcinoma|karzinom|lymphom|leuk[äa]mi|tumou?r|depress|epilep|arthrit|crohn|colitis|hepatitis|heart failure|herzinsuffizienz|copd|migrain|smok|tobacco|nikotin|alcohol|alkohol)/i

const DONE = new Set(['completed', 'final', 'amended', 'finished'])
const words = ({ title, codes }: MilestoneFacts): string => [title, ...codes.map(c => c.display ?? '')].join(' ')

/** The milestone that a record is; null for the everyday. Works on a card alone, so that nothing needs opening. */
export function milestoneOf(card: MilestoneFacts): MilestoneKind | null {
  const { resourceType, status = '' } = card
  switch (resourceType) {
    case 'Immunization':
      return status === 'completed' ? 'Vaccination' : null
    case 'Procedure':
      if (!DONE.has(status)) return null
      return PREVENTIVE.test(words(card)) ? 'PreventiveCare' : MAJOR.test(words(card)) ? 'MajorProcedure' : null
    case 'Encounter':
    case 'DiagnosticReport':
      return DONE.has(status) && PREVENTIVE.test(words(card)) ? 'PreventiveCare' : null
    case 'Condition':
      return (status === 'remission' || status === 'resolved') && CHRONIC.test(words(card)) ? 'ChronicAchievement' : null
    case 'Goal':
      return status === 'completed' ? 'ChronicAchievement' : null
    default:
      return null
  }
}
