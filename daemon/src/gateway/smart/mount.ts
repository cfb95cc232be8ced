import { IncomingMessage, type ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { ensure, isKeepwellError } from '@keepwell/sdk/base/error'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { errors, type Provider } from 'oidc-provider'
import type { Authenticate } from '#gateway/core/types'
import type { HttpMount } from '#http/mount'
import { appById } from './apps.ts'
import type { SmartContext } from './context.ts'
import { ROUTES } from './discovery.ts'
import { runEnrolment } from './enrol.ts'
import { bodyText, redirect, sendPage } from './form.ts'
import { introspectByToken } from './introspect.ts'
import { runOwn } from './own.ts'
import { errorPage } from './pages.ts'
import { runRoom } from './staff-room.ts'
import { runApps } from './start-app.ts'
import { runStep } from './steps.ts'
import { SCRIPT, STYLE, STYLE_JSON } from './style.ts'
import { userinfo } from './userinfo.ts'
import { languageOf } from './words.ts'

type Request = IncomingMessage & { originalUrl?: string }

/** Everything below `/auth`: oidc-provider's endpoints, and the pages that people see on the way. */
export function authMount(smart: SmartContext, provider: Provider, authenticate: Authenticate): HttpMount {
  const library = provider.callback()
  const { pathname, host, protocol } = new URL(smart.places.issuer)
  return {
    name: 'auth',
    prefix: pathname,
    maxBody: 64 * 1024,
    async handle(request: Request, response) {
      // Who may read answers from other origins is decided per app, and URLs in answers are made from the configured address.
      for (const name of response.getHeaderNames()) if (name.startsWith('access-control-')) response.removeHeader(name)
      delete request.headers['x-forwarded-host']
      Object.assign(request.headers, { host, 'x-forwarded-proto': protocol.slice(0, -1) })
      const path = (request.url ?? '/').split('?')[0]!
      if (await served(smart, provider, { request, response, path })) return
      if (path === ROUTES.authorization) {
        if (request.method === 'POST') return redirect(response, `${smart.places.issuer}${path}?${await bodyText(request)}`)
        askToConsent(request)
      }
      if (path === ROUTES.userinfo && request.method !== 'OPTIONS') return userinfo({ smart, provider, request, response })
      if (path === ROUTES.introspection && request.method === 'POST' && /^bearer /i.test(request.headers.authorization ?? ''))
        return introspectByToken({ smart, provider, authenticate }, { request, response })
      if (request.method !== 'POST') return library(request, response)
      if (path === ROUTES.registration) return library(await withOwnScopes(request), response)
      await library(PROVEN.has(path) ? await withKeysAtHand(smart, request) : request, response)
    },
  }
}

/** Where an app proves itself. */
const PROVEN: ReadonlySet<string> = new Set([ROUTES.token, ROUTES.introspection, ROUTES.revocation])

const STEPS: ReadonlySet<string> = new Set(['step', 'enrol', 'apps', 'me'])

type Served = { readonly request: Request; readonly response: ServerResponse; readonly path: string }

async function served(smart: SmartContext, provider: Provider, { request, response, path }: Served): Promise<boolean> {
  const asset = ASSETS[path]
  if (asset && request.method === 'GET') {
    for (const [name, value] of Object.entries(asset.headers)) response.setHeader(name, value)
    response.end(asset.body)
    return true
  }
  const [, step, uid, verb = ''] = /^\/(\w{1,20})(?:\/([\w-]{1,64}))?(?:\/(\w{1,20}))?$/.exec(path) ?? []
  const room = smart.rooms.find(r => r.name === step)
  if (!step || !(room || STEPS.has(step))) return false
  try {
    if (step === 'step') await runStep({ smart, provider, request, response }, uid ?? '', verb)
    else if (room) await runRoom({ smart, provider, request, response }, room, uid ?? '')
    else if (step === 'apps') await runApps({ smart, provider, request, response }, uid ?? '')
    else if (step === 'me') await runOwn({ smart, provider, request, response }, uid ?? '')
    else await runEnrolment({ smart, request, response }, uid ?? '')
  } catch (error) {
    const code =
      error instanceof errors.OIDCProviderError ? error.error : isKeepwellError(error) && error.code !== 'DEFECT' ? error.code : null
    if (code === null || response.headersSent) throw error
    sendPage(response, errorPage(languageOf(request.headers['accept-language']), code), [], STATUS[code] ?? 400)
  }
  return true
}

const STATUS: Readonly<Record<string, number>> = {
  NOT_FOUND: 404,
  NO_ROUTE: 404,
  BAD_METHOD: 405,
  DENIED: 403,
  NO_GRANT: 403,
  TOO_LARGE: 413,
}

const asset = (type: string, body: string, more: Readonly<Record<string, string>> = {}) => ({
  headers: { 'content-type': type, 'cache-control': 'public, max-age=3600', ...more },
  body,
})
const ASSETS: Readonly<Record<string, ReturnType<typeof asset>>> = {
  '/assets/style.css': asset('text/css; charset=utf-8', STYLE),
  '/assets/passkey.js': asset('text/javascript; charset=utf-8', SCRIPT),
  '/style.json': asset('application/json', JSON.stringify(STYLE_JSON), { 'access-control-allow-origin': '*' }),
}

/** SMART apps ask for `offline_access` by the scope alone; OpenID wants `prompt=consent` with it. Here consent is always asked. */
function askToConsent(request: Request): void {
  const url = new URL(request.url!, 'http://host')
  if (!(url.searchParams.get('scope') ?? '').split(/\s/).includes('offline_access')) return
  const prompts = (url.searchParams.get('prompt') ?? '').split(' ').filter(Boolean)
  if (prompts.includes('none') || prompts.includes('consent')) return
  url.searchParams.set('prompt', [...prompts, 'consent'].join(' '))
  request.originalUrl = request.originalUrl!.slice(0, -request.url!.length) + url.pathname + url.search
  request.url = url.pathname + url.search
}

/** RFC 7591 has one `scope`; the library takes only scopes it has a list of, so clinical ones travel under a name of ours. */
async function withOwnScopes(request: Request): Promise<Request> {
  const { scope, smart_scope: _own, ...rest } = bodyOf(await bodyText(request))
  return again(request, JSON.stringify(typeof scope === 'string' ? { ...rest, smart_scope: scope } : rest))
}

/** Keys of an app that keeps them at an address are there before it proves itself by them. */
async function withKeysAtHand(smart: SmartContext, request: Request): Promise<Request> {
  const body = await bodyText(request)
  const assertion = new URLSearchParams(body).get('client_assertion')
  if (assertion) {
    const { client, kid } = presented(assertion)
    const uri = client === null ? undefined : (await appById(smart, client))?.jwks_uri
    if (uri) await smart.clientKeys.prepare(uri, kid)
  }
  return again(request, body)
}

/** Whose an assertion says it is, and by which key; nothing of it is believed yet. */
function presented(assertion: string): { readonly client: string | null; readonly kid: string | null } {
  try {
    const { iss } = decodeJwt(assertion)
    return { client: typeof iss === 'string' ? iss : null, kid: decodeProtectedHeader(assertion).kid ?? null }
  } catch {
    return { client: null, kid: null }
  }
}

/** The same request with a body that was read, or changed. */
function again(request: Request, body: string): Request {
  const written = Buffer.from(body)
  // Its own socket, for a request that ends would take the connection with it.
  const copy: Request = new IncomingMessage(new Socket())
  Object.assign(copy, { method: request.method, url: request.url, originalUrl: request.originalUrl })
  copy.headers = { ...request.headers, 'content-length': String(written.length) }
  copy.push(written)
  copy.push(null)
  return copy
}

function bodyOf(text: string): Record<string, unknown> {
  let body: unknown = null
  try {
    body = JSON.parse(text)
  } catch {
    // Refused with everything else that is no object.
  }
  ensure(typeof body === 'object' && body !== null && !Array.isArray(body), 'BAD_INPUT', 'A registration is a JSON object.')
  return body as Record<string, unknown>
}
