/** On every answer: nothing is guessed, framed, referred, cached or shared that was not meant to be. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=(), interest-cohort=()',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'cache-control': 'no-store',
}

/** Two years, as browsers' preload lists want it (RFC 6797). */
export const HSTS = 'max-age=63072000; includeSubDomains'

const EXPOSED = 'content-range, retry-after, etag, location, last-modified, content-location, x-keepwell-partial'

/**
 * Cross-origin permission for origins the operator named, and for no other. A `*` in the list means any origin: nothing here rests on
 * cookies, so that is safe to choose, but it is a choice. Null when the origin has none.
 */
export function corsHeaders(origin: string | undefined, allowed: readonly string[]): Record<string, string> | null {
  if (!origin || !(allowed.includes(origin) || allowed.includes('*'))) return null
  return {
    'access-control-allow-origin': origin,
    'access-control-expose-headers': EXPOSED,
    'cross-origin-resource-policy': 'cross-origin',
  }
}

/** For what is public to those who know its name, and asks nothing of the browser. */
export const ANY_ORIGIN: Readonly<Record<string, string>> = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': EXPOSED,
  'cross-origin-resource-policy': 'cross-origin',
}

export const preflightHeaders = (methods: readonly string[]): Record<string, string> => ({
  'access-control-allow-methods': methods.join(', '),
  'access-control-allow-headers':
    'authorization, content-type, accept, range, prefer, if-match, if-none-match, if-none-exist, if-modified-since',
  'access-control-max-age': '600',
})
