import type { Block, BlockHeader } from '@ethereumjs/block'
import type { Common } from '@ethereumjs/common'
import type { TypedTransaction } from '@ethereumjs/tx'
import { KeepwellError } from '@keepwell/sdk/base/error'
import type { Archive, Mined } from './archive.ts'
import { larger } from './bigint.ts'
import { type Execution, executeBlock } from './block-execution.ts'
import { blockRows } from './block-rows.ts'
import type { Checkpoints } from './checkpoints.ts'
import { type Engine, openEngine } from './engine.ts'
import type { Limits } from './limits.ts'
import { type NodeCache, overlay, storedNodes } from './overlay.ts'
import type { Row, Store } from './store.ts'
import type { Witness } from './witness.ts'

/** The one who extends the chain. Calls must not overlap. */
export type Writer = {
  /**
   * Executes the transactions on the newest block and, when any can be included, makes the block durable before it returns. When
   * writing fails it throws STORAGE_FULL or STORAGE_FAILED, and the ledger stands where it stood; the next call tries again.
   */
  extend(transactions: readonly TypedTransaction[], timestamp: bigint): Promise<Execution>
  /** Makes an empty block, so that the chain's time is the present. */
  beat(timestamp: bigint): Promise<Execution>
  /** As `extend` with a block made elsewhere, whose hash must come out again; with `sync` false it is durable with the next that syncs. */
  replay(block: Block, sync: boolean): Promise<void>
  close(): void
}

export type Ground = {
  readonly common: Common
  readonly store: Store
  readonly cache: NodeCache
  readonly archive: Archive
  readonly checkpoints: Checkpoints
  readonly witness: Witness | null
  readonly limits: Limits
}

export function openWriter(ground: Ground): Writer {
  const { store, archive, limits } = ground
  let engine: Engine | null = null
  let broken = false

  /** The engine at the head; a fresh one after a failure, for the old one holds state that was never durable. */
  const ready = async (): Promise<Engine> => {
    if (broken) {
      await store.revive()
      broken = false
      // The rows of the failed write may have reached the disk after all.
      archive.reload()
    }
    engine ??= await engineAt(ground, archive.head())
    engine.state.bound(limits.stateCacheEntries)
    return engine
  }
  const persist = async ({ overlay }: Engine, mined: Mined, sync: boolean) => {
    const rows = [...overlay.fresh(), ...blockRows(mined.block, mined.receipts)]
    const point = { number: Number(mined.block.header.number), hash: mined.block.hash() }
    const checked = ground.checkpoints.rows(point, sizeOf(rows))
    try {
      await store.write([...rows, ...checked], sync)
    } catch (error) {
      broken = true
      throw error
    }
    overlay.settle()
    archive.advance(mined)
    if (sync) ground.witness?.note(point)
  }
  const attempt = async <T>(work: (engine: Engine) => Promise<T>): Promise<T> => {
    try {
      return await work(await ready())
    } catch (error) {
      engine = null
      throw error
    }
  }

  const extend = (transactions: readonly TypedTransaction[], timestamp: bigint, empty: boolean) =>
    attempt(async engine => {
      const parent = archive.head()
      const execution = await executeBlock(engine, { parent, transactions, timestamp: larger(timestamp, parent.timestamp), empty })
      if (execution.made) await persist(engine, execution.made, true)
      return execution
    })

  return {
    extend: (transactions, timestamp) => extend(transactions, timestamp, false),
    beat: timestamp => extend([], timestamp, true),
    replay: (block, sync) =>
      attempt(async engine => {
        const input = { parent: archive.head(), transactions: block.transactions, timestamp: block.header.timestamp, empty: true }
        const { made } = await executeBlock(engine, input)
        if (!made || !sameHash(made.block, block)) {
          throw new KeepwellError(
            'LEDGER_CORRUPT',
            `Block ${block.header.number} does not come out again when it is executed; it was altered.`,
          )
        }
        await persist(engine, made, sync)
      }),
    close() {
      engine = null
      ground.witness?.close()
    },
  }
}

const engineAt = ({ common, store, cache, archive }: Ground, head: BlockHeader) =>
  openEngine(common, overlay(storedNodes(store), cache), head.stateRoot, archive.hashOf)

const sizeOf = (rows: readonly Row[]) => rows.reduce((sum, { key, value }) => sum + key.length + value.length, 0)
const sameHash = (a: Block, b: Block) => Buffer.compare(a.hash(), b.hash()) === 0
