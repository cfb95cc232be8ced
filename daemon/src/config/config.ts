import { isIP } from 'node:net'
import { addressGuard, type HookOptions } from '@keepwell/adapters/hooks/guard'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { HTTP_LIMITS, type HttpLimits, isLoopback } from '#http/settings'
import { readNames, type SettingName, type Settings } from './names.ts'

/** What a relay is to be; nothing secret, so that it may be printed. Addresses that may hold passwords are in `Secrets`. */
export type Config = {
  readonly home: string
  readonly host: string
  readonly port: number
  /** Without a trailing slash; null: host and port say it. */
  readonly url: string | null
  /** Files. */
  readonly tls: { readonly cert: string; readonly key: string } | null
  readonly proxies: number
  /** Which relays that others name are asked. */
  readonly relays: HookOptions
  readonly origins: readonly string[]
  readonly webRoot: string | null
  readonly ledger: 'embedded' | 'rpc'
  readonly ledgerPace: 'on-demand' | 'steady'
  readonly confirmations: number | 'finalized'
  /** File. */
  readonly manifest: string | null
  /** File; read when a home is made. */
  readonly ledgerKey: string | null
  readonly database: 'embedded' | 'postgres'
  readonly blocks: 'embedded' | 'helia'
  /** With blocks helia; `key` is a file. */
  readonly swarm: { readonly key: string; readonly listen: readonly string[]; readonly peers: readonly string[] } | null
  readonly anchorSeconds: number
  readonly headSeconds: number
  readonly log: 'requests' | 'errors'
  readonly maxVaults: number
  readonly maxMessages: number
  /** Whom a custodian's mail is from; null: it sends none. */
  readonly mailFrom: string | null
  readonly http: HttpLimits
  readonly perCaller: { readonly perSecond: number; readonly burst: number }
}

type Env = Readonly<Record<string, string | undefined>>

const bad = (name: SettingName, expected: string) => new KeepwellError('USAGE', `${name}: expected ${expected}.`)

