import type { RandomBytes } from '#base/bytes'
import { secpAddress } from '#crypto/secp'
import type { Clock } from '#ports/clock'
import type { Ledger } from '#ports/ledger'
import type { Relay } from '#ports/relay'
import { type RelayContext, relayMemory } from '#relay/context'
import { newRelaySecrets, relayKeys } from '#relay/keys'
import type { LinkDoors } from '#relay/links'
import { createRelay, type Upkeep } from '#relay/relay'
import { memoryBlocks } from './blocks.ts'
import { memoryEnvelopes } from './envelopes.ts'
import { memoryLedger } from './ledger.ts'
import { memoryLog } from './log.ts'
import { memoryShredKeys } from './shred-keys.ts'

export type MemoryRelay = {
  readonly relay: Relay & Upkeep
  readonly links: LinkDoors
  readonly ledger: Ledger
  readonly context: RelayContext
}

/** A whole relay over memory ports. `ledger` may be shared with another relay, to stand for one consortium. */
export async function memoryRelay(options: {
  readonly clock: Clock
  readonly random: RandomBytes
  readonly ledger?: Ledger
  /** Of a ledger of its own. */
  readonly chainId?: number
  readonly url?: string
  /** What is woken for bells; without it push services know no device. */
  readonly wake?: RelayContext['wake']
}): Promise<MemoryRelay> {
  const { clock, random, url = 'http://relay.test', wake = async () => 'gone' } = options
  const { chainId, manifest } = options.ledger ?? memoryLedger({ chainId: options.chainId ?? 0x4b57, clock })
  const secrets = await newRelaySecrets({ chainId, manifest, url, now: clock() }, random)
  // A home of its own vouches for its own: the relay's account is the issuer, as where contracts are deployed.
  const ledger = options.ledger ?? memoryLedger({ chainId, clock, account: secpAddress(secrets.request) })
  const context: RelayContext = {
    keys: relayKeys(secrets),
    settings: { url, version: 'memory', ledgerPace: 'on-demand', maxVaults: 100_000, maxMessages: 2000 },
    ledger,
    blocks: memoryBlocks(),
    envelopes: memoryEnvelopes(),
    shred: memoryShredKeys(),
    log: memoryLog(),
    wake,
    clock,
    random,
    memory: relayMemory(),
  }
  const relay = createRelay(context)
  return { relay, links: relay, ledger, context }
}
