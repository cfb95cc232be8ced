import { toHex } from '@keepwell/sdk/base/bytes'
import type { KeepwellError } from '@keepwell/sdk/base/error'
import type { Mined } from './archive.ts'
import type { Limits } from './limits.ts'
import type { Mempool, Pending } from './mempool.ts'
import { asRpcError, RPC, RpcError, refused } from './rpc-error.ts'
import type { Writer } from './writer.ts'

/**
 * Turns waiting transactions into blocks, one block after the other. While one is being made durable the next transactions gather,
 * so the fsync is shared by as many as came in meanwhile.
 */
export type Pump = {
  /** To be called whenever there may be something to do. */
  kick(): void
  /** Runs `work` while no block is being made. */
  exclusive<T>(work: () => Promise<T>): Promise<T>
  /** Finishes the block in the making, refuses the rest. */
  stop(): Promise<void>
}

type Parts = {
  readonly writer: Writer
  readonly mempool: Mempool
  readonly limits: Limits
  readonly clock: () => number
  /** Told of every block right after it became durable, before its senders hear of it. */
  readonly published: (mined: Mined) => void
}

export function openPump({ writer, mempool, limits, clock, published }: Parts): Pump {
  let queue: Promise<unknown> = Promise.resolve()
  let scheduled = false
  let stopped = false

  const exclusive = <T>(work: () => Promise<T>): Promise<T> => {
    const result = queue.then(work)
    queue = result.catch(() => {})
    return result
  }
  /** True when there may be more to do. */
  const mineOne = async (): Promise<boolean> => {
    let picked: readonly Pending[] = []
    try {
      picked = await mempool.select(limits.blockTransactions)
      if (!picked.length || stopped) return false
      const { made, refused: rejected } = await writer.extend(
        picked.map(({ tx }) => tx),
        BigInt(clock()),
      )
      for (const { tx, reason } of rejected) mempool.refuse(toHex(tx.hash()), refused(reason))
      if (!made) return true
      mempool.mined(made.block.transactions.map(tx => toHex(tx.hash())))
      announce(made)
    } catch (error) {
      mempool.refuseAll(unknownOutcome(error, picked))
    }
    return true
  }
  /** The block stands whatever a listener does; its failure is its owner's to see. */
  const announce = (mined: Mined) => {
    try {
      published(mined)
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }
  const run = async () => {
    scheduled = false
    // A turn of the event loop between two blocks lets the requests in that have arrived meanwhile.
    if (!stopped && (await mineOne())) kick()
  }
  const kick = () => {
    if (scheduled || stopped) return
    scheduled = true
    setImmediate(() => void exclusive(run))
  }
  return {
    kick,
    exclusive,
    async stop() {
      stopped = true
      await queue
      mempool.refuseAll(
        new RpcError(RPC.unavailable, 'The ledger is closing; look the transaction up by its hash before sending it again.'),
      )
    },
  }
}

/** A failed write leaves open whether the block reached the disk; the sender must not be told that it did not. */
function unknownOutcome(error: unknown, picked: readonly Pending[]): RpcError {
  const { code, message } = asRpcError(error)
  const ours = (error as Partial<KeepwellError>).code
  const advice = 'Look the transaction up by its hash before sending it again.'
  return new RpcError(code, `${message} ${advice}`, { code: ours, transactions: picked.length }, { cause: error })
}
