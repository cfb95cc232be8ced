import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'
import { appById, originsOf } from './apps.ts'
import { liveBinding } from './binding.ts'
import type { SmartContext } from './context.ts'
import { practitionerUrl, staffById } from './staff.ts'

type Asked = {
  readonly smart: SmartContext
  readonly provider: Provider
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/**
 * OpenID Connect Core §5.3: who the person is, for an access token that came with `openid`. The library's own takes no token that is for a
 * resource server, and every token here is for the FHIR server.
 */
export async function userinfo({ smart, provider, request, response }: Asked): Promise<void> {
  const token = /^Bearer (\S{20,500})$/i.exec(request.headers.authorization ?? '')?.[1]
  const access = token ? await provider.AccessToken.find(token) : undefined
  const binding = access?.isValid ? await liveBinding(smart.life, access.grantId ?? '') : null
  const grant = binding && (await provider.Grant.find(binding.grant))
  const staff = binding && (await staffById(smart, binding.staff))
  response.setHeader('cache-control', 'no-store')
  response.setHeader('vary', 'Origin')
  const app = binding && (await appById(smart, binding.client))
  const { origin } = request.headers
  if (app && origin && originsOf(app).includes(origin)) response.setHeader('access-control-allow-origin', origin)
  const given = new Set(grant?.getOIDCScopeFiltered(new Set(['openid', 'fhirUser', 'profile'])).split(' '))
  if (!staff || !given.has('openid')) {
    response.statusCode = staff ? 403 : 401
    response.setHeader('www-authenticate', `Bearer error="${staff ? 'insufficient_scope' : 'invalid_token'}"`)
    response.setHeader('content-length', '0')
    response.end()
    return
  }
  response.setHeader('content-type', 'application/json')
  response.end(
    JSON.stringify({
      sub: staff.id,
      ...(given.has('fhirUser') ? { fhirUser: practitionerUrl(smart.places.fhir, staff.id) } : {}),
      ...(given.has('profile') ? { name: staff.name, preferred_username: staff.login } : {}),
    }),
  )
}
