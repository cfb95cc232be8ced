import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { openSqliteCatalog } from '@keepwell/adapters/catalog/sqlite'
import type { Door } from '@keepwell/adapters/hooks/door'
import { isLoopback, openHttpRelay } from '@keepwell/adapters/relay/http'
import { readIfThere, writeDurable } from '@keepwell/daemon/bin/files'
import type { RelayHome } from '@keepwell/daemon/bin/relay'
import { lockRelay } from '@keepwell/daemon/bin/relay-lock'
import { type Config, readConfig } from '@keepwell/daemon/config/config'
import { readSecrets } from '@keepwell/daemon/config/secrets'
import type { Ctx, Session } from '@keepwell/sdk/actions/context'
import { homeRelayUrl } from '@keepwell/sdk/actions/vault/calls'
import { refreshRing } from '@keepwell/sdk/actions/vault/change-ring'
import { encode } from '@keepwell/sdk/base/cbor'
import { ensure, isKeepwellError, KeepwellError } from '@keepwell/sdk/base/error'
import { decodeAs, nullable, object } from '@keepwell/sdk/base/shape'
import { bundleMessage } from '@keepwell/sdk/identity/bundle'
import type { Device } from '@keepwell/sdk/identity/device'
import { openKeyring } from '@keepwell/sdk/identity/keyring'
import { sealedKeyring } from '@keepwell/sdk/identity/sealed-keyring'
import { peek, signed } from '@keepwell/sdk/identity/signed'
import type { Network } from '@keepwell/sdk/ports/relay'
import type { Args } from './command.ts'
import type { Io } from './io.ts'
import { readDevice } from './keys.ts'

/** The files of a home. `keyring.cbor` is a copy of what the relay keeps, and proof of the newest version this device has seen. */
export const inHome = (dir: string) => ({
  device: join(dir, 'device.cbor'),
  keyring: join(dir, 'keyring.cbor'),
  catalog: join(dir, 'catalog.sqlite'),
  relay: join(dir, 'relay'),
})

const keyringFile = object({ sealed: sealedKeyring, head: nullable(signed) })

export type Home = {
  readonly dir: string
  readonly config: Config
  readonly ctx: Ctx
  /** Where the vault's relay is, for others. */
  readonly url: string
  /** Whether the relay is this home's own. */
  readonly embedded: boolean
  /** Anchors what waits, where the own relay runs in this process; elsewhere its server does so. */
  anchorNow(): Promise<void>
  /** Writes what changed, anchors what waits, closes everything. */
  close(): Promise<void>
}

export type Place = { readonly dir: string; readonly config: Config }

/** Which home is meant, and the settings of its own relay. */
export function placeOf(io: Io, args: Args): Place {
  const given = args.text('home') ?? io.env.KEEPWELL_HOME
  const config = readConfig({ ...io.env, ...(given ? { KEEPWELL_HOME: resolve(given) } : {}) })
  return { dir: config.home, config }
}

/** Settings under which the own relay has the address that the key bundle names, unless others are set on purpose. */
export function configAt(io: Io, dir: string, url: string): Config {
  const at = new URL(url)
  const { KEEPWELL_PORT, KEEPWELL_URL } = io.env
  const local = at.protocol === 'http:'
  return readConfig({
    ...io.env,
    KEEPWELL_HOME: dir,
    KEEPWELL_PORT: KEEPWELL_PORT ?? (local && at.port ? at.port : undefined),
    KEEPWELL_URL: KEEPWELL_URL ?? (local ? undefined : url),
  })
}

/** `chosen` are addresses that whoever runs this named, as in `Reaching`. */
type Opening = { readonly offline?: boolean; readonly chosen?: readonly string[] }

/** Opens the person's home: device, keyring, catalog, and on first use the relay. Throws NO_HOME. */
export async function openHome(io: Io, args: Args, options: Opening = {}): Promise<Home> {
  const { dir } = placeOf(io, args)
  const session = await readSession(io, args, dir)
  if (!session) throw new KeepwellError('NO_HOME', `There is no Keepwell home at ${dir}; make one with: keepwell init`)
  const { offline, chosen = [] } = options
  return composeHome(io, { dir, session, relay: args.text('relay'), refresh: offline !== true, chosen })
}

async function readSession(io: Io, args: Args, dir: string): Promise<Session | null> {
  const device = await readDevice(io, args, inHome(dir).device)
  return device && sessionOf(dir, device)
}

