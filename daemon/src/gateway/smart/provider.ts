import { enforceable } from '@keepwell/sdk/health/smart/enforceable'
import { parseScope } from '@keepwell/sdk/health/smart/scope'
import { type Configuration, errors, interactionPolicy, type KoaContextWithOIDC, Provider } from 'oidc-provider'
import { type App, appById, isLaunchUrl, newClientId, OWN_METADATA, originsOf, withinApp } from './apps.ts'
import { bindingOf, KIND, lasts, liveBinding } from './binding.ts'
import type { SmartContext } from './context.ts'
import { AUTH_METHODS, ROUTES, SIGNING_ALGS, STATIC_SCOPES } from './discovery.ts'
import { cookieName, stepCookieName } from './form.ts'
import { waitingLaunch } from './launches.ts'
import { oidcStore } from './oidc-store.ts'
import { errorPage } from './pages.ts'
import { LONG_COOKIE, SESSION_COOKIE } from './sessions.ts'
import type { SigningKeys } from './signing-keys.ts'
import { isOut, practitionerUrl, staffById } from './staff.ts'
import { tellLaunch, tellRegistration, tellScopes, toldContext } from './token-response.ts'
import { languageOf } from './words.ts'

const HOUR = 3600

/** A `jku` names the address that was registered, or none (SMART App Launch 2.2 §signature verification). */
function checkJku(jku: unknown, app: App | null): void {
  if (jku !== undefined && jku !== app?.jwks_uri) throw new errors.InvalidClientAuth('jku is not the registered one')
}

/** The authorization server: oidc-provider, told what SMART App Launch 2.2 and this house want. */
export function createProvider(smart: SmartContext, keys: SigningKeys): Provider {
  const provider = new Provider(smart.places.issuer, configuration(smart, keys))
  // What is seen of a request's host and scheme is set by our own mount, from the configured address.
  provider.proxy = true
  provider.use(tellLaunch(smart))
  provider.use(tellScopes(smart))
  provider.use(tellRegistration)
  // The operator's code is for one app.
  provider.on('registration_create.success', ctx => void ctx.oidc.entities.InitialAccessToken?.destroy())
  return provider
}

function configuration(smart: SmartContext, keys: SigningKeys): Configuration {
  const { clock, life, limits, places } = smart
  return {
    adapter: oidcStore(life, clock, smart.clientKeys),
    assertJwtClientAuthClaimsAndHeader: async (_ctx, _claims, header, client) =>
      checkJku(header.jku, await appById(smart, client.clientId)),
    jwks: keys.jwks as NonNullable<Configuration['jwks']>,
    cookies: {
      keys: [...keys.cookies],
      names: {
        session: cookieName(smart, SESSION_COOKIE),
        interaction: stepCookieName(smart, 'kw_step'),
        resume: stepCookieName(smart, 'kw_resume'),
      },
      long: LONG_COOKIE,
      short: LONG_COOKIE,
    },
    routes: ROUTES,
    scopes: [...STATIC_SCOPES],
    claims: { openid: ['sub'], fhirUser: ['fhirUser'], profile: ['name', 'preferred_username'] },
    responseTypes: ['code'],
    subjectTypes: ['public'],
    clientAuthMethods: [...AUTH_METHODS],
    enabledJWA: {
      clientAuthSigningAlgValues: [...SIGNING_ALGS],
      idTokenSigningAlgValues: ['RS256', 'ES384'],
    },
    pkce: { required: () => true },
    rotateRefreshToken: true,
    conformIdTokenClaims: false,
    // The library binds one grant an app to a login, so a second patient would end the first; our binding knows each.
    expiresWithSession: () => false,
    issueRefreshToken: async (_ctx, client, code) =>
      client.grantTypeAllowed('refresh_token') && (code.scopes.has('offline_access') || code.scopes.has('online_access')),
    extraClientMetadata: { properties: [...OWN_METADATA] },
    extraParams: { aud: checkAud(smart), launch: checkLaunch(smart) },
    extraTokenClaims: async (_ctx, token) => launchClaims(smart, 'grantId' in token ? token.grantId : undefined),
    clientBasedCORS: (_ctx, origin, client) => originsOf({ redirect_uris: client.redirectUris ?? [] }).includes(origin),
    findAccount: async (ctx, id) => {
      await prolonged(smart, ctx)
      const staff = await staffById(life, id)
      if (!staff || isOut(staff, smart.clock())) return undefined
      const fhirUser = practitionerUrl(places.fhir, staff.id)
      return { accountId: id, claims: async () => ({ sub: id, fhirUser, name: staff.name, preferred_username: staff.login }) }
    },
    interactions: { url: (_ctx, interaction) => `${new URL(places.issuer).pathname}/step/${interaction.uid}`, policy: policy(smart) },
    // Each launch is consented to by itself, for each is about one patient.
    loadExistingGrant: async ctx => {
      const id = ctx.oidc.result?.consent?.grantId
      return id ? ctx.oidc.provider.Grant.find(id) : undefined
    },
    renderError: (ctx, out) => {
      ctx.type = 'html'
      ctx.body = errorPage(languageOf(ctx.get('accept-language')), out.error)
    },
    ttl: {
      Session: limits.sessionSeconds,
      Interaction: 30 * 60,
      AuthorizationCode: 60,
      IdToken: HOUR,
      Grant: limits.refreshSeconds,
      AccessToken: ctx => withinGrant(ctx, limits.accessSeconds, clock),
      RefreshToken: ctx => withinGrant(ctx, limits.refreshSeconds, clock),
      ClientCredentials: 300,
    },
    features: features(smart),
  }
}

