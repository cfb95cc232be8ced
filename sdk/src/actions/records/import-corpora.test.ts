/// <reference types="vite/client" />
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Ctx } from '#actions/context'
import { person, world } from '#actions/story.kit'
import { equal, toHex } from '#base/bytes'
import type { ImportItem, Verdict } from './import-item.ts'
import { importItems } from './import-items.ts'
import { listEntries } from './list-entries.ts'
import { openBodies } from './open-bodies.ts'

// The house forbids paths that climb; the runner knows the repository's root.
const tools = import.meta.glob<{ corpus(path: string): string | null }>('/tools/corpora.ts')
const root = (await tools['/tools/corpora.ts']!()).corpus('clinical')
const HOME = 'http://home.test'

function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(e => (e.isDirectory() ? filesIn(join(folder, e.name)) : [join(folder, e.name)]))
}

const itemOf = (path: string): ImportItem => ({
  name: relative(root!, path),
  size: statSync(path).size,
  async *chunks() {
    const bytes = new Uint8Array(readFileSync(path))
    for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536)
  },
})

async function importAll(ctx: Ctx, paths: readonly string[]): Promise<Map<string, Verdict[]>> {
  async function* items(): AsyncGenerator<ImportItem> {
    for (const path of paths) yield itemOf(path)
  }
  const byFile = new Map<string, Verdict[]>()
  for await (const v of importItems(ctx, items())) byFile.set(v.item, [...(byFile.get(v.item) ?? []), v])
  return byFile
}

const patient = async (): Promise<Ctx> => person(await world([HOME]), 'Ada Example', HOME)

function print(name: string, byFile: ReadonlyMap<string, readonly Verdict[]>): void {
  const counts: Record<string, number> = {}
  const all = [...byFile.values()].flat()
  for (const v of all) counts[v.outcome] = (counts[v.outcome] ?? 0) + 1
  const unplaced = all.filter(v => v.placed === false).length
  const filed = all.filter(v => v.compartment).length
  console.log(
    `${name}: ${byFile.size} files, ${all.length} records ${JSON.stringify(counts)}, without a filing rule ${unplaced} of ${filed}`,
  )
}

describe.skipIf(root === null)('the corpora', () => {
  test('Bundles give exactly the resources that a plain count finds, none refused', async () => {
    const expected = JSON.parse(readFileSync(join(root!, 'fhir/expected-counts.json'), 'utf8')) as {
      files: Record<string, { entries: number; by_type: Record<string, number> }>
    }
    const names = Object.keys(expected.files)
    // Bundles may share resources (a hospital, a doctor): each is counted on its own.
    for (const name of names) {
      const ctx = await patient()
      const verdicts = (await importAll(ctx, [join(root!, name)])).get(name) ?? []
      const byType: Record<string, number> = {}
      for (const v of verdicts) byType[v.resourceType ?? '?'] = (byType[v.resourceType ?? '?'] ?? 0) + 1
      expect([name, byType]).toEqual([name, expected.files[name]!.by_type])
      expect(verdicts.filter(v => v.outcome === 'unreadable' || v.outcome === 'failed')).toEqual([])
    }
    console.log(`expected counts: ${names.length} Bundles`)
  })

  test('DICOM comes back byte for byte, with the identifiers that other tools read', async () => {
    const expected = JSON.parse(readFileSync(join(root!, 'dicom/expected.json'), 'utf8')) as {
      files: Record<string, { SOPInstanceUID: string | null; StudyInstanceUID: string | null; Modality: string | null }>
    }
    const ctx = await patient()
    const paths = filesIn(join(root!, 'dicom')).filter(p => !p.endsWith('expected.json'))
    const byFile = await importAll(ctx, paths)
    print('dicom', byFile)
    const entries = await listEntries(ctx)
    let checked = 0
    for await (const { entry, meta, chunks } of openBodies(ctx, entries)) {
      const original = new Uint8Array(readFileSync(join(root!, meta.attributes!.file!)))
      let at = 0
      for await (const part of chunks()) {
        expect(equal(part, original.subarray(at, at + part.length))).toBe(true)
        at += part.length
      }
      expect(at).toBe(original.length)
      const told = expected.files[meta.attributes!.file!.replace(/^dicom\//, '')]
      if (!told) continue
      checked++
      expect(entry.card.kind).toBe('dicom')
      expect(entry.card.source).toBe(told.SOPInstanceUID ? `urn:oid:${told.SOPInstanceUID}` : undefined)
      expect(meta.attributes!.studyInstanceUid).toBe(told.StudyInstanceUID || undefined)
      expect(entry.card.codes[0]?.code).toBe(told.Modality || undefined)
    }
    expect(checked).toBe(Object.keys(expected.files).length)
    expect([...byFile.values()].flat().filter(v => v.outcome === 'failed')).toEqual([])
  })

  test('every other file is taken: nothing fails, and what cannot be read is kept', async () => {
    const ctx = await patient()
    for (const folder of ['ccda', 'hl7v2', 'genomics', 'wearables', 'shc', 'fhir/hl7-r4-examples', 'fhir/us-core-examples']) {
      const paths = filesIn(join(root!, folder))
      const byFile = await importAll(ctx, paths)
      print(folder, byFile)
      const failed = [...byFile.values()].flat().filter(v => v.outcome === 'failed')
      expect(failed.filter(v => v.why !== 'The file is empty; there is nothing to keep.')).toEqual([])
      expect(byFile.size).toBe(paths.length)
    }
    const entries = await listEntries(ctx)
    expect(new Set(entries.map(e => toHex(e.id))).size).toBe(entries.length)
  })

  test('what a validator is tested with costs no more than itself', async () => {
    const ctx = await patient()
    const paths = filesIn(join(root!, 'fhir/validator-cases'))
    const byFile = await importAll(ctx, paths)
    print('validator-cases', byFile)
    expect(byFile.size).toBe(paths.length)
  })
})

test.runIf(root === null)('the corpora are not here: their imports are SKIPPED', () => {
  console.warn('Set KEEPWELL_CORPORA to run the imports over real files.')
})
