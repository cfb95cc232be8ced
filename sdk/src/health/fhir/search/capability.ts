/** What a CapabilityStatement says of search (https://hl7.org/fhir/R4/capabilitystatement.html), from the table that the search runs on. */
import { r4 } from './r4.ts'

export type SearchCapability = {
  readonly searchParam: readonly { readonly name: string; readonly type: string; readonly definition?: string }[]
  readonly searchInclude: readonly string[]
  readonly searchRevInclude: readonly string[]
}

const HL7 = 'http://hl7.org/fhir/SearchParameter/'
/** Parameters that have no column of their own. */
const OWN: SearchCapability['searchParam'] = [
  { name: '_id', type: 'token', definition: `${HL7}Resource-id` },
  { name: '_text', type: 'string', definition: `${HL7}DomainResource-text` },
  { name: '_content', type: 'string', definition: `${HL7}Resource-content` },
  { name: '_list', type: 'string' },
]

/** The search elements of `rest.resource` for a type. `sources` are the types that may be brought along by `_revinclude`. */
export function searchCapability(type: string, sources: readonly string[]): SearchCapability {
  const own = [...r4.of(type).values()].filter(p => p.code !== '_id')
  const reaches = (source: string): string[] =>
    [...r4.of(source).values()]
      .filter(p => p.type === 'reference' && (p.targets === null || p.targets.includes(type)))
      .map(p => `${source}:${p.code}`)
  return {
    searchParam: [...OWN, ...own.map(p => ({ name: p.code, type: p.type, definition: p.url }))],
    searchInclude: own.filter(p => p.type === 'reference').map(p => `${type}:${p.code}`),
    searchRevInclude: sources.flatMap(reaches),
  }
}
