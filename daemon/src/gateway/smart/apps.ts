import type { Tokens } from '@keepwell/adapters/tokens/sqlite'
import { type RandomBytes, toBase64Url, toHex } from '@keepwell/sdk/base/bytes'
import { ensure } from '@keepwell/sdk/base/error'
import { PURPOSES, type Purpose } from '@keepwell/sdk/consent/terms'
import { narrowed, parseScope, parseScopes, type Scope } from '@keepwell/sdk/health/smart/scope'
import type { ClientMetadata } from 'oidc-provider'
import { isLoopback } from '#http/settings'

/** Members of our own in an app's registration. */
export const OWN_METADATA = ['smart_scope', 'smart_purpose', 'smart_introspects', 'launch_url'] as const

export type App = ClientMetadata & {
  /** The most it may ask for; without it, whatever the person who launches it may. Backend services get nothing without it. */
  readonly smart_scope?: string
  /** What a backend service works for. */
  readonly smart_purpose?: Purpose
  /** Where the EHR sends people to open it on a patient (SMART App Launch 2.2 §registering). */
  readonly launch_url?: string
  /** A resource server of the organisation that may introspect any token. */
  readonly smart_introspects?: boolean
}

const KIND = 'oidc Client'
const BACKEND = 'client_credentials'
type Store = { readonly tokens: Tokens }

/** An id for an app. In hex: one in base64url may begin with a hyphen, and is an option then on every command line, ours included. */
export const newClientId = (random: RandomBytes): string => toHex(random(16))

/** Registers an app by the operator's hand. `client_id` is made unless given. */
export async function addApp({ tokens, random }: Store & { readonly random: RandomBytes }, app: Partial<App>): Promise<App> {
  const backend = app.grant_types?.includes(BACKEND) === true
  const asked = parseScopes(app.smart_scope ?? '')
  ensure(app.client_name, 'BAD_INPUT', 'An app needs a name that people will recognise.')
  ensure(
    !backend || (asked.length > 0 && asked.every(s => s.context === 'system')),
    'BAD_INPUT',
    'A backend service needs system scopes, such as system/*.rs.',
  )
  ensure(!backend || app.jwks || app.jwks_uri, 'BAD_INPUT', 'A backend service needs its public keys: jwks or jwks_uri.')
  ensure(app.launch_url === undefined || isLaunchUrl(app.launch_url), 'BAD_INPUT', 'A launch URL is an https address.')
  ensure(app.smart_purpose === undefined || PURPOSES.includes(app.smart_purpose), 'BAD_INPUT', 'There is no such purpose of use.')
  const kept: App = {
    ...(backend ? { token_endpoint_auth_method: 'private_key_jwt', redirect_uris: [], response_types: [] } : {}),
    ...app,
    client_id: app.client_id ?? newClientId(random),
  }
  ensure(await tokens.add(KIND, kept.client_id, kept), 'BAD_INPUT', 'There is an app of that id already.')
  return kept
}

export const listApps = async ({ tokens }: Store): Promise<App[]> => tokens.list<App>(KIND)
export const appById = async ({ tokens }: Store, id: string): Promise<App | null> => (await tokens.get<App>(KIND, id))?.value ?? null

/** The app and every token of it count for nothing from now on. Throws NOT_FOUND. */
export async function removeApp(store: Store, id: string): Promise<void> {
  ensure(await appById(store, id), 'NOT_FOUND', 'There is no such app.')
  await store.tokens.drop(KIND, id)
}

/** The scopes of a request that an app may have at all; `system` is for backend services and nobody else. */
export function withinApp(asked: readonly string[], app: Pick<App, 'grant_types' | 'smart_scope'>, backend: boolean): string[] {
  const limits = app.smart_scope === undefined ? null : parseScopes(app.smart_scope)
  return asked.filter(text => {
    const scope = parseScope(text)
    if (!scope || (scope.context === 'system') !== backend) return false
    return limits === null ? !backend : limits.some(limit => isWithin(scope, limit))
  })
}

function isWithin(scope: Scope, limit: Scope): boolean {
  if (scope.context !== limit.context) return false
  const both = narrowed(scope, limit)
  return both !== null && JSON.stringify(both) === JSON.stringify(scope)
}

/** Whether it can keep a secret (RFC 6749 §2.1). */
export const isConfidential = (app: Pick<App, 'token_endpoint_auth_method'>): boolean => app.token_endpoint_auth_method !== 'none'

/** Whether a page of this origin belongs to a registered app. */
export async function isAppOrigin(store: Store, origin: string): Promise<boolean> {
  const apps = await listApps(store)
  return apps.some(app => originsOf(app).includes(origin))
}

export const originsOf = (app: Pick<App, 'redirect_uris'>): string[] =>
  (app.redirect_uris ?? []).flatMap(uri => {
    const url = URL.parse(uri)
    return url && /^https?:$/.test(url.protocol) ? [url.origin] : []
  })

/** By https; on this machine also without. */
export function isLaunchUrl(text: unknown): boolean {
  const url = typeof text === 'string' && text.length <= 2000 ? URL.parse(text) : null
  return url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname))
}

export const launchOrigin = ({ launch_url: url }: Pick<App, 'launch_url'>): string => new URL(url!).origin

const CODE_SECONDS = 86_400

/** A code with which one app may register itself: an initial access token (RFC 7591 §3) as oidc-provider keeps it. */
export async function newRegistrationCode({
  tokens,
  random,
  clock,
}: Store & { readonly random: RandomBytes; readonly clock: () => number }): Promise<string> {
  const code = toBase64Url(random(24))
  const now = clock()
  const kept = { kind: 'InitialAccessToken', iat: now, exp: now + CODE_SECONDS, policies: ['app'] }
  await tokens.put('oidc InitialAccessToken', code, kept, { expires: now + CODE_SECONDS })
  return code
}
