/** The invariants of R4's data types (https://hl7.org/fhir/R4/datatypes.html), which @medplum/core does not evaluate. By hand, for they stand everywhere. */
import { field, isObject, type JsonObject, string } from './read.ts'

/** As FHIRPath's `exists()`: an element with an extension alone is there. */
const has = (value: JsonObject, name: string): boolean => value[name] !== undefined || value[`_${name}`] !== undefined
const UCUM = 'http://unitsofmeasure.org'
const isBelow = (value: unknown, limit: number): boolean => typeof value === 'number' && value < limit

type Rule = readonly [key: string, breaks: (value: JsonObject) => boolean, text: string]

const coded = (key: string, system: string): Rule => [
  key,
  v => (has(v, 'value') && !has(v, 'code')) || (typeof v.system === 'string' && v.system !== system),
  'A value of this kind needs a unit code of the right system',
]

const RULES: Readonly<Record<string, readonly Rule[]>> = {
  Age: [coded('age-1', UCUM), ['age-1', v => typeof v.value === 'number' && v.value <= 0, 'An age is more than nothing']],
  Attachment: [['att-1', v => has(v, 'data') && !has(v, 'contentType'), 'An attachment with data needs its content type']],
  ContactPoint: [['cpt-2', v => has(v, 'value') && !has(v, 'system'), 'A contact needs the system that its value is of']],
  Count: [
    coded('cnt-3', UCUM),
    [
      'cnt-3',
      v => (typeof v.code === 'string' && v.code !== '1') || !(v.value === undefined || Number.isInteger(v.value)),
      'A count is a whole number of ones',
    ],
  ],
  Distance: [coded('dis-1', UCUM)],
  Duration: [['drt-1', v => has(v, 'code') && (v.system !== UCUM || !has(v, 'value')), 'A duration has a value, and its unit is of UCUM']],
  Expression: [['exp-1', v => !has(v, 'expression') && !has(v, 'reference'), 'An expression is given, or referred to']],
  Range: [['rng-2', isReversed, 'The low end of a range is not above the high one']],
  Ratio: [
    ['rat-1', v => (v.numerator === undefined) !== (v.denominator === undefined), 'A ratio has both its parts'],
    ['rat-1', v => v.numerator === undefined && v.extension === undefined, 'A ratio has both its parts'],
  ],
  'Timing.repeat': [
    ['tim-1', v => has(v, 'duration') && !has(v, 'durationUnit'), 'A duration needs its unit'],
    ['tim-2', v => has(v, 'period') && !has(v, 'periodUnit'), 'A period needs its unit'],
    ['tim-4', v => isBelow(v.duration, 0), 'A duration is not negative'],
    ['tim-5', v => isBelow(v.period, 0), 'A period is not negative'],
    ['tim-6', v => has(v, 'periodMax') && !has(v, 'period'), 'Where there is a longest period there is a period'],
    ['tim-7', v => has(v, 'durationMax') && !has(v, 'duration'), 'Where there is a longest duration there is a duration'],
    ['tim-8', v => has(v, 'countMax') && !has(v, 'count'), 'Where there is a highest count there is a count'],
    ['tim-10', v => has(v, 'timeOfDay') && has(v, 'when'), 'A time of day, or an event of the day, not both'],
  ],
}

/** Ends in one unit are compared; of others nothing is said. */
function isReversed({ low, high }: JsonObject): boolean {
  if (!isObject(low) || !isObject(high)) return false
  const unit = (q: JsonObject): string => string(field(q, 'code')) ?? string(field(q, 'unit')) ?? ''
  return unit(low) === unit(high) && typeof low.value === 'number' && typeof high.value === 'number' && low.value > high.value
}

/** Words for what a value of this type breaks, with the invariant's key. */
export const brokenInvariants = (type: string, value: JsonObject): string[] =>
  Object.hasOwn(RULES, type) ? RULES[type]!.flatMap(([key, breaks, text]) => (breaks(value) ? [`${text} (${key})`] : [])) : []
