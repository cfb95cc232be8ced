import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { pagedRandom } from '@keepwell/adapters/base/random'
import { openFileBlocks } from '@keepwell/adapters/blocks/file'
import { openPostgresEnvelopes } from '@keepwell/adapters/envelopes/postgres'
import { openSqliteEnvelopes } from '@keepwell/adapters/envelopes/sqlite'
import { openHooks } from '@keepwell/adapters/hooks/post'
import { openShredKeys } from '@keepwell/adapters/keys/shred-file'
import { type EmbeddedChain, openChain } from '@keepwell/adapters/ledger/embedded/chain'
import { rpcHandler } from '@keepwell/adapters/ledger/embedded/rpc-handler'
import { openEvmLedger } from '@keepwell/adapters/ledger/evm/ledger'
import { httpRequest, type Request } from '@keepwell/adapters/ledger/evm/request'
import { openPostgresLog } from '@keepwell/adapters/log/postgres'
import { openSqliteLog } from '@keepwell/adapters/log/sqlite'
import { openPush } from '@keepwell/adapters/notices/push'
import { fromHex, type RandomBytes, toHex, utf8 } from '@keepwell/sdk/base/bytes'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { hmacSha256 } from '@keepwell/sdk/crypto/hash'
import type { BlockStore } from '@keepwell/sdk/ports/blocks'
import type { Clock } from '@keepwell/sdk/ports/clock'
import type { Ledger } from '@keepwell/sdk/ports/ledger'
import type { Relay } from '@keepwell/sdk/ports/relay'
import { type RelayContext, relayMemory } from '@keepwell/sdk/relay/context'
import { movedTo, type RelaySecrets, relayKeys } from '@keepwell/sdk/relay/keys'
import { createRelay, type Upkeep } from '@keepwell/sdk/relay/relay'
import type { Config } from '#config/config'
import { NO_SECRETS, type Secrets } from '#config/secrets'
import type { HttpServer } from '#http/server'
import { isLoopback, type LogLine, type Tls } from '#http/settings'
import { publicProvider } from '#relay/rpc'
import { serveRelayHttp } from '#relay/server'
import { RELAY_LIMITS, type RelayService, type RelayStatus } from '#relay/service'
import { completedManifest, inHome, readHome, requestOf, writeKeys } from './home.ts'
import { lockRelay } from './relay-lock.ts'
import { startUpkeep } from './upkeep.ts'

export const VERSION: string = (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string })
  .version

export const systemClock: Clock = () => Math.floor(Date.now() / 1000)
export const systemRandom: RandomBytes = pagedRandom()

export type RelayHome = {
  readonly relay: Relay & Upkeep
  readonly ledger: Ledger
  /** Null when the ledger is a node elsewhere. */
  readonly chain: EmbeddedChain | null
  /** JSON-RPC of the ledger as strangers get it: text in, text out. */
  readonly rpc: (text: string) => Promise<string>
  readonly url: string
  /** Where other relays of the swarm find this one; empty without a swarm. */
  readonly swarm: readonly string[]
  /** The store in use, for the operator's own tools. */
  readonly blocks: BlockStore
  readonly service: RelayService
  /** Finishes what is under way and closes everything. */
  close(): Promise<void>
}

export type OpenOptions = {
  readonly dir: string
  readonly config: Config
  readonly secrets?: Secrets
  readonly clock?: Clock
  readonly random?: RandomBytes
  /** Networks inside the operator's walls that a push service may be in. */
  readonly hooksTo?: readonly string[]
  /** Where failures of the upkeep go. */
  readonly log?: (line: LogLine) => void
}

/** The URL others use: the configured one, else host and port. */
export const urlOf = ({ url, tls, host, port }: Config): string =>
  url ?? `${tls ? 'https' : 'http'}://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`

/**
 * Opens a relay's home: its stores as configured, what a crash left finished, the upkeep running. Throws NO_HOME, LOCKED while another
 * process has it open, and what the stores throw; then nothing stays open.
 */
