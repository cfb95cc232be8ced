import type { KoaContextWithOIDC } from 'oidc-provider'
import { type Binding, bindingOf, givenScopes } from './binding.ts'
import type { SmartContext } from './context.ts'
import { ROUTES, STATIC_SCOPES } from './discovery.ts'

type Middleware = (ctx: KoaContextWithOIDC, next: () => Promise<void>) => Promise<void>
type Body = Record<string, unknown>

const bodyOf = (ctx: KoaContextWithOIDC): Body | null =>
  ctx.status === 200 && typeof ctx.body === 'object' && ctx.body !== null && !Buffer.isBuffer(ctx.body) ? (ctx.body as Body) : null

/** The launch context as apps and resource servers are told it (SMART App Launch 2.2 §launch context). */
export function toldContext(smart: SmartContext, { context }: Binding): Record<string, unknown> {
  const { patient, encounter, needPatientBanner, intent, fhirContext } = context
  return {
    ...(patient ? { patient, need_patient_banner: needPatientBanner } : {}),
    ...(encounter ? { encounter } : {}),
    ...(intent ? { intent } : {}),
    ...(fhirContext.length ? { fhirContext } : {}),
    tenant: smart.tenant,
    smart_style_url: `${smart.places.issuer}/style.json`,
  }
}

/** Adds the launch context to a token response. */
export const tellLaunch =
  (smart: SmartContext): Middleware =>
  async (ctx, next) => {
    await next()
    if (ctx.path !== ROUTES.token) return
    // RFC 6749 §5.1 wants it beside Cache-Control, for old caches.
    ctx.set('pragma', 'no-cache')
    const body = bodyOf(ctx)
    const grantId = ctx.oidc?.entities.AccessToken?.grantId
    const binding = body?.access_token && grantId ? await bindingOf(smart.life, grantId) : null
    if (body && binding) Object.assign(body, toldContext(smart, binding))
  }

/** A token response, and an introspection, name the scopes that are really given: what role and person left of what was asked. */
export const tellScopes =
  (smart: SmartContext): Middleware =>
  async (ctx, next) => {
    await next()
    const body = ctx.path === ROUTES.token || ctx.path === ROUTES.introspection ? bodyOf(ctx) : null
    const { AccessToken: access, RefreshToken: refresh, Grant: grant } = ctx.oidc?.entities ?? {}
    const token = access ?? refresh
    if (!body || !token?.grantId || !(body.access_token || body.active)) return
    const binding = await bindingOf(smart.life, token.grantId)
    if (!binding) return
    const held = grant?.getOIDCScopeFiltered(new Set(STATIC_SCOPES)).split(' ').filter(Boolean) ?? []
    body.scope = [...held, ...givenScopes(binding, token.scope)].join(' ')
  }

/** A registration is answered with `scope`, as it was asked, and not with our name for it. */
export const tellRegistration: Middleware = async (ctx, next) => {
  await next()
  if (!ctx.path.startsWith(ROUTES.registration) || typeof ctx.body !== 'object' || ctx.body === null) return
  const { smart_scope: scope, ...rest } = ctx.body as Body
  ctx.body = typeof scope === 'string' ? { ...rest, scope } : rest
}
