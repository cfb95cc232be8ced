import { resolve } from 'node:path'
import { holdingsAt } from '@keepwell/daemon/bin/gateway-held'
import { type ArchiveSettings, openArchive } from '@keepwell/daemon/gateway/held/archive'
import { HELD_PATH } from '@keepwell/daemon/gateway/held/part'
import { receivedGrants } from '@keepwell/sdk/actions/access/grants'
import { sendNotice } from '@keepwell/sdk/actions/access/send-notice'
import { holdItems } from '@keepwell/sdk/actions/records/hold-items'
import { ensure } from '@keepwell/sdk/base/error'
import type { Args } from '#command'
import { quietSync } from '#commands/sync'
import { withHome } from '#home'
import type { Io } from '#io'
import { namedGiver } from '#names'
import { count, result } from '#show'
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

/**
 * `keepwell gateway detach`: gives no more of what was attached. The records stay the patient's, who is told; whoever opens one learns that its content is
 * not to be had here any more. Nothing in the archive changes, and `attach` takes it back.
 */
export const detach = (io: Io, args: Args): Promise<void> =>
  withHome(io, args, async ({ ctx, dir }) => {
    const name = archiveOf(args)
    const { ring } = ctx.session.state
    const to = namedGiver(ring, args.need('patient'))
    const study = args.text('study')
    const holdings = holdingsAt(ctx, dir)
    try {
      const detached = await holdings.detach(to, name, study ? `studies/${study}/` : '')
      if (detached) await sendNotice(ctx, { to, text: noticeOf(ring.name, detached), relays: (await holdings.relaysOf(to)) ?? [] })
      result(io, args, { detached }, () => [
        detached
          ? `${count(detached, 'file')} will not be given any more. The patient is told; the records are theirs, and stay until they erase them.`
          : 'Nothing of that archive is attached there.',
      ])
    } finally {
      await holdings.close()
    }
  })

const noticeOf = (name: string, files: number): string =>
  `${name} no longer gives out ${count(files, 'file')} that lie in its archive. Your records of them stay until you erase them, but can no longer be opened; ask ${name} for the files themselves.`

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
