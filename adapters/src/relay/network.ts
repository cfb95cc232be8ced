import { decode } from '@keepwell/sdk/base/cbor'
import { dictionary } from '@keepwell/sdk/base/shape'
import { address } from '@keepwell/sdk/identity/did'
import type { Ledger } from '@keepwell/sdk/ports/ledger'
import type { Network, Relay } from '@keepwell/sdk/ports/relay'
import { openEvmLedger } from '#ledger/evm/ledger'
import { httpRequest } from '#ledger/evm/request'
import { openHttpRelay } from './http.ts'
import type { Fetch } from './transport.ts'

export type NetworkOptions = {
  /** The home in this process, which needs no network to be reached. */
  readonly local?: { readonly url: string; readonly relay: Relay; readonly ledger: Ledger }
  /** Where the own home is, and what else whoever runs this named: asked wherever it lies. */
  readonly chosen?: readonly string[]
  /**
   * The way to all others, which bundles and consents of others name: it says where none is to be asked. Without one they are asked as the own home
   * is, which is for browsers, and for who has nobody else's word to follow.
   */
  readonly others?: { check(url: string): void; readonly fetch: Fetch }
}

const manifestShape = dictionary(address, 32)

/** Other homes by URL: one door to each relay and each ledger, opened at first use. A ledger that could not be opened is tried anew. */
export function openNetwork({ local, chosen = [], others }: NetworkOptions = {}): Network {
  const relays = new Map<string, Relay>()
  const ledgers = new Map<string, Promise<Ledger>>()
  if (local) {
    relays.set(trim(local.url), local.relay)
    ledgers.set(trim(local.url), Promise.resolve(local.ledger))
  }

  const own = new Set(chosen.map(trim))

  const fetchFor = (url: string): Fetch | undefined => (own.has(url) ? undefined : others?.fetch)

  const relayAt = (url: string): Relay => {
    const known = relays.get(url)
    if (known) return known
    const fetch = fetchFor(url)
    if (fetch) others?.check(url)
    const opened = openHttpRelay({ url, ...(fetch ? { fetch } : {}) })
    relays.set(url, opened)
    return opened
  }

  async function openLedger(url: string): Promise<Ledger> {
    const { chainId, manifest } = await relayAt(url).info()
    const request = httpRequest(`${url}/rpc`, fetchFor(url))
    return openEvmLedger({ request, chainId, manifest: manifestShape.check(decode(manifest), 'manifest') })
  }

  return {
    relay: async url => relayAt(trim(url)),
    ledger(url) {
      const at = trim(url)
      const opening = ledgers.get(at) ?? openLedger(at)
      ledgers.set(at, opening)
      opening.catch(() => ledgers.delete(at))
      return opening
    },
  }
}

const trim = (url: string): string => url.replace(/\/+$/, '')
