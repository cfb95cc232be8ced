import { corpusTest, FHIR_FOLDERS, parseJson, resourcesOf } from '@keepwell/sdk/health/corpora.kit'
import { codings, field, isObject, type JsonObject } from '@keepwell/sdk/health/fhir/read'
import { loadNames, readable } from '@keepwell/sdk/health/terminology/names'
import { samplePatient } from '@keepwell/sdk/sample/patient'
import { MantineProvider } from '@mantine/core'
import { createElement } from 'react'
import { renderToStaticMarkup } from 'react-dom/server'
import { expect, test } from 'vitest'
import { WordsProvider } from '#words/context.tsx'
import { de } from '#words/de.ts'
import { makeWords } from '#words/words.ts'
import { FhirTree } from './fhir-tree.tsx'

const nameOf = await loadNames()
const words = makeWords('de', de)

/** What the page of a record says, piece by piece. Its own narrative needs a browser, and is no coded field. */
function saidOf({ text: _, ...resource }: JsonObject): string[] {
  const told = { words, children: createElement(FhirTree, { resource: readable(resource, nameOf) }) }
  const html = renderToStaticMarkup(createElement(MantineProvider, null, createElement(WordsProvider, told)))
  return html
    .replace(/<style.*?<\/style>/gs, '')
    .split(/<[^>]+>/)
    .filter(Boolean)
}

/** Codes that say nothing to a person: not such that are words, and none that is also the name of something here. */
function bareCodes(value: unknown, out = new Set<string>()): Set<string> {
  if (Array.isArray(value)) for (const item of value) bareCodes(item, out)
  else if (isObject(value)) {
    const mine = Array.isArray(value.coding) ? codings(value) : []
    for (const { code, display } of mine)
      if (display !== code && value.text !== code && code.length > 2 && !/^[A-Za-z]?[a-z]{3,}([- ][a-z]+)*$/.test(code)) out.add(code)
    for (const key of Object.keys(value)) if (key !== 'meta') bareCodes(value[key], out)
  }
  return out
}

function faults(resource: JsonObject): string[] {
  const codes = bareCodes(resource)
  return saidOf(resource).filter(said => codes.has(said) || /^(https?:\/\/(hl7|terminology|snomed|loinc)|urn:oid)/.test(said))
}

/** What describes software and standards, and nobody. */
const DEFINES =
  /(Definition|Guide|System|CapabilityStatement|ValueSet|Map|Parameter|Library|Measure|^Questionnaire|Script|TestReport|Scenario)$/

/** A few of each kind, spread over all there are. */
const some = (all: readonly JsonObject[]): JsonObject[] =>
  [...Map.groupBy(all, r => r.resourceType).values()].flatMap(kind => kind.filter((_, i) => i % Math.ceil(kind.length / 12) === 0))

test('every kind of record of a made patient is shown without a bare code or the address of one, in German', () => {
  const all = [...samplePatient('tree', { resources: 400, now: 1_767_225_600 })] as unknown as JsonObject[]
  expect(new Set(all.map(r => r.resourceType)).size).toBeGreaterThan(10)
  expect(some(all).flatMap(faults)).toEqual([])
})

corpusTest('and so is every record that other makers publish', corpora => {
  for (const folder of FHIR_FOLDERS.filter(f => f !== 'fhir/validator-cases')) {
    let shown = 0
    const found = new Map<string, number>()
    const all = [...corpora.files(folder, '.json')].flatMap(file => [...resourcesOf(parseJson(file.bytes))])
    for (const resource of some(all).filter(r => !DEFINES.test(String(r.resourceType)))) {
      shown++
      for (const fault of faults(resource)) found.set(`${String(field(resource, 'resourceType'))} ${fault}`, 1)
    }
    console.info(`${folder}: ${shown} records shown`)
    expect([...found.keys()]).toEqual([])
  }
})
