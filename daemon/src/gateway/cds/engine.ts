import { fenced } from '@keepwell/adapters/base/fenced'
import type { JsonObject } from '@keepwell/sdk/health/fhir/read'

/** Names of the libraries in `rules/`. */
export const RULES = ['AllergyConflict', 'DuplicateMedication', 'VaccinationOverdue', 'HbA1cOverdue'] as const
export type RuleName = (typeof RULES)[number]

export type EngineAsk = {
  readonly rules: readonly RuleName[]
  /** One Patient, and what is known of them; each has an id. */
  readonly resources: readonly JsonObject[]
  /** An instant: the present, to the rules. */
  readonly now: string
}

/** A value of the rules as JSON: times as FHIR text, and ids where resources stood. */
export type Found = Readonly<Record<string, unknown>>

/** What each rule's definitions came to; null for a rule that could not be run to its end on these resources. */
export type EngineAnswer = Readonly<Partial<Record<RuleName, Found | null>>>

export type Engine = { run(ask: EngineAsk): Promise<EngineAnswer>; close(): Promise<void> }

/** Runs rules on a thread of its own, within limits: what one record makes them do costs that call alone. */
export function openEngine(): Engine {
  const fence = fenced<EngineAsk, EngineAnswer>({
    module: new URL('./engine-thread.ts', import.meta.url),
    milliseconds: 10_000,
    megabytes: 512,
  })
  return { run: fence.run, close: fence.close }
}
