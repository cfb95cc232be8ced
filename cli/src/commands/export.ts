import { join } from 'node:path'
import type { Language } from '@keepwell/adapters/paper/words'
import type { Ctx, Progress } from '@keepwell/sdk/actions/context'
import { checkRecipients, encryptToAge } from '@keepwell/sdk/actions/records/export-age'
import { exportBundle } from '@keepwell/sdk/actions/records/export-bundle'
import { exportEverything } from '@keepwell/sdk/actions/records/export-everything'
import { exportFiles, tar } from '@keepwell/sdk/actions/records/export-files'
import { zip } from '@keepwell/sdk/actions/records/export-zip'
import { summarise } from '@keepwell/sdk/actions/records/summarise'
import { concat, text, utf8 } from '@keepwell/sdk/base/bytes'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { isoTime } from '@keepwell/sdk/base/time'
import { field, isObject, list } from '@keepwell/sdk/health/fhir/read'
import type { Entry } from '@keepwell/sdk/records/catalog'
import { CHOICE, choose } from '#choose'
import type { Args, Command } from '#command'
import { withHome } from '#home'
import type { Io } from '#io'
import { saveStream } from '#save'
import { bytesOf, count, result } from '#show'
import { languageOf } from '#words'

export const exportRecords: Command = {
  name: 'export',
  group: 'records',
  summary: 'Take records out: as a FHIR Bundle, a patient summary, the original files, one ZIP with all there is, or encrypted with age.',
  about:
    'bundle: one FHIR R4 file, resources byte for byte, documents inside as DocumentReference.\n' +
    'ips: the International Patient Summary, a FHIR document; ips-pdf: the same on paper, with the document inside the PDF.\n' +
    'ccd: a Continuity of Care Document (C-CDA R2.1), for systems that speak no FHIR; documents, images and observations without a category are left out.\n' +
    'files: every record as the file it was, in a folder, with an index.\n' +
    'zip: those files and a Bundle in one archive, with who you are, what you shared with whom, and who looked. No key is in it.\n' +
    'age: those files as a tar archive, encrypted to age recipients; post-quantum ones (age1pq1…) and classical ones are never mixed.\n' +
    'What is exported is readable to whoever gets it, except the age file.',
  examples: [
    'keepwell export --out record.json',
    'keepwell export --as ips-pdf --language de --out summary.pdf',
    'keepwell export --as files --compartment imaging --out images/',
    'keepwell export --as zip --out record.zip',
    'keepwell export --as age --to age1pq1… --out record.tar.age',
  ],
  options: {
    as: { type: 'string', value: 'FORM', about: 'bundle (default), ips, ips-pdf, ccd, files, zip or age.' },
    out: {
      type: 'string',
      value: 'PATH',
      about: 'A new file, or folder (files); a bundle or ips without it goes to standard output.',
    },
    language: { type: 'string', value: 'LANGUAGE', about: 'With ips-pdf: en (default) or de.' },
    to: { type: 'string', multiple: true, value: 'RECIPIENT', about: 'An age recipient; may be given several times.' },
    ...CHOICE,
  },
  run: (io, args) =>
    withHome(io, args, async ({ ctx }) => {
      const form = args.text('as') ?? 'bundle'
      if (form === 'age') checkRecipients(args.list('to'))
      else ensure(!args.list('to').length, 'USAGE', '--to belongs to --as age.')
      const entries = await choose(ctx, args)
      const progress: Progress = (done, total) => io.progress(`${done} of ${total ?? entries.length} …`)
      if (form === 'files') return toFiles(io, args, ctx, entries)
      const content = contentOf(form, ctx, entries, args, progress)
      const out = args.text('out')
      if (!out) {
        if (form !== 'bundle' && form !== 'ips') throw new KeepwellError('USAGE', 'Say where to write it: --out FILE')
        for await (const part of content) await io.write(part)
        return
      }
      const size = await saveStream(out, content)
      result(io, args, { out, records: entries.length, bytes: size }, () => [
        `${count(entries.length, 'record')} written to ${out} (${bytesOf(size)}).`,
      ])
    }),
}

function contentOf(form: string, ctx: Ctx, entries: readonly Entry[], args: Args, progress: Progress): AsyncIterable<Uint8Array> {
  if (form === 'bundle') return exportBundle(ctx, entries, progress)
  if (form === 'age') return encryptToAge(tar(exportFiles(ctx, entries)), args.list('to'))
  if (form === 'zip') return zip(exportEverything(ctx, { entries, readme: README, progress }))
  if (form === 'ccd') return ccdContent(ctx, entries, progress)
  ensure(form === 'ips' || form === 'ips-pdf', 'USAGE', `"${form}" is no form; there are bundle, ips, ips-pdf, ccd, files, zip and age.`)
  return summaryContent(form === 'ips' ? null : languageOf(args), ctx, entries, progress)
}

/** As FHIR, or as a PDF in a language. */
async function* summaryContent(pdf: Language | null, ctx: Ctx, entries: readonly Entry[], progress: Progress): AsyncGenerator<Uint8Array> {
  const bundle = await summarise(ctx, entries, progress)
  yield pdf === null
    ? utf8(`${JSON.stringify(bundle, null, 1)}\n`)
    : await (await import('@keepwell/adapters/paper/summary')).summaryPdf(bundle, pdf)
}

async function* ccdContent(ctx: Ctx, entries: readonly Entry[], progress: Progress): AsyncGenerator<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const part of exportBundle(ctx, entries, progress)) parts.push(part)
  const bundle: unknown = JSON.parse(text(concat(...parts)))
  const resources = list(field(bundle, 'entry')).flatMap(e => {
    const resource = field(e, 'resource')
    return isObject(resource) ? [resource] : []
  })
  const { openCcda } = await import('@keepwell/adapters/ccda/ccda')
  const ccda = openCcda()
  try {
    yield await ccda.write(resources, { at: isoTime(ctx.clock()), author: ctx.session.state.ring.name })
  } finally {
    await ccda.close()
  }
}

const README = `A health record, taken out of Keepwell. Nothing here is encrypted; keep it where others cannot read it.

records/          every record as the file it was, with an index
fhir-bundle.json  the same resources as one FHIR R4 Bundle
identity.json     whose record it is
shares.json       what was shared with whom, and what was received
who-looked.json   every opening that the relay signed for
who-looked.proof  the same with signatures and proofs, for anybody to check: keepwell verify who-looked.proof
patient-summary.json  the International Patient Summary
`

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
