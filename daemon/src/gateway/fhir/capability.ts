import type { ProfileLibrary } from '@keepwell/sdk/health/fhir/profile/library'
import type { JsonObject } from '@keepwell/sdk/health/fhir/read'
import { registry } from '@keepwell/sdk/health/fhir/search/parameters'
import { table } from '@keepwell/sdk/health/fhir/search/parameters.generated'
import type { GatewayPart } from '#gateway/core/types'
import { ALONE, type FhirRoute } from './route.ts'

export type Told = {
  readonly rows: readonly FhirRoute[]
  readonly profiles: ProfileLibrary
  /** Resource types of R4. */
  readonly types: readonly string[]
  readonly name: string
  readonly version: string
  /** Instant of the start. */
  readonly date: string
  /** `rest.security`, by whoever issues tokens. */
  readonly security?: JsonObject
  /** What parts say besides: extensions of `rest`, members of a type's entry, statements that this one meets. */
  readonly more?: readonly NonNullable<GatewayPart['told']>[]
}

const parameters = registry(table)

/** The types that a row serves: the one in its path, those its operation names, or every one. */
const serves = (row: FhirRoute, type: string): boolean => {
  const first = row.path.split('/')[1]
  if (row.operation?.types) return row.operation.types.includes(type)
  return first === type || (first === '{type}' && !ALONE.has(type))
}

const SYSTEM = new Set(['transaction', 'batch', 'search-system', 'history-system'])

/** The statement of what is routed (R4 capabilitystatement.html): made from the rows, so it can name nothing else. */
export function capability({ rows, profiles, types, name, version, date, security, more = [] }: Told, base: string): JsonObject {
  const system = rows.filter(r => r.interaction && SYSTEM.has(r.interaction)).map(r => r.interaction!)
  const codes = [...new Set(system.flatMap(c => (c === 'transaction' ? ['transaction', 'batch'] : [c])))]
  const ownTypes = [...types].sort()
  const general = rows.filter(r => r.operation && !r.operation.types)
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date,
    kind: 'instance',
    ...filled(
      'instantiates',
      more.flatMap(m => m.instantiates ?? []),
    ),
    publisher: name,
    software: { name: 'Keepwell gateway', version },
    implementation: { description: `${name}: what patients have granted to this organisation`, url: base },
    fhirVersion: '4.0.1',
    format: ['json', 'xml'],
    patchFormat: ['application/json-patch+json', 'application/fhir+json', 'application/fhir+xml'],
    rest: [
      {
        ...filled(
          'extension',
          more.flatMap(m => m.rest ?? []),
        ),
        mode: 'server',
        ...(security ? { security } : {}),
        resource: ownTypes.map(type => ({
          ...resourceOf(rows, type, profiles.of(type)),
          ...Object.assign({}, ...more.map(m => m.types?.[type] ?? {})),
        })),
        interaction: codes.map(code => ({ code })),
        ...(general.length ? { operation: unique(general) } : {}),
        compartment: ['http://hl7.org/fhir/CompartmentDefinition/patient'],
      },
    ],
  }
}

const filled = (name: string, list: readonly unknown[]): JsonObject => (list.length ? { [name]: list } : {})

function resourceOf(rows: readonly FhirRoute[], type: string, supported: ReturnType<ProfileLibrary['of']>): JsonObject {
  const mine = rows.filter(r => serves(r, type))
  const interactions = [...new Set(mine.flatMap(r => (r.interaction && !SYSTEM.has(r.interaction) ? [r.interaction] : [])))]
  const operations = mine.filter(r => r.operation?.types)
  const searched = interactions.includes('search-type')
  return {
    type,
    profile: `http://hl7.org/fhir/StructureDefinition/${type}`,
    ...(supported.length ? { supportedProfile: supported.map(p => (p.version ? `${p.url}|${p.version}` : p.url)) } : {}),
    interaction: interactions.map(code => ({ code })),
    versioning: 'versioned',
    readHistory: interactions.includes('vread'),
    updateCreate: interactions.includes('update'),
    conditionalCreate: interactions.includes('create'),
    conditionalRead: 'full-support',
    conditionalUpdate: interactions.includes('update'),
    conditionalDelete: interactions.includes('delete') ? 'single' : 'not-supported',
    referencePolicy: ['literal', 'logical'],
    ...(searched ? { searchInclude: ['*'], searchRevInclude: ['*'], searchParam: searchParams(type) } : {}),
    ...(operations.length ? { operation: unique(operations) } : {}),
  }
}

const searchParams = (type: string): JsonObject[] =>
  [...parameters.of(type).values()].map(p => ({ name: p.code, definition: p.url, type: p.type })).sort((a, b) => (a.name < b.name ? -1 : 1))

const unique = (rows: readonly FhirRoute[]): JsonObject[] => [
  ...new Map(rows.map(r => [r.operation!.name, { name: r.operation!.name, definition: r.operation!.definition }])).values(),
]
