import { join } from 'node:path'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { checkRecipients, encryptToAge } from '@keepwell/sdk/actions/records/export-age'
import { exportBundle } from '@keepwell/sdk/actions/records/export-bundle'
import { exportFiles, tar } from '@keepwell/sdk/actions/records/export-files'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import type { Entry } from '@keepwell/sdk/records/catalog'
import { CHOICE, choose } from '#choose'
import type { Args, Command } from '#command'
import { withHome } from '#home'
import type { Io } from '#io'
import { saveStream } from '#save'
import { bytesOf, count, result } from '#show'

export const exportRecords: Command = {
  name: 'export',
  group: 'records',
  summary: 'Take records out: as a FHIR Bundle, as the original files, or encrypted with age.',
  about:
    'bundle: one FHIR R4 file, resources byte for byte, documents inside as DocumentReference.\n' +
    'files: every record as the file it was, in a folder, with an index.\n' +
    'age: those files as a tar archive, encrypted to age recipients; post-quantum ones (age1pq1…) and classical ones are never mixed.\n' +
    'What is exported is readable to whoever gets it, except the age file.',
  examples: [
    'keepwell export --out record.json',
    'keepwell export --as files --compartment imaging --out images/',
    'keepwell export --as age --to age1pq1… --out record.tar.age',
  ],
  options: {
    as: { type: 'string', value: 'FORM', about: 'bundle (default), files or age.' },
    out: {
      type: 'string',
      value: 'PATH',
      about: 'A new file (bundle, age) or folder (files); a bundle without it goes to standard output.',
    },
    to: { type: 'string', multiple: true, value: 'RECIPIENT', about: 'An age recipient; may be given several times.' },
    ...CHOICE,
  },
  run: (io, args) =>
    withHome(io, args, async ({ ctx }) => {
      const form = args.text('as') ?? 'bundle'
      if (form === 'age') checkRecipients(args.list('to'))
      else ensure(!args.list('to').length, 'USAGE', '--to belongs to --as age.')
      const entries = await choose(ctx, args)
      const progress = (done: number) => io.progress(`${done} of ${entries.length} …`)
      if (form === 'files') return toFiles(io, args, ctx, entries)
      ensure(form === 'bundle' || form === 'age', 'USAGE', `"${form}" is no form; there are bundle, files and age.`)
      const content =
        form === 'bundle' ? exportBundle(ctx, entries, progress) : encryptToAge(tar(exportFiles(ctx, entries)), args.list('to'))
      const out = args.text('out')
      if (!out) {
        if (form === 'age') throw new KeepwellError('USAGE', 'Say where to write it: --out FILE')
        for await (const part of content) await io.write(part)
        return
      }
      const size = await saveStream(out, content)
      result(io, args, { out, records: entries.length, bytes: size }, () => [
        `${count(entries.length, 'record')} written to ${out} (${bytesOf(size)}).`,
      ])
    }),
}

async function toFiles(io: Io, args: Args, ctx: Ctx, entries: readonly Entry[]): Promise<void> {
  const out = args.need('out')
  let files = 0
  let bytes = 0
  for await (const file of exportFiles(ctx, entries)) {
    bytes += await saveStream(join(out, file.name), file.chunks())
    io.progress(`${++files} of ${entries.length} …`)
  }
  result(io, args, { out, records: entries.length, bytes }, () => [
    `${count(entries.length, 'record')} written to ${out} (${bytesOf(bytes)}).`,
  ])
}
