/** LOINC's table (`Loinc.csv` of a release; © Regenstrief Institute and the LOINC Committee, loinc.org/license), loaded by the operator. */
import { KeepwellError } from '#base/error'
import { csvRecords } from './delimited.ts'
import type { ReleaseConcept } from './systems.ts'

const PROPERTIES = [
  'COMPONENT',
  'PROPERTY',
  'TIME_ASPCT',
  'SYSTEM',
  'SCALE_TYP',
  'METHOD_TYP',
  'CLASS',
  'STATUS',
  'ORDER_OBS',
  'EXAMPLE_UCUM_UNITS',
]

export async function* readLoinc(lines: AsyncIterable<string>): AsyncGenerator<ReleaseConcept> {
  for await (const row of csvRecords(lines)) {
    const code = row.get('LOINC_NUM')
    if (code === undefined) throw new KeepwellError('UNREADABLE', 'The file has no column LOINC_NUM; it is not LOINC’s table.')
    const display = row.get('LONG_COMMON_NAME') || row.get('SHORTNAME') || row.get('COMPONENT') || code
    const synonyms = [row.get('SHORTNAME'), row.get('CONSUMER_NAME'), row.get('DisplayName')].filter(n => n && n !== display) as string[]
    yield {
      code,
      display,
      ...(row.get('STATUS') === 'DEPRECATED' ? { inactive: true } : {}),
      synonyms: [...new Set(synonyms)],
      properties: PROPERTIES.flatMap(key => (row.get(key) ? [[key, row.get(key)!] as const] : [])),
    }
  }
}
