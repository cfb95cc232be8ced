import { decode } from '@keepwell/sdk/base/cbor'
import { ensure } from '@keepwell/sdk/base/error'
import { dictionary } from '@keepwell/sdk/base/shape'
import { address } from '@keepwell/sdk/identity/did'
import type { Ledger } from '@keepwell/sdk/ports/ledger'
import type { Network, Relay } from '@keepwell/sdk/ports/relay'
import { openEvmLedger } from '#ledger/evm/ledger'
import { isLoopback, openHttpRelay } from './http.ts'
import type { Fetch } from './transport.ts'

export type NetworkOptions = {
  /** The home in this process, which needs no network to be reached. */
  readonly local?: { readonly url: string; readonly relay: Relay; readonly ledger: Ledger }
  readonly fetch?: Fetch
  /**
   * Where this home is reached by others. When that is beyond this machine, an address of this machine is refused (BAD_INPUT), whoever named it: the
   * bundles and consents of others say where relays are, and what else listens here is not for them to have asked.
   */
  readonly home?: string
  /** An address that the operator chose, which may be one of this machine. */
  readonly chosen?: string | undefined
}

const manifestShape = dictionary(address, 32)

/** Other homes by URL: one door to each relay and each ledger, opened at first use. A ledger that could not be opened is tried anew. */
export function openNetwork(options: NetworkOptions = {}): Network {
  const { local, fetch, home, chosen } = options
  const relays = new Map<string, Relay>()
  const ledgers = new Map<string, Promise<Ledger>>()
  if (local) {
    relays.set(trim(local.url), local.relay)
    ledgers.set(trim(local.url), Promise.resolve(local.ledger))
  }

  const inward = (url: string): boolean => isLoopback(url) && home !== undefined && !isLoopback(home) && url !== trim(chosen ?? '')

  const relayAt = (url: string): Relay => {
    const found = relays.get(url)
    ensure(found || !inward(url), 'BAD_INPUT', 'A relay of others is not on this machine.')
    const known = found ?? openHttpRelay({ url, ...(fetch ? { fetch } : {}) })
    relays.set(url, known)
    return known
  }

  async function openLedger(url: string): Promise<Ledger> {
    const { chainId, manifest } = await relayAt(url).info()
    return openEvmLedger({ url: `${url}/rpc`, chainId, manifest: manifestShape.check(decode(manifest), 'manifest') })
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
