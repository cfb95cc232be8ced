import type { ImportItem, Outcome, Verdict } from '@keepwell/sdk/actions/records/import-item'
import { importItems } from '@keepwell/sdk/actions/records/import-items'
import { IN_MEMORY } from '@keepwell/sdk/actions/records/import-units'
import { utf8 } from '@keepwell/sdk/base/bytes'
import { isKeepwellError, KeepwellError } from '@keepwell/sdk/base/error'
import { sampleBundle } from '@keepwell/sdk/sample/bundle'
import { sampleSeries } from '@keepwell/sdk/sample/dicom'
import { samplePdf } from '@keepwell/sdk/sample/pdf'
import type { FileOutcome, IntakeProgress, IntakeResult } from '#rpc/views.ts'
import { type AddedFile, keepImport } from './imports.ts'
import { clock, elapsed, every } from './platform.ts'
import type { OpenVault } from './vault.ts'

export type NamedFile = { readonly name: string; readonly file: Blob }

/** Files that operating systems leave behind and nobody means to keep. */
const LITTER = /(^|\/)(\.DS_Store|Thumbs\.db|desktop\.ini|\._[^/]*)$/i

async function* itemsOf(files: readonly NamedFile[], watch: Watch): AsyncGenerator<ImportItem> {
  for (const { name, file } of files) {
    if (LITTER.test(name)) continue
    yield { name, size: file.size, chunks: () => watch(name, file, chunksOf(file)) }
  }
}

export async function* chunksOf(file: Blob): AsyncGenerator<Uint8Array> {
  const reader = file.stream().getReader()
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value
  } finally {
    await reader.cancel().catch(() => {})
  }
}

type Intake = {
  readonly items: AsyncIterable<ImportItem>
  readonly signal: AbortSignal
  readonly progress: (p: IntakeProgress) => void
  /** How much was read, from 0 to 1. */
  readonly part?: () => number | null
  /** Told at the end what was added, and also when it broke off. */
  readonly keep?: (files: readonly AddedFile[]) => Promise<unknown>
}

/** Told at most so often, in milliseconds. */
const PACE = 120

export type Taken = { readonly records: number; readonly cancelled: boolean; readonly files: readonly AddedFile[] }

/** Takes files in. What was acknowledged before a cancel or a lost connection stays, and is signed for. */
export async function takeIn(vault: OpenVault, { items, signal, progress, part = () => null, keep }: Intake): Promise<Taken> {
  const tally = outcomes()
  let told = elapsed()
  let cancelled = false
  const tell = (): void => {
    told = elapsed()
    progress({ records: tally.records(), files: tally.changed(), part: part() })
  }
  const beat = every(PACE * 4, () => elapsed() - told > PACE && tell())
  try {
    await vault.run(async ctx => {
      for await (const verdict of importItems(ctx, items, { signal })) {
        tally.add(verdict)
        if (elapsed() - told >= PACE) tell()
      }
    })
  } catch (e) {
    if (!isKeepwellError(e, 'CANCELLED')) throw e
    cancelled = true
  } finally {
    beat()
    tally.end()
    tell()
    if (tally.waiting()) await vault.held()
    else if (tally.records()) await vault.filed().catch(() => {})
    await keep?.(tally.all())
  }
  return { records: tally.records(), cancelled, files: tally.all() }
}

type Watch = (name: string, file: Blob, chunks: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>

/** How far reading has come. Large documents are read twice: once to know them, once to seal them. */
function reading(files: readonly NamedFile[], signal: AbortSignal) {
  const work = (size: number): number => (size > IN_MEMORY ? 2 : 1) * size
  const total = files.reduce((n, { file }) => n + work(file.size), 0)
  const read = new Map<string, number>()
  let done = 0
  const watch: Watch = async function* (name, file, chunks) {
    for await (const chunk of chunks) {
      // A file of gigabytes is one unit of work: whoever stops it does not wait for its end.
      if (signal.aborted) throw new KeepwellError('CANCELLED', 'The import was cancelled; what was acknowledged is kept.')
      const before = read.get(name) ?? 0
      const now = Math.min(work(file.size), before + chunk.length)
      read.set(name, now)
      done += now - before
      yield chunk
    }
  }
  return { watch, part: () => (total ? done / total : null) }
}

type Call = Pick<Intake, 'signal' | 'progress'>

/** Takes files that a person chose, and remembers which records each of them became. */
export async function takeFiles(vault: OpenVault, files: readonly NamedFile[], call: Call): Promise<IntakeResult> {
  const { watch, part } = reading(files, call.signal)
  let id: string | null = null
  const keep = async (added: readonly AddedFile[]): Promise<void> => {
    if (added.length) id = await keepImport(vault, added)
  }
  const { records, cancelled } = await takeIn(vault, { ...call, items: itemsOf(files, watch), part, keep })
  return { records, cancelled, id }
}

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
  const ids = new Map<string, string[]>()
  let records = 0
  let waiting = 0
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
      const held = (before.waiting ?? 0) + (v.waiting ? 1 : 0)
      if (v.waiting) waiting++
      files.set(v.item, { ...before, [count]: before[count] + 1, ...(held ? { waiting: held } : {}), ...(why ? { why } : {}) })
      touched.add(v.item)
      if (!v.id || v.outcome === 'already-there') return
      records++
      const mine = ids.get(v.item) ?? []
      mine.push(v.id)
      ids.set(v.item, mine)
    },
    records: () => records,
    waiting: () => waiting,
    all: (): AddedFile[] => [...files.values()].map(f => ({ ...f, ids: ids.get(f.file) ?? [] })),
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
const SAMPLE_SLICES = 12
const LETTER = 'Discharge letter (fictional)\n\nThis letter and the person in it are made up. It shows how a PDF is kept in a record.'

/** A made-up life, with a picture and a letter. Its seed is fixed, so that everyone who tries sees the same person. */
export async function* sampleItems(): AsyncGenerator<ImportItem> {
  const now = clock()
  const files: readonly (readonly [string, Uint8Array])[] = [
    ['sample-patient.json', utf8(JSON.stringify(sampleBundle('keepwell-sample', { resources: SAMPLE_RECORDS, now })))],
    ...[...sampleSeries('keepwell-sample', { modality: 'CT', instances: SAMPLE_SLICES })].map(
      (slice, i) => [`sample-ct-${i + 1}.dcm`, slice] as const,
    ),
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
