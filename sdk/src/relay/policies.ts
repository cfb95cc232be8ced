import { equal } from '#base/bytes'
import { rawCid } from '#base/cid'
import { isKeepwellError } from '#base/error'
import type { RelayContext } from './context.ts'

/** A bundle of policies, for anybody: none but those that the ledger names, so this is no door to other blocks. */
export async function policyBlock(
  { ledger, blocks }: Pick<RelayContext, 'ledger' | 'blocks'>,
  hash: Uint8Array,
): Promise<Uint8Array | null> {
  const state = await ledger.policies.state().catch(e => {
    if (isKeepwellError(e, 'NOT_SUPPORTED')) return null
    throw e
  })
  const named = [state?.policy, state?.pending?.policy].some(p => p && equal(p, hash))
  return named ? blocks.get(rawCid(hash)) : null
}
