import type { Call } from '#rpc/rpc.ts'
import type { Erased, Query, Row } from '#rpc/views.ts'
import { watched } from './attention.ts'
import { eraseThem } from './erasing.ts'
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
  /** What the list says of one record, without opening it: where it is kept elsewhere, that may fail. */
  recordRow: async (id: string): Promise<Row> => itemOf(open(), id).row,
  record: async (id: string) => watched(open(), id, () => openRecord(open(), id)),
  /** Since when a record is on the ledger; asked again as proofs come in, without opening the record again. */
  anchored: async (id: string) => itemOf(open(), id).entry.anchoredAt ?? null,
  file: async (id: string) => recordFile(open(), id),
  take: async (files: readonly NamedFile[], call: Call) => takeFiles(open(), files, call),
  /** Everything that a query finds, in the order it is shown. */
  found: async (query: Query) => open().finder.ids(query),
  eraseSome: async (ids: readonly string[], call: Call) => eraseThem(open(), ids, call),
  async erase(id: string, call: Call): Promise<Erased> {
    const vault = open()
    itemOf(vault, id)
    // Without a receipt it was only taken back: nobody else had it yet.
    return { at: (await eraseThem(vault, [id], call)).at ?? clock() }
  },
})