/**
 * Where an app that can keep a secret refreshes, what it was given lasts its whole time again, as far as the patient's consent goes (ONC
 * § 170.315(g)(10)(v)(A)(2)), until it is so old that a person has to allow it anew. Others end when they were first said to.
 */
async function prolonged(smart: SmartContext, { oidc }: KoaContextWithOIDC): Promise<void> {
  const { Grant: grant, RefreshToken: token, Client: client } = oidc.entities
  if (oidc.params?.grant_type !== 'refresh_token' || !grant || !token || token.consumed || client?.clientAuthMethod === 'none') return
  const binding = await liveBinding(smart.life, token.grantId ?? '')
  if (!binding || binding.session !== null) return
  const { patient } = binding.context
  const standing = patient === null ? null : await smart.directory.standing(patient)
  const { refreshSeconds, appSeconds } = smart.limits
  const most = (grant.iat ?? 0) + appSeconds
  const until = Math.floor(Math.min(smart.clock() + refreshSeconds, most, lasts(standing, binding.levels)))
  if (until <= (grant.exp ?? 0)) return
  // What was withdrawn meanwhile stays so: a time is written, nothing else.
  if (!(await smart.tokens.prolong(KIND, binding.grant, until))) return
  Object.assign(grant, { exp: until })
  await grant.save()
}

function features(smart: SmartContext): NonNullable<Configuration['features']> {
  const { places } = smart
  return {
    devInteractions: { enabled: false },
    rpInitiatedLogout: { enabled: false },
    clientCredentials: { enabled: true },
    revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
    introspection: {
      enabled: true,
      allowedPolicy: (_ctx, client, token) =>
        token.clientId === client.clientId || (client.clientAuthMethod !== 'none' && client.smart_introspects === true),
    },
    registration: {
      enabled: true,
      initialAccessToken: true,
      idFactory: () => newClientId(smart.random),
      policies: { app: registrationPolicy },
    },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => places.fhir,
      useGrantedResource: () => true,
      getResourceServerInfo: (ctx, resource, client) => {
        if (resource !== places.fhir) throw new errors.InvalidTarget()
        const scopes = available(ctx, client.metadata() as App, places.fhir)
        if (isBackend(ctx) && scopes.length === 0) throw new errors.InvalidScope('none of the scopes is open to this client', '')
        return { scope: scopes.join(' '), audience: places.fhir, accessTokenFormat: 'opaque' }
      },
    },
  }
}

