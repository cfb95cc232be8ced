/**
 * Checks resources against FHIR R4: structure, cardinality, types and invariants by @medplum/core, and what it leaves out (ids, empty
 * arrays, required codes, references, Bundle rules, narrative safety) by our own rules. Issues never hold data of the patient.
 */
import type { CheckOptions, Issue } from './issue.ts'

export type { CheckOptions, Issue } from './issue.ts'
/** Never throws, whatever it is given. */
export type Checker = (resource: unknown, options?: CheckOptions) => Issue[]

let loading: Promise<Checker> | undefined

/** Loads the definitions (about 55 kB compressed) and the validator, once; bundlers make a chunk of its own of both. */
export function loadChecker(): Promise<Checker> {
  loading ??= Promise.all([import('./engine.ts'), import('./definitions.generated.ts')]).then(([engine, { definitions }]) =>
    engine.checker(definitions),
  )
  return loading
}

/** One check, for callers that have only one. */
export const checkResource = async (resource: unknown): Promise<Issue[]> => (await loadChecker())(resource)
