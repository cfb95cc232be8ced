import type { Ctx } from '@keepwell/sdk/actions/context'
import { type PolicyKeeper, policyKeeper } from '@keepwell/sdk/actions/governance/keep-policies'
import { isKeepwellError } from '@keepwell/sdk/base/error'

/**
 * The policies that the home's ledger names, looked at when a consent is to be given and kept for as long as the record is open. Whatever cannot be
 * had, or is refused, keeps nobody from sharing.
 */
export function policiesOf(ctx: Pick<Ctx, 'network' | 'session'>): NonNullable<Ctx['policies']> {
  let kept: Uint8Array | null = null
  const keeper: PolicyKeeper = policyKeeper({
    ctx,
    engine: async () => (await import('@keepwell/adapters/cedar/web')).openCedar(),
    kept: {
      read: async () => kept,
      async write(bytes) {
        kept = bytes
      },
    },
  })
  return {
    language: navigator.language.slice(0, 2),
    async inForce() {
      await keeper.look().catch(e => {
        if (!isKeepwellError(e)) throw e
      })
      return keeper.current()
    },
  }
}
