/** A record ordered by problems: each condition with what belongs to it, and why we think so. Total over any input. */
import { at, codings, field, list, string } from './read.ts'

export type ProblemInput = {
  readonly id: string
  readonly type: string
  readonly name: string
  readonly codes: readonly { readonly system?: string; readonly code: string }[]
  /** Reference to the visit it belongs to. */
  readonly encounter?: string
  /** Names under which others refer to it: `Encounter/1`, `urn:uuid:…`, an absolute address. */
  readonly keys: readonly string[]
  /** The resource itself, where it was opened; without it only codes and the visit can link. */
  readonly resource?: unknown
}

/** `named`: one of the two refers to the other; `code`: given as the reason, by code; `visit`: recorded at the same visit. */
export type ProblemLink = { readonly id: string; readonly why: 'named' | 'code' | 'visit' }

/** One condition; its records, newest first as they came, when several say the same. */
export type Problem = { readonly conditions: readonly string[]; readonly links: readonly ProblemLink[] }
export type ByProblem = { readonly problems: readonly Problem[]; readonly unlinked: readonly string[] }

/** What belongs to no problem by nature: people, places, money, consents. */
const APART = new Set([
  ...['Patient', 'Practitioner', 'PractitionerRole', 'RelatedPerson', 'Person', 'Organization', 'Location', 'HealthcareService'],
  ...[
    'Claim',
    'ClaimResponse',
    'ExplanationOfBenefit',
    'Coverage',
    'Consent',
    'Provenance',
    'AuditEvent',
    'Bundle',
    'Device',
    'Medication',
  ],
])

/** Elements that say for which condition something was done; of an Encounter's `diagnosis`, its `condition`. */
const REASONS = ['reasonReference', 'addresses', 'indication', 'problem', 'condition', 'diagnosis'] as const

/** `https://x/fhir/Encounter/1/_history/2` and `Encounter/1` name the same thing. */
export function referenceKey(reference: string): string {
  const bare = reference.replace(/\/_history\/[^/]+$/, '')
  return /(?:^|\/)([A-Z]\w+\/[\w.-]{1,64})$/.exec(bare)?.[1] ?? bare
}

const codeKey = (c: { readonly system?: string; readonly code: string }): string => `${c.system ?? ''}|${c.code}`

/** References an element holds, whether one or many, also inside a backbone (`Encounter.diagnosis.condition`). */
function referencesAt(value: unknown): string[] {
  return list(value).flatMap(item => {
    const own = string(field(item, 'reference'))
    if (own) return [referenceKey(own)]
    const inner = string(at(item, 'condition', 'reference'))
    return inner ? [referenceKey(inner)] : []
  })
}

const reasonsOf = (resource: unknown): string[] => REASONS.flatMap(name => referencesAt(field(resource, name)))

const evidenceOf = (resource: unknown): string[] =>
  list(field(resource, 'evidence')).flatMap(e => list(field(e, 'detail')).flatMap(d => referencesAt(d)))

/** Records by each of their names; a name that two records bear (two sources may both have an `Encounter/1`) leads nowhere. */
function byKey(records: readonly ProblemInput[]): Map<string, ProblemInput | null> {
  const out = new Map<string, ProblemInput | null>()
  for (const r of records) for (const key of new Set(r.keys.map(referenceKey))) out.set(key, out.has(key) && out.get(key) !== r ? null : r)
  return out
}

/** Groups conditions that say the same, by their first code or else by name. */
function grouped(conditions: readonly ProblemInput[]): ProblemInput[][] {
  const sameness = (c: ProblemInput): string => (c.codes[0] ? codeKey(c.codes[0]) : c.name.toLowerCase())
  return [...Map.groupBy(conditions, sameness).values()]
}

const STRENGTH = { named: 0, code: 1, visit: 2 } as const

/** Each condition with what references, codes or the same visit link to it; what nothing links is told apart, never guessed. */
export function byProblem(records: readonly ProblemInput[]): ByProblem {
  const groups = grouped(records.filter(r => r.type === 'Condition'))
  const found = groups.map(() => new Map<string, ProblemLink['why']>())
  const link = (group: number | undefined, id: string, why: ProblemLink['why']): void => {
    const links = group === undefined ? undefined : found[group]
    const before = links?.get(id)
    if (links && (before === undefined || STRENGTH[why] < STRENGTH[before])) links.set(id, why)
  }
  const names = byKey(records)
  const groupOf = new Map<string, number>()
  const byCode = new Map<string, number>()
  const visits = new Map<string, Set<number>>()
  const others = records.filter(r => r.type !== 'Condition' && !APART.has(r.type))
  const relevant = new Set(others.map(o => o.id))
  for (const [group, conditions] of groups.entries())
    for (const c of conditions) {
      groupOf.set(c.id, group)
      for (const code of c.codes) if (!byCode.has(codeKey(code))) byCode.set(codeKey(code), group)
      const visit = c.encounter && referenceKey(c.encounter)
      if (visit && names.get(visit) !== null) visits.set(visit, (visits.get(visit) ?? new Set()).add(group))
    }
  const followed = (key: string): ProblemInput | undefined => names.get(key) ?? undefined
  for (const [group, conditions] of groups.entries())
    for (const c of conditions)
      for (const key of [...(c.encounter ? [referenceKey(c.encounter)] : []), ...evidenceOf(c.resource)]) {
        const target = followed(key)
        if (target && relevant.has(target.id)) link(group, target.id, 'named')
      }
  for (const r of others) {
    for (const key of reasonsOf(r.resource)) link(groupOf.get(followed(key)?.id ?? ''), r.id, 'named')
    for (const code of [...r.codes, ...codings(field(r.resource, 'reasonCode'))]) link(byCode.get(codeKey(code)), r.id, 'code')
    const visit = r.encounter && referenceKey(r.encounter)
    if (visit) for (const group of visits.get(visit) ?? []) link(group, r.id, 'visit')
  }
  const linked = new Set(found.flatMap(links => [...links.keys()]))
  return {
    problems: groups.map((conditions, i) => ({
      conditions: conditions.map(c => c.id),
      links: [...found[i]!].map(([id, why]) => ({ id, why })).sort((a, b) => STRENGTH[a.why] - STRENGTH[b.why]),
    })),
    unlinked: others.filter(o => !linked.has(o.id)).map(o => o.id),
  }
}
