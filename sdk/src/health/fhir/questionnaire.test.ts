import { describe, expect, test } from 'vitest'
import { loadChecker } from './check.ts'
import type { JsonObject } from './read.ts'

const check = await loadChecker()
const URL = 'http://example.org/Questionnaire/q'
const EXTENSION = 'http://hl7.org/fhir/StructureDefinition/'
const KILO = { value: 70, unit: 'kg', system: 'http://unitsofmeasure.org', code: 'kg' }

const question = (type: string, more: JsonObject = {}): JsonObject => ({ linkId: 'q', type, ...more })
const limit = (url: string, value: JsonObject): JsonObject => ({ extension: [{ url: EXTENSION + url, ...value }] })
const answered = (...values: JsonObject[]): JsonObject => ({ linkId: 'q', answer: values })

/** Errors of a response to these questions, as `code path`. */
function errors(questions: readonly JsonObject[], items: readonly JsonObject[], status = 'completed'): string[] {
  const form = { resourceType: 'Questionnaire', url: URL, status: 'active', item: questions }
  const response = { resourceType: 'QuestionnaireResponse', status, questionnaire: `${URL}|1`, ...(items.length ? { item: items } : {}) }
  const found = check(response, { questionnaire: canonical => (canonical.startsWith(URL) ? form : undefined) })
  return found.filter(i => i.severity === 'error').map(i => `${i.code} ${i.path.replace('QuestionnaireResponse.', '')}`)
}

