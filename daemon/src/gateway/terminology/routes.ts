import type { Terminology } from '@keepwell/sdk/ports/terminology'
import type { FhirRoute } from '#gateway/fhir/route'
import { expand, lookup, type Operation, subsumes, translate, validateInSet, validateInSystem } from './operations.ts'

const CORE = 'http://hl7.org/fhir/OperationDefinition'

type Row = { readonly type: string; readonly name: string; readonly run: Operation }
const ROWS: readonly Row[] = [
  { type: 'CodeSystem', name: 'lookup', run: lookup },
  { type: 'CodeSystem', name: 'validate-code', run: validateInSystem },
  { type: 'CodeSystem', name: 'subsumes', run: subsumes },
  { type: 'ValueSet', name: 'validate-code', run: validateInSet },
  { type: 'ValueSet', name: 'expand', run: expand },
  { type: 'ConceptMap', name: 'translate', run: translate },
]

export type TerminologyRoutes = {
  readonly terminology: Terminology
  readonly clock: () => number
  readonly random: (length: number) => Uint8Array
}

/**
 * The terminology operations as rows of the FHIR side. Whoever may ask the gateway anything may ask what a code means: no scope, no receipt,
 * for it says nothing of a patient. Several questions at once go in a batch, as FHIR has it.
 */
export function terminologyRoutes({ terminology, clock, random }: TerminologyRoutes): FhirRoute[] {
  return ROWS.flatMap(({ type, name, run }): FhirRoute[] => {
    const path = `/${type}/$${name}`
    const operation = { name, definition: `${CORE}/${type}-${name}`, types: [type] }
    const answer: FhirRoute['handle'] = async ({ query, resource }) => ({
      resource: await run(terminology, { query, body: resource, now: clock(), random }),
    })
    return [
      { name: `${type}-${name}`, method: 'GET', path, operation, handle: answer },
      { name: `${type}-${name}`, method: 'POST', path, operation, body: 'resource', handle: answer },
    ]
  })
}
