import type { NewShare } from '#rpc/sharing.ts'
import type { CompartmentView, ContactView, Level, RequestView, ShareView } from '#rpc/views.ts'
import type { Key } from '#words/en.ts'
import { now } from './share-terms.tsx'

export const PURPOSES = ['TREAT', 'CAREMGT', 'FAMRQT', 'HRESCH', 'COVERAGE', 'HPAYMT', 'PUBHLTH'] as const
/** Why someone looks after a record; of these they may share on. */
const CARE = ['FAMRQT', 'TREAT', 'CAREMGT'] as const

const DAY = 86_400
const WEEK = 7 * DAY
export const SPANS: readonly { readonly value: string; readonly label: Key; readonly days: number }[] = [
  { value: '1', label: 'new.day', days: 1 },
  { value: '7', label: 'new.week', days: 7 },
  { value: '30', label: 'new.month', days: 30 },
  { value: '90', label: 'new.quarter', days: 90 },
  { value: '365', label: 'new.year', days: 365 },
]
/** A day that the person names. */
export const OWN = 'own'

/** Most records in one share; more would be many consents. */
export const MOST = 5000

export type Draft = {
  readonly to: string
  readonly level: Level
  readonly scope: 'parts' | 'records'
  readonly parts: readonly string[]
  /** Years back by date of care; empty for everything. */
  readonly since: string
  readonly records: readonly string[]
  readonly purpose: string
  readonly span: string
  readonly date: string
  /** Where somebody vouches for them: only while somebody does. */
  readonly whileVouched: boolean
}

export type Basis = {
  readonly contacts: readonly ContactView[]
  readonly parts: readonly CompartmentView[]
  readonly request: RequestView | undefined
  readonly replaces: { readonly share: ShareView; readonly records: readonly string[] } | null
  readonly to: string
  readonly records: readonly string[]
}

const BLANK: Omit<Draft, 'to'> = {
  level: 'read',
  scope: 'parts',
  parts: [],
  since: '',
  records: [],
  purpose: 'TREAT',
  span: '90',
  date: '',
  whileVouched: true,
}

/** The day so many years ago, as FHIR writes days. */
export function yearsAgo(years: number): string {
  const day = new Date()
  day.setFullYear(day.getFullYear() - years)
  return day.toISOString().slice(0, 10)
}

const dayOf = (unix: number): string => new Date(unix * 1000).toISOString().slice(0, 10)

/** What a form begins with: nothing, chosen records, what was asked for, or the share that it will replace. */
export function firstDraft({ to, request, replaces, parts, records }: Basis): Draft {
  const there = (names: readonly string[]): string[] => names.filter(c => parts.some(p => p.name === c))
  if (replaces) {
    const { share } = replaces
    const scope = share.records ? 'records' : 'parts'
    const what = { scope, parts: there(share.compartments), records: replaces.records } as const
    return {
      ...BLANK,
      ...what,
      to: share.did,
      level: share.level,
      purpose: share.purposes[0] ?? 'TREAT',
      span: OWN,
      date: dayOf(share.until),
      whileVouched: share.whileVouched,
    }
  }
  if (request) {
    const days = Math.max(1, Math.round(request.seconds / DAY))
    const known = SPANS.find(s => s.days === days)
    return {
      ...BLANK,
      to: request.did,
      level: request.level,
      parts: there(request.compartments),
      purpose: request.purpose,
      span: known?.value ?? OWN,
      date: known ? '' : dayOf(now() + request.seconds),
    }
  }
  return records.length ? { ...BLANK, to, scope: 'records', records } : { ...BLANK, to }
}

/** The last second of the chosen day here, or so many days from now. Zero for no day. */
export function untilOf({ span, date }: Pick<Draft, 'span' | 'date'>, at: number): number {
  if (span !== OWN) return at + Number(span) * DAY
  const end = date ? new Date(`${date}T23:59:59`).getTime() : Number.NaN
  return Number.isNaN(end) ? 0 : Math.floor(end / 1000)
}

/** Whether a share of parts ends so soon that its keys reach noticeably further. */
export const isShort = (until: number): boolean => until - now() < WEEK

export const byRecords = (d: Draft): boolean => d.level === 'read' && d.scope === 'records'

export function shareOf(draft: Draft, until: number, more: Pick<NewShare, 'request' | 'replaces' | 'whileVouched'>): NewShare {
  const named = byRecords(draft)
  return {
    to: draft.to,
    level: draft.level,
    compartments: named ? [] : draft.parts,
    ...(named ? { records: draft.records } : {}),
    ...(!named && draft.level === 'read' && draft.since ? { since: yearsAgo(Number(draft.since)) } : {}),
    purposes: draft.level === 'admin' ? CARE : [draft.purpose],
    until,
    ...more,
  }
}

/** What keeps a draft from being shared, as a text says it; null for nothing. */
export function missing(draft: Draft, until: number): Key | null {
  if (byRecords(draft) ? draft.records.length === 0 : draft.parts.length === 0)
    return byRecords(draft) ? 'sharing.missingRecords' : 'new.missing'
  if (byRecords(draft) && draft.records.length > MOST) return 'sharing.tooMany'
  return until > now() && draft.to ? null : 'new.missing'
}