/** The session of a device whose key is open, with the keyring as it lies in the home now. */
export async function sessionOf(dir: string, device: Device): Promise<Session> {
  const kept = await readIfThere(inHome(dir).keyring)
  ensure(kept, 'STORAGE_CORRUPT', 'The home has a device key but no keyring; restore it with: keepwell restore --words')
  const { sealed, head } = decodeAs(keyringFile, kept)
  return { device, state: { ring: await openKeyring(sealed, device), sealed, head } }
}

export type Composition = {
  readonly dir: string
  readonly session: Session
  readonly relay?: string | undefined
  readonly refresh: boolean
  readonly chosen?: readonly string[]
}

/** A home from its parts, for those who have a session already. */
export async function composeHome(io: Io, { dir, session, relay, refresh, chosen = [] }: Composition): Promise<Home> {
  const url = homeRelayUrl(session.state.ring)
  const config = configAt(io, dir, url)
  const embedded = existsSync(inHome(dir).relay)
  const reach = reachRelay(io, { dir, config, url, relay, embedded, chosen })
  const catalog = await openSqliteCatalog({ file: inHome(dir).catalog })
  const custodian = await custodyOf(io, dir, session)
  const custody = custodian ? { custody: custodian.custody } : {}
  const policies = policiesOf(dir, { network: reach.network, session })
  const ctx: Ctx = { clock: io.clock, random: io.random, network: reach.network, catalog, session, policies, ...custody }
  let written = session.state
  const home: Home = {
    dir,
    config,
    ctx,
    url,
    embedded,
    anchorNow: reach.anchor,
    async close() {
      try {
        if (session.state !== written && (await newer(dir, session))) await saveState(dir, session)
        written = session.state
      } finally {
        await reach.close()
        await custodian?.close()
        await catalog.close()
      }
    },
  }
  try {
    if (refresh) await refreshRing(ctx)
    return home
  } catch (e) {
    await home.close()
    throw e
  }
}

/** Looked at when a consent is to be given. What the ledger names and cannot be had, or is refused, leaves in force what was. */
function policiesOf(dir: string, ctx: Pick<Ctx, 'network' | 'session'>): NonNullable<Ctx['policies']> {
  const open = async () => {
    const [{ policyKeeper }, { policiesIn }] = await Promise.all([
      import('@keepwell/sdk/actions/governance/keep-policies'),
      import('@keepwell/daemon/bin/policies'),
    ])
    const keeper = policyKeeper({ ctx, ...policiesIn(dir) })
    await keeper.begin().catch(passing)
    return keeper
  }
  let opened: ReturnType<typeof open> | undefined
  return {
    async inForce() {
      opened ??= open()
      const keeper = await opened
      await keeper.look().catch(passing)
      return keeper.current()
    },
  }
}

function passing(e: unknown): void {
  if (!isKeepwellError(e)) throw e
}

/** Shares that arrive go to the custodian's store, whichever command takes the mail. */
async function custodyOf(io: Io, dir: string, session: Session) {
  const { isCustodian, openCustodyAt } = await import('@keepwell/daemon/bin/custody')
  return isCustodian(dir) ? openCustodyAt({ clock: io.clock, random: io.random, session }, dir) : null
}

/** Whether another command has not saved a later keyring meanwhile: it is proof of the newest version seen. */
async function newer(dir: string, { state }: Session): Promise<boolean> {
  const kept = await readIfThere(inHome(dir).keyring)
  return !kept || decodeAs(keyringFile, kept).sealed.version <= state.sealed.version
}

export const saveState = (dir: string, session: Session): Promise<void> =>
  writeDurable(inHome(dir).keyring, encode({ sealed: session.state.sealed, head: session.state.head }))

type Reaching = {
  readonly dir: string
  readonly config: Config
  /** As the key bundle names it. */
  readonly url: string
  /** Another address of the same relay, when the person gave one. */
  readonly relay: string | undefined
  readonly embedded: boolean
  /** Further addresses that whoever runs this named: asked wherever they lie. */
  readonly chosen?: readonly string[]
}

/**
 * The way to what others named: the internet, and what the settings open. A home that is on this machine knows others that are; at one that is
 * reached from elsewhere, what else listens here is not for others to have asked.
 */
