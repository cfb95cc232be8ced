import type { Tokens } from '@keepwell/adapters/tokens/sqlite'
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
  if (!staff || staff.suspended) return null
  if (!(await life.tokens.get('oidc Client', binding.client))) return null
  if (binding.session !== null && !(await isLoggedIn(life, binding.session, binding.staff))) return null
  return (await stands(life, binding.context.patient, binding.levels)) ? binding : null
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
