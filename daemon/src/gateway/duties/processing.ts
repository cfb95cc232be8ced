import type { OpenGrant } from '@keepwell/sdk/actions/access/grants'
import { COMPARTMENTS } from '@keepwell/sdk/base/compartments'
import { KeepwellError } from '@keepwell/sdk/base/error'
import { dictionary, type Infer, jsonAs, list, nullable, object, optional, string } from '@keepwell/sdk/base/shape'
import { isoTime } from '@keepwell/sdk/base/time'
import { type Level, PURPOSES, type Purpose } from '@keepwell/sdk/consent/terms'
import type { Entry } from '#gateway/audit/kept'

const line = string(500)
const lines = list(line, 100)
const party = object({ name: line, address: line, contact: line })

/** What only the operator can say of its processing (GDPR 30(1)); `keepwell gateway processing template` shows one. */
export const processingSettings = object({
  controller: party,
  jointControllers: optional(list(party, 20)),
  representative: optional(nullable(party)),
  dataProtectionOfficer: optional(nullable(party)),
  /** Of each purpose: the legal basis, who else gets the data, transfers to other countries and by which instrument, how long copies are kept. */
  purposes: dictionary(object({ basis: line, recipients: lines, transfers: lines, retention: line }), PURPOSES.length),
  /** Measures of the organisation's own, beside those of the software. */
  measures: lines,
})
export type ProcessingSettings = Infer<typeof processingSettings>

/** Throws BAD_INPUT. */
export function readProcessing(bytes: Uint8Array): ProcessingSettings {
  const read = jsonAs(processingSettings, bytes, 'settings')
  const unknown = Object.keys(read.purposes).find(p => !PURPOSES.some(known => known === p))
  if (unknown !== undefined) throw new KeepwellError('BAD_INPUT', `There is no purpose of that name; there are ${PURPOSES.join(', ')}.`)
  return read
}

const NOBODY = { name: '', address: '', contact: '' }
/** To be filled in by the operator. */
export const processingTemplate = (purposes: readonly Purpose[]): ProcessingSettings => ({
  controller: NOBODY,
  jointControllers: [],
  representative: null,
  dataProtectionOfficer: NOBODY,
  purposes: Object.fromEntries(purposes.map(p => [p, { basis: '', recipients: [], transfers: [], retention: '' }])),
  measures: [],
})

/** One kind of processing, by what it is for (GDPR 30(1)(b) to (f)). Categories and counts: no person is in it. */
export type Activity = {
  readonly purpose: Purpose
  readonly subjects: { readonly patients: number; readonly consents: Readonly<Record<Level, number>> }
  /** Parts of a record that the consents name. */
  readonly data: readonly string[]
  /** Who of the organisation asked for it in the last year, by role; through which apps; which of its own systems may. */
  readonly roles: readonly string[]
  readonly apps: readonly string[]
  readonly systems: readonly string[]
  readonly lastYear: { readonly openings: number; readonly writes: number; readonly refusals: number }
  /** When the last of the consents ends, as a date. */
  readonly until: string | null
  readonly basis: string
  readonly recipients: readonly string[]
  readonly transfers: readonly string[]
  readonly retention: string
}

/** What the organisation keeps for its own duties. */
export type Kept = { readonly what: string; readonly of: string; readonly count: number; readonly until: string }

export type Register = {
  readonly v: 1
  readonly made: string
  readonly controller: ProcessingSettings['controller']
  readonly jointControllers: readonly ProcessingSettings['controller'][]
  readonly representative: ProcessingSettings['controller'] | null
  readonly dataProtectionOfficer: ProcessingSettings['controller'] | null
  readonly activities: readonly Activity[]
  readonly own: readonly Kept[]
  readonly measures: readonly string[]
  /** What the operator has not said yet. */
  readonly missing: readonly string[]
}

export type ProcessingInput = {
  readonly now: number
  readonly settings: ProcessingSettings | null
  readonly grants: readonly OpenGrant[]
  readonly trail: AsyncIterable<Entry>
  /** Names of apps by the ids under which they stand in the trail. */
  readonly apps: ReadonlyMap<string, string>
  readonly systems: readonly { readonly name: string; readonly purpose: Purpose }[]
  readonly staff: number
  /** Requests of people for their rights that were put to this organisation. */
  readonly requests: number
  readonly trailYears: number
}

const YEAR = 365.25 * 86_400
/** What the software does itself (GDPR 32), each with its proof in `docs/threat-model.md`. */
const MEASURES = [
  'Records are sealed and signed before they leave their author; relays and the ledger hold no plaintext (T31, T01).',
  'Each opening needs a consent of the patient for its purpose and part, and leaves a receipt that the patient sees (T06, T16, T33).',
  'Staff log in with a passkey, or with passphrase and code; sessions end after half an hour without use.',
  'What was opened is in memory for a session; what is kept on disk is sealed under keys of this home.',
  'Every opening, write and refusal stands in a trail, with what a relay signed for it.',
]

