import { CHECKED, encodePoint, type Point } from './rows.ts'
import type { Row } from './store.ts'

const EVERY_BLOCKS = 1024
/** Two write buffers of LevelDB are the most its logs hold; four leave room for its own overhead. */
const SETTLED_BYTES = 16 * 1024 * 1024

/**
 * Decides up to which block opening need not look again. A record can only go missing while it lies in LevelDB's log, so a block is
 * past that danger once `SETTLED_BYTES` were written after it.
 */
export type Checkpoints = { rows(point: Point, bytes: number): Row[] }

export function checkpoints(): Checkpoints {
  const passed: { point: Point; at: number }[] = []
  let written = 0
  return {
    /** To be called with every block and the size of its batch; gives the row to add to that batch, if any. */
    rows(point, bytes) {
      written += bytes
      if (point.number % EVERY_BLOCKS === 0) passed.push({ point, at: written })
      const oldest = passed[0]
      if (!oldest || written - oldest.at < SETTLED_BYTES) return []
      passed.shift()
      return [checkedRow(oldest.point)]
    },
  }
}

export const checkedRow = (point: Point): Row => ({ key: CHECKED, value: encodePoint(point) })
