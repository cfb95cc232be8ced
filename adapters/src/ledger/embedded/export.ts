import { type Block, createBlockFromRLP } from '@ethereumjs/block'
import type { Common } from '@ethereumjs/common'
import { equal } from '@keepwell/sdk/base/bytes'
import { KeepwellError } from '@keepwell/sdk/base/error'
import type { Archive } from './archive.ts'
import type { Writer } from './writer.ts'

const SYNC_EVERY = 100

/** Every block from genesis to the head at the time of calling, each as its RLP. State follows from them, so they are the ledger. */
export async function* exportBlocks(archive: Archive): AsyncGenerator<Uint8Array> {
  const last = Number(archive.head().number)
  for (let number = 0; number <= last; number++) {
    const mined = archive.mined(number)
    if (!mined) throw new KeepwellError('LEDGER_CORRUPT', `Block ${number} is missing; export from another copy.`)
    yield mined.block.serialize()
  }
}

/**
 * Executes exported blocks on top of what is here; those already here are compared. Returns how many were added; after return
 * they are durable. Throws LEDGER_CHAIN_MISMATCH when the blocks are of another history, UNREADABLE or LEDGER_CORRUPT when damaged.
 */
export async function importBlocks(
  { common, archive, writer }: { common: Common; archive: Archive; writer: Writer },
  blocks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<number> {
  const ahead: Block[] = []
  let added = 0
  for await (const bytes of blocks) {
    const block = read(common, bytes)
    if (known(archive, block)) continue
    if (ahead.push(block) > 1) {
      added++
      await writer.replay(ahead.shift()!, added % SYNC_EVERY === 0)
    }
  }
  // The last one syncs, and with it all before: they went to the same log.
  for (const block of ahead) await writer.replay(block, true)
  return added + ahead.length
}

function read(common: Common, bytes: Uint8Array): Block {
  try {
    return createBlockFromRLP(bytes, { common })
  } catch (cause) {
    throw new KeepwellError('UNREADABLE', 'The export holds something that is not a block of this chain.', { cause })
  }
}

/** True for a block that is here already. */
function known(archive: Archive, block: Block): boolean {
  const here = archive.hashOf(Number(block.header.number))
  if (!here || block.header.number > archive.head().number) return false
  if (equal(here, block.hash())) return true
  throw new KeepwellError(
    'LEDGER_CHAIN_MISMATCH',
    `Block ${block.header.number} of the export is not the block ${block.header.number} of this ledger.`,
  )
}
