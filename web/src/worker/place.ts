import { openHttpRelay } from '@keepwell/adapters/relay/http'
import { openNetwork } from '@keepwell/adapters/relay/network'
import { ensure } from '@keepwell/sdk/base/error'
import { bundleMessage } from '@keepwell/sdk/identity/bundle'
import { peek } from '@keepwell/sdk/identity/signed'
import type { Network, Relay } from '@keepwell/sdk/ports/relay'

const trim = (url: string): string => url.replace(/\/+$/, '')

/** How the relay that serves this page names itself to others. Throws RELAY_UNREACHABLE. */
export async function relayName(origin: string): Promise<string> {
  const { bundle } = await openHttpRelay({ url: origin }).info()
  const [url] = peek(bundle.signed, bundleMessage).relays
  ensure(url, 'BAD_INPUT', 'The relay names no address.')
  return trim(url)
}

/**
 * The network from this page: the home relay is reached where the page came from, under the name it has for everybody; all others at
 * their own addresses.
 */
export function openPlace(origin: string, named: string): Network {
  const network = openNetwork()
  const home = trim(named)
  let own: Promise<Relay> | undefined
  return {
    relay(url) {
      if (trim(url) !== home) return network.relay(url)
      own ??= network.relay(origin).then(relay => ({ ...relay, url: home }))
      return own
    },
    ledger: url => network.ledger(trim(url) === home ? origin : url),
  }
}
