/**
 * What a device remembers of a record's content beside its card, so that search, trends and the summary need not open it again. Private to
 * the device: it is never filed, signed or sent.
 */
import { type Measure, measuresOf } from './measures.ts'
import { type Particular, particularsOf } from './particulars.ts'
import { isObject, type JsonObject } from './read.ts'
import { wordsOf } from './words.ts'

export type Digest = {
  /** For search: phrases on lines of their own. */
  readonly text: string
  readonly measures: readonly Measure[]
  readonly particulars: readonly Particular[]
}

/** Characters of text kept of one resource. */
export const MAX_TEXT = 4000

const NOTHING: Digest = { text: '', measures: [], particulars: [] }

/** Pure and total: anything gives a digest, imperfect FHIR an imperfect one. */
export function digestOf(resource: unknown): Digest {
  if (!isObject(resource)) return NOTHING
  return {
    text: attempt(() => wordsOf(resource as JsonObject, MAX_TEXT), ''),
    measures: attempt(() => measuresOf(resource), []),
    particulars: attempt(() => particularsOf(resource), []),
  }
}

/** Foreign data has shapes nobody thought of; a part that cannot be read must not cost the others. */
function attempt<T>(work: () => T, otherwise: T): T {
  try {
    return work()
  } catch {
    return otherwise
  }
}