export async function doorToOthers({ config, url }: Pick<Home, 'config' | 'url'>): Promise<Door> {
  const [{ openDoor }, { LOOPBACK }] = await Promise.all([
    import('@keepwell/adapters/hooks/door'),
    import('@keepwell/adapters/hooks/guard'),
  ])
  const { allow = [], ...rest } = config.relays
  return openDoor({ allow: isLoopback(url) ? [...allow, ...LOOPBACK] : allow, ...rest })
}

export type Reach = { readonly network: Network; anchor(): Promise<void>; close(): Promise<void> }

/** The network as this home sees it: its own relay in process or served by `keepwell start`, all others by HTTP. */
export function reachRelay(io: Io, { dir, config, url, relay, embedded, chosen = [] }: Reaching): Reach {
  let opened: Promise<RelayHome | null> | undefined
  let ways: Promise<Network> | undefined
  const local = (): Promise<RelayHome | null> => (opened ??= openOwn(io, inHome(dir).relay, config, url))
  const open = async (): Promise<Network> => {
    // Loaded on first use: a command that stays offline starts in half the time.
    const [{ openNetwork }, others] = await Promise.all([import('@keepwell/adapters/relay/network'), doorToOthers({ config, url })])
    if (relay) return renamed(openNetwork({ chosen: [relay, ...chosen], others }), url, relay)
    const own = embedded ? await local() : null
    const here = own ? { local: { url, relay: own.relay, ledger: own.ledger } } : {}
    return openNetwork({ chosen: [url, ...chosen], others, ...here })
  }
  const network = (): Promise<Network> => (ways ??= open())
  const anchor = async (): Promise<void> => void (await (await opened?.catch(() => null))?.relay.anchor())
  return {
    anchor,
    network: { relay: async at => (await network()).relay(at), ledger: async at => (await network()).ledger(at) },
    async close() {
      const own = await opened?.catch(() => null)
      if (!own) return
      try {
        await own.relay.anchor()
      } finally {
        await own.close()
      }
    },
  }
}

/** Where this home's own relay is reached, as its bundle says; null when there is no relay or its bundle names a public address. */
export async function ownUrl(dir: string): Promise<{ readonly url: string; readonly port: number } | null> {
  const { readHome } = await import('@keepwell/daemon/bin/home')
  const found = await readHome(inHome(dir).relay)
  const [url] = found ? peek(found.secrets.bundle.signed, bundleMessage).relays : []
  const port = url?.startsWith('http://') ? Number(new URL(url).port) : 0
  return url && port ? { url, port } : null
}

/** Reaches `named` under another address. */
function renamed(network: Network, named: string, address: string): Network {
  const trim = (s: string): string => s.replace(/\/+$/, '')
  const at = (url: string): string => (trim(url) === trim(named) ? address : url)
  return { relay: url => network.relay(at(url)), ledger: url => network.ledger(at(url)) }
}

const PATIENCE = 600
const PAUSE = 100

/** Opens the own relay here; null when `keepwell start` serves it. Another command that has it open is waited for. */
async function openOwn(io: Io, dir: string, config: Config, url: string): Promise<RelayHome | null> {
  for (let tries = 0; ; tries++) {
    try {
      lockRelay(dir).release()
      const { openRelayHome } = await import('@keepwell/daemon/bin/relay')
      return await openRelayHome({ dir, config, secrets: readSecrets(io.env, config), clock: io.clock, random: io.random })
    } catch (e) {
      if (!isKeepwellError(e, 'LOCKED') && !isKeepwellError(e, 'LEDGER_LOCKED')) throw e
      if (await answers(url)) return null
      if (tries >= PATIENCE)
        throw new KeepwellError('LOCKED', 'Another keepwell command uses this home; wait until it is done.', { cause: e })
      if (tries === 10) io.progress('Waiting for another keepwell command …')
      io.signal.throwIfAborted()
      await new Promise(resolve => setTimeout(resolve, PAUSE))
    }
  }
}

export const answers = (url: string): Promise<boolean> =>
  openHttpRelay({ url, timeout: 2000 })
    .info()
    .then(
      () => true,
      () => false,
    )

/** Opens the home, runs, and closes it whatever happens. */
export async function withHome<T>(io: Io, args: Args, work: (home: Home) => Promise<T>, options: Opening = {}): Promise<T> {
  const home = await openHome(io, args, options)
  let done = false
  try {
    const out = await work(home)
    done = true
    return out
  } finally {
    // A failure while closing must not hide the failure of the command itself.
    if (done) await home.close()
    else await home.close().catch(() => {})
  }
}
