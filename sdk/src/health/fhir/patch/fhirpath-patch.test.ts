import { describe, expect, test } from 'vitest'
import { definitions } from '#health/fhir/definitions.generated'
import type { JsonObject } from '#health/fhir/read'
import { shapes } from '#health/fhir/shapes'
import { fhirPathPatched } from './fhirpath-patch.ts'

const index = shapes(definitions)
const part = (name: string, value: JsonObject): JsonObject => ({ name, ...value })
const operation = (parts: Readonly<Record<string, JsonObject>>): JsonObject => ({
  name: 'operation',
  part: Object.entries(parts).map(([name, value]) => part(name, value)),
})
const at = (type: string, path: string, more: Readonly<Record<string, JsonObject>> = {}): JsonObject =>
  operation({ type: { valueCode: type }, path: { valueString: path }, ...more })
const patch = (resource: JsonObject, ...parameter: JsonObject[]) =>
  fhirPathPatched(resource, { resourceType: 'Parameters', parameter }, index)

const patient: JsonObject = {
  resourceType: 'Patient',
  identifier: [{ system: 'a', value: '1' }, { value: '2' }, { value: '3' }],
  name: [{ use: 'official', given: ['Ada', 'B'], _given: [null, { id: 'x' }] }, { use: 'usual' }],
  birthDate: '1920-01-01',
  _birthDate: { id: 'b' },
  contact: [{ name: { text: 'a name' }, gender: 'male' }],
}
const { identifier, name, contact } = patient as unknown as Record<'identifier' | 'name' | 'contact', JsonObject[]>

describe('FHIRPath Patch (R4 fhirpatch.html)', () => {
  test.each<[string, JsonObject, JsonObject]>([
    [
      'replaces a primitive, and what was said of it',
      at('replace', 'Patient.birthDate', { value: { valueDate: '1930-01-01' } }),
      { birthDate: '1930-01-01', _birthDate: undefined },
    ],
    ['deletes a primitive', at('delete', 'Patient.birthDate'), { birthDate: undefined, _birthDate: undefined }],
    [
      'adds to what does not repeat',
      at('add', 'Patient', { name: { valueString: 'gender' }, value: { valueCode: 'male' } }),
      { gender: 'male' },
    ],
    [
      'adds a choice under the name of its type',
      at('add', 'Patient', { name: { valueString: 'deceased' }, value: { valueBoolean: true } }),
      { deceasedBoolean: true },
    ],
    [
      'adds at the end of a list',
      at('add', 'Patient', { name: { valueString: 'identifier' }, value: { valueIdentifier: { value: '4' } } }),
      { identifier: [...identifier, { value: '4' }] },
    ],
    [
      'inserts in a list',
      at('insert', 'Patient.identifier', { index: { valueInteger: 1 }, value: { valueIdentifier: { value: '4' } } }),
      { identifier: [identifier[0], { value: '4' }, ...identifier.slice(1)] },
    ],
    [
      'moves in a list',
      at('move', 'Patient.identifier', { source: { valueInteger: 2 }, destination: { valueInteger: 0 } }),
      { identifier: [identifier[2], identifier[0], identifier[1]] },
    ],
    ['finds by a filter', at('delete', "Patient.identifier.where(system = 'a')"), { identifier: identifier.slice(1) }],
    [
      'keeps what is said of primitives beside them',
      at('delete', 'Patient.name[0].given[0]'),
      { name: [{ use: 'official', given: ['B'], _given: [{ id: 'x' }] }, name[1]] },
    ],
    ['leaves nothing empty behind', at('delete', 'Patient.contact[0].name.text'), { contact: [{ gender: 'male' }] }],
    [
      'makes elements without a type of their own from parts',
      at('add', 'Patient', {
        name: { valueString: 'contact' },
        value: {
          part: [part('name', { valueHumanName: { text: 'x' } }), part('telecom', { valueContactPoint: { value: 'y' } })],
        } as unknown as JsonObject,
      }),
      { contact: [...contact, { name: { text: 'x' }, telecom: [{ value: 'y' }] }] },
    ],
    ['does nothing where there is nothing to delete', at('delete', 'Patient.photo'), {}],
  ])('%s', (_, op, change) => {
    const before = structuredClone(patient)
    const made = patch(patient, op) as { resource: JsonObject }
    expect(made.resource).toEqual(JSON.parse(JSON.stringify({ ...patient, ...change })))
    expect(patient).toEqual(before)
  })

  test('a replaced choice takes its new type', () => {
    const observation = { resourceType: 'Observation', valueString: 'high' }
    const quantity = { valueQuantity: { value: 1 } }
    expect(patch(observation, at('replace', 'Observation.value', { value: quantity }))).toEqual({
      resource: { resourceType: 'Observation', ...quantity },
    })
  })

  test('operations see what those before them made; one that fails is named', () => {
    const add = at('add', 'Patient', { name: { valueString: 'gender' }, value: { valueCode: 'male' } })
    expect(patch(patient, add, at('replace', 'Patient.gender', { value: { valueCode: 'other' } }))).toMatchObject({
      resource: { gender: 'other' },
    })
    expect(patch(patient, add, add)).toMatchObject({ operation: 1 })
  })

  test.each([
    at('replace', 'Patient.identifier', { value: { valueIdentifier: {} } }),
    at('replace', 'Patient.photo', { value: { valueAttachment: {} } }),
    at('delete', 'Patient.identifier'),
    at('delete', 'Patient'),
    at('add', 'Patient', { name: { valueString: 'nonsense' }, value: { valueString: 'x' } }),
    at('add', 'Patient.identifier[0].period', { name: { valueString: 'end' }, value: { valueDate: '2020' } }),
    at('insert', 'Patient.identifier', { index: { valueInteger: 9 }, value: { valueIdentifier: {} } }),
    at('insert', 'Patient.birthDate', { index: { valueInteger: 0 }, value: { valueDate: '2020' } }),
    at('move', 'Patient.identifier', { source: { valueInteger: 0 }, destination: { valueInteger: 3 } }),
    at('erase', 'Patient.birthDate'),
    at('delete', 'Patient.name.select(given)'),
    at('delete', 'Patient.identifier.where(('),
    at('delete', "Patient.identifier.where(value & '"),
    operation({ type: { valueCode: 'delete' } }),
    { name: 'other' },
  ])('%j is refused', op => {
    expect(patch(patient, op)).toMatchObject({ operation: 0, text: expect.any(String) })
  })

  test('no path leads out of the resource, and no patch makes it throw', () => {
    let seed = 7
    const random = (n: number): number => {
      seed = (seed * 48271) % 2147483647
      return seed % n
    }
    const words = [
      'Patient',
      '.',
      'name',
      '[0]',
      '[99]',
      '(',
      ')',
      "'",
      '`',
      'where',
      '__proto__',
      'constructor',
      'prototype',
      'given',
      '$this',
      '%resource',
      ' ',
      '1',
      'extension',
      '\\',
    ]
    for (let i = 0; i < 1500; i++) {
      const path = Array.from({ length: 1 + random(8) }, () => words[random(words.length)]).join('')
      const value = [{ valueString: 'x' }, { part: [part('__proto__', { valueString: 'x' })] }, {}][random(3)] as JsonObject
      const made = patch(
        patient,
        at(['add', 'delete', 'replace', 'insert', 'move'][random(5)]!, path, {
          name: { valueString: words[random(words.length)]! },
          value,
        }),
      )
      expect('resource' in made || made.operation === 0).toBe(true)
    }
    expect(({} as { x?: unknown }).x).toBeUndefined()
  })
})
