import type { Tokens } from '@keepwell/adapters/tokens/sqlite'
import { ensure } from '@keepwell/sdk/base/error'
import type { Purpose } from '@keepwell/sdk/consent/terms'
import type { Directory, Level, Standing } from './directory.ts'
import { staffById } from './staff.ts'

/** By a reference, a canonical, or an identifier (SMART App Launch 2.2 §fhirContext). */
export type FurtherContext = {
  readonly reference?: string | undefined
  readonly canonical?: string | undefined
  readonly identifier?: { readonly system?: string | undefined; readonly value: string } | undefined
  readonly type?: string | undefined
  readonly role?: string | undefined
}

/** What a launch was about, as the token response tells it (SMART App Launch 2.2, launch context). */
export type LaunchContext = {
  readonly patient: string | null
  readonly encounter: string | null
  readonly needPatientBanner: boolean
  readonly intent: string | null
  readonly fhirContext: readonly FurtherContext[]
}

/** What one consent of one person to one app gave: everything a token of it stands for. */
export type Binding = {
  /** Of oidc-provider, which all its tokens carry. */
  readonly grant: string
  readonly staff: string
  readonly client: string
  readonly purpose: Purpose
  readonly context: LaunchContext
  /** Scopes as the app asked for them, and what the person's role leaves of each. */
  readonly scopes: readonly { readonly asked: string; readonly given: readonly string[] }[]
  /** The patient's consents that it rests on: when one of them ends it is over. */
  readonly levels: readonly Level[]
  /** The login that the tokens end with; null when access was allowed to go on without it. */
  readonly session: string | null
  /** How often the person took something of it back since. */
  readonly narrowed?: number
}

export const KIND = 'binding'
export const groupOf = (grantId: string): string => `grant ${grantId}`

export type Life = { readonly tokens: Tokens; readonly directory: Directory }

export const bindingOf = async ({ tokens }: Pick<Life, 'tokens'>, grantId: string): Promise<Binding | null> =>
  (await tokens.get<Binding>(KIND, grantId))?.value ?? null

/**
 * The binding, when everything it rests on still stands: the person, the app, the login, and the patient's consent. Asked wherever a
 * token is used, refreshed or introspected, so that ending any of them ends the token at once.
 */
export async function liveBinding(life: Life, grantId: string): Promise<Binding | null> {
  const binding = await bindingOf(life, grantId)
  if (!binding) return null
  const staff = await staffById(life, binding.staff)
  if (!staff || staff.suspended || staff.guest) return null
  if (!(await life.tokens.get('oidc Client', binding.client))) return null
  if (binding.session !== null && !(await isLoggedIn(life, binding.session, binding.staff))) return null
  return (await stands(life, binding.context.patient, binding.levels)) ? binding : null
}

/** What a right from this binding rests on, for what outlasts a request: another text once the person took something back. */
export const basisOf = ({ grant, narrowed = 0 }: Binding): string => `grant:${grant}${narrowed ? `:${narrowed}` : ''}`

/** What a person let apps do that stands, each with since and until when (Unix seconds). */
export async function bindingsOf(life: Life, staff: string): Promise<(Binding & { readonly since: number; readonly until: number })[]> {
  const found = []
  for (const { grant, staff: whose } of await life.tokens.list<Binding>(KIND)) {
    const binding = whose === staff ? await liveBinding(life, grant) : null
    const given = binding && (await life.tokens.get<{ iat: number; exp: number }>('oidc Grant', grant))
    if (given) found.push({ ...binding, since: given.value.iat, until: given.value.exp })
  }
  return found.sort((a, b) => b.since - a.since)
}

/** Takes back all that one consent of this person gave an app. Throws NOT_FOUND for one that is not theirs. */
export async function withdraw(life: Pick<Life, 'tokens'>, staff: string, grant: string): Promise<void> {
  ensure((await bindingOf(life, grant))?.staff === staff, 'NOT_FOUND', 'That was withdrawn, or has ended.')
  await life.tokens.dropGroup(groupOf(grant))
}

/** Takes back all that this person gave any app; how many consents that were. */
export async function withdrawAll({ tokens }: Pick<Life, 'tokens'>, staff: string): Promise<number> {
  const all = (await tokens.list<Binding>(KIND)).filter(b => b.staff === staff)
  for (const { grant } of all) await tokens.dropGroup(groupOf(grant))
  return all.length
}

/** Leaves an app, of what one consent of this person gave it, `kept` (scopes as asked) and nothing else; never more than it had. Throws NOT_FOUND. */
export async function narrow(
  life: Pick<Life, 'tokens'>,
  staff: string,
  { grant, kept }: { grant: string; kept: ReadonlySet<string> },
): Promise<void> {
  const left = (b: Binding) => b.scopes.filter(s => kept.has(s.asked))
  const narrowed = await life.tokens.change<Binding>(KIND, grant, b =>
    b?.staff === staff && left(b).length < b.scopes.length ? { ...b, scopes: left(b), narrowed: (b.narrowed ?? 0) + 1 } : b,
  )
  ensure(narrowed?.staff === staff, 'NOT_FOUND', 'That was withdrawn, or has ended.')
  if (narrowed.scopes.length === 0) await life.tokens.dropGroup(groupOf(grant))
}

/** Whether the patient's consents still stand; a token that is about no patient rests on none. */
export async function stands({ directory }: Pick<Life, 'directory'>, patient: string | null, levels: readonly Level[]): Promise<boolean> {
  if (patient === null) return true
  const standing = await directory.standing(patient)
  return standing !== null && levels.every(level => standing[level] !== null)
}

/** Until when (Unix seconds) consents last that something rests on; for ever where it rests on none. */
export const lasts = (standing: Standing | null, levels: readonly Level[]): number =>
  Math.min(...levels.map(level => standing?.[level] ?? 0))

/** Ends for good what was given for a patient, so that a later consent does not wake it. */
export async function endPatient({ tokens }: Pick<Life, 'tokens'>, patient: string): Promise<void> {
  for (const { grant, context } of await tokens.list<Binding>(KIND)) if (context.patient === patient) await tokens.dropGroup(groupOf(grant))
}

async function isLoggedIn({ tokens }: Life, session: string, staff: string): Promise<boolean> {
  const found = await tokens.byAlias<{ accountId?: string }>('oidc Session', session)
  return found?.value.accountId === staff
}

/** The clinical scopes that a token's own scope (the asked forms) stands for. */
export const givenScopes = (binding: Binding, scope: string | undefined): string[] => {
  const held = new Set((scope ?? '').split(' '))
  return [...new Set(binding.scopes.filter(({ asked }) => held.has(asked)).flatMap(({ given }) => given))]
}
