import { submitItems } from '@keepwell/sdk/actions/records/submit-items'
import { ensure } from '@keepwell/sdk/base/error'
import type { Command } from '#command'
import { quietSync } from '#commands/sync'
import { describeElsewhere } from '#describe-worker'
import { filesAt } from '#files'
import { withHome } from '#home'
import { namedGiver } from '#names'
import { summarize, tally, verdictLine } from '#verdicts'
import { purpose } from '#words'

export const submit: Command = {
  name: 'submit',
  group: 'sharing',
  takes: 'PATH…',
  summary: 'Write files into someone’s record, under their consent to write.',
  about: 'They need not be online. What their consent does not name goes to their inbox, and they file it.',
  examples: ['keepwell submit --to "Ada Example" results/'],
  options: {
    to: { type: 'string', value: 'WHO', about: 'A contact’s name, or a DID.' },
    purpose: { type: 'string', value: 'WHY', about: 'What for; default treatment.' },
    source: { type: 'string', value: 'NAME', about: 'Where the files are from; tells apart ids that two hospitals both use.' },
  },
  run: (io, args) =>
    withHome(io, args, async ({ ctx }) => {
      ensure(args.positionals.length, 'USAGE', 'Say what to send: keepwell submit --to WHO PATH…')
      await quietSync(io, ctx)
      const to = namedGiver(ctx.session.state.ring, args.need('to'))
      const source = args.text('source')
      const elsewhere = describeElsewhere(source)
      const counts = tally()
      try {
        const sent = submitItems(ctx, filesAt(args.positionals), {
          to,
          purpose: purpose(args.text('purpose') ?? 'treatment'),
          describe: elsewhere.describe,
          ...(source ? { base: source } : {}),
          progress: done => io.progress(`${done} records …`),
          signal: io.signal,
        })
        for await (const v of sent) {
          counts.add(v)
          if (args.json) io.print(JSON.stringify(v))
          else if (v.place === '' || v.outcome === 'failed' || v.outcome === 'unreadable') io.print(verdictLine(v))
        }
      } finally {
        await elsewhere.close()
      }
      return summarize(io, args, counts)
    }),
}
