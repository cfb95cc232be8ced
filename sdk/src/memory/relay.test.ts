import { relaySuite } from '#ports/relay.suite'
import { memoryRelay } from './relay.ts'

relaySuite('in process, over memory', async powers => {
  const { relay } = await memoryRelay(powers)
  return { relay, anchor: () => relay.anchor(), dispose: async () => {} }
})
