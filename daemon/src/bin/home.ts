import { mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type EmbeddedChain, openChain } from '@keepwell/adapters/ledger/embedded/chain'
import { ABIS } from '@keepwell/adapters/ledger/evm/contracts'
import { deployContracts } from '@keepwell/adapters/ledger/evm/deploy'
import { ask, httpRequest, type Request } from '@keepwell/adapters/ledger/evm/request'
import { fromHex, type RandomBytes, text, toHex } from '@keepwell/sdk/base/bytes'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { dictionary, type Infer, int, object, oneOf } from '@keepwell/sdk/base/shape'
import { address } from '@keepwell/sdk/identity/did'
import type { Clock } from '@keepwell/sdk/ports/clock'
import type { Manifest } from '@keepwell/sdk/ports/ledger'
import { decodeRelaySecrets, encodeRelaySecrets, newRelaySecrets, type RelaySecrets } from '@keepwell/sdk/relay/keys'
import type { Config } from '#config/config'
import { NO_SECRETS, type Secrets } from '#config/secrets'
import { PRIVATE_FOLDER, readIfThere, syncFolder, writeDurable } from './files.ts'

/**
 * The folder of a relay, readable by its operator only (0700):
 * `home.json` what it is · `manifest.json` contract addresses · `keys` the relay's own secrets (0600, not sealed: the process must start
 * alone; they open nobody's records) · `ledger/` `blocks/` `log.sqlite` `envelopes.sqlite` the embedded stores · `shred/` the keys
 * whose destruction erases, never to be backed up with the database · `lock`.
 */
export const inHome = (dir: string) => ({
  home: join(dir, 'home.json'),
  manifest: join(dir, 'manifest.json'),
  keys: join(dir, 'keys'),
  ledger: join(dir, 'ledger'),
  blocks: join(dir, 'blocks'),
  shred: join(dir, 'shred'),
  log: join(dir, 'log.sqlite'),
  envelopes: join(dir, 'envelopes.sqlite'),
})

const homeFile = object({ v: int(1, 1), chainId: int(1), ledger: oneOf('embedded', 'rpc'), createdAt: int() })
export type HomeFile = Infer<typeof homeFile>
const manifestFile = dictionary(address, 32)

/** What a home is; null when there is none. */
export async function readHome(dir: string): Promise<{ home: HomeFile; manifest: Manifest; secrets: RelaySecrets } | null> {
  const at = inHome(dir)
  const [home, manifest, keys] = await Promise.all([at.home, at.manifest, at.keys].map(readIfThere))
  if (!home) return null
  if (!manifest || !keys)
    throw new KeepwellError('STORAGE_CORRUPT', `The home ${dir} lacks its keys or its manifest; restore them from a backup.`)
  return {
    home: homeFile.check(parse(home), 'home'),
    manifest: manifestFile.check(parse(manifest), 'manifest'),
    secrets: decodeRelaySecrets(keys),
  }
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(text(bytes))
  } catch (cause) {
    throw new KeepwellError('STORAGE_CORRUPT', 'A file of the home is not JSON; restore it from a backup.', { cause })
  }
}

export const writeKeys = (dir: string, secrets: RelaySecrets): Promise<void> => writeDurable(inHome(dir).keys, encodeRelaySecrets(secrets))

export type InitOptions = {
  readonly dir: string
  readonly random: RandomBytes
  readonly clock: Clock
  /** For a ledger that is not embedded. */
  readonly config?: Pick<Config, 'ledger' | 'manifest' | 'confirmations'> & { readonly ledgerKey?: string | null }
  readonly secrets?: Secrets
}

/**
 * Makes a relay's home: keys, and a ledger with our contracts on it — an embedded one of a random chain id, or the configured one. It is
 * made beside its place and moved there when whole, so a crash leaves nothing that looks like a home. Throws HOME_EXISTS.
 */
