import type { IncomingMessage, ServerResponse } from 'node:http'
import { ensure } from '@keepwell/sdk/base/error'
import type { Site } from './passkeys.ts'

const MAX_BODY = 64 * 1024

export async function bodyText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    length += (chunk as Buffer).length
    ensure(length <= MAX_BODY, 'TOO_LARGE', 'The form is too large.')
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** A form that one of our own pages sent. Throws DENIED for one that another site made the browser send, BAD_TYPE for what is no form. */
export async function ownForm(request: IncomingMessage, origin: string): Promise<URLSearchParams> {
  const { 'sec-fetch-site': site, origin: from, 'content-type': type } = request.headers
  // With our referrer policy browsers send `null` for our own forms; those that send no Sec-Fetch-Site keep SameSite cookies at home.
  const own = site === undefined ? from === undefined || from === 'null' || from === origin : site === 'same-origin'
  ensure(own, 'DENIED', 'Forms are taken from this site’s own pages only.')
  ensure(type?.startsWith('application/x-www-form-urlencoded'), 'BAD_TYPE', 'The body must be a form.')
  return new URLSearchParams(await bodyText(request))
}

type At = { readonly site: Site }
const named = ({ site }: At, prefix: string, name: string): string => (site.origin.startsWith('https:') ? prefix + name : name)

/**
 * Over TLS browsers keep a cookie of such a name only if this very host gave it by TLS, for all its paths (RFC 6265bis §4.1.3.2): no other
 * host of the domain puts one in its place. On this machine there is no TLS.
 */
export const cookieName = (at: At, name: string): string => named(at, '__Host-', name)

/** Of a cookie for one path alone, so that two logins can be under way in two tabs: by TLS (§4.1.3.1). */
export const stepCookieName = (at: At, name: string): string => named(at, '__Secure-', name)

/** Scripts and styles are files of this origin; a form may lead to the app that is waiting, and nowhere else. */
export function sendPage(response: ServerResponse, page: string, forms: readonly string[] = [], status = 200): void {
  const policy = `default-src 'none'; style-src 'self'; script-src 'self'; form-action ${["'self'", ...forms].join(' ')}; frame-ancestors 'none'; base-uri 'none'`
  response.statusCode = status
  response.setHeader('content-type', 'text/html; charset=utf-8')
  response.setHeader('content-security-policy', policy)
  response.setHeader('cache-control', 'no-store')
  response.end(page)
}

export function redirect(response: ServerResponse, location: string): void {
  response.statusCode = 303
  response.setHeader('location', location)
  response.setHeader('content-length', '0')
  response.end()
}