export async function openRelayHome(options: OpenOptions): Promise<RelayHome> {
  const { dir, config, secrets = NO_SECRETS, clock = systemClock, random = systemRandom, hooksTo = [], log = () => {} } = options
  const found = await readHome(dir)
  if (!found) throw new KeepwellError('NO_HOME', `There is no relay at ${dir}; make one with keepwell init.`)
  ensure(
    found.home.ledger === config.ledger,
    'USAGE',
    `KEEPWELL_LEDGER: this home was made for a ledger of kind "${found.home.ledger}"; records anchored there cannot move.`,
  )
  const url = urlOf(config)
  const opened = new AsyncDisposableStack()
  try {
    const lock = lockRelay(dir)
    opened.defer(() => lock.release())
    const { chainId } = found.secrets
    const chain = config.ledger === 'embedded' ? await openChain({ dir: inHome(dir).ledger, chainId, clock }) : null
    if (chain) opened.defer(() => chain.close())
    const manifest = chain ? await completedManifest(dir, { ...found, chain }) : found.manifest
    const own = await renewed(dir, found.secrets, { url, manifest, now: clock() })
    const { ledger, request } = await openLedger({ config, secrets, own, chain, manifest, opened })
    const { swarm, ...stores } = await openStores({ dir, config, secrets, own, opened })
    const context: RelayContext = {
      keys: relayKeys(own),
      settings: { url, version: VERSION, ledgerPace: config.ledgerPace, maxVaults: config.maxVaults, maxMessages: config.maxMessages },
      ledger,
      ...stores,
      wake: openPush({ hooks: openHooks({ allow: hooksTo }), contact: config.mailFrom, clock }).news,
      clock,
      random,
      memory: relayMemory(),
    }
    const relay = createRelay(context)
    await relay.recover()
    const rpc = rpcHandler(publicProvider({ request: call => request(call as Parameters<Request>[0]) }, { sending: chain !== null }), {
      batch: RELAY_LIMITS.rpcBatch,
    })
    const { anchorSeconds, headSeconds } = config
    const upkeep = startUpkeep({ relay, ...stores, anchorSeconds, headSeconds, now: () => performance.now(), failed: failed(log) })
    opened.defer(() => upkeep.stop())
    const service: RelayService = { relay, links: relay, rpc, clock, ...reporting(context, clock()) }
    const all = opened.move()
    return { relay, ledger, chain, rpc, url, swarm, blocks: stores.blocks, service, close: () => all.disposeAsync() }
  } catch (error) {
    await opened.disposeAsync()
    throw error
  }
}

const failed = (log: (line: LogLine) => void) => (error: unknown) => {
  const code = error instanceof KeepwellError ? error.code : 'DEFECT'
  log({ level: 'error', task: 'anchor', code, detail: error instanceof Error ? (error.stack ?? error.message).slice(0, 4000) : '' })
}

/** The relay's keys under a bundle that names where it is now. */
async function renewed(dir: string, secrets: RelaySecrets, place: Parameters<typeof movedTo>[1]): Promise<RelaySecrets> {
  const now = await movedTo(secrets, place)
  if (now !== secrets) await writeKeys(dir, now)
  return now
}

type Opening = {
  readonly dir: string
  readonly config: Config
  readonly secrets: Secrets
  readonly own: RelaySecrets
  readonly opened: AsyncDisposableStack
}

async function openLedger(o: Omit<Opening, 'dir'> & { readonly chain: EmbeddedChain | null; readonly manifest: Ledger['manifest'] }) {
  const { config, own, opened, chain, manifest } = o
  const { chainId } = own
  const request = chain ? requestOf(chain) : httpRequest(o.secrets.ledgerUrl ?? '')
  const common = { request, manifest, chainId, secret: own.request }
  const ledger = await openEvmLedger(chain ? { ...common, poll: 5 } : { ...common, confirmations: config.confirmations })
  opened.defer(() => ledger.close())
  return { ledger, request }
}

