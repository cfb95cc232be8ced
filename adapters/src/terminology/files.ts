/** Release files on the operator's disk, loaded by kind. Large ones are streamed; ZIP archives are read where they lie. */
import { createReadStream, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { createGunzip, gunzipSync } from 'node:zlib'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { isObject } from '@keepwell/sdk/health/fhir/read'
import { linesOf } from '@keepwell/sdk/health/terminology/delimited'
import { conceptsOf, systemOf, terminologyResources } from '@keepwell/sdk/health/terminology/fhir-release'
import { readOrderFile, readTabular } from '@keepwell/sdk/health/terminology/icd10cm'
import { readLoinc } from '@keepwell/sdk/health/terminology/loinc'
import { type Rf2Row, readRf2, rf2Kind } from '@keepwell/sdk/health/terminology/rf2'
import { readGpsText, readGpsValueSet } from '@keepwell/sdk/health/terminology/snomed-gps'
import { ICD10CM, LOINC, type ReleaseConcept, SNOMED } from '@keepwell/sdk/health/terminology/systems'
import type { Loaded } from './load.ts'
import type { TerminologyFile } from './sqlite.ts'
import { openZip } from './zip.ts'

export const KINDS = ['icd10cm', 'snomed-gps', 'rf2', 'loinc', 'fhir'] as const
export type Kind = (typeof KINDS)[number]

/** A text file as a whole, gunzipped where its name says so. */
const MAX_TEXT = 256 << 20
function textOf(path: string): string {
  ensure(statSync(path).size <= MAX_TEXT, 'TOO_LARGE', `${basename(path)} is larger than ${MAX_TEXT >> 20} MiB.`)
  const bytes = readFileSync(path)
  return new TextDecoder().decode(path.endsWith('.gz') ? gunzipSync(bytes, { maxOutputLength: MAX_TEXT }) : bytes)
}

const streamOf = (path: string): AsyncIterable<Uint8Array> =>
  path.endsWith('.gz') ? createReadStream(path).pipe(createGunzip()) : createReadStream(path)

/** `icd10cm-order-Jan-2021.txt` → `2021`. */
const yearIn = (path: string): string => /(?:19|20)\d{2}/.exec(basename(path))?.[0] ?? ''

/** Codes of the order file; the tabular list gives chapters and blocks above them, and what a category includes. */
function icd10cm(paths: readonly string[]): ReleaseConcept[] {
  const all = new Map<string, ReleaseConcept>()
  const texts = paths.map(textOf)
  for (const text of texts.filter(t => t.trimStart().startsWith('<'))) for (const c of readTabular(text)) all.set(c.code, c)
  for (const text of texts.filter(t => !t.trimStart().startsWith('<')))
    for (const c of readOrderFile(text.split('\n'))) {
      const tabular = all.get(c.code)
      const synonyms = [...new Set([...(c.synonyms ?? []), ...(tabular?.synonyms ?? [])])]
      all.set(c.code, { ...c, parents: tabular?.parents ?? c.parents ?? [], synonyms })
    }
  return [...all.values()].sort((a, b) => (a.code < b.code ? -1 : 1))
}

function gps(path: string): AsyncIterable<ReleaseConcept> | Iterable<ReleaseConcept> {
  return /\.(xml|json)(\.gz)?$/i.test(path) ? readGpsValueSet(textOf(path)) : readGpsText(linesOf(streamOf(path)))
}

type Source = { readonly name: string; open(): AsyncIterable<Uint8Array> }

function sourcesOf(path: string): Source[] {
  if (!statSync(path).isDirectory()) return openZip(path)
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter(f => f.isFile())
    .map(f => ({ name: join(f.parentPath, f.name), open: () => createReadStream(join(f.parentPath, f.name)) }))
}

async function* rowsOf(sources: readonly Source[], kinds: readonly string[]): AsyncGenerator<Rf2Row> {
  for (const source of sources) if (kinds.includes(rf2Kind(source.name) ?? '')) yield* readRf2(source.name, linesOf(source.open()))
}

async function rf2(into: TerminologyFile, path: string): Promise<Loaded> {
  const sources = sourcesOf(path)
  const needed = ['concept', 'description', 'relationship'].filter(k => !sources.some(s => rf2Kind(s.name) === k))
  if (needed.length)
    throw new KeepwellError('UNREADABLE', `There is no ${needed[0]} snapshot in ${basename(path)}; it is not a SNOMED CT release.`)
  const preferred = new Set<string>()
  for await (const row of rowsOf(sources, ['language'])) if (row.kind === 'preferred') preferred.add(row.description)
  const release = /_(\d{8})\.txt$/.exec(sources.find(s => rf2Kind(s.name) === 'concept')!.name)?.[1] ?? ''
  const system = { url: SNOMED, version: release, name: 'SNOMED CT', copyright: 'SNOMED International', complete: true, hierarchy: true }
  const rest = rowsOf(sources, ['description', 'relationship', 'refset'])
  return into.loadRf2(system, { concepts: rowsOf(sources, ['concept']), rest, preferred })
}

async function fhir(into: TerminologyFile, path: string): Promise<Loaded> {
  const resources = terminologyResources(JSON.parse(textOf(path)))
  ensure(resources.length, 'UNREADABLE', `${basename(path)} holds no CodeSystem, ValueSet or ConceptMap.`)
  let concepts = 0
  let edges = 0
  await into.together(async () => {
    for (const r of resources.filter(x => x.resourceType === 'CodeSystem')) {
      const system = systemOf(r)
      const all = [...conceptsOf(r)]
      if (!system || !all.length) continue
      const done = await into.loadSystem(system, all)
      concepts += done.concepts
      edges += done.edges
    }
    await into.loadResources(resources.map(r => (r.resourceType === 'CodeSystem' ? withoutConcepts(r) : r)))
  })
  return { concepts, edges }
}

const withoutConcepts = <T extends object>(r: T): T => (isObject(r) ? (({ concept: _, ...rest }) => rest as unknown as T)(r) : r)

/**
 * @param paths one file; for ICD-10-CM the order file and, if wanted, the tabular list beside it; for RF2 a folder or a ZIP archive.
 * Throws UNREADABLE for another kind of file; then nothing is changed.
 */
export async function loadFiles(into: TerminologyFile, kind: Kind, paths: readonly string[]): Promise<Loaded> {
  const [path] = paths
  ensure(path, 'USAGE', 'Say which file to load.')
  const version = yearIn(path)
  if (kind === 'icd10cm') {
    const system = { url: ICD10CM, version, name: 'ICD-10-CM', complete: true, hierarchy: true }
    return into.loadSystem(system, icd10cm(paths))
  }
  ensure(paths.length === 1, 'USAGE', 'One file at a time.')
  if (kind === 'rf2') return rf2(into, path)
  if (kind === 'fhir') return fhir(into, path)
  if (kind === 'loinc') {
    const copyright = 'LOINC is copyright © Regenstrief Institute, Inc. and the LOINC Committee; see loinc.org/license.'
    const system = {
      url: LOINC,
      version: /Loinc_?(\d\.\d+)/i.exec(path)?.[1] ?? version,
      name: 'LOINC',
      copyright,
      complete: true,
      hierarchy: false,
    }
    return into.loadSystem(system, readLoinc(linesOf(streamOf(path))))
  }
  const copyright = 'SNOMED CT Global Patient Set © SNOMED International, CC BY 4.0.'
  return into.loadSystem(
    { url: SNOMED, version, name: 'SNOMED CT Global Patient Set', copyright, complete: false, hierarchy: false },
    gps(path),
  )
}
