import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { lockFile } from '@keepwell/adapters/base/lock'
import { openPostgresEnvelopes } from '@keepwell/adapters/envelopes/postgres'
import { openSqliteEnvelopes } from '@keepwell/adapters/envelopes/sqlite'
import { openHooks } from '@keepwell/adapters/hooks/post'
import { checkChainId, openEvmLedger } from '@keepwell/adapters/ledger/evm/ledger'
import { httpRequest } from '@keepwell/adapters/ledger/evm/request'
import { openMail } from '@keepwell/adapters/notices/mail'
import { openNotices } from '@keepwell/adapters/notices/notices'
import { openNetwork } from '@keepwell/adapters/relay/network'
import { witnessDoors } from '@keepwell/sdk/actions/witness/doors'
import { allFollowed, type Followed, standing, type WitnessCtx } from '@keepwell/sdk/actions/witness/followed'
import { look } from '@keepwell/sdk/actions/witness/look'
import { verifierKey, type WitnessKey, witnessOf } from '@keepwell/sdk/audit/cosign'
import { fromHex, type RandomBytes, text, toHex } from '@keepwell/sdk/base/bytes'
import { decode } from '@keepwell/sdk/base/cbor'
import { ensure, isKeepwellError, KeepwellError } from '@keepwell/sdk/base/error'
import { sha256 } from '@keepwell/sdk/crypto/hash'
import { secpAddress } from '@keepwell/sdk/crypto/secp'
import type { Clock } from '@keepwell/sdk/ports/clock'
import type { Ledger, Manifest } from '@keepwell/sdk/ports/ledger'
import type { Config } from '#config/config'
import type { Secrets } from '#config/secrets'
import { metrics } from '#http/metrics'
import { type HttpServer, serveHttp } from '#http/server'
import { isLoopback, type LogLine } from '#http/settings'
import { IN_WORDS } from '#witness/page'
import { witnessRoutes } from '#witness/routes'
import { PRIVATE_FOLDER, readIfThere, writeDurable } from './files.ts'
import { readTls } from './relay.ts'

export type WitnessSettings = {
  readonly config: Config
  readonly secrets: Secrets
  readonly clock: Clock
  readonly random: RandomBytes
  readonly port: number
  readonly name: string
  /** Whose logs are followed; with `did`, only that relay is taken for the one meant. */
  readonly relays: readonly { readonly url: string; readonly did?: string }[]
  /** Seconds between two looks, and those within which a grown log is to be anchored. */
  readonly lookEvery: number
  readonly promise: number
  /** Who is told: addresses of webhooks and of mail. */
  readonly hooks: readonly string[]
  readonly hooksTo: readonly string[]
  readonly mailTo: readonly string[]
  readonly mail: { readonly url: string; readonly from: string } | null
  readonly log: (line: LogLine) => void
}

export type RunningWitness = {
  readonly url: string
  readonly verifierKey: string
  /** The account that brings proof to ledgers. */
  readonly account: string
  /** How many it was told to follow; `followed` holds those it has met. */
  readonly relays: number
  look(): Promise<void>
  followed(): Promise<Followed[]>
  close(): Promise<void>
}

export const witnessFolder = (config: Pick<Config, 'home'>): string => join(config.home, 'witness')

type Own = { readonly seed: Uint8Array; readonly account: Uint8Array }

/** The witness's own key and ledger account: made at the first start, 0600, for the process must start alone. */
async function ownKeys(dir: string, { config, random }: Pick<WitnessSettings, 'config' | 'random'>): Promise<Own> {
  const file = join(dir, 'key')
  let kept = await readIfThere(file)
  if (!kept) {
    kept = random(64)
    await writeDurable(file, kept)
  }
  ensure(kept.length === 64, 'STORAGE_CORRUPT', 'The witness’s key file is damaged; restore it from a backup.')
  return { seed: kept.slice(0, 32), account: config.ledgerKey ? await funded(config.ledgerKey) : kept.slice(32) }
}

async function funded(path: string): Promise<Uint8Array> {
  const file = await readIfThere(path)
  const digits = file ? text(file).trim() : ''
  ensure(/^(0x)?[0-9a-fA-F]{64}$/.test(digits), 'USAGE', 'KEEPWELL_LEDGER_KEY: expected a file of 64 hexadecimal digits.')
  return fromHex(digits)
}

/** One ledger for each relay: through the operator's own node where that has the chain, else through the relay's door. */
function ledgers(node: string | null, secret: Uint8Array): WitnessCtx['ledger'] & { close(): Promise<void> } {
  const open = new Map<string, Promise<Ledger>>()
  const isOwn = (chainId: number): Promise<boolean> =>
    checkChainId(httpRequest(node!), chainId).then(
      () => true,
      e => {
        if (isKeepwellError(e, 'LEDGER_CHAIN_MISMATCH')) return false
        throw e
      },
    )
  const openFor = async ({ url, chainId, manifest }: Parameters<WitnessCtx['ledger']>[0]): Promise<Ledger> => {
    const at = node && (await isOwn(chainId)) ? node : `${url}/rpc`
    return openEvmLedger({ url: at, chainId, manifest: decode(manifest) as Manifest, secret })
  }
  const get: WitnessCtx['ledger'] = of => {
    const opening = open.get(of.url) ?? openFor(of)
    open.set(of.url, opening)
    opening.catch(() => open.delete(of.url))
    return opening
  }
  return Object.assign(get, {
    async close() {
      for (const ledger of await Promise.allSettled(open.values())) if (ledger.status === 'fulfilled') await ledger.value.close()
    },
  })
}

