import { openHttpRelay } from '@keepwell/adapters/relay/http'
import { relaySuite } from '@keepwell/sdk/ports/relay.suite'
import { serveMemoryRelay } from './serve.kit.ts'

const UNLIMITED = { perSecond: 1e6, burst: 1e6 }

relaySuite('over HTTP', async powers => {
  const relayLimits = { restorePerAddress: UNLIMITED, perCaller: UNLIMITED }
  const { url, anchor, close } = await serveMemoryRelay({ ...powers, relayLimits })
  return { relay: openHttpRelay({ url }), anchor, dispose: close }
})
