import { type OpenedRecord, openSession, type ReadingSession, type SessionRecord } from '@keepwell/sdk/actions/access/open-session'
import { fileNameOf } from '@keepwell/sdk/actions/records/export-names'
import { fromHex, toHex } from '@keepwell/sdk/base/bytes'
import { cidFromBytes } from '@keepwell/sdk/base/cid'
import { KeepwellError } from '@keepwell/sdk/base/error'
import type { RecordView, Row, SharedView } from '#rpc/views.ts'
import { naming, rowOf } from './entries.ts'
import { NO_EXTRAS } from './extras.ts'
import { clock } from './platform.ts'
import { contentOf } from './record.ts'
import { receivedShares } from './sharing.ts'
import type { OpenVault } from './vault.ts'

/** Someone else's record, open in memory until the reader leaves it. */
export type Reading = {
  readonly view: SharedView
  open(id: string): Promise<RecordView>
  close(): void
}

/** Opens what was shared with this vault; its owner gets a receipt. */
export async function startReading(vault: OpenVault, id: string): Promise<Reading> {
  const share = receivedShares(vault).find(s => s.id === id)
  if (!share) throw new KeepwellError('NO_GRANT', 'That share is not here any more.')
  const { ctx } = vault
  const [purpose] = share.purposes
  const session = await openSession(ctx, { grant: fromHex(id), purpose: purpose as 'TREAT' })
  const names = { ...naming(ctx.session.state.ring), compartment: compartmentsOf(session), own: share.did }
  const rows = new Map(session.records.map(r => [toHex(r.id), { record: r, row: rowFor(r, names) }]))
  const newest = [...rows.values()].map(r => r.row).sort((a, b) => (a.date < b.date ? 1 : a.date > b.date ? -1 : 0))
  return {
    view: { share, records: newest, problems: session.problems.length },
    close: () => session.close(),
    async open(record) {
      const found = rows.get(record)
      const [opened] = found ? await session.open([found.record.id]) : []
      if (!found || !opened) throw new KeepwellError('NOT_FOUND', 'That record is not shared with you any more.')
      return viewOf(vault, found, opened)
    },
  }
}

const compartmentsOf = (session: ReadingSession) => {
  const names = new Map(session.grant.package.compartments.map(c => [toHex(c.id), c.name]))
  return (id: Uint8Array): string => names.get(toHex(id)) ?? 'general'
}

const rowFor = (r: SessionRecord, names: Parameters<typeof rowOf>[1]): Row =>
  rowOf({ ...r, date: r.card.start ?? '', trust: 'verified' }, names)

type Listed = { readonly record: SessionRecord; readonly row: Row }

function viewOf({ ctx }: OpenVault, { record, row }: Listed, opened: OpenedRecord): RecordView {
  const { ring } = ctx.session.state
  const { meta } = opened
  const { file = null, ...attributes } = meta.attributes ?? {}
  return {
    row,
    mediaType: record.card.mediaType,
    size: record.card.size,
    fileName: fileNameOf(record).replace(/^.*\//, ''),
    content: contentOf(record.card, opened.body),
    from: {
      author: naming(ring).party(meta.author),
      own: meta.author === ring.did,
      signature: opened.author === 'verified' ? 'verified' : 'unknown',
      signedAt: meta.authoredAt,
      filedAt: clock(),
      anchoredAt: null,
      cid: cidFromBytes(record.cid),
      file,
      attributes,
    },
    prior: null,
    ...NO_EXTRAS,
  }
}
