/// <reference types="vite/client" />
// For tests only: files of the external corpora, which are not part of the repository.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'vitest'

const tools = import.meta.glob<{ corpus(path: string): string | null }>('/tools/corpora.ts')

export type CorpusFile = { readonly name: string; readonly bytes: Uint8Array }
export type Corpora = {
  /** Files below a folder, by name; empty when the folder is not there. */
  readonly files: (folder: string, ending?: string) => CorpusFile[]
  readonly json: <T>(path: string) => T
}

const plainText = (bytes: Uint8Array): string => new TextDecoder('utf-8').decode(bytes).replace(/^\uFEFF/, '')
export const parseJson = <T>(bytes: Uint8Array): T => JSON.parse(plainText(bytes)) as T

/** A test over the clinical corpora; skipped loudly when they are not on this machine. */
export function corpusTest(rule: string, run: (corpora: Corpora) => void | Promise<void>): void {
  test(rule, { timeout: 180_000 }, async ({ skip }) => {
    const { corpus } = await tools['/tools/corpora.ts']!()
    const base = corpus('clinical')
    if (!base) {
      console.warn(`SKIPPED ${rule}: set KEEPWELL_CORPORA, or put the corpora in ../shared/data`)
      return skip('the external corpora are not on this machine')
    }
    const read = (path: string): Uint8Array => new Uint8Array(readFileSync(join(base, path)))
    const files = (folder: string, ending = ''): CorpusFile[] =>
      readdirSync(join(base, folder), { withFileTypes: true, recursive: true })
        .filter(f => f.isFile() && f.name.endsWith(ending))
        .map(f => join(f.parentPath, f.name).slice(base.length + 1))
        .toSorted()
        .map(name => ({ name, bytes: read(name) }))
    await run({ files, json: path => parseJson(read(path)) })
  })
}

type Bundle = { resourceType?: unknown; entry?: unknown }

/** Every resource of a parsed file: entries of Bundles at any depth, and what is no Bundle itself. */
export function* resourcesOf(value: unknown): Generator<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return
  const { resourceType, entry } = value as Bundle
  if (resourceType === 'Bundle' && Array.isArray(entry))
    for (const e of entry) yield* resourcesOf((e as { resource?: unknown } | null)?.resource)
  else if (typeof resourceType === 'string') yield value as Record<string, unknown>
}

/** Folders that hold FHIR JSON. */
export const FHIR_FOLDERS = [
  'fhir/synthea-r4',
  'fhir/synthea-us-core',
  'fhir/hl7-r4-examples',
  'fhir/us-core-examples',
  'fhir/validator-cases',
  'ips',
] as const
