import { describe, expect, test } from 'vitest'
import { enforceable } from './enforceable.ts'
import { formatScope, narrowed, parseScope, parseScopes } from './scope.ts'

const scope = (text: string) => parseScope(text)!

describe('the grammar of SMART scopes', () => {
  test('letters come in the order cruds, and what is no clinical scope is none', () => {
    expect(scope('patient/Observation.rs')).toMatchObject({ context: 'patient', type: 'Observation', r: true, s: true, c: false, u: false })
    expect(scope('system/*.cruds')).toMatchObject({ context: 'system', type: '*', c: true, r: true, u: true, d: true, s: true })
    for (const bad of [
      'patient/Observation.sr',
      'patient/Observation.rr',
      'patient/Observation.',
      'patient/observation.rs',
      'openid',
      'launch/patient',
      'patient/Observation.rs?',
      'patient/Observation.rs?category',
      'patient/Observation.read?category=x',
      'clinic/Observation.rs',
      'patient/Observation.rs?a=%',
      `patient/Observation.rs?${'a=b&'.repeat(9)}a=b`,
    ])
      expect(parseScope(bad), bad).toBeNull()
  })

  test('version 1 forms mean what version 2 says: read is rs, write is cud, * is cruds', () => {
    expect(formatScope(scope('patient/*.read'))).toBe('patient/*.rs')
    expect(formatScope(scope('user/Condition.write'))).toBe('user/Condition.cud')
    expect(formatScope(scope('patient/Patient.*'))).toBe('patient/Patient.cruds')
  })

  test('search arguments survive being written down', () => {
    const text = 'patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory'
    expect(scope(text).query).toEqual([['category', 'http://terminology.hl7.org/CodeSystem/observation-category|laboratory']])
    expect(parseScope(formatScope(scope(text)))).toEqual(scope(text))
    expect(parseScopes(`openid ${text} launch`)).toHaveLength(1)
  })

  test('the narrower of two keeps every limit of both', () => {
    const both = (a: string, b: string) => {
      const out = narrowed(scope(a), scope(b))
      return out && formatScope(out)
    }
    expect(both('patient/*.cruds', 'user/Observation.rs')).toBe('patient/Observation.rs')
    expect(both('patient/Observation.rs?category=laboratory', 'user/*.r?status=final')).toBe(
      'patient/Observation.r?category=laboratory&status=final',
    )
    expect(both('patient/Condition.rs', 'user/Observation.rs')).toBeNull()
    expect(both('patient/Condition.rs', 'user/Condition.cud')).toBeNull()
  })
})

describe('scopes that can be enforced', () => {
  test('search arguments are tokens or references that the type has', () => {
    for (const good of [
      'patient/Observation.rs',
      'patient/Observation.rs?category=laboratory',
      'patient/Observation.rs?code=http://loinc.org|2345-7&status=final',
      'patient/Condition.rs?clinical-status=active',
      'user/Encounter.rs?participant=Practitioner/1',
      'system/*.rs?_security=N',
    ])
      expect(enforceable(scope(good)), good).toBe(true)
    for (const bad of [
      'patient/Observation.rs?value-quantity=gt5',
      'patient/Observation.rs?date=gt2020',
      'patient/Observation.rs?constructor=x',
      'patient/Observation.rs?_count=1',
      'patient/*.rs?category=laboratory',
      'patient/Nonsense.rs',
    ])
      expect(enforceable(scope(bad)), bad).toBe(false)
  })
})
