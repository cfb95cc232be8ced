import { createHash, randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** For tests: the login of a hospital that says yes to everybody, or to whoever knows the word, and checks what an app shows. */

export type Send = (response: ServerResponse, status: number, body: unknown, type?: string) => void
type Waiting = { readonly challenge: string; readonly redirect: string; readonly client: string; readonly scope: string }

export function openLogin(send: Send) {
  const codes = new Map<string, Waiting>()
  const tokens = new Map<string, string>()
  const refreshes = new Map<string, string>()
  const state = {
    grant: (scope: string): string => scope,
    patient: 'p-1' as string | undefined,
    /** Asked of the person in a form; null: nobody is asked. */
    password: null as string | null,
    /** Another issuer's name beside the code (RFC 9207). */
    issuer: null as string | null,
  }
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

  function authorize(q: URLSearchParams, form: URLSearchParams | null, response: ServerResponse): void {
    const redirect = q.get('redirect_uri')!
    const back = (said: Record<string, string>): void => {
      const query = new URLSearchParams({ ...said, state: q.get('state')!, ...(state.issuer ? { iss: state.issuer } : {}) })
      response.writeHead(302, { location: `${redirect}?${query}` }).end()
    }
    if (state.password !== null && form?.get('answer') === 'no') return void back({ error: 'access_denied' })
    if (state.password !== null && form?.get('password') !== state.password) return void send(response, 200, formFor(q), 'text/html')
    const code = randomBytes(8).toString('hex')
    const [challenge, client] = [q.get('code_challenge')!, q.get('client_id')!]
    codes.set(code, { challenge, redirect, client, scope: state.grant(q.get('scope')!) })
    back({ code })
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
      if (url.pathname === '/auth/authorize')
        authorize(url.searchParams, request.method === 'POST' ? new URLSearchParams(body) : null, response)
      else if (url.pathname === '/auth/register') send(response, 201, { ...JSON.parse(body), client_id: 'registered-app' }, JSON_TYPE)
      else if (url.pathname === '/auth/revoke') {
        refreshes.delete(new URLSearchParams(body).get('token') ?? '')
        response.writeHead(200).end()
      } else token(new URLSearchParams(body), response)
    },
  }
}

/** What a person sees: who asks for what, and where to say yes or no. */
const formFor = (q: URLSearchParams): string =>
  `<!doctype html><html lang="en"><title>Hospital West</title><h1>Log in to Hospital West</h1>
<p>${q.get('client_id')!.replace(/[^\w-]/g, '')} asks for ${q.get('scope')!.split(' ').length} things of your record.</p>
<form method="post"><label>Password <input type="password" name="password"></label>
<button name="answer" value="yes">Allow</button> <button name="answer" value="no">Deny</button></form></html>`

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
