import { table } from './parameters.generated.ts'
import { registry } from './parameters.ts'

/** What may be searched of R4, with US Core's additions. */
export const r4 = registry(table)
