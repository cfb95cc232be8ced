import type { ImportItem, Outcome, Verdict } from '@keepwell/sdk/actions/records/import-item'
import { importItems } from '@keepwell/sdk/actions/records/import-items'
import { utf8 } from '@keepwell/sdk/base/bytes'
import { isKeepwellError } from '@keepwell/sdk/base/error'
import { sampleBundle } from '@keepwell/sdk/sample/bundle'
import { sampleDicom } from '@keepwell/sdk/sample/dicom'
import { samplePdf } from '@keepwell/sdk/sample/pdf'
import type { FileOutcome, IntakeProgress, IntakeResult } from '#rpc/views.ts'
import { clock, elapsed } from './platform.ts'
import type { OpenVault } from './vault.ts'

export type NamedFile = { readonly name: string; readonly file: Blob }

/** Files that operating systems leave behind and nobody means to keep. */
const LITTER = /(^|\/)(\.DS_Store|Thumbs\.db|desktop\.ini|\._[^/]*)$/i

async function* itemsOf(files: readonly NamedFile[]): AsyncGenerator<ImportItem> {
  for (const { name, file } of files) {
    if (LITTER.test(name)) continue
    yield { name, size: file.size, chunks: () => chunksOf(file) }
  }
}

async function* chunksOf(file: Blob): AsyncGenerator<Uint8Array> {
  const reader = file.stream().getReader()
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value
  } finally {
    await reader.cancel().catch(() => {})
  }
}

type Intake = { readonly items: AsyncIterable<ImportItem>; readonly signal: AbortSignal; readonly progress: (p: IntakeProgress) => void }

/** Told at most so often, in milliseconds. */
const PACE = 120

/** Takes files in. What was acknowledged before a cancel or a lost connection stays, and is signed for. */
export async function takeIn(vault: OpenVault, { items, signal, progress }: Intake): Promise<IntakeResult> {
  const tally = outcomes()
  let records = 0
  let told = elapsed()
  let cancelled = false
  try {
    await vault.run(async ctx => {
      for await (const verdict of importItems(ctx, items, { signal })) {
        tally.add(verdict)
        if (verdict.id && verdict.outcome !== 'already-there') records++
        if (elapsed() - told < PACE) continue
        told = elapsed()
        progress({ records, files: tally.changed() })
      }
    })
  } catch (e) {
    if (!isKeepwellError(e, 'CANCELLED')) throw e
    cancelled = true
  } finally {
    if (records) await vault.filed().catch(() => {})
  }
  tally.end()
  progress({ records, files: tally.changed() })
  return { records, cancelled }
}

export const takeFiles = (vault: OpenVault, files: readonly NamedFile[], more: Omit<Intake, 'items'>): Promise<IntakeResult> =>
  takeIn(vault, { ...more, items: itemsOf(files) })

const COUNTS: Readonly<Record<Outcome, 'taken' | 'withIssues' | 'already' | 'unreadable' | 'failed'>> = {
  taken: 'taken',
  'taken-with-issues': 'withIssues',
  'already-there': 'already',
  unreadable: 'unreadable',
  failed: 'failed',
}

/** Verdicts by file. They come in the order of files, so a file is done when the next one begins. */
function outcomes() {
  const files = new Map<string, FileOutcome>()
  const touched = new Set<string>()
  let last: string | null = null
  const finish = (name: string): void => {
    const found = files.get(name)
    if (found) files.set(name, { ...found, done: true })
    touched.add(name)
  }
  return {
    add(v: Verdict): void {
      if (last !== null && last !== v.item) finish(last)
      last = v.item
      const before = files.get(v.item) ?? { file: v.item, taken: 0, withIssues: 0, already: 0, unreadable: 0, failed: 0, done: false }
      const count = COUNTS[v.outcome]
      const why = before.why ?? v.why ?? (v.outcome === 'taken-with-issues' ? v.issues?.find(i => i.severity === 'error')?.text : undefined)
      files.set(v.item, { ...before, [count]: before[count] + 1, ...(why ? { why } : {}) })
      touched.add(v.item)
    },
    end(): void {
      if (last !== null) finish(last)
    },
    changed(): FileOutcome[] {
      const out = [...touched].flatMap(name => files.get(name) ?? [])
      touched.clear()
      return out
    },
  }
}

const SAMPLE_RECORDS = 360
const LETTER = 'Discharge letter (fictional)\n\nThis letter and the person in it are made up. It shows how a PDF is kept in a record.'

/** A made-up life, with a picture and a letter. Its seed is fixed, so that everyone who tries sees the same person. */
export async function* sampleItems(): AsyncGenerator<ImportItem> {
  const now = clock()
  const files: readonly (readonly [string, Uint8Array])[] = [
    ['sample-patient.json', utf8(JSON.stringify(sampleBundle('keepwell-sample', { resources: SAMPLE_RECORDS, now })))],
    ['sample-image.dcm', sampleDicom('keepwell-sample', { modality: 'CT' })],
    ['sample-letter.pdf', samplePdf(LETTER)],
  ]
  for (const [name, bytes] of files)
    yield {
      name,
      size: bytes.length,
      async *chunks() {
        yield bytes
      },
    }
}