/** The record of processing activities (GDPR 30), made of the consents this organisation holds, its trail, and what its operator said. */
export async function processingRegister(input: ProcessingInput): Promise<Register> {
  const { now, settings, staff, requests, trailYears } = input
  const uses = await usesOf(input.trail, now - YEAR)
  const live = input.grants.filter(g => g.terms.expiry > now)
  const seen = PURPOSES.filter(p => live.some(g => g.terms.purposes.includes(p)) || uses.byPurpose.has(p) || settings?.purposes[p])
  const activities = seen.map(p => activityOf(p, input, live, uses.byPurpose.get(p) ?? newUse()))
  return {
    v: 1,
    made: isoTime(now),
    controller: settings?.controller ?? NOBODY,
    jointControllers: settings?.jointControllers ?? [],
    representative: settings?.representative ?? null,
    dataProtectionOfficer: settings?.dataProtectionOfficer === undefined ? NOBODY : settings.dataProtectionOfficer,
    activities,
    own: [
      {
        what: 'the trail of openings, writes and refusals',
        of: 'patients, staff',
        count: uses.all,
        until: `${trailYears} years after each`,
      },
      {
        what: 'logins of staff',
        of: 'staff',
        count: staff,
        until: 'until they are replaced; a suspended login stays to explain the trail',
      },
      { what: 'requests for rights, with their answers', of: 'patients', count: requests, until: 'until the newest 1,000 displace them' },
    ],
    measures: [...MEASURES, ...(settings?.measures ?? [])],
    missing: missingIn(settings, activities),
  }
}

type Use = { openings: number; writes: number; refusals: number; readonly roles: Set<string>; readonly clients: Set<string> }
const newUse = (): Use => ({ openings: 0, writes: 0, refusals: 0, roles: new Set(), clients: new Set() })

async function usesOf(trail: AsyncIterable<Entry>, since: number): Promise<{ readonly byPurpose: Map<string, Use>; readonly all: number }> {
  const byPurpose = new Map<string, Use>()
  let all = 0
  for await (const e of trail) {
    all++
    if (e.at < since) continue
    const use = byPurpose.get(e.purpose) ?? newUse()
    byPurpose.set(e.purpose, use)
    if (e.refused !== undefined) use.refusals++
    else if (e.action === 'create' || e.action === 'update') use.writes++
    else use.openings++
    use.roles.add(e.role)
    if (e.client) use.clients.add(e.client)
  }
  return { byPurpose, all }
}

function activityOf(purpose: Purpose, { settings, apps, systems }: ProcessingInput, live: readonly OpenGrant[], use: Use): Activity {
  const mine = live.filter(g => g.terms.purposes.includes(purpose))
  const ends = mine.map(g => g.terms.expiry)
  const said = settings?.purposes[purpose]
  const consents = { read: 0, write: 0, admin: 0 }
  for (const g of mine) consents[g.terms.level]++
  return {
    purpose,
    subjects: { patients: new Set(mine.map(g => g.terms.patient)).size, consents },
    data: dataOf(mine),
    roles: [...use.roles].sort(),
    apps: [...use.clients].map(c => apps.get(c) ?? 'an app that was removed').sort(),
    systems: systems.filter(s => s.purpose === purpose).map(s => s.name),
    lastYear: { openings: use.openings, writes: use.writes, refusals: use.refusals },
    until: ends.length ? isoTime(Math.max(...ends)).slice(0, 10) : null,
    basis: said?.basis ?? '',
    recipients: said?.recipients ?? [],
    transfers: said?.transfers ?? [],
    retention: said?.retention ?? '',
  }
}

/** Names that a patient gave to a part of their own could name somebody, so they are not told. */
function dataOf(grants: readonly OpenGrant[]): string[] {
  const named = new Set(grants.flatMap(g => g.package.compartments.map(c => c.name)))
  const known = COMPARTMENTS.filter(c => named.has(c))
  const own = [...named].some(n => !COMPARTMENTS.some(c => c === n))
  return [...known, ...(own ? ['parts that patients made'] : []), ...(grants.some(g => g.terms.records.length) ? ['single records'] : [])]
}

function missingIn(settings: ProcessingSettings | null, activities: readonly Activity[]): string[] {
  const blank = (p: ProcessingSettings['controller'] | null | undefined): boolean => !p?.name.trim() || !p.contact.trim()
  return [
    ...(blank(settings?.controller) ? ['controller'] : []),
    ...(settings?.dataProtectionOfficer !== null && blank(settings?.dataProtectionOfficer) ? ['data protection officer, or null'] : []),
    ...activities.flatMap(a => (a.basis.trim() ? [] : [`legal basis of ${a.purpose}`])),
    ...activities.flatMap(a => (a.retention.trim() ? [] : [`how long copies for ${a.purpose} are kept`])),
  ]
}
