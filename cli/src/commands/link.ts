import { endLink, type OwnLink, ownLinks, renewLink } from '@keepwell/sdk/actions/access/own-links'
import { shareLink } from '@keepwell/sdk/actions/access/share-link'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { listEntries } from '@keepwell/sdk/actions/records/list-entries'
import { toHex } from '@keepwell/sdk/base/bytes'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import type { Entry } from '@keepwell/sdk/records/catalog'
import type { Args, Command } from '#command'
import { quietSync } from '#commands/sync'
import { withHome } from '#home'
import type { Io } from '#io'
import { entryNamed } from '#names'
import { count, result, safe, short, when } from '#show'
import { until } from '#words'

export const link: Command = {
  name: 'link',
  group: 'sharing',
  takes: '[list | end LINK | renew LINK]',
  summary: 'Share with somebody who has no account: a SMART Health Link, with a passcode if you like.',
  about:
    'The link holds the key: whoever has it, and the passcode, reads your patient summary (or the records you name) until it ends. Give the passcode by another way.\n' +
    'Your relay keeps sealed files and counts openings; unlike a consent there is no receipt that says who it was. With --lasting you can renew what it shows.',
  examples: [
    'keepwell link --until 7d --passcode 4711',
    'keepwell link --record 3f9a --until 2027-06-30',
    'keepwell link list',
    'keepwell link end 3f9a',
  ],
  options: {
    until: { type: 'string', value: 'WHEN', about: 'When it ends: 2027-12-31, or 7d from now; at most a year.' },
    record: { type: 'string', multiple: true, value: 'ID', about: 'Records instead of the summary; may be given several times.' },
    summary: { type: 'boolean', about: 'The summary beside the records named.' },
    passcode: { type: 'string', value: 'TEXT', about: 'What a reader must know; at least 4 characters.' },
    attempts: { type: 'string', value: 'N', about: 'Wrong passcodes after which it ends for ever; default 5, at most 20.' },
    label: { type: 'string', value: 'TEXT', about: 'What the reader sees; default: your name.' },
    lasting: { type: 'boolean', about: 'What it shows can be renewed.' },
  },
  run: (io, args) =>
    withHome(io, args, async ({ ctx }) => {
      const [what, name] = args.positionals
      if (what === undefined) return make(io, args, ctx)
      if (what === 'list') return list(io, args, ctx)
      ensure((what === 'end' || what === 'renew') && name, 'USAGE', 'Say: keepwell link, link list, link end LINK, or link renew LINK.')
      const found = linkNamed(await ownLinks(ctx), name)
      if (what === 'renew') return renew(io, args, ctx, found)
      await endLink(ctx, found.id)
      result(io, args, { ended: toHex(found.id) }, () => ['The link is ended. What was read before stays read.'])
    }),
}

async function contentOf(ctx: Ctx, args: Args): Promise<{ summary: readonly Entry[]; records: readonly Entry[] }> {
  const records = await Promise.all(args.list('record').map(r => entryNamed(ctx, r)))
  return { summary: records.length && !args.flag('summary') ? [] : await listEntries(ctx), records }
}

async function make(io: Io, args: Args, ctx: Ctx): Promise<void> {
  await quietSync(io, ctx)
  const expiry = until(args.need('until'), ctx.clock())
  const attempts = args.text('attempts') ?? '5'
  ensure(/^\d{1,2}$/.test(attempts) && Number(attempts) >= 1 && Number(attempts) <= 20, 'USAGE', '--attempts is a number from 1 to 20.')
  const passcode = args.text('passcode')
  const made = await shareLink(ctx, {
    ...(await contentOf(ctx, args)),
    label: args.text('label') ?? ctx.session.state.ring.name,
    expiry,
    attempts: Number(attempts),
    lasting: args.flag('lasting'),
    ...(passcode === undefined ? {} : { passcode }),
    progress: done => io.progress(`${done} opened …`),
  })
  result(io, args, { id: toHex(made.id), link: made.link, expiry, bytes: made.bytes }, () => [
    made.link,
    `Whoever has it${passcode === undefined ? '' : ', and the passcode,'} can read until ${when(expiry)}. To end it earlier: keepwell link end ${short(made.id)}`,
  ])
}

async function list(io: Io, args: Args, ctx: Ctx): Promise<void> {
  const links = await ownLinks(ctx)
  result(io, args, { links: links.map(l => ({ ...l, id: toHex(l.id) })) }, () =>
    links.length
      ? links.map(
          l =>
            `  ${short(l.id)}  ${safe(l.label)}: ${l.ended ? 'ended' : `until ${when(l.expiry)}`}, opened ${count(l.opened, 'time')}${l.passcode && !l.ended ? `, ${count(l.attempts, 'wrong passcode')} left` : ''}`,
        )
      : ['You gave no link.'],
  )
}

async function renew(io: Io, args: Args, ctx: Ctx, found: OwnLink): Promise<void> {
  await quietSync(io, ctx)
  await renewLink(ctx, found.id, await contentOf(ctx, args))
  result(io, args, { renewed: toHex(found.id) }, () => ['Whoever has the link sees the newer content.'])
}

function linkNamed(links: readonly OwnLink[], name: string): OwnLink {
  const found = links.filter(l => toHex(l.id).startsWith(name.toLowerCase()))
  ensure(found.length < 2, 'USAGE', `"${name}" begins the names of several links; write more of it.`)
  if (!found[0]) throw new KeepwellError('NOT_FOUND', 'You have no link of that name.')
  return found[0]
}
