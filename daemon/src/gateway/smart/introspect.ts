import type { IncomingMessage, ServerResponse } from 'node:http'
import { isKeepwellError } from '@keepwell/sdk/base/error'
import type { Provider } from 'oidc-provider'
import type { Authenticate } from '#gateway/core/types'
import { appById } from './apps.ts'
import { bindingOf, givenScopes } from './binding.ts'
import type { SmartContext } from './context.ts'
import { STATIC_SCOPES } from './discovery.ts'
import { bodyText } from './form.ts'
import { practitionerUrl } from './staff.ts'
import { toldContext } from './token-response.ts'

type Introspecting = {
  readonly smart: SmartContext
  readonly provider: Provider
  readonly authenticate: Authenticate
}
type Exchange = { readonly request: IncomingMessage; readonly response: ServerResponse }

/**
 * Introspection by a resource server that shows an access token of its own (SMART App Launch 2.2 §token introspection); by client
 * authentication the library answers. Only apps that the operator let introspect may.
 */
export async function introspectByToken(ctx: Introspecting, { request, response }: Exchange): Promise<void> {
  const asker = await askerOf(ctx, request)
  const token = new URLSearchParams(await bodyText(request)).get('token') ?? ''
  if (!asker) {
    response.setHeader('www-authenticate', 'Bearer error="invalid_token"')
    return send(response, 401, { error: 'invalid_token', error_description: 'this token may not introspect' })
  }
  send(response, 200, await told(ctx, token))
}

async function askerOf({ smart, authenticate }: Introspecting, request: IncomingMessage): Promise<string | null> {
  try {
    const actor = await authenticate({ headers: request.headers, method: 'POST', target: '', remote: '' })
    const app = actor.client ? await appById(smart, actor.client) : null
    return app?.smart_introspects ? app.client_id : null
  } catch (error) {
    if (isKeepwellError(error, 'UNAUTHENTICATED')) return null
    throw error
  }
}

async function told({ smart, provider }: Introspecting, token: string): Promise<Record<string, unknown>> {
  const found =
    (await provider.AccessToken.find(token)) ?? (await provider.RefreshToken.find(token)) ?? (await provider.ClientCredentials.find(token))
  if (!found?.isValid) return { active: false }
  const common = { active: true, client_id: found.clientId, exp: found.exp, iat: found.iat, iss: provider.issuer, aud: smart.places.fhir }
  const grantId = 'grantId' in found ? found.grantId : undefined
  const binding = grantId ? await bindingOf(smart, grantId) : null
  if (!binding || !grantId) return { ...common, scope: found.scope, token_type: 'Bearer' }
  const grant = await provider.Grant.find(grantId)
  const held = grant?.getOIDCScopeFiltered(new Set(STATIC_SCOPES)).split(' ').filter(Boolean) ?? []
  return {
    ...common,
    ...toldContext(smart, binding),
    sub: binding.staff,
    fhirUser: practitionerUrl(smart.places.fhir, binding.staff),
    scope: [...held, ...givenScopes(binding, found.scope)].join(' '),
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.statusCode = status
  response.setHeader('content-type', 'application/json')
  response.setHeader('cache-control', 'no-store')
  response.end(JSON.stringify(body))
}