/** The choice of stores: one line for each backend. */
async function openStores({
  dir,
  config,
  secrets,
  own,
  opened,
}: Opening): Promise<Pick<RelayContext, 'blocks' | 'envelopes' | 'log' | 'shred'> & { swarm: string[] }> {
  const at = inHome(dir)
  const postgres = { url: secrets.databaseUrl ?? '', schema: `keepwell_${toHex(own.mac).slice(0, 16)}` }
  const embedded = config.database === 'embedded'
  await mkdir(at.shred, { recursive: true, mode: 0o700 })
  const files = await openFileBlocks({ dir: at.blocks })
  const node = config.swarm ? await joinSwarm(files, config.swarm, own) : null
  const blocks = node ?? files
  opened.defer(() => blocks.close())
  const envelopes = embedded ? await openSqliteEnvelopes({ file: at.envelopes }) : await openPostgresEnvelopes(postgres)
  opened.defer(() => envelopes.close())
  const log = embedded ? await openSqliteLog({ file: at.log }) : await openPostgresLog(postgres)
  opened.defer(() => log.close())
  return { blocks, envelopes, log, shred: await openShredKeys({ dir: at.shred }), swarm: node?.addresses() ?? [] }
}

/** Loaded only where it is wanted: libp2p costs more memory than everything else together. */
async function joinSwarm(
  local: BlockStore,
  swarm: NonNullable<Config['swarm']>,
  own: RelaySecrets,
): Promise<BlockStore & { addresses(): string[] }> {
  const { openHeliaBlocks } = await import('@keepwell/adapters/blocks/helia')
  const text = await readFile(swarm.key, 'utf8').catch(cause => {
    throw new KeepwellError('USAGE', 'KEEPWELL_SWARM_KEY: the file cannot be read.', { cause })
  })
  const swarmKey = fromHex(text.trim())
  ensure(swarmKey.length === 32, 'USAGE', 'KEEPWELL_SWARM_KEY: expected 64 hexadecimal digits.')
  return openHeliaBlocks({
    local,
    seed: hmacSha256(own.mac, utf8('keepwell/v1/swarm')),
    swarmKey,
    listen: swarm.listen,
    peers: swarm.peers,
  })
}

function reporting(
  { keys, settings, ledger, log, blocks, envelopes }: RelayContext,
  startedAt: number,
): Pick<RelayService, 'status' | 'probe'> {
  const answers = (work: Promise<unknown>): Promise<boolean> =>
    work.then(
      () => true,
      () => false,
    )
  return {
    async status(): Promise<RelayStatus> {
      const [head, size, held, waiting] = await Promise.all([ledger.head(), log.size(), blocks.size(), envelopes.vaults('unanchored')])
      const who = { did: keys.did, url: settings.url, version: settings.version, chainId: ledger.chainId }
      return { ...who, block: head.block, blockTime: head.time, log: size, ...held, waiting: waiting.length, startedAt }
    },
    async probe() {
      const parts = { ledger: ledger.head(), log: log.size(), envelopes: envelopes.read('', r => r.count('own')), blocks: blocks.size() }
      const found = await Promise.all(Object.entries(parts).map(async ([name, work]) => [name, await answers(work)] as const))
      return Object.fromEntries(found) as Awaited<ReturnType<RelayService['probe']>>
    },
  }
}

/** Reads certificate and key; throws USAGE when they are not there. */
export async function readTls(config: Config): Promise<Tls | null> {
  if (!config.tls) return null
  const read = (path: string, name: string) =>
    readFile(path, 'utf8').catch(cause => {
      throw new KeepwellError('USAGE', `${name}: the file cannot be read.`, { cause })
    })
  return { cert: await read(config.tls.cert, 'KEEPWELL_TLS_CERT'), key: await read(config.tls.key, 'KEEPWELL_TLS_KEY') }
}

const quiet = () => {}

/** Serves an open home over HTTP. Closing it leaves the home open. */
export async function serveRelay(
  home: Pick<RelayHome, 'service'>,
  config: Config,
  log: (line: LogLine) => void = quiet,
): Promise<HttpServer> {
  const publicHost = config.url ? [new URL(config.url).hostname] : []
  return serveRelayHttp(home.service, {
    host: config.host,
    port: config.port,
    tls: await readTls(config),
    origins: config.origins,
    hosts: isLoopback(config.host) ? publicHost : null,
    proxies: config.proxies,
    limits: config.http,
    relayLimits: { perCaller: config.perCaller },
    webRoot: config.webRoot,
    now: () => performance.now(),
    newId: () => randomBytes(6).toString('hex'),
    log: line => {
      if (line.level === 'error' || config.log === 'requests') log(line)
    },
  })
}
