import { invite as makeInvitation, readInvitation } from '@keepwell/sdk/actions/access/invite'
import type { Command } from '#command'
import { withHome } from '#home'
import { day, result } from '#show'
import { seconds } from '#words'

export const invite: Command = {
  name: 'invite',
  group: 'sharing',
  summary: 'Make a link that lets one other person get to know you.',
  about: 'The link works once. Hand it over yourself, on a way you trust: whoever answers it counts as the person you meant.',
  options: {
    name: { type: 'string', value: 'NAME', about: 'What to call whoever answers.' },
    for: { type: 'string', value: 'TIME', about: 'How long the link works; default 7d.' },
  },
  run: (io, args) =>
    withHome(io, args, async ({ ctx, embedded, url }) => {
      const name = args.text('name')
      const length = args.text('for')
      const link = await makeInvitation(ctx, { ...(name ? { name } : {}), ...(length ? { seconds: seconds(length) } : {}) })
      const { expiry } = readInvitation(link)
      result(io, args, { link, expiry }, () => [link])
      io.note(`It works once, until ${day(expiry)}. The other side types: keepwell join LINK`)
      if (embedded) io.note(`For that, your relay must be reachable at ${url}: keepwell start`)
    }),
}
