import { lookup as resolve } from 'node:dns'
import { request as plain } from 'node:http'
import { request as secure } from 'node:https'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'

export type HookPost = {
  readonly url: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly type: string
  readonly body: string
  /** Milliseconds for the whole of it. */
  readonly timeout: number
  readonly signal?: AbortSignal
}

/** Posts to an address that somebody else chose. Gives the HTTP status; PEER_FAILED when there is none, BAD_INPUT for an address that is refused. */
export type PostHook = {
  post(post: HookPost): Promise<number>
  /** Throws BAD_INPUT for what can be told without asking DNS: no https, or an address of a closed network. */
  check(url: string): void
}

export type HookOptions = {
  /** Networks inside the operator's walls that may be posted to all the same: `10.1.0.0/16`, `127.0.0.1`. To loopback then without TLS, too. */
  readonly allow?: readonly string[]
}

/** What does not lie on the public internet (IANA special-purpose registries, RFC 6890 and its updates). */
const CLOSED = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24'],
  ...['192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
  // IPv6: only 2000::/3 is given out, and within it tunnels and documentation lead elsewhere.
  ...['::/3', '4000::/2', '8000::/1', '2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'],
]
const LOOPBACK = ['127.0.0.0/8', '::1/128']

/** One list for each family: a single one takes an IPv4 address for its form in IPv6 as well, and ours are judged apart. */
type Networks = { readonly ipv4: BlockList; readonly ipv6: BlockList }

function networks(list: readonly string[]): Networks {
  const out: Networks = { ipv4: new BlockList(), ipv6: new BlockList() }
  for (const text of list) {
    const [address = '', bits] = text.trim().split('/')
    const family = isIP(address)
    const length = bits === undefined ? (family === 6 ? 128 : 32) : Number(bits)
    ensure(
      family && Number.isInteger(length) && length >= 0 && length <= (family === 6 ? 128 : 32),
      'USAGE',
      'A network is an address, or an address and its length: 10.1.0.0/16.',
    )
    const kind = family === 6 ? 'ipv6' : 'ipv4'
    out[kind].addSubnet(address, length, kind)
  }
  return out
}

/** An IPv4 address in IPv6 clothes is that address: `::ffff:10.0.0.1`, and the same through a translator (RFC 6052). */
function unwrapped(address: string): string {
  const mapped = /^(?:::ffff:|64:ff9b::)(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped) return mapped
  const hex = /^(?:::ffff:|64:ff9b::)([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i.exec(address)
  if (!hex) return address
  const bytes = [hex[1]!, hex[2]!].flatMap(h => [Number.parseInt(h, 16) >> 8, Number.parseInt(h, 16) & 255])
  return bytes.join('.')
}

function within(list: Networks, address: string): boolean {
  const kind = isIP(address) === 6 ? 'ipv6' : 'ipv4'
  return list[kind].check(address, kind)
}

const REFUSED = 'Notifications are not sent to addresses inside a network; who runs the gateway can allow one.'
/** What an endpoint may say in answer before it is cut off, bytes: it is not read. */
const MAX_ANSWER = 64 << 10

/**
 * The guard against a hook that is aimed at what only we can reach: each address that a name resolves to is judged at the moment of
 * connecting, so that a name cannot change its mind in between, and no redirect is followed.
 */
export function openHooks({ allow = [] }: HookOptions = {}): PostHook {
  const closed = networks(CLOSED)
  const allowed = networks(allow)
  const loopback = networks(LOOPBACK)
  const may = (raw: string): boolean => {
    const address = unwrapped(raw)
    return within(allowed, address) || !within(closed, address)
  }
  const lookup: LookupFunction = (name, options, done) =>
    resolve(name, { ...options, all: true }, (error, found) => {
      if (error) return done(error, '', 0)
      if (!found.length || !found.every(f => may(f.address))) return done(new KeepwellError('BAD_INPUT', REFUSED), '', 0)
      if (options.all) return (done as (e: null, a: typeof found) => void)(null, found)
      done(null, found[0]!.address, found[0]!.family)
    })

  function check(text: string): URL {
    const url = URL.parse(text)
    ensure(url && !url.username && !url.password, 'BAD_INPUT', 'That is no web address.')
    const host = url.hostname.replace(/^\[|\]$/g, '')
    if (isIP(host)) ensure(may(host), 'BAD_INPUT', REFUSED)
    const near = isIP(host) && within(loopback, host)
    ensure(url.protocol === 'https:' || (url.protocol === 'http:' && near), 'BAD_INPUT', 'Notifications are sent by https only.')
    return url
  }

  return {
    check: text => void check(text),
    post: ({ url: text, headers, type, body, timeout, signal }) =>
      new Promise((done, fail) => {
        const url = check(text)
        const bytes = Buffer.from(body)
        const own = { ...Object.fromEntries(headers), 'content-type': type, 'content-length': bytes.length }
        const ends = AbortSignal.any([AbortSignal.timeout(timeout), ...(signal ? [signal] : [])])
        const send = url.protocol === 'https:' ? secure : plain
        const sent = send(url, { method: 'POST', headers: own, lookup, signal: ends, agent: false }, response => {
          let size = 0
          response.on('data', (chunk: Buffer) => {
            size += chunk.length
            if (size > MAX_ANSWER) response.destroy()
          })
          response.on('error', () => {})
          done(response.statusCode ?? 0)
        })
        sent.on('error', cause =>
          fail(cause instanceof KeepwellError ? cause : new KeepwellError('PEER_FAILED', 'The endpoint does not answer.', { cause })),
        )
        sent.end(bytes)
      }),
  }
}
