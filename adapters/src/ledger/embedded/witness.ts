import { closeSync, existsSync, fstatSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { fromHex, toHex } from '@keepwell/sdk/base/bytes'
import type { Point } from './rows.ts'

/**
 * A second, tiny record of the newest acknowledged block, in the file `acknowledged` beside the store. LevelDB takes damage at the
 * end of its log for a write that a crash cut short and drops it in silence; with the witness, opening notices. It is written after
 * every block without fsync, so it survives the process but may lag after a power cut; it is never ahead of what was durable.
 */
export type Witness = {
  note(point: Point): void
  close(): void
}

const LENGTH = 16 + 1 + 64 + 1

export const witnessPath = (dir: string): string => join(dir, 'acknowledged')

/** The last block noted, or null when there is no file or a power cut left it half-written. */
export function readWitness(dir: string): Point | null {
  const path = witnessPath(dir)
  const line = existsSync(path) ? readFileSync(path, 'latin1') : ''
  const [, number, hash] = /^([0-9a-f]{16}) ([0-9a-f]{64})\n$/.exec(line) ?? []
  return number && hash ? { number: Number.parseInt(number, 16), hash: fromHex(hash) } : null
}

export function openWitness(dir: string): Witness {
  const file = openSync(witnessPath(dir), existsSync(witnessPath(dir)) ? 'r+' : 'w')
  return {
    note({ number, hash }) {
      // It only ever lags for it, and the block is durable: a full disk here must not turn into a failed transaction.
      try {
        writeSync(file, `${number.toString(16).padStart(16, '0')} ${toHex(hash)}\n`, 0, 'latin1')
      } catch {}
    },
    close() {
      if (fstatSync(file).size === LENGTH) fsyncSync(file)
      closeSync(file)
    },
  }
}
