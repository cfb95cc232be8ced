import type { PolicyBundle, PolicyRequest } from '#consent/policy'

export type LoadedPolicy = {
  readonly id: string
  /** What it says to people, by language (two letters); English is always there. */
  readonly text: Readonly<Record<string, string>>
}

export type LoadedPolicies = {
  readonly policies: readonly LoadedPolicy[]
  /** Names of those that forbid the request; one that cannot be evaluated forbids. */
  forbids(request: PolicyRequest): readonly string[]
}

/**
 * What evaluates Cedar policies, in memory. `split` takes a source text apart, in order. `load` takes a bundle whose schema is ours, and throws BAD_POLICY,
 * naming the place, for one of another schema, that does not parse, does not fit the schema, permits anything, has slots, or lacks a name or English words.
 */
export interface PolicyEngine {
  split(source: string): string[]
  load(bundle: PolicyBundle): LoadedPolicies
}