export async function initRelayHome(options: InitOptions): Promise<{ did: string; chainId: number; manifest: Manifest }> {
  const { dir, random, clock } = options
  const there = await readdir(dir).catch(() => [])
  ensure(!there.length, 'HOME_EXISTS', `There is something at ${dir} already; choose another folder.`)
  await mkdir(dirname(dir), { recursive: true, mode: PRIVATE_FOLDER })
  const draft = `${dir}.new-${toHex(random(4))}`
  await mkdir(draft, { mode: PRIVATE_FOLDER })
  try {
    const request = await accountKey(options)
    const ledger = await foundLedger(draft, request, options)
    const secrets = await newRelaySecrets({ ...ledger, request, url: 'http://127.0.0.1:8787', now: clock() }, random)
    const home: HomeFile = { v: 1, chainId: ledger.chainId, ledger: options.config?.ledger ?? 'embedded', createdAt: clock() }
    await writeKeys(draft, secrets)
    await writeDurable(inHome(draft).manifest, JSON.stringify(ledger.manifest, null, 2))
    await writeDurable(inHome(draft).home, JSON.stringify(home))
    // Only an empty folder may be in the way; anything else makes the rename fail.
    await rmdir(dir).catch(() => {})
    await rename(draft, dir)
    await syncFolder(dirname(dir))
    return { did: secrets.bundle.signed.signer, ...ledger }
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    throw error
  }
}

/** The key that pays on the ledger: the operator's, where fees are taken; else a fresh one. */
async function accountKey({ config, random }: InitOptions): Promise<Uint8Array> {
  if (!config?.ledgerKey) return random(32)
  const file = await readIfThere(config.ledgerKey)
  ensure(file, 'USAGE', 'KEEPWELL_LEDGER_KEY: there is no such file.')
  const digits = text(file).trim()
  ensure(/^(0x)?[0-9a-fA-F]{64}$/.test(digits), 'USAGE', 'KEEPWELL_LEDGER_KEY: expected 64 hexadecimal digits.')
  return fromHex(digits)
}

type Founded = { readonly chainId: number; readonly manifest: Manifest }

async function foundLedger(dir: string, secret: Uint8Array, options: InitOptions): Promise<Founded> {
  const { config, secrets = NO_SECRETS, random, clock } = options
  if (config?.ledger !== 'rpc') return foundEmbedded(inHome(dir).ledger, { chainId: randomChainId(random), secret, clock })
  const request = httpRequest(secrets.ledgerUrl ?? '')
  const chainId = Number(await ask<string>(request, 'eth_chainId'))
  const given = config.manifest ? await readIfThere(config.manifest) : null
  ensure(given || !config.manifest, 'USAGE', 'KEEPWELL_MANIFEST: there is no such file.')
  const manifest = given ? manifestFile.check(parse(given), 'manifest') : {}
  return { chainId, manifest: await deployContracts({ request, chainId, secret, manifest, confirmations: config.confirmations }) }
}

async function foundEmbedded(dir: string, input: { chainId: number; secret: Uint8Array; clock: Clock }): Promise<Founded> {
  const { chainId, secret, clock } = input
  const chain = await openChain({ dir, chainId, clock })
  try {
    return { chainId, manifest: await deployContracts({ request: requestOf(chain), chainId, secret, poll: 5 }) }
  } finally {
    await chain.close()
  }
}

/**
 * Puts on an embedded ledger the contracts that it lacks, since its home was made before they were. What is there stays where it is. Cut
 * short, some stand there twice and one of them unused.
 */
export async function completedManifest(
  dir: string,
  { chain, manifest, secrets }: { readonly chain: EmbeddedChain; readonly manifest: Manifest; readonly secrets: RelaySecrets },
): Promise<Manifest> {
  if (Object.keys(ABIS).every(name => manifest[name])) return manifest
  const { chainId, request: secret } = secrets
  const whole = await deployContracts({ request: requestOf(chain), chainId, secret, manifest, poll: 5 })
  await writeDurable(inHome(dir).manifest, JSON.stringify(whole, null, 2))
  return whole
}

export const requestOf =
  (chain: Pick<EmbeddedChain, 'request'>): Request =>
  call =>
    chain.request(call)

/** 48 random bits, beyond the numbers that public chains take for themselves: nothing signed for one home is good in another. */
function randomChainId(random: RandomBytes): number {
  const bytes = random(6)
  return (bytes.reduce((n, b) => n * 256 + b, 0) % (2 ** 48 - 2 ** 33)) + 2 ** 33
}
