import { join as acceptInvitation } from '@keepwell/sdk/actions/access/invite'
import type { Command } from '#command'
import { withHome } from '#home'
import { result, safe } from '#show'

export const join: Command = {
  name: 'join',
  group: 'sharing',
  takes: 'LINK',
  summary: 'Answer an invitation; from then on both sides know each other.',
  options: {},
  run: (io, args) =>
    withHome(io, args, async ({ ctx }) => {
      const { party, name, fingerprint } = await acceptInvitation(ctx, args.one('LINK'))
      result(io, args, { did: party.did, name, fingerprint }, () => [
        `You now know ${safe(name)}.`,
        `  DID         ${party.did}`,
        `  Fingerprint ${fingerprint}`,
        'They see you after their next sync.',
      ])
    }),
}
