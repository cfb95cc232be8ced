import type { Verdict } from '@keepwell/sdk/actions/records/import-item'
import { importItems } from '@keepwell/sdk/actions/records/import-items'
import { mapFeeds } from '@keepwell/sdk/actions/records/map-feeds'
import { publishState } from '@keepwell/sdk/actions/records/publish-state'
import { tellAmended } from '@keepwell/sdk/actions/rights/amended'
import { ensure } from '@keepwell/sdk/base/error'
import type { Command } from '#command'
import { describeElsewhere } from '#describe-worker'
import { feedMapping } from '#feed-mapping'
import { filesAt } from '#files'
import { withHome } from '#home'
import { safe } from '#show'
import { summarize, tally, verdictLine } from '#verdicts'

export const importFiles: Command = {
  name: 'import',
  group: 'records',
  takes: 'PATH…',
  summary: 'Take files and folders into your record.',
  about:
    'Takes FHIR (Bundles, NDJSON, single resources), DICOM, and anything else as a document. Every resource becomes a record of its own, kept\n' +
    'byte for byte. What is there already is left alone, so an import can be run again. Exit code 3 when something could not be kept.',
  examples: [
    'keepwell import my-records.json',
    'keepwell import --mapped summary.xml',
    'keepwell import ~/Downloads/hospital --source hospital-west',
  ],
  options: {
    source: { type: 'string', value: 'NAME', about: 'Where the files are from; tells apart ids that two hospitals both use.' },
    compartment: { type: 'string', value: 'NAME', about: 'File everything in this compartment, instead of by content.' },
    mapped: { type: 'boolean', about: 'File C-CDA documents and HL7 v2 messages as FHIR as well, beside the original.' },
    quiet: { type: 'boolean', about: 'Show only what went wrong, and the summary.' },
  },
  run: (io, args) =>
    withHome(io, args, async ({ ctx }) => {
      ensure(args.positionals.length, 'USAGE', 'Say what to import: keepwell import PATH…')
      const source = args.text('source')
      const compartment = args.text('compartment')
      const elsewhere = describeElsewhere(source)
      const counts = tally()
      const feeds = args.flag('mapped') ? feedMapping(io, args) : null
      const files = filesAt(args.positionals)
      try {
        const verdicts = importItems(ctx, feeds ? mapFeeds(ctx, files, feeds.mapping) : files, {
          describe: elsewhere.describe,
          ...(source ? { base: source } : {}),
          ...(compartment ? { compartment } : {}),
          progress: done => io.progress(`${done} records …`),
          signal: io.signal,
        })
        for await (const v of verdicts) {
          counts.add(v)
          if (args.json) io.print(JSON.stringify(v))
          else if (shown(v, args.flag('quiet'), io.terminal.out)) io.print(verdictLine(v))
        }
      } finally {
        await elsewhere.close()
        await feeds?.close()
        if (counts.written) await publishState(ctx)
      }
      const { told, unreached } = await tellAmended(ctx)
      if (told.length) io.note(`Told, for they read what was corrected: ${told.map(safe).join(', ')}.`)
      if (unreached.length) io.note(`Could not be told that what they read was corrected: ${unreached.map(safe).join(', ')}.`)
      return summarize(io, args, counts)
    }),
}

/** A line for each record where there are few; where there are thousands, for what needs attention. */
const shown = (v: Verdict, quiet: boolean, _terminal: boolean): boolean =>
  v.outcome === 'unreadable' || v.outcome === 'failed' || (!quiet && v.place === '')
