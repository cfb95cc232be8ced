import { eraseRecords } from '@keepwell/sdk/actions/records/erase-records'
import { burnTokens, withAttestations } from '@keepwell/sdk/actions/records/mint-milestone'
import { ensure } from '@keepwell/sdk/base/error'
import type { Call } from '#rpc/rpc.ts'
import type { Erased, Query } from '#rpc/views.ts'
import { watched } from './attention.ts'
import { type NamedFile, takeFiles } from './intake.ts'
import { compartmentCounts } from './overview.ts'
import { clock } from './platform.ts'
import { itemOf, openRecord, recordFile } from './record.ts'
import type { OpenVault } from './vault.ts'

/** Records: found, shown, taken in, erased. */
export const recordsApi = (open: () => OpenVault) => ({
  sync: async (_: null) => open().sync(),
  find: async (query: Query) => open().finder.find(query),
  window: async ({ token, from, to }: { readonly token: number; readonly from: number; readonly to: number }) =>
    open().finder.window(token, from, to),
  compartments: async (_: null) =>
    compartmentCounts(
      open().entries,
      open().ctx.session.state.ring.compartments.map(c => c.name),
    ),
  record: async (id: string) => watched(open(), id, () => openRecord(open(), id)),
  /** Since when a record is on the ledger; asked again as proofs come in, without opening the record again. */
  anchored: async (id: string) => itemOf(open(), id).entry.anchoredAt ?? null,
  file: async (id: string) => recordFile(open(), id),
  take: async (files: readonly NamedFile[], call: Call) => takeFiles(open(), files, call),
  async erase(id: string): Promise<Erased> {
    const vault = open()
    const { entry } = itemOf(vault, id)
    // Nobody else has it yet: it is only taken back.
    if (await vault.offline?.takeBack(entry.id)) return { at: clock(), relay: '' }
    const [receipt] = await vault.run(async ctx => {
      const all = withAttestations(
        ctx.session.state.ring,
        [entry],
        [...vault.entries.all()].map(i => i.entry),
      )
      await burnTokens(ctx, all)
      return (
        await eraseRecords(
          ctx,
          all.map(e => e.id),
        )
      ).receipts
    })
    await vault.filed()
    ensure(receipt, 'NO_RECEIPT', 'The relay gave no deletion receipt.')
    return { at: receipt.at, relay: receipt.relay }
  },
})
