import { resolve } from 'node:path'
import { holdingsAt } from '@keepwell/daemon/bin/gateway-held'
import { type ArchiveSettings, openArchive } from '@keepwell/daemon/gateway/held/archive'
import { HELD_PATH } from '@keepwell/daemon/gateway/held/part'
import { receivedGrants } from '@keepwell/sdk/actions/access/grants'
import { holdItems } from '@keepwell/sdk/actions/records/hold-items'
import { ensure } from '@keepwell/sdk/base/error'
import type { Args } from '#command'
import { quietSync } from '#commands/sync'
import { withHome } from '#home'
import type { Io } from '#io'
import { namedGiver } from '#names'
import { summarize, tally, verdictLine } from '#verdicts'
import { purpose } from '#words'

export const archiveSettings = ({ env }: Pick<Io, 'env'>): ArchiveSettings =>
  env.KEEPWELL_ARCHIVE_AUTHORIZATION ? { authorization: env.KEEPWELL_ARCHIVE_AUTHORIZATION } : {}

/** `keepwell gateway attach`: records of files that stay in the organisation's own archive. Works while the gateway runs; run it again for what is new. */
export const attach = (io: Io, args: Args): Promise<number> =>
  withHome(io, args, async ({ ctx, dir }) => {
    const name = archiveOf(args)
    const url = doorOf(args)
    await quietSync(io, ctx)
    const to = namedGiver(ctx.session.state.ring, args.need('patient'))
    const relays = receivedGrants(ctx).find(g => g.terms.patient === to)?.package.relays ?? []
    const counts = tally()
    const holdings = holdingsAt(ctx, dir)
    try {
      const book = holdings.book(to, name, relays)
      const why = purpose(args.text('purpose') ?? 'treatment')
      const items = openArchive(name, archiveSettings(io)).list(args.text('study'))
      for await (const v of holdItems(ctx, items, { to, purpose: why, url, book })) {
        counts.add(v)
        io.print(args.json ? JSON.stringify(v) : verdictLine(v))
      }
    } finally {
      await holdings.close()
    }
    return summarize(io, args, counts)
  })

function archiveOf(args: Args): string {
  const [folder, dicomweb] = [args.text('folder'), args.text('dicomweb')]
  ensure(!folder !== !dicomweb, 'USAGE', 'Say what to attach: --folder DIR, or --dicomweb URL --study UID.')
  if (folder) return `folder:${resolve(folder)}`
  ensure(/^https?:\/\//.test(dicomweb!), 'USAGE', '--dicomweb is the address of a DICOMweb service.')
  ensure(args.text('study'), 'USAGE', 'Name the study: --study UID.')
  return `dicomweb:${dicomweb!}`
}

/** Records name this address for as long as they last. */
function doorOf(args: Args): string {
  const url = (args.text('url') ?? `http://127.0.0.1:${args.text('port') ?? '8788'}`).replace(/\/+$/, '')
  const safe = /^https:\/\//.test(url) || /^http:\/\/(localhost|127\.)/.test(url)
  ensure(safe, 'USAGE', '--url is the gateway’s https address, as those who read will reach it.')
  return url + HELD_PATH
}
