import type { Archive, Mined } from './archive.ts'
import { type LogFilter, matches } from './log-filter.ts'
import { candidateBlocks } from './log-index.ts'
import { overLimit } from './rpc-error.ts'
import { type FormattedLog, formatLogs } from './rpc-format.ts'
import type { Store } from './store.ts'

type Ledger = { readonly store: Store; readonly archive: Archive; readonly limits: { readonly logResults: number } }

const TURN = 64

/** The matching logs of blocks `from` to `to`, both included, in order. Throws when there are more than the limit. */
export async function searchLogs({ store, archive, limits }: Ledger, filter: LogFilter, from: number, to: number): Promise<FormattedLog[]> {
  const found: FormattedLog[] = []
  const last = Math.min(to, Number(archive.head().number))
  let seen = 0
  for await (const number of candidateBlocks(store, filter.conditions, from, last)) {
    // Reading blocks is synchronous; others get their turn.
    if (++seen % TURN === 0) await new Promise(setImmediate)
    const mined = archive.mined(number)
    if (mined) found.push(...logsOf(mined, filter))
    if (found.length > limits.logResults) {
      throw overLimit(
        `query returned more than ${limits.logResults} results; narrow it, for example to blocks ${from} to ${Math.max(from, number - 1)}`,
      )
    }
  }
  return found
}

/** The matching logs of one block. */
export const logsOf = (mined: Mined, filter: LogFilter): FormattedLog[] =>
  mined.receipts.flatMap((_, index) => formatLogs(mined, index, log => matches(filter, log)))
