import { eraseRecords } from '@keepwell/sdk/actions/records/erase-records'
import { burnTokens, withAttestations } from '@keepwell/sdk/actions/records/mint-milestone'
import { isKeepwellError, KeepwellError } from '@keepwell/sdk/base/error'
import type { Entry } from '@keepwell/sdk/records/catalog'
import type { Undone } from '#rpc/entry.ts'
import type { Call } from '#rpc/rpc.ts'
import type { OpenVault } from './vault.ts'

/** Erased at once: one tombstone, one receipt. */
const AT_ONCE = 1024

/**
 * Erases records of the own vault, and the tokens made of them. What was not sent yet is only taken back, for nobody else has it. Called off
 * half-way, what was erased stays erased, and is counted.
 */
export async function eraseThem(vault: OpenVault, ids: readonly string[], { signal, progress }: Call): Promise<Undone> {
  const chosen = ids.flatMap(id => vault.entries.get(id)?.entry ?? [])
  const all = withAttestations(
    vault.ctx.session.state.ring,
    chosen,
    [...vault.entries.all()].map(i => i.entry),
  )
  let records = 0
  let receipts = 0
  let at: number | null = null
  try {
    await vault.run(async ctx => {
      await burnTokens(ctx, all)
      for (let from = 0; from < all.length; from += AT_ONCE) {
        if (signal.aborted) throw new KeepwellError('CANCELLED', 'Stopped; what was erased stays erased.')
        const some: Entry[] = []
        for (const e of all.slice(from, from + AT_ONCE)) if (!(await vault.offline?.takeBack(e.id))) some.push(e)
        if (!some.length) continue
        const done = await eraseRecords(
          ctx,
          some.map(e => e.id),
        )
        records += some.length
        receipts += done.receipts.length
        at = done.receipts.at(-1)?.at ?? at
        progress({ records, of: all.length })
      }
    })
  } catch (e) {
    if (!isKeepwellError(e, 'CANCELLED')) throw e
  } finally {
    if (records) await vault.filed().catch(() => {})
  }
  return { records, receipts, at }
}
