import { blockStoreSuite } from '#ports/blocks.suite'
import { catalogSuite } from '#ports/catalog.suite'
import { chestSuite } from '#ports/chest.suite'
import { envelopeStoreSuite, shredKeysSuite } from '#ports/envelopes.suite'
import { logSuite } from '#ports/log.suite'
import { memoryBlocks } from './blocks.ts'
import { memoryCatalog } from './catalog.ts'
import { memoryChest } from './chest.ts'
import { memoryEnvelopes } from './envelopes.ts'
import { memoryLog } from './log.ts'
import { memoryShredKeys } from './shred-keys.ts'

/** A memory store outlives its `close` as long as somebody holds it: reopening gives it back. */
const kept =
  <Store>(make: () => Store) =>
  async () => {
    const store = make()
    return { open: async () => store }
  }

blockStoreSuite(kept(memoryBlocks))
logSuite(kept(memoryLog))
envelopeStoreSuite(kept(memoryEnvelopes))
shredKeysSuite(kept(memoryShredKeys))
catalogSuite(kept(memoryCatalog))
chestSuite(kept(memoryChest))
