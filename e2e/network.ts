import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { initRelayHome } from '@keepwell/daemon/bin/home'
import { openRelayHome, serveRelay, systemClock, systemRandom } from '@keepwell/daemon/bin/relay'
import { type Config, readConfig } from '@keepwell/daemon/config/config'
import { readSecrets } from '@keepwell/daemon/config/secrets'
import { freePort } from '@keepwell/daemon/http/free-port'
import type { LogLine } from '@keepwell/daemon/http/settings'
import { ensure } from '@keepwell/sdk/base/error'
import { type Composition, type OpenHome, openComposedHome } from '#e2e/compose'
import { openParties, type Party } from '#e2e/parties'
import { type RelayProxy, startProxy } from '#e2e/proxy'

export type HomeSpec = {
  readonly name: string
  /** Settings as an operator gives them (`KEEPWELL_…`); unset, everything is embedded and the upkeep runs when asked only. */
  readonly settings?: Readonly<Record<string, string>>
  /** Puts a proxy before the relay, which can record and disturb what passes. */
  readonly proxied?: boolean
  /** Replaces ports of the relay; without it, the relay is composed as the product composes it. */
  readonly compose?: Composition
  /** Funds the relay's account before contracts are deployed, for ledgers with fees. */
  readonly keys?: (length: number) => Uint8Array
}

export type Home = {
  readonly name: string
  readonly url: string
  /** Everything the relay writes is below it. */
  readonly dir: string
  readonly proxy: RelayProxy | null
  readonly config: Config
  /** The open relay; another one after `restart`. */
  readonly open: OpenHome
  /** Stops in order and opens again, as an operator would; `meanwhile` runs while nothing is open. */
  restart(meanwhile?: () => Promise<void>): Promise<void>
}

export type Network = {
  readonly dir: string
  readonly homes: ReadonlyMap<string, Home>
  home(name: string): Home
  /** A person or an organisation with a vault at that home and a catalog on disk. */
  party(name: string, home: string): Promise<Party>
  /** An empty machine that has nothing but the words. */
  restored(from: Pick<Party, 'words' | 'name'>, home: string): Promise<Party>
  /** Seconds that are added to everybody's clock. */
  advance(seconds: number): void
  /** What the relays logged. */
  readonly logged: readonly LogLine[]
  close(): Promise<void>
}

const QUIET = {
  KEEPWELL_ANCHOR_SECONDS: '3600',
  KEEPWELL_HEAD_SECONDS: '3600',
  KEEPWELL_RATE_PER_ADDRESS: '100000',
  KEEPWELL_RATE_PER_CALLER: '100000',
}

/**
 * The whole network in one process: homes with a relay, a ledger and storage each, on loopback HTTP, in a folder that `close` removes; and
 * parties that reach them by HTTP alone.
 */
export async function startNetwork(input: { homes: readonly HomeSpec[] }): Promise<Network> {
  const dir = await mkdtemp(join(tmpdir(), 'keepwell-network-'))
  const opened = new AsyncDisposableStack()
  opened.defer(() => rm(dir, { recursive: true, force: true, maxRetries: 3 }))
  const logged: LogLine[] = []
  const state = { offset: 0 }
  const clock = () => systemClock() + state.offset
  const homes = new Map<string, Home>()
  try {
    for (const spec of input.homes) homes.set(spec.name, await startHome(spec, { dir: join(dir, spec.name), clock, logged, opened }))
  } catch (error) {
    await opened.disposeAsync()
    throw error
  }
  const parties = openParties(dir, clock)
  opened.defer(() => parties.close())
  const home = (name: string): Home => {
    const found = homes.get(name)
    ensure(found, 'NOT_FOUND', `There is no home "${name}".`)
    return found
  }
  return {
    dir,
    homes,
    home,
    party: (name, at) => parties.make(name, home(at).url),
    restored: (from, at) => parties.restored(from, home(at).url),
    advance(seconds) {
      state.offset += seconds
    },
    logged,
    close: () => opened.disposeAsync(),
  }
}

type Starting = {
  readonly dir: string
  readonly clock: () => number
  readonly logged: LogLine[]
  readonly opened: AsyncDisposableStack
}

async function startHome(spec: HomeSpec, { dir, clock, logged, opened }: Starting): Promise<Home> {
  const port = await freePort()
  const proxy = spec.proxied ? await startProxy(`http://127.0.0.1:${port}`) : null
  if (proxy) opened.defer(() => proxy.close())
  const env = {
    ...QUIET,
    HOME: dir,
    KEEPWELL_HOME: dir,
    KEEPWELL_PORT: String(port),
    ...(proxy ? { KEEPWELL_URL: proxy.url } : {}),
    ...spec.settings,
  }
  const config = readConfig(env)
  const secrets = readSecrets(env, config)
  const relayDir = join(dir, 'relay')
  await initRelayHome({ dir: relayDir, random: spec.keys ?? systemRandom, clock, config, secrets })
  const start = async () => {
    const options = { dir: relayDir, config, secrets, clock, random: systemRandom, log: (line: LogLine) => void logged.push(line) }
    const home: OpenHome = spec.compose ? await openComposedHome({ ...options, compose: spec.compose }) : await openRelayHome(options)
    const server = await serveRelay(home, config, line => void logged.push(line)).catch(async error => {
      await home.close()
      throw error
    })
    return { home, server }
  }
  let running: Awaited<ReturnType<typeof start>> | null = await start()
  const stop = async () => {
    await running?.server.close()
    await running?.home.close()
    running = null
  }
  opened.defer(stop)
  return {
    name: spec.name,
    url: config.url ?? `http://127.0.0.1:${port}`,
    dir: relayDir,
    proxy,
    config,
    get open() {
      ensure(running, 'RELAY_UNREACHABLE', 'The home is stopped.')
      return running.home
    },
    async restart(meanwhile) {
      await stop()
      await meanwhile?.()
      running = await start()
    },
  }
}
