import type {
  Expand,
  Expansion,
  Subsumption,
  TermCoding,
  TermConcept,
  Translate,
  Translation,
  ValidateCode,
  Validation,
} from '#health/terminology/concepts'

/**
 * What codes mean. One version of each code system: the newest that was loaded.
 *
 * - `lookup` gives null for a code that is not here, whether the system is unknown, or has no such code.
 * - `validateCode` throws NOT_FOUND when system or value set is not here, NOT_SUPPORTED when its definition cannot be judged: that something
 *   cannot be checked is never told as "invalid". A display counts as right in any of its designations, whatever its case.
 * - `expand` throws NOT_FOUND, NOT_SUPPORTED (a definition that cannot be enumerated, as all of UCUM), BAD_INPUT (a wrong filter or expression).
 *   Pages of one value set follow each other without gaps for as long as nothing is loaded. `total` counts what the filter leaves.
 *   Without a filter in the order of definition; with one, the shortest names first.
 * - `translate` gives nothing when no map knows the code, and throws NOT_FOUND for a map that is not here.
 * - `subsumes` tells how `a` stands to `b`; null when either is not here, or the system has no hierarchy.
 */
export interface Terminology {
  lookup(coding: TermCoding): Promise<TermConcept | null>
  validateCode(input: ValidateCode): Promise<Validation>
  expand(input: Expand): Promise<Expansion>
  translate(input: Translate): Promise<readonly Translation[]>
  subsumes(system: string, a: string, b: string): Promise<Subsumption | null>
  close(): Promise<void>
}
