/**
 * SNOMED CT's Global Patient Set (© SNOMED International, CC BY 4.0): codes and terms without a hierarchy. Either HL7's FHIR ValueSet
 * (JSON or XML) or SNOMED's own tab-separated file.
 */
import { KeepwellError } from '#base/error'
import { field, list, string } from '#health/fhir/read'
import { readXml } from '#health/xml'
import { tabRecords } from './delimited.ts'
import type { ReleaseConcept } from './systems.ts'

/** `Acute otitis media (disorder)` is the full name; people read it without the tag. */
const plain = (name: string): string => name.replace(/ \([a-z][\p{L} /+-]*\)$/u, '')

function conceptOf(code: string, full: string, preferred?: string, active = true): ReleaseConcept {
  const display = preferred || plain(full)
  return { code, display, ...(active ? {} : { inactive: true }), ...(full !== display ? { synonyms: [full] } : {}) }
}

function* fromXml(xml: string): Generator<ReleaseConcept> {
  let inside = false
  let code = ''
  let display = ''
  for (const event of readXml(xml)) {
    if (event.kind === 'open' && event.name === 'concept') inside = true
    if (inside && event.kind === 'open' && event.name === 'code') code = event.attributes.get('value') ?? ''
    if (inside && event.kind === 'open' && event.name === 'display') display = event.attributes.get('value') ?? ''
    if (event.kind !== 'close' || event.name !== 'concept') continue
    if (code) yield conceptOf(code, display || code)
    inside = false
    code = display = ''
  }
}

function* fromJson(valueSet: unknown): Generator<ReleaseConcept> {
  for (const include of list(field(field(valueSet, 'compose'), 'include')))
    for (const c of list(field(include, 'concept'))) {
      const code = string(field(c, 'code'))
      if (code) yield conceptOf(code, string(field(c, 'display')) ?? code)
    }
}

/** A ValueSet as text. */
export function* readGpsValueSet(text: string): Generator<ReleaseConcept> {
  if (text.trimStart().startsWith('<')) yield* fromXml(text)
  else yield* fromJson(JSON.parse(text))
}

const first = (row: ReadonlyMap<string, string>, ...names: readonly string[]): string | undefined =>
  names.map(n => row.get(n)).find(v => v !== undefined && v !== '')

/** SNOMED's own file, whose columns have been named in several ways. */
export async function* readGpsText(lines: AsyncIterable<string>): AsyncGenerator<ReleaseConcept> {
  for await (const row of tabRecords(lines)) {
    const code = first(row, 'conceptId', 'SNOMED CT Concept ID', 'id', 'referencedComponentId', 'SCTID', 'Concept_id')
    const full = first(row, 'fullySpecifiedName', 'FSN', 'fsn', 'Fully Specified Name', 'term', 'FullySpecifiedName')
    if (!code || !full)
      throw new KeepwellError('UNREADABLE', 'The file has no columns with concept ids and names; it is not the Global Patient Set.')
    yield conceptOf(code, full, first(row, 'preferredTerm', 'PT', 'pt', 'Preferred Term'), first(row, 'active', 'Active') !== '0')
  }
}
