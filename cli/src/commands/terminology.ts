import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { KINDS, type Kind, loadFiles } from '@keepwell/adapters/terminology/files'
import { fillWithShipped } from '@keepwell/adapters/terminology/shipped'
import { openTerminology, type TerminologyFile } from '@keepwell/adapters/terminology/sqlite'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { ICD10CM, LOINC, SNOMED } from '@keepwell/sdk/health/terminology/systems'
import type { Args, Command } from '#command'
import { placeOf } from '#home'
import type { Io } from '#io'
import { count, result } from '#show'

const ALIASES: Readonly<Record<string, string>> = { snomed: SNOMED, loinc: LOINC, icd10cm: ICD10CM }

export const terminology: Command = {
  name: 'terminology',
  group: 'home',
  takes: 'load KIND FILE… | list | lookup SYSTEM CODE',
  summary: 'Load code systems for the gateway, and look codes up.',
  about:
    'What FHIR itself enumerates is there from the first start. Kinds:\n' +
    'icd10cm: CDC’s order file and, if you like, the tabular XML beside it.\n' +
    'snomed-gps: SNOMED CT’s Global Patient Set, as FHIR ValueSet or as text.\n' +
    'rf2: a SNOMED CT release of your own licence, folder or ZIP archive, with its hierarchy.\n' +
    'loinc: LOINC’s table (Loinc.csv). fhir: CodeSystem, ValueSet, ConceptMap, or a Bundle of them.\n' +
    'A load replaces the system’s older version as one step; a gateway that runs goes on answering.',
  examples: [
    'keepwell terminology load icd10cm icd10cm-order-2027.txt icd10cm-tabular-2027.xml',
    'keepwell terminology load rf2 SnomedCT_InternationalRF2.zip',
    'keepwell terminology lookup icd10cm E11.9',
  ],
  options: {},
  async run(io, args) {
    const { dir } = placeOf(io, args)
    await mkdir(dir, { recursive: true, mode: 0o700 })
    const terms = openTerminology({ file: join(dir, 'terminology.sqlite') })
    try {
      await fillWithShipped(terms)
      return await chosen(io, args, terms)
    } finally {
      await terms.close()
    }
  },
}

function chosen(io: Io, args: Args, terms: TerminologyFile): Promise<unknown> | unknown {
  const [what, ...rest] = args.positionals
  if (what === 'list') return list(io, args, terms)
  if (what === 'lookup') return lookup(io, args, terms, rest)
  ensure(what === 'load', 'USAGE', 'Say what to do: load KIND FILE, list, or lookup SYSTEM CODE.')
  return load(io, args, terms, rest)
}

async function load(io: Io, args: Args, terms: TerminologyFile, [kind, ...paths]: readonly string[]): Promise<void> {
  ensure(
    KINDS.some(k => k === kind),
    'USAGE',
    `Say what it is: ${KINDS.join(', ')}.`,
  )
  io.progress('loading …')
  const done = await loadFiles(terms, kind as Kind, paths)
  result(io, args, done, () => [
    `${count(done.concepts, 'code')} loaded${done.edges ? `, with ${count(done.edges, 'place')} in the hierarchy` : ''}.`,
  ])
}

function list(io: Io, args: Args, terms: TerminologyFile): void {
  const systems = terms.systems().filter(s => !s.shipped || args.json)
  result(io, args, { systems }, () => [
    ...systems.map(
      s => `${s.name}${s.version ? ` ${s.version}` : ''}: ${count(s.concepts, 'code')}${s.complete ? '' : ' (a part)'} — ${s.url}`,
    ),
    `And ${count(terms.systems().filter(s => s.shipped).length, 'system')} of FHIR’s own definitions.`,
  ])
}

async function lookup(io: Io, args: Args, terms: TerminologyFile, [system, code]: readonly string[]): Promise<void> {
  ensure(system && code, 'USAGE', 'Say which: lookup SYSTEM CODE.')
  const found = await terms.lookup({ system: ALIASES[system] ?? system, code })
  if (!found) throw new KeepwellError('NOT_FOUND', 'That code is not known here.')
  result(io, args, found, () => [
    `${found.display} (${found.name}${found.version ? ` ${found.version}` : ''})`,
    ...found.designations.map(d => `  also: ${d.value}`),
    ...(found.parents.length ? [`  below: ${found.parents.join(', ')}`] : []),
  ])
}
