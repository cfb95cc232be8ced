import type { Cid } from '@keepwell/sdk/base/cid'
import { rawCid } from '@keepwell/sdk/base/cid'
import type { BlockStore } from '@keepwell/sdk/ports/blocks'
import { sha256 } from './segment.ts'

/**
 * A local store that looks elsewhere for what it lacks, or holds damaged: the `remotes` are asked in turn, and what one gives is kept here.
 * A remote that fails counts as one that has nothing; the local failure is thrown when none helps. Everything else is the local store's.
 */
export function withFallback(input: { local: BlockStore; remotes: readonly BlockStore[] }): BlockStore {
  const { local, remotes } = input

  async function elsewhere(cid: Cid): Promise<Uint8Array | null> {
    for (const remote of remotes) {
      const bytes = await remote.get(cid).catch(() => null)
      if (!bytes) continue
      await local.put([{ cid: rawCid(sha256(bytes)), bytes }])
      return bytes
    }
    return null
  }

  return {
    put: blocks => local.put(blocks),
    async get(cid) {
      let failure: unknown = null
      const here = await local.get(cid).catch(e => {
        failure = e
        return null
      })
      const found = here ?? (await elsewhere(cid))
      if (!found && failure) throw failure
      return found
    },
    has: cid => local.has(cid),
    drop: cids => local.drop(cids),
    size: () => local.size(),
    async close() {
      for (const store of [...remotes, local]) await store.close()
    },
  }
}
