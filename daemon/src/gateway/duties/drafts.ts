import { isoTime } from '@keepwell/sdk/base/time'
import type { Affected } from './affected.ts'
import { AUTHORITY_HOURS, type Breach, type Notice, toBeTold } from './breaches.ts'
import type { ProcessingSettings } from './processing.ts'

/** What a person must fill in stands so. */
export const FILL = '▢'
const fill = (what: string): string => `${FILL} ${what}`
const persons = (n: number): string => `${n} ${n === 1 ? 'person' : 'people'}`
const day = (unix: number): string => isoTime(unix).slice(0, 10)
const time = (unix: number): string => isoTime(unix).replace('T', ' ').replace('Z', ' UTC')

/** How many affected people live in a state, as far as the organisation knows: `CA` → 612. */
export type Residents = Readonly<Record<string, number>>
const MANY = 500

export type DraftInput = {
  readonly breach: Breach
  readonly settings: ProcessingSettings | null
  readonly residents: Residents
  readonly now: number
}

/** A draft of a notice: what is known is in it, what a person must say is marked. It is not sent by anybody. */
export const draft = (notice: Notice, input: DraftInput): string[] => DRAFTS[notice](input)

const DRAFTS: Readonly<Record<Notice, (input: DraftInput) => string[]>> = { authority, people, ftc, media }

function counts(breach: Breach): {
  readonly people: string
  readonly records: string
  readonly types: string
  readonly when: string
  readonly by: string
} {
  const all = toBeTold(breach)
  if (!breach.found) {
    const ask = 'ask with keepwell gateway breach affected'
    return {
      people: fill(`how many, ${ask}`),
      records: fill('how many records'),
      types: fill('which kinds'),
      when: fill('from when to when'),
      by: fill('by whom'),
    }
  }
  const { affected, unsure, unproven } = breach.found.answer
  const sum = (of: (a: Affected) => number): number => all.reduce((n, a) => n + of(a), 0)
  const types = [...new Set(all.flatMap(a => a.types))].sort()
  const unknown = sum(a => a.unknown)
  return {
    people: `${persons(affected.length)}, by the organisation’s own trail${unsure.length ? `; of ${unsure.length} more it cannot be ruled out` : ''}${unproven.length ? `; ${unproven.length} openings have no receipt that proves them` : ''}`,
    records: `${sum(a => a.records)} records${unknown ? `, of ${unknown} of which the kind is not known` : ''}`,
    types: types.length ? types.join(', ') : fill('which kinds: only lists of titles were opened, or the kind is not known'),
    when: all.length ? `${time(Math.min(...all.map(a => a.first)))} to ${time(Math.max(...all.map(a => a.last)))}` : 'no opening is known',
    by: [...new Set(all.flatMap(a => a.persons))].sort().join('; ') || 'nobody is known',
  }
}

const controllerOf = ({ settings }: DraftInput): string =>
  settings?.controller.name
    ? `${settings.controller.name}, ${settings.controller.address}, ${settings.controller.contact}`
    : fill('controller, address, contact')
const officerOf = ({ settings }: DraftInput): string => {
  const officer = settings?.dataProtectionOfficer
  return officer ? `${officer.name}, ${officer.contact}` : fill('data protection officer, or another contact')
}
const notesOf = ({ notes }: Breach): string[] => notes.map(n => `  ${time(n.at)}: ${n.text}`)

/** GDPR 33(3), and 33(1) where it is late. */
function authority(input: DraftInput): string[] {
  const { breach, now } = input
  const c = counts(breach)
  const late = now > breach.due.authority
  return [
    'Notification of a personal data breach to the supervisory authority (GDPR 33). DRAFT',
    `Controller: ${controllerOf(input)}`,
    `Contact (33(3)(b)): ${officerOf(input)}`,
    `Aware since: ${time(breach.aware)}. Due until ${time(breach.due.authority)}.`,
    ...(late ? [`Why it comes after ${AUTHORITY_HOURS} hours (33(1)): ${fill('reasons')}`] : []),
    '',
    `What happened (33(3)(a)): ${breach.title}`,
    `When: ${c.when}`,
    `People: ${c.people}. Categories: patients.`,
    `Records: ${c.records}. Kinds: ${c.types}.`,
    `Likely consequences (33(3)(c)): ${fill('for these people')}`,
    `Measures taken or proposed (33(3)(d)): ${fill('against it, and against its effects')}`,
    ...notesOf(breach),
    `Told to the people (34): ${breach.told.length ? `${breach.told.length} in their app` : fill('when and how, or why not (34(3))')}`,
    `Across borders: ${fill('whether people in other member states are affected')}`,
  ]
}

