import { ensure, KeepwellError } from '#base/error'

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/
/** Hosts that mean something else on each network: whoever is far away may not send us there (RFC 1918, 3927, 4193, 4291). */
const PRIVATE =
  /^(localhost|.+\.localhost|0\.0\.0\.0|(10|127)(\.\d{1,3}){3}|192\.168(\.\d{1,3}){2}|169\.254(\.\d{1,3}){2}|172\.(1[6-9]|2\d|3[01])(\.\d{1,3}){2}|\[(::1?|::ffff:.*|f[cd][0-9a-f]{2}:.*|fe[89ab][0-9a-f]:.*)\])$/

/** The address of a FHIR server as people give it, in the form in which it names things: no query, no slash at its end. Throws BAD_INPUT. */
export function baseOf(text: string): string {
  const url = URL.parse(text.trim())
  ensure(url && !url.username && !url.password, 'BAD_INPUT', 'That is no web address of a FHIR server.')
  ensure(
    url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.test(url.hostname)),
    'BAD_INPUT',
    'A hospital is asked by https only.',
  )
  const path = url.pathname.replace(/\/(metadata|\.well-known\/smart-configuration)\/?$/, '').replace(/\/+$/, '')
  return `${url.origin}${path}`
}

/** Where a server sends us for a login: by https, and not into a network that only we are in, unless the server is there itself. */
export function checkEndpoint(endpoint: string, base: string): string {
  const [url, home] = [URL.parse(endpoint), new URL(base)]
  const fit =
    url &&
    !url.username &&
    !url.password &&
    (url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.test(url.hostname) && LOOPBACK.test(home.hostname))) &&
    (!PRIVATE.test(url.hostname.replace(/\.$/, '')) || PRIVATE.test(home.hostname))
  if (!fit) throw new KeepwellError('DENIED', 'The server names an address for its login that is not safe to go to.')
  return url.href
}

/**
 * A link that a server gave, as it may be followed with the login's token: at the same server, or null. A server behind a proxy that
 * believes itself to be asked by http is put right.
 */
export function sameServer(link: string, base: string): string | null {
  const home = new URL(base)
  const url = URL.parse(link, `${base}/`)
  if (!url || url.username || url.password) return null
  if (
    url.protocol === 'http:' &&
    home.protocol === 'https:' &&
    url.hostname === home.hostname &&
    (url.port === '' || url.port === home.port)
  ) {
    url.protocol = 'https:'
    url.port = home.port
  }
  url.hash = ''
  return url.origin === home.origin ? url.href : null
}
