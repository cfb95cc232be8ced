import type { Ctx } from '#actions/context'
import { equal } from '#base/bytes'
import { isKeepwellError } from '#base/error'
import type { PolicyEngine } from '#ports/policy-engine'
import { fetchPolicies, namedPolicy, type PolicyInForce, readPolicies } from './policy-in-force.ts'

export type Keeping = {
  readonly ctx: Pick<Ctx, 'network' | 'session'>
  readonly engine: () => Promise<PolicyEngine>
  /** Where the bundle in force lies, so that it goes on when it cannot be had. */
  readonly kept: { read(): Promise<Uint8Array | null>; write(bytes: Uint8Array | null): Promise<void> }
  readonly breathe?: () => Promise<void>
}

/** The policies that somebody keeps: `look` asks the ledger, and tells whether others are in force than before. */
export type PolicyKeeper = {
  current(): PolicyInForce | null
  /** What was kept last, before the ledger was asked. Throws BAD_POLICY when it is none any more. */
  begin(): Promise<void>
  /** Throws what kept it from taking what the ledger names; what was kept goes on. A bundle that was refused is not tried again. */
  look(): Promise<boolean>
}

export function policyKeeper({ ctx, engine, kept, breathe }: Keeping): PolicyKeeper {
  let loading: Promise<PolicyEngine> | undefined
  let current: PolicyInForce | null = null
  let refused: { readonly hash: Uint8Array; readonly error: unknown } | null = null
  const read = async (bytes: Uint8Array): Promise<PolicyInForce> => {
    loading ??= engine()
    return readPolicies(await loading, bytes, breathe)
  }
  return {
    current: () => current,
    async begin() {
      const before = await kept.read()
      if (before) current = await read(before)
    },
    async look() {
      const named = await namedPolicy(ctx)
      if (named ? current && equal(current.hash, named) : current === null) return false
      if (named && refused && equal(named, refused.hash)) throw refused.error
      const bytes = named && (await fetchPolicies(ctx, named))
      const next =
        bytes &&
        (await read(bytes).catch(error => {
          if (isKeepwellError(error, 'BAD_POLICY')) refused = { hash: named, error }
          throw error
        }))
      await kept.write(bytes)
      current = next
      return true
    },
  }
}