/** GDPR 34(2) and 16 CFR 318.6 together: plain words to one person. */
function people(input: DraftInput): string[] {
  const { breach } = input
  const c = counts(breach)
  return [
    'Notice to the people concerned (GDPR 34; 16 CFR 318.5(a), 318.6). DRAFT, to be put in plain words',
    `From: ${controllerOf(input)}`,
    '',
    `What happened: ${breach.title}`,
    `When: ${c.when}. We learned of it on ${day(breach.aware)}.`,
    `Who obtained it: ${fill('name or description of each third party, unless naming them would do harm; within the house:')} ${c.by}`,
    `What it was about: ${c.types}.`,
    `What may follow for you: ${fill('likely consequences')}`,
    `What you can do: ${fill('steps to protect yourself')}. In your Keepwell: see who looked, end our consent, freeze the record.`,
    `What we do: ${fill('to investigate, to limit the harm, so that it does not happen again')}`,
    `Whom to ask: ${officerOf(input)}. ${fill('two or more of: toll-free number, e-mail, website, in the app, postal address (16 CFR 318.6(e))')}`,
    `Due without undue delay, in the United States until ${day(breach.due.people)} at the latest (16 CFR 318.4(a)).`,
  ]
}

/** 16 CFR 318.5(c). */
function ftc(input: DraftInput): string[] {
  const { breach } = input
  const c = counts(breach)
  const n = toBeTold(breach).length
  const when =
    n >= MANY
      ? `${MANY} or more: at the same time as the people, until ${day(breach.due.people)} at the latest`
      : `fewer than ${MANY}: with the year’s others, until ${day(Date.UTC(new Date(breach.aware * 1000).getUTCFullYear() + 1, 0, 60) / 1000)} (60 days after the year’s end)`
  return [
    'Notice to the Federal Trade Commission (16 CFR 318.5(c), on its own form). DRAFT',
    `Applies to vendors of personal health records outside HIPAA: ${fill('whether that is us')}`,
    `From: ${controllerOf(input)}`,
    `Discovered: ${day(breach.aware)}. Happened: ${c.when}`,
    `People: ${c.people}`,
    `When it is due: ${when}`,
    `What happened: ${breach.title}`,
    `Kinds of information: ${c.types}. Unsecured: what was opened was read in clear; what a relay holds is sealed.`,
    `Who acquired it: ${fill('third parties')}`,
    `Steps taken: ${fill('investigation, mitigation')}`,
    ...notesOf(breach),
  ]
}

/** 16 CFR 318.5(b): where 500 or more residents of one state were affected. */
function media(input: DraftInput): string[] {
  const { residents, breach } = input
  const many = Object.entries(residents).filter(([, n]) => n >= MANY)
  const known = Object.values(residents).reduce((a, b) => a + b, 0)
  const left = toBeTold(breach).length - known
  const c = counts(breach)
  return [
    'Notice to prominent media outlets (16 CFR 318.5(b)). DRAFT',
    Object.keys(residents).length === 0
      ? fill('how many of the affected live in which state: --residents CA=612,NY=40; the trail does not know where people live')
      : many.length
        ? `Owed in: ${many.map(([state, n]) => `${state} (${n})`).join(', ')}`
        : `Owed in no state that was named: none has ${MANY} affected residents.`,
    ...(Object.keys(residents).length && left > 0
      ? [`${fill('where the others live')}: ${left} of the affected are in no state that was named.`]
      : []),
    '',
    `${controllerOf(input)} tells of a breach of health information of ${persons(toBeTold(breach).length)}. ${breach.title}`,
    `It happened ${c.when} and was discovered on ${day(breach.aware)}. Kinds of information: ${c.types}.`,
    `What people can do, what is done, whom to ask: ${fill('as in the notice to people')}`,
  ]
}
