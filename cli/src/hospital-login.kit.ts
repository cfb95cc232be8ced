import { createHash, randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** For tests: the login of a hospital that says yes to everybody, and checks what an app shows. */

export type Send = (response: ServerResponse, status: number, body: unknown, type?: string) => void
type Waiting = { readonly challenge: string; readonly redirect: string; readonly client: string; readonly scope: string }

export function openLogin(send: Send) {
  const codes = new Map<string, Waiting>()
  const tokens = new Map<string, string>()
  const refreshes = new Map<string, string>()
  const state = { grant: (scope: string): string => scope, patient: 'p-1' as string | undefined }
  const JSON_TYPE = 'application/json'

  function issue(scope: string) {
    const [access, refresh] = [randomBytes(16).toString('hex'), randomBytes(16).toString('hex')]
    const lasting = scope.includes('offline_access')
    tokens.set(access, scope)
    if (lasting) refreshes.set(refresh, scope)
    return {
      access_token: access,
      token_type: 'Bearer',
      expires_in: 3600,
      scope,
      id_token: 'not.a.token',
      ...(state.patient ? { patient: state.patient } : {}),
      ...(lasting ? { refresh_token: refresh } : {}),
    }
  }

  function authorize(q: URLSearchParams, response: ServerResponse): void {
    const code = randomBytes(8).toString('hex')
    const [challenge, redirect, client] = [q.get('code_challenge')!, q.get('redirect_uri')!, q.get('client_id')!]
    codes.set(code, { challenge, redirect, client, scope: state.grant(q.get('scope')!) })
    response.writeHead(302, { location: `${redirect}?${new URLSearchParams({ code, state: q.get('state')! })}` }).end()
  }

  function token(form: URLSearchParams, response: ServerResponse): void {
    const refused = () => send(response, 400, { error: 'invalid_grant' }, JSON_TYPE)
    if (form.get('grant_type') === 'refresh_token') {
      const scope = refreshes.get(form.get('refresh_token')!)
      refreshes.delete(form.get('refresh_token')!)
      if (scope) send(response, 200, issue(scope), JSON_TYPE)
      else refused()
      return
    }
    const found = codes.get(form.get('code')!)
    codes.delete(form.get('code')!)
    const hash = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    if (found?.challenge === hash && found.redirect === form.get('redirect_uri') && found.client === form.get('client_id'))
      send(response, 200, issue(found.scope), JSON_TYPE)
    else refused()
  }

  return {
    state,
    tokens,
    refreshes,
    async answer(url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
      const body = request.method === 'POST' ? await bodyOf(request) : ''
      if (url.pathname === '/auth/authorize') authorize(url.searchParams, response)
      else if (url.pathname === '/auth/register') send(response, 201, { ...JSON.parse(body), client_id: 'registered-app' }, JSON_TYPE)
      else if (url.pathname === '/auth/revoke') {
        refreshes.delete(new URLSearchParams(body).get('token') ?? '')
        response.writeHead(200).end()
      } else token(new URLSearchParams(body), response)
    },
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts).toString()
}

export const smartConfiguration = (auth: string) => ({
  issuer: auth,
  authorization_endpoint: `${auth}/authorize`,
  token_endpoint: `${auth}/token`,
  registration_endpoint: `${auth}/register`,
  revocation_endpoint: `${auth}/revoke`,
  capabilities: ['permission-v2', 'launch-standalone'],
})

export const capability = (auth: string, types: readonly string[]) => ({
  resourceType: 'CapabilityStatement',
  fhirVersion: '4.0.1',
  rest: [
    {
      mode: 'server',
      security: {
        extension: [
          {
            url: 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris',
            extension: [
              { url: 'authorize', valueUri: `${auth}/authorize` },
              { url: 'token', valueUri: `${auth}/token` },
            ],
          },
        ],
      },
      resource: types.map(type => ({ type, interaction: [{ code: 'read' }, { code: 'search-type' }] })),
    },
  ],
})