describe('a response is held to its questionnaire', () => {
  const coded = { valueCoding: { system: 'urn:x', code: 'a' } }
  const options = { answerOption: [coded, { valueCoding: { system: 'urn:x', code: 'b' } }] }
  const exclusive = {
    answerOption: [coded, { ...limit('questionnaire-optionExclusive', { valueBoolean: true }), valueCoding: { code: 'none' } }],
  }

  test.each<[string, JsonObject, JsonObject[], JsonObject[]]>([
    ['type', question('boolean'), [{ valueBoolean: true }], [{ valueString: 'yes' }]],
    ['option', question('choice', options), [coded], [{ valueCoding: { system: 'urn:x', code: 'c' } }]],
    ['open option', question('open-choice', options), [{ valueString: 'free' }], [{ valueCoding: { system: 'urn:y', code: 'a' } }]],
    ['exclusive option', question('choice', { ...exclusive, repeats: true }), [coded], [coded, { valueCoding: { code: 'none' } }]],
    ['repetition', question('string', { repeats: true }), [{ valueString: 'a' }, { valueString: 'b' }], []],
    ['longest text', question('string', { maxLength: 3 }), [{ valueString: 'abc' }], [{ valueString: 'abcd' }]],
    ['shortest text', question('text', limit('minLength', { valueInteger: 3 })), [{ valueString: 'abc' }], [{ valueString: 'ab' }]],
    ['smallest number', question('decimal', limit('minValue', { valueDecimal: 1.5 })), [{ valueDecimal: 1.5 }], [{ valueDecimal: 1.4 }]],
    ['latest day', question('date', limit('maxValue', { valueDate: '2022' })), [{ valueDate: '2022' }], [{ valueDate: '2023' }]],
    [
      'decimal places',
      question('decimal', limit('maxDecimalPlaces', { valueInteger: 1 })),
      [{ valueDecimal: 1.5 }],
      [{ valueDecimal: 1.55 }],
    ],
    [
      'largest quantity, across units',
      question('quantity', limit('maxValue', { valueQuantity: { ...KILO, value: 80_000, code: 'g' } })),
      [{ valueQuantity: KILO }],
      [{ valueQuantity: { ...KILO, value: 81 } }],
    ],
    [
      'units that can be compared',
      question('quantity', limit('maxValue', { valueQuantity: KILO })),
      [{ valueQuantity: KILO }],
      [{ valueQuantity: { ...KILO, code: 'm' } }],
    ],
    [
      'unit',
      question('quantity', limit('questionnaire-unitOption', { valueCoding: { system: KILO.system, code: 'kg' } })),
      [{ valueQuantity: KILO }],
      [{ valueQuantity: { ...KILO, code: 'g' } }],
    ],
    [
      'kind of file',
      question('attachment', limit('mimeType', { valueCode: 'image/png' })),
      [{ valueAttachment: { contentType: 'image/png' } }],
      [{ valueAttachment: { contentType: 'image/gif' } }],
    ],
    [
      'size of file',
      question('attachment', limit('maxSize', { valueDecimal: 3 })),
      [{ valueAttachment: { contentType: 'text/plain', data: 'AAAA', size: 3 } }],
      [{ valueAttachment: { contentType: 'text/plain', data: 'AAAAAA==', size: 4 } }],
    ],
    [
      'target',
      question('reference', limit('questionnaire-referenceResource', { valueCode: 'Patient' })),
      [{ valueReference: { reference: 'Patient/1' } }],
      [{ valueReference: { reference: 'Group/1' } }],
    ],
  ])('%s', (_, asked, right, wrong) => {
    expect(errors([asked], [answered(...right)])).toEqual([])
    if (wrong.length) expect(errors([asked], [answered(...wrong)])).not.toEqual([])
    else expect(errors([{ ...asked, repeats: false }], [answered(...right)])).toEqual(['invalid item[0]'])
  })

  test('a required answer is missed once the response is complete, and not before', () => {
    const asked = [question('string', { required: true })]
    expect(errors(asked, [])).toEqual(['required QuestionnaireResponse'])
    expect(errors(asked, [], 'in-progress')).toEqual([])
  })
  test('questions stand where the questionnaire has them', () => {
    const form = [{ linkId: 'g', type: 'group', item: [question('string')] }]
    expect(errors(form, [{ linkId: 'g', item: [answered({ valueString: 'x' })] }])).toEqual([])
    expect(errors(form, [answered({ valueString: 'x' })])).toEqual(['not-found item[0]'])
    expect(errors(form, [{ linkId: 'g', answer: [{ valueString: 'x' }] }])).toEqual(['structure item[0]'])
    expect(errors([question('display')], [answered({ valueString: 'x' })])).toEqual(['structure item[0]'])
  })
  test.each([
    ['=', { answerBoolean: true }, { valueBoolean: true }, { valueBoolean: false }],
    ['!=', { answerBoolean: true }, { valueBoolean: false }, { valueBoolean: true }],
    ['>', { answerInteger: 2 }, { valueInteger: 3 }, { valueInteger: 2 }],
    ['<=', { answerInteger: 2 }, { valueInteger: 2 }, { valueInteger: 3 }],
  ])('what another answer (%s) leaves out is neither missed nor answered', (operator, wanted, yes, no) => {
    const type = 'valueBoolean' in yes ? 'boolean' : 'integer'
    const form = [
      { linkId: 'first', type },
      question('string', { required: true, enableWhen: [{ question: 'first', operator, ...wanted }] }),
    ]
    const first = (answer: JsonObject): JsonObject => ({ linkId: 'first', answer: [answer] })
    expect(errors(form, [first(yes), answered({ valueString: 'x' })])).toEqual([])
    expect(errors(form, [first(yes)])).toEqual(['required QuestionnaireResponse'])
    expect(errors(form, [first(no)])).toEqual([])
    expect(errors(form, [first(no), answered({ valueString: 'x' })])).toEqual(['invalid item[1]'])
  })
  test('options of a contained value set count; one that is unknown is said to be', () => {
    const codes = {
      resourceType: 'ValueSet',
      id: 'v',
      status: 'active',
      compose: { include: [{ system: 'urn:x', concept: [{ code: 'a' }] }] },
    }
    const form = (url: string) => ({
      resourceType: 'Questionnaire',
      url: URL,
      status: 'active',
      contained: [codes],
      item: [question('choice', { answerValueSet: url })],
    })
    const said = (url: string, code: string) =>
      check(
        {
          resourceType: 'QuestionnaireResponse',
          status: 'completed',
          questionnaire: URL,
          item: [answered({ valueCoding: { system: 'urn:x', code } })],
        },
        { questionnaire: () => form(url) },
      ).map(i => i.severity)
    expect(said('#v', 'a')).toEqual([])
    expect(said('#v', 'b')).toEqual(['error'])
    expect(said('http://example.org/ValueSet/far', 'b')).toEqual(['warning'])
  })
})
