import { readFile } from 'node:fs/promises'
import { type Hl7v2Settings, hl7v2File } from '@keepwell/daemon/gateway/hl7v2/part'
import { type Desk, openDesk } from '@keepwell/daemon/gateway/hl7v2/service'
import type { Tls } from '@keepwell/daemon/http/settings'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { isoTime } from '@keepwell/sdk/base/time'
import type { Args } from '#command'
import { namesById, patientIdOf } from '#commands/gateway-patients'
import { withHome } from '#home'
import type { Io } from '#io'
import { count, result, safe, table } from '#show'

/** The listener as the command line asks for it; null when it does not. */
export async function hl7v2Settings(
  args: Args,
  home: { readonly dir: string; readonly secret: Uint8Array; readonly host: string; readonly tls: Tls | null },
): Promise<Hl7v2Settings | null> {
  const port = args.text('hl7v2')
  if (port === undefined) return null
  ensure(/^\d{1,5}$/.test(port) && Number(port) > 0 && Number(port) < 65_536, 'USAGE', '--hl7v2 is a port, a number from 1 to 65535.')
  const clients = args.text('hl7v2-clients')
  ensure(!clients || home.tls, 'USAGE', '--hl7v2-clients needs TLS: set KEEPWELL_TLS_CERT and KEEPWELL_TLS_KEY.')
  const least = args.text('hl7v2-tls') ?? '1.3'
  ensure(least === '1.2' || least === '1.3', 'USAGE', '--hl7v2-tls is 1.2 or 1.3.')
  const zone = args.text('zone')
  ensure(!zone || /^[+-](0\d|1[0-4]):[0-5]\d$/.test(zone), 'USAGE', '--zone is an offset such as +01:00.')
  const clientCa = clients ? await readFile(clients) : undefined
  return {
    dir: home.dir,
    secret: home.secret,
    ...(zone ? { zone } : {}),
    listen: {
      host: home.host,
      port: Number(port),
      ...(home.tls
        ? { tls: { cert: home.tls.cert, key: home.tls.key, least: `TLSv${least}` as const, ...(clientCa ? { clientCa } : {}) } }
        : {}),
    },
  }
}

type Verb = (io: Io, args: Args, ctx: Ctx, desk: Desk) => Promise<void>

const link: Verb = async (io, args, ctx, desk) => {
  const identifier = args.need('identifier')
  ensure(/^[^|]*\|.+$/.test(identifier), 'USAGE', '--identifier is authority|number, as in PID-3: 2.16.840.1.113883.19.5|4711')
  const freed = await desk.link(identifier, patientIdOf(ctx, args.need('patient')))
  result(io, args, { linked: identifier, freed }, () => [`Linked. ${count(freed, 'message')} waited for it and go on their way.`])
}

const unlink: Verb = async (io, args, _ctx, desk) => {
  await desk.unlink(args.need('identifier'))
  result(io, args, { unlinked: args.need('identifier') }, () => ['Messages with that identifier are held from now on.'])
}

const links: Verb = async (io, args, ctx, desk) => {
  const names = namesById(ctx)
  const all = (await desk.links()).map(l => ({ ...l, name: names.get(l.patient) ?? '' }))
  result(io, args, all, () =>
    all.length ? table(all.map(l => [safe(l.identifier), safe(l.name) || 'gave no consent that lives'])) : ['Nothing is linked.'],
  )
}

const list: Verb = async (io, args, ctx, desk) => {
  const names = namesById(ctx)
  const rows = [...desk.list('quarantined'), ...desk.list('held')]
  const counts = desk.counts()
  result(io, args, { counts, messages: rows }, () => [
    ...table(rows.map(r => [String(r.seq), isoTime(r.at), safe(r.type), r.state, safe(r.reason), safe(names.get(r.patient) ?? '')])),
    `${counts.waiting} on their way, ${counts.held} held, ${counts.quarantined} quarantined.`,
  ])
}

function chosen(args: Args, desk: Desk): number[] {
  const message = args.need('message')
  if (message === 'all') return desk.list('quarantined').map(r => r.seq)
  ensure(/^\d{1,15}$/.test(message), 'USAGE', '--message is a number from the list, or "all".')
  return [Number(message)]
}

const replay: Verb = async (io, args, ctx, desk) => {
  const seqs = chosen(args, desk)
  const patient = args.text('patient')
  if (patient) for (const seq of seqs) await desk.assign(seq, patientIdOf(ctx, patient))
  else await desk.replay(seqs)
  result(io, args, { replayed: seqs }, () => [`${count(seqs.length, 'message')} will be tried again.`])
}

const drop: Verb = async (io, args, _ctx, desk) => {
  const seqs = chosen(args, desk)
  await desk.drop(seqs)
  await desk.scrub()
  result(io, args, { dropped: seqs }, () => [`${count(seqs.length, 'message')} removed for good.`])
}

const show: Verb = async (io, args, _ctx, desk) => {
  const [seq] = chosen(args, desk)
  const bytes = seq === undefined ? null : await desk.original(seq)
  if (!bytes) throw new KeepwellError('NOT_FOUND', 'There is no such message in the queue.')
  const text = new TextDecoder().decode(bytes)
  result(io, args, { message: text }, () => text.split(/\r\n|\r|\n/).map(safe))
}

const VERBS: Readonly<Record<string, Verb>> = { link, unlink, links, list, show, replay, drop }

/** `keepwell gateway hl7v2 …`: whose numbers are whose, and what could not be filed. Also while the gateway runs. */
export async function hl7v2(io: Io, args: Args): Promise<void> {
  const [, name = 'list', ...more] = args.positionals
  const verb = Object.hasOwn(VERBS, name) && !more.length ? VERBS[name] : undefined
  ensure(verb, 'USAGE', `Say: keepwell gateway hl7v2 ${Object.keys(VERBS).join(', ')}.`)
  await withHome(
    io,
    args,
    async ({ ctx, dir }) => {
      const desk = openDesk({ file: hl7v2File(dir), secret: ctx.session.state.ring.catalog, random: ctx.random })
      try {
        await verb(io, args, ctx, desk)
      } finally {
        await desk.close()
      }
    },
    { offline: true },
  )
}
