import { KeepwellError } from '@keepwell/sdk/base/error'
import { ask, type Request } from './request.ts'
import { quantity } from './values.ts'

/**
 * From when on a block counts: after so many blocks with itself counted (1: at once, as on engines with immediate finality), or when
 * the engine itself calls it finalized.
 */
export type Confirmations = number | 'finalized'

export type Head = { readonly block: number; readonly time: number }

type Block = { readonly number: string; readonly timestamp: string }

/** A block by number or tag, or by hash. */
export async function blockAt(request: Request, which: string): Promise<Head> {
  const method = which.length === 66 ? 'eth_getBlockByHash' : 'eth_getBlockByNumber'
  const block = await ask<Block | null>(request, method, [which, false])
  if (!block) throw new KeepwellError('RELAY_UNREACHABLE', 'The ledger engine does not have a block that it has announced; try again.')
  return { block: Number(block.number), time: Number(block.timestamp) }
}

const heightOf = async (request: Request): Promise<number> => Number(await ask<string>(request, 'eth_blockNumber'))

/** What the newest final block is, for one engine. */
export type Finality = {
  /** Block parameter for reads. */
  tag(): Promise<string>
  head(): Promise<Head>
  isFinal(block: number): Promise<boolean>
}

export function finality(request: Request, confirmations: Confirmations): Finality {
  if (confirmations === 'finalized') {
    const head = () => blockAt(request, 'finalized')
    return { tag: async () => 'finalized', head, isFinal: async block => (await head()).block >= block }
  }
  if (confirmations <= 1) return { tag: async () => 'latest', head: () => blockAt(request, 'latest'), isFinal: async () => true }
  const newest = async () => Math.max(0, (await heightOf(request)) - confirmations + 1)
  return {
    tag: async () => quantity(await newest()),
    head: async () => blockAt(request, quantity(await newest())),
    isFinal: async block => (await newest()) >= block,
  }
}
