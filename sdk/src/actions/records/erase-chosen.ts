import type { Ctx } from '#actions/context'
import type { Entry } from '#records/catalog'
import { type Erasure, eraseRecords } from './erase-records.ts'
import { burnTokens, withAttestations } from './mint-milestone.ts'
import { publishState } from './publish-state.ts'
import { selectEntries } from './select-entries.ts'

type Erasing = Pick<Ctx, 'clock' | 'random' | 'network' | 'catalog' | 'session'>

export type ErasedChosen = Erasure & { readonly erased: readonly Uint8Array[]; readonly burned: number }

/** Erases records together with what vouches for them, and burns the tokens made of them first: an erased record has none. */
export async function eraseChosen(ctx: Erasing, chosen: readonly Entry[]): Promise<ErasedChosen> {
  const gone = withAttestations(ctx.session.state.ring, chosen, await selectEntries(ctx, e => e.card.token !== undefined))
  const burned = await burnTokens(ctx, gone)
  const erased = gone.map(e => e.id)
  const done = await eraseRecords(ctx, erased)
  await publishState(ctx)
  return { erased, burned, ...done }
}
