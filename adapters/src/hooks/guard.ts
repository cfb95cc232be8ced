import { lookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'

export type HookOptions = {
  /** Networks inside the operator's walls that may be asked all the same: `10.1.0.0/16`, `127.0.0.1`. Loopback then without TLS, too. */
  readonly allow?: readonly string[]
  /** The only hosts that are asked, by name (`*.example.org`: all below that one) or address; without it, any of the internet. */
  readonly only?: readonly string[]
  /** Who says where a name leads; default this machine. */
  readonly resolve?: typeof lookup
}

/** Whether that host is among those, in whatever case, with or without the root's dot. */
function isAmong(hosts: readonly string[], host: string): boolean {
  const plain = (name: string): string =>
    name
      .trim()
      .toLowerCase()
      .replace(/^\[|\]$|\.$/g, '')
  const name = plain(host)
  return hosts.map(plain).some(h => (h.startsWith('*.') ? name.endsWith(h.slice(1)) && name.length > h.length - 1 : name === h))
}

/** What does not lie on the public internet (IANA special-purpose registries, RFC 6890 and its updates). */
const CLOSED = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24'],
  ...['192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
  // IPv6: only 2000::/3 is given out, and within it tunnels and documentation lead elsewhere.
  ...['::/3', '4000::/2', '8000::/1', '2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'],
]
export const LOOPBACK = ['127.0.0.0/8', '::1/128']

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

const REFUSED = 'Addresses inside a network are not asked; who runs this can allow one.'
export type Guard = {
  /** The address, when it may be asked; throws BAD_INPUT for no https, or an address of a closed network. */
  check(url: string): URL
  readonly lookup: LookupFunction
}

/**
 * The guard against an address that is aimed at what only we can reach: each that a name resolves to is judged at the moment of
 * connecting, so that a name cannot change its mind in between. Whoever asks follows no redirect.
 */
export function addressGuard({ allow = [], only, resolve = lookup }: HookOptions = {}): Guard {
  const closed = networks(CLOSED)
  const allowed = networks(allow)
  const loopback = networks(LOOPBACK)
  const may = (raw: string): boolean => {
    const address = unwrapped(raw)
    return within(allowed, address) || !within(closed, address)
  }
  return {
    lookup: (name, options, done) =>
      resolve(name, { ...options, all: true }, (error, found) => {
        if (error) return done(error, '', 0)
        if (!found.length || !found.every(f => may(f.address))) return done(new KeepwellError('BAD_INPUT', REFUSED), '', 0)
        if (options.all) return (done as (e: null, a: typeof found) => void)(null, found)
        done(null, found[0]!.address, found[0]!.family)
      }),
    check(text) {
      const url = URL.parse(text)
      ensure(url && !url.username && !url.password, 'BAD_INPUT', 'That is no web address.')
      const host = url.hostname.replace(/^\[|\]$/g, '')
      ensure(!only || isAmong(only, host), 'BAD_INPUT', 'That host is not among those that are asked; who runs this can add it.')
      if (isIP(host)) ensure(may(host), 'BAD_INPUT', REFUSED)
      const near = isIP(host) ? within(loopback, host) : host === 'localhost' && may('127.0.0.1')
      ensure(url.protocol === 'https:' || (url.protocol === 'http:' && near), 'BAD_INPUT', 'Addresses of others are asked by https only.')
      return url
    },
  }
}
