import { KeepwellError } from '#base/error'
import type { Ledger } from '#ports/ledger'
import type { Network, Relay } from '#ports/relay'

/** Homes that reach each other in one process, by URL. A URL that is not listed is unreachable. */
export function memoryNetwork(homes: ReadonlyMap<string, { readonly relay: Relay; readonly ledger: Ledger }>): Network {
  const find = (url: string) => {
    const home = homes.get(url)
    if (!home) throw new KeepwellError('RELAY_UNREACHABLE', `No relay answers at ${url}.`)
    return home
  }
  return {
    relay: async url => find(url).relay,
    ledger: async url => find(url).ledger,
  }
}
