import { describe, expect, test } from 'vitest'
import { makeIds } from './ids.ts'
import { literal, renamed } from './references.ts'

const OWN = 'did:ethr:0x1:0x1111111111111111111111111111111111111111'
const OTHER = 'did:ethr:0x1:0x2222222222222222222222222222222222222222'
const ADA = 'did:ethr:0x1:0x3333333333333333333333333333333333333333'
const random = (n: number) => new Uint8Array(n).fill(7)
const make = (secret: number) => makeIds(new Uint8Array(32).fill(secret), OWN, random)

describe('logical ids', () => {
  test('are the same under the same key, others under another, and tell neither DID nor name', () => {
    const [a, again, other] = [make(1), make(1), make(2)]
    expect(a.patient(ADA)).toBe(again.patient(ADA))
    expect(a.patient(ADA)).not.toBe(other.patient(ADA))
    const id = a.resource(a.patient(ADA), OTHER, 'secret-name')
    expect(id).toMatch(/^[A-Za-z0-9\-.]{1,64}$/)
    expect(id + a.patient(ADA)).not.toMatch(/3333|secret/)
  })

  test('two authors’ things of one name are two things; our own keep their names', () => {
    const ids = make(1)
    expect(ids.resource('p', OTHER, '1')).not.toBe(ids.resource('p', ADA, '1'))
    expect(ids.resource('p', OWN, '1')).toBe('1')
    expect(ids.resource('p', OWN, 'not an id!')).not.toBe('not an id!')
  })

  test('what is made up says whose it is', () => {
    const ids = make(1)
    const patient = ids.patient(ADA)
    for (const id of [patient, ids.fresh(patient), ids.resource(patient, OTHER, 'x')]) expect(ids.patientOf(id)).toBe(patient)
    expect(ids.patientOf('mine-1')).toBeNull()
  })
})

describe('references', () => {
  test('are renamed wherever they stand, contained ones and plain urls are not, and nothing is copied in vain', () => {
    const resource = {
      resourceType: 'DocumentReference',
      subject: { reference: 'Patient/1' },
      contained: [{ resourceType: 'Practitioner', id: 'c' }],
      author: [{ reference: '#c' }, { reference: 'Practitioner/2' }],
      content: [{ attachment: { url: 'https://x.example/Binary/9' } }, { attachment: { url: 'https://x.example/page' } }],
    }
    const seen: string[] = []
    expect(renamed(resource, r => (seen.push(r) ? null : null))).toBe(resource)
    expect(seen).toEqual(['Patient/1', 'Practitioner/2', 'https://x.example/Binary/9'])
    const told = renamed(resource, r => (r === 'Practitioner/2' ? 'Practitioner/x' : null))
    expect(told.author).toEqual([{ reference: '#c' }, { reference: 'Practitioner/x' }])
    expect(told.subject).toBe(resource.subject)
  })

  test('are read in their parts, and only when they are literal', () => {
    expect(literal('https://x.example/fhir/Patient/1/_history/2')).toEqual({ base: 'https://x.example/fhir/', type: 'Patient', id: '1' })
    for (const text of ['urn:uuid:1', 'Patient?x=1', '#a', 'patient/1', 'Patient/a b', 'javascript:Patient/1'])
      expect(literal(text)).toBeNull()
  })
})
