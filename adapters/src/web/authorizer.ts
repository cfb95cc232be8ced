import { isKeepwellError, KeepwellError } from '@keepwell/sdk/base/error'
import type { Authorizer, AuthServer, Tokens } from '@keepwell/sdk/ports/authorizer'
import type { Web } from '@keepwell/sdk/ports/web'
import * as oauth from 'oauth4webapi'

const MAX_ANSWER = 256 << 10
/** Where a login ends on this very machine (RFC 8252 §7.3). */
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/

/** OAuth over somebody's {@link Web}, so that its limits hold here too: https, no redirect, bounded answers. Runs in Node and browsers. */
export function openAuthorizer(web: Web): Authorizer {
  const options = { [oauth.customFetch]: fetchOver(web), [oauth.allowInsecureRequests]: true }
  const tokens = (client: string, server: AuthServer) => ({ as: metadataOf(server), client: { client_id: client } })
  return {
    register: (server, { name, redirect, scope, code }) =>
      told(async () => {
        const app = {
          client_name: name,
          redirect_uris: [redirect],
          application_type: LOOPBACK.test(new URL(redirect).hostname) ? 'native' : 'web',
          token_endpoint_auth_method: 'none',
          grant_types: ['authorization_code', 'refresh_token'],
          response_types: ['code'],
          scope,
        }
        const asked = await oauth.dynamicClientRegistrationRequest(metadataOf(server), app, {
          ...options,
          ...(code === undefined ? {} : { initialAccessToken: code }),
        })
        return (await oauth.processDynamicClientRegistrationResponse(asked)).client_id
      }),
    finish: (server, { client: id, redirect, state, verifier }, returned) =>
      told(async () => {
        const { as, client } = tokens(id, server)
        const at = new URL(returned)
        if (server.issuer === null) at.searchParams.delete('iss')
        const code = oauth.validateAuthResponse(as, client, at, state)
        const asked = await oauth.authorizationCodeGrantRequest(as, client, oauth.None(), code, redirect, verifier, options)
        return tokensOf(await oauth.processAuthorizationCodeResponse(as, client, asked))
      }),
    refresh: (server, id, token) =>
      told(async () => {
        const { as, client } = tokens(id, server)
        const asked = await oauth.refreshTokenGrantRequest(as, client, oauth.None(), token, options)
        return tokensOf(await oauth.processRefreshTokenResponse(as, client, asked))
      }),
    revoke: (server, id, token) =>
      told(async () => {
        const { as, client } = tokens(id, server)
        await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, oauth.None(), token, options))
      }),
  }
}

const metadataOf = ({ issuer, token, register, revoke }: AuthServer): oauth.AuthorizationServer => ({
  issuer: issuer ?? new URL(token).origin,
  token_endpoint: token,
  ...(register === null ? {} : { registration_endpoint: register }),
  ...(revoke === null ? {} : { revocation_endpoint: revoke }),
})

function fetchOver(web: Web) {
  return async (url: string, { method, headers, body }: { method: string; headers: Record<string, string>; body: unknown }) => {
    const { accept, 'content-type': type, authorization } = Object.fromEntries(new Headers(headers))
    const answer = await web.ask(url, {
      method: method === 'GET' ? 'GET' : 'POST',
      accept: accept ?? 'application/json',
      ...(type === undefined ? {} : { type }),
      ...(authorization === undefined ? {} : { authorization }),
      ...(body === undefined || body === null ? {} : { body: String(body) }),
      max: MAX_ANSWER,
    })
    const none = answer.body.length === 0 || answer.status === 204
    return new Response(none ? null : withoutIdToken(answer.body), {
      status: answer.status,
      headers: answer.type ? { 'content-type': answer.type } : {},
    })
  }
}

/** None is asked for and none is read: one that comes anyway must not end a login by a fault in it. */
function withoutIdToken(body: Uint8Array): string {
  const text = new TextDecoder().decode(body)
  try {
    const { id_token: _, ...rest } = JSON.parse(text) as Record<string, unknown>
    return JSON.stringify(rest)
  } catch {
    return text
  }
}

const some = (x: unknown): string | null => (typeof x === 'string' && x !== '' ? x : null)

const tokensOf = (t: oauth.TokenEndpointResponse): Tokens => ({
  access: t.access_token,
  lasts: typeof t.expires_in === 'number' ? Math.floor(t.expires_in) : null,
  refresh: some(t.refresh_token),
  scope: some(t.scope),
  patient: some(t.patient),
})

/** Errors of the library carry codes and tokens in their cause, so none of them is passed on. */
async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (e) {
    if (isKeepwellError(e)) throw e
    if (e instanceof oauth.ResponseBodyError || e instanceof oauth.AuthorizationResponseError)
      throw new KeepwellError('DENIED', `The hospital’s login refused: ${codeOf(e.error)}.`)
    if (e instanceof oauth.WWWAuthenticateChallengeError) throw new KeepwellError('DENIED', 'The hospital’s login does not know this app.')
    if (e instanceof oauth.OperationProcessingError && e.code === oauth.INVALID_RESPONSE)
      throw new KeepwellError('DENIED', 'The answer of the login is not to our question; begin again.')
    throw new KeepwellError('PEER_FAILED', 'The hospital’s login gave an answer that makes no sense.')
  }
}

/** An error code of OAuth, and nothing else that a server might write there. */
const codeOf = (error: string): string => (/^[a-z_]{3,60}$/.test(error) ? error : 'no reason that can be shown')