/** Typed and cross-checked settings. Pure. Throws USAGE naming the setting. */
export function readConfig(env: Env): Config {
  const s = readNames(env)
  const host = s.KEEPWELL_HOST ?? '127.0.0.1'
  const tls = tlsOf(s)
  ensure(
    tls || isLoopback(host),
    'USAGE',
    'KEEPWELL_HOST: beyond this machine only TLS is served; set KEEPWELL_TLS_CERT and KEEPWELL_TLS_KEY, or listen on 127.0.0.1.',
  )
  const ledger = s.KEEPWELL_LEDGER === undefined || s.KEEPWELL_LEDGER === 'embedded' ? 'embedded' : 'rpc'
  if (ledger === 'rpc') ensure(/^https?:\/\//.test(s.KEEPWELL_LEDGER!), 'USAGE', 'KEEPWELL_LEDGER: expected "embedded" or an http(s) URL.')
  else {
    ensure(!s.KEEPWELL_MANIFEST, 'USAGE', 'KEEPWELL_MANIFEST: the embedded ledger has a manifest of its own; unset it.')
    ensure(!s.KEEPWELL_LEDGER_KEY, 'USAGE', 'KEEPWELL_LEDGER_KEY: the embedded ledger takes no fees; unset it.')
  }
  const perAddress = count(s, 'KEEPWELL_RATE_PER_ADDRESS', HTTP_LIMITS.perAddress.perSecond, 1, 1_000_000)
  const perCaller = count(s, 'KEEPWELL_RATE_PER_CALLER', 100, 1, 1_000_000)
  return {
    home: s.KEEPWELL_HOME ?? homeOf(env),
    host,
    port: count(s, 'KEEPWELL_PORT', 8787, 0, 65_535),
    url: urlOf(s),
    tls,
    relays: relaysOf(s),
    proxies: count(s, 'KEEPWELL_PROXIES', 0, 0, 8),
    origins: originsOf(s),
    webRoot: s.KEEPWELL_WEB_ROOT ?? null,
    ledger,
    ledgerPace: oneOf(s, 'KEEPWELL_LEDGER_PACE', ['on-demand', 'steady'], ledger === 'embedded' ? 'on-demand' : 'steady'),
    confirmations: s.KEEPWELL_CONFIRMATIONS === 'finalized' ? 'finalized' : count(s, 'KEEPWELL_CONFIRMATIONS', 1, 1, 1000),
    manifest: s.KEEPWELL_MANIFEST ?? null,
    ledgerKey: s.KEEPWELL_LEDGER_KEY ?? null,
    database: databaseOf(s),
    blocks: oneOf(s, 'KEEPWELL_BLOCKS', ['embedded', 'helia'], 'embedded'),
    swarm: swarmOf(s),
    anchorSeconds: count(s, 'KEEPWELL_ANCHOR_SECONDS', 2, 1, 3600),
    headSeconds: count(s, 'KEEPWELL_HEAD_SECONDS', 60, 1, 86_400),
    log: oneOf(s, 'KEEPWELL_LOG', ['requests', 'errors'], 'requests'),
    maxVaults: count(s, 'KEEPWELL_MAX_VAULTS', 1_000_000, 1),
    maxMessages: count(s, 'KEEPWELL_MAX_MESSAGES', 10_000, 1),
    mailFrom: mailFromOf(s),
    http: {
      ...HTTP_LIMITS,
      connections: count(s, 'KEEPWELL_MAX_CONNECTIONS', HTTP_LIMITS.connections, 1, 1_000_000),
      perAddress: { perSecond: perAddress, burst: perAddress * 10 },
    },
    perCaller: { perSecond: perCaller, burst: perCaller * 10 },
  }
}

function count(s: Settings, name: SettingName, standard: number, min: number, max = Number.MAX_SAFE_INTEGER): number {
  const value = s[name]
  if (value === undefined) return standard
  const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN
  if (!(number >= min && number <= max)) throw bad(name, `a whole number from ${min} to ${max}`)
  return number
}

function oneOf<T extends string>(s: Settings, name: SettingName, allowed: readonly T[], standard: T): T {
  const value = s[name] ?? standard
  if (!allowed.includes(value as T)) throw bad(name, allowed.map(a => `"${a}"`).join(' or '))
  return value as T
}

function homeOf(env: Env): string {
  const user = env.HOME ?? env.USERPROFILE
  if (!user) throw bad('KEEPWELL_HOME', 'a folder, since this user has no home folder')
  return `${user}/.keepwell`
}

function tlsOf({ KEEPWELL_TLS_CERT: cert, KEEPWELL_TLS_KEY: key }: Settings): Config['tls'] {
  if (!cert && !key) return null
  if (!cert || !key) throw bad(cert ? 'KEEPWELL_TLS_KEY' : 'KEEPWELL_TLS_CERT', 'a file, for the other half is given')
  return { cert, key }
}

function swarmOf(s: Settings): Config['swarm'] {
  if (s.KEEPWELL_BLOCKS !== 'helia') return null
  if (!s.KEEPWELL_SWARM_KEY) throw bad('KEEPWELL_SWARM_KEY', 'a file, for blocks are exchanged with a swarm')
  const listen = listOf(s.KEEPWELL_SWARM_LISTEN ?? '/ip4/127.0.0.1/tcp/0')
  const peers = listOf(s.KEEPWELL_SWARM_PEERS)
  for (const a of listen)
    if (!/^\/(ip4|ip6|dns4|dns6)\//.test(a)) throw bad('KEEPWELL_SWARM_LISTEN', 'multiaddresses such as /ip4/10.0.0.1/tcp/4001')
  for (const a of peers)
    if (!/\/p2p\/[A-Za-z0-9]+$/.test(a)) throw bad('KEEPWELL_SWARM_PEERS', 'multiaddresses that end in /p2p/ and the peer’s id')
  return { key: s.KEEPWELL_SWARM_KEY, listen, peers }
}

function mailFromOf({ KEEPWELL_MAIL: mail, KEEPWELL_MAIL_FROM: from }: Settings): string | null {
  if (mail && !/^smtps?:\/\//.test(mail)) throw bad('KEEPWELL_MAIL', 'smtp://host:port or smtps://host:port')
  if (!mail !== !from) throw bad(mail ? 'KEEPWELL_MAIL_FROM' : 'KEEPWELL_MAIL', 'a value, for the other half is given')
  return from ?? null
}

const listOf = (value = ''): string[] => value.split(',').flatMap(v => v.trim() || [])

function urlOf({ KEEPWELL_URL: value }: Settings): string | null {
  if (!value) return null
  const url = URL.parse(value)
  const plain = url && !url.username && !url.password && !url.search && !url.hash
  const safe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname))
  if (!plain || !safe) throw bad('KEEPWELL_URL', 'an https URL, or http on this machine, without user, query or fragment')
  return value.replace(/\/+$/, '')
}

function originsOf({ KEEPWELL_ORIGINS: value }: Settings): string[] {
  const origins = listOf(value)
  for (const o of origins) if (o !== '*' && URL.parse(o)?.origin !== o) throw bad('KEEPWELL_ORIGINS', 'origins such as https://app.example')
  return origins
}

function relaysOf({ KEEPWELL_RELAYS_INSIDE: inside, KEEPWELL_RELAYS_ONLY: given }: Settings): Config['relays'] {
  const allow = listOf(inside)
  const only = listOf(given)
  try {
    addressGuard({ allow })
  } catch {
    throw bad('KEEPWELL_RELAYS_INSIDE', 'networks such as 10.1.0.0/16')
  }
  const hosts = only.every(h => /^(\*\.)?[a-z\d._-]+$/i.test(h) || isIP(h))
  if (!hosts) throw bad('KEEPWELL_RELAYS_ONLY', 'hosts such as relay.example.org or *.partner.example')
  return { allow, ...(given === undefined ? {} : { only }) }
}

function databaseOf({ KEEPWELL_DATABASE: value = 'embedded' }: Settings): Config['database'] {
  if (value === 'embedded') return 'embedded'
  if (!/^postgres(ql)?:\/\//.test(value)) throw bad('KEEPWELL_DATABASE', '"embedded" or a postgres:// URL')
  return 'postgres'
}
