import type { Issue } from '@keepwell/sdk/health/fhir/issue'
import { checkProfile, claimed } from '@keepwell/sdk/health/fhir/profile/check'
import type { ProfileLibrary } from '@keepwell/sdk/health/fhir/profile/library'
import { field, isObject, type JsonObject, list } from '@keepwell/sdk/health/fhir/read'
import type { Terminology } from '@keepwell/sdk/ports/terminology'
import { asIssues, type OutcomeIssue, refuse } from './outcome.ts'
import { withTerms } from './terms.ts'

export type Judging = { readonly profiles: ProfileLibrary; readonly terminology: Terminology | null }

export type Judgement = {
  readonly issues: readonly Issue[]
  /** How many of the profiles that it claims are not known here. */
  readonly unknown: number
}

const NOTHING: Judgement = { issues: [], unknown: 0 }

/** Profiles against which one resource is judged; honest ones claim two or three. */
const MOST_PROFILES = 16

/** A resource against the profiles that it claims in `meta.profile`, or against others; each once, however often it is claimed. */
export async function judged(
  { profiles, terminology }: Judging,
  resource: JsonObject,
  canonicals: readonly string[] = claimed(resource),
  bundle: JsonObject | null = null,
): Promise<Judgement> {
  const named = canonicals.flatMap(c => profiles.profile(c) ?? [])
  const unknown = canonicals.length - named.length
  if (!named.length) return unknown ? { issues: [], unknown } : NOTHING
  const known = [...new Set(named)]
  if (known.length > MOST_PROFILES)
    throw refuse(422, 'too-costly', `A resource is judged against at most ${MOST_PROFILES} profiles.`, 'meta.profile')
  return withTerms(terminology, told => ({
    issues: known.flatMap(p => checkProfile(resource, p, profiles, told ? { contains: told.contains } : {}, bundle)),
    unknown,
  }))
}

/** All that a resource claims; of a Bundle what its entries claim as well. */
export async function judgedWhole(judging: Judging, resource: JsonObject): Promise<{ issues: OutcomeIssue[]; unknown: number }> {
  const own = await judged(judging, resource)
  const issues = asIssues(own.issues)
  let { unknown } = own
  if (resource.resourceType === 'Bundle')
    for (const [i, entry] of list(resource.entry).entries()) {
      const inner = field(entry, 'resource')
      if (!isObject(inner)) continue
      const told = await judged(judging, inner, claimed(inner), resource)
      issues.push(...asIssues(told.issues, `Bundle.entry[${i}].resource`))
      unknown += told.unknown
    }
  return { issues, unknown }
}