const isBackend = (ctx: KoaContextWithOIDC): boolean => ctx.oidc.params?.grant_type === 'client_credentials'

/** The clinical scopes that stand to be granted in this request, as they were written. */
function available(ctx: KoaContextWithOIDC, app: App, fhir: string): string[] {
  // Where a code or refresh token is exchanged without naming scopes, it is those that were granted.
  const asked = String(ctx.oidc.params?.scope ?? ctx.oidc.entities.Grant?.getResourceScope(fhir) ?? '').split(' ')
  return withinApp(asked, app, isBackend(ctx)).filter(text => enforceable(parseScope(text)!))
}

const withinGrant = (ctx: KoaContextWithOIDC, seconds: number, clock: () => number): number =>
  Math.max(1, Math.min(seconds, (ctx.oidc.entities.Grant?.exp ?? Number.POSITIVE_INFINITY) - clock()))

/** `aud` names the FHIR server, so that a token is never sent to another that only looks like it (SMART App Launch 2.2 §launch). */
const checkAud = (smart: SmartContext) => (_ctx: KoaContextWithOIDC, aud: string | undefined) => {
  if (aud?.replace(/\/$/, '') !== smart.places.fhir) throw new errors.InvalidRequest('aud must be the base URL of this FHIR server')
}

const checkLaunch = (smart: SmartContext) => async (ctx: KoaContextWithOIDC, launch: string | undefined) => {
  const wanted = ctx.oidc.requestParamScopes.has('launch')
  if (wanted !== (launch !== undefined)) throw new errors.InvalidRequest('the scope launch and the parameter launch come together')
  if (launch === undefined) return
  if (!(await waitingLaunch(smart, launch, ctx.oidc.client!.clientId)))
    throw new errors.InvalidRequest('launch is unknown, used or expired')
}

/** Logins grow old: after a while of no use, and at the latest after a working day. */
function policy(smart: SmartContext) {
  const { Check, base } = interactionPolicy
  const prompts = base()
  prompts.get('login')?.checks.add(
    new Check('session_idle', 'the login is too old', async ctx => {
      const { session, result } = ctx.oidc
      if (!session?.accountId) return Check.NO_NEED_TO_PROMPT
      const fresh = await smart.sessions.touch(session.uid, session.loginTs ?? 0, ctx.get('user-agent'))
      if (result?.login) return Check.NO_NEED_TO_PROMPT
      const staff = await staffById(smart.life, session.accountId)
      return fresh && staff && !isOut(staff, smart.clock()) ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT
    }),
  )
  const consent = prompts.get('consent')
  consent?.checks.clear()
  consent?.checks.add(
    new Check('each_launch', 'every launch is consented to', ctx =>
      ctx.oidc.result?.consent ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT,
    ),
  )
  return prompts
}

/** What a token carries for whoever introspects it. */
async function launchClaims(smart: SmartContext, grantId: string | undefined): Promise<Record<string, unknown> | undefined> {
  const binding = grantId ? await bindingOf(smart.life, grantId) : null
  if (!binding) return undefined
  return { ...toldContext(smart, binding), fhirUser: practitionerUrl(smart.places.fhir, binding.staff) }
}

/** Throws for an address that people are not to be sent to. */
function ensureLaunchUrl(url: unknown): void {
  if (url !== undefined && !isLaunchUrl(url)) throw new errors.InvalidClientMetadata('launch_url is an https address')
}

/** Who registers by an initial access token gets an app for people; backend services are registered by the operator. */
function registrationPolicy(_ctx: KoaContextWithOIDC, app: Record<string, unknown>): void {
  const grants = (app.grant_types ?? ['authorization_code']) as unknown
  if (!Array.isArray(grants) || grants.some(g => g !== 'authorization_code' && g !== 'refresh_token'))
    throw new errors.InvalidClientMetadata('grant_types may be authorization_code and refresh_token')
  ensureLaunchUrl(app.launch_url)
  for (const name of OWN_METADATA) if (name !== 'smart_scope' && name !== 'launch_url') delete app[name]
}