/** Follows logs until it is closed: looks at each every so often, answers at its own door, tells its operator. */
export async function serveWitness(settings: WitnessSettings): Promise<RunningWitness> {
  const { config, secrets, clock, name, relays, lookEvery, log } = settings
  const dir = witnessFolder(config)
  await mkdir(dir, { recursive: true, mode: PRIVATE_FOLDER })
  const opened = new AsyncDisposableStack()
  try {
    const lock = lockFile(join(dir, 'lock'))
    opened.defer(async () => lock.release())
    const own = await ownKeys(dir, settings)
    const url = secrets.databaseUrl
    const schema = `keepwell_witness_${toHex(sha256(own.seed)).slice(0, 16)}`
    const store = url ? await openPostgresEnvelopes({ url, schema }) : await openSqliteEnvelopes({ file: join(dir, 'witness.sqlite') })
    opened.defer(() => store.close())
    const ledger = ledgers(secrets.ledgerUrl, own.account)
    opened.defer(() => ledger.close())
    const key = { ...(await witnessOf(name, own.seed)), seed: own.seed }
    const tell = telling(settings, opened)
    const ctx: WitnessCtx = { clock, network: openNetwork(), store, ledger, key, promise: settings.promise, tell, turns: new Map() }
    const failed = (e: unknown): void => log({ level: 'error', task: 'look', code: isKeepwellError(e) ? e.code : 'DEFECT', detail: '' })
    const lookAt = ({ url, did }: WitnessSettings['relays'][number]): Promise<void> =>
      look(ctx, did === undefined ? { url } : { url, expected: did }).then(() => {}, failed)
    const lookAll = async (): Promise<void> => void (await Promise.all(relays.map(lookAt)))
    const followed = async (): Promise<Followed[]> => (await allFollowed(ctx)).filter(f => relays.some(r => r.url === f.url))
    const server = await serve(settings, { ctx, key, followed })
    opened.defer(() => server.close())
    await lookAll()
    opened.defer(pacing(lookAll, lookEvery))
    const all = opened.move()
    const account = secpAddress(own.account)
    const facts = { url: server.url, verifierKey: verifierKey(key), account, relays: relays.length }
    return { ...facts, look: lookAll, followed, close: () => all.disposeAsync() }
  } catch (error) {
    await opened.disposeAsync()
    throw error
  }
}

/** Looks again so many seconds after the last look ended; returns what stops it and waits for the one under way. */
function pacing(work: () => Promise<void>, seconds: number): () => Promise<void> {
  let stopped = false
  let running: Promise<void> = Promise.resolve()
  let timer: NodeJS.Timeout
  const schedule = (): void => {
    timer = setTimeout(() => {
      running = work().then(() => void (stopped || schedule()))
    }, seconds * 1000)
  }
  schedule()
  return async () => {
    stopped = true
    clearTimeout(timer)
    await running
  }
}

/** A line for the operator's log, and whatever else was asked for; told is what somebody took. */
function telling({ hooks, hooksTo, mailTo, mail, log, name }: WitnessSettings, opened: AsyncDisposableStack): WitnessCtx['tell'] {
  const post = mail && mailTo.length ? openMail(mail) : null
  opened.defer(async () => post?.close())
  const notices = openNotices({ mail: post, hooks: openHooks({ allow: hooksTo }) })
  const people = [
    ...hooks.map(address => ({ kind: 'webhook', address }) as const),
    ...mailTo.map(address => ({ kind: 'email', address }) as const),
  ]
  return async ({ url, kind, since, tx }) => {
    log({ level: 'error', task: 'witness', relay: url, charge: kind, since, reported: tx ? 'yes' : 'no' })
    if (!people.length) return
    const said = `${IN_WORDS[kind]}\n\nRelay: ${url}\nSince: ${new Date(since * 1000).toISOString()}\n${tx ? `The ledger has the proof: ${tx}\n` : ''}`
    const sent = await Promise.allSettled(
      people.map(p => notices.send({ name, ...p }, 'Keepwell witness: a relay’s log does not hold', said)),
    )
    if (!sent.some(s => s.status === 'fulfilled')) throw new KeepwellError('PEER_FAILED', 'Nobody took the alarm.')
  }
}

type Serving = { readonly ctx: WitnessCtx; readonly key: WitnessKey; readonly followed: () => Promise<Followed[]> }

async function serve({ config, port, log, clock }: WitnessSettings, { ctx, key, followed }: Serving): Promise<HttpServer> {
  const counters = metrics()
  const now = (): number => performance.now()
  const publicHost = config.url ? [new URL(config.url).hostname] : []
  const options = {
    host: config.host,
    port,
    tls: await readTls(config),
    origins: [],
    hosts: isLoopback(config.host) ? publicHost : null,
    proxies: config.proxies,
    limits: config.http,
    now,
    newId: () => randomBytes(6).toString('hex'),
    log,
  }
  const routes = witnessRoutes({ doors: witnessDoors(ctx, ''), key, followed, metrics: counters, clock, now })
  return serveHttp(routes, options, o => counters.observe(o))
}

/** What is held against the logs now, for a person. */
export const chargesInWords = (all: readonly Followed[]): string[] =>
  all.flatMap(f => standing(f).map(c => `${f.url}: ${IN_WORDS[c.kind]}${c.tx ? ' Reported on the ledger.' : ''}`))
