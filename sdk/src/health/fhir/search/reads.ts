/** Which FHIR types each type of search parameter reads (https://hl7.org/fhir/R4/search.html, the tables of 3.1.1.4.6 to 3.1.1.4.16). */
import type { ParameterType } from './parameters.ts'

const set = (types: string): ReadonlySet<string> => new Set(types.split(' '))

export const READS: Readonly<Record<Exclude<ParameterType, 'composite'>, ReadonlySet<string>>> & {
  readonly composite: ReadonlySet<string>
} = {
  token: set('code Coding CodeableConcept Identifier ContactPoint boolean uri string id oid canonical Flag'),
  string: set('string markdown HumanName Address'),
  date: set('date dateTime instant Period Timing'),
  number: set('decimal integer positiveInt unsignedInt Range'),
  quantity: set('Quantity Age Duration Count Distance Money SimpleQuantity MoneyQuantity Range SampledData'),
  reference: set('Reference canonical uri'),
  uri: set('uri url canonical oid uuid'),
  composite: set(''),
}
