import { expect, test } from 'vitest'
import { patientTypes } from '#health/fhir/patient-set'
import { readCapabilities, readCapabilitySecurity, readRelease, readSmartConfiguration } from './discovery.ts'
import { grantedFor, scopesToAsk } from './patient-scopes.ts'

const ENDPOINTS = { authorization_endpoint: 'https://a.example/authorize', token_endpoint: 'https://a.example/token' }

test('what a server says of its login is read from either document, and what is neither is none', () => {
  expect(readSmartConfiguration(ENDPOINTS)).toEqual({
    issuer: null,
    authorize: ENDPOINTS.authorization_endpoint,
    token: ENDPOINTS.token_endpoint,
    register: null,
    revoke: null,
    v2: false,
    offline: null,
  })
  expect(readSmartConfiguration({ ...ENDPOINTS, capabilities: ['permission-v2'] })?.v2).toBe(true)
  expect(readSmartConfiguration({ ...ENDPOINTS, scopes_supported: ['openid', 'patient/Condition.rs'] })).toMatchObject({
    v2: true,
    offline: false,
  })
  for (const none of [null, [], 'x', {}, { token_endpoint: 'https://a.example' }]) {
    expect(readSmartConfiguration(none)).toBeNull()
    expect(readCapabilitySecurity(none)).toBeNull()
    expect(readCapabilities(none)).toBeNull()
    expect(readRelease(none)).toBeNull()
  }
  const extension = [
    {
      url: 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris',
      extension: [
        { url: 'authorize', valueUri: 'https://a.example/1' },
        { url: 'token', valueUri: 'https://a.example/2' },
      ],
    },
  ]
  expect(readCapabilitySecurity({ rest: [{ security: { extension } }] })).toMatchObject({
    authorize: 'https://a.example/1',
    token: 'https://a.example/2',
    v2: false,
  })
})

test('what is asked for is reading the patient’s own data, in the version that the server speaks', () => {
  const types = patientTypes(() => null)
  expect(types).toEqual(expect.arrayContaining(['Patient', 'Observation', 'Provenance', 'Binary', 'Practitioner']))
  expect(types).not.toContain('Claim')
  expect(patientTypes(type => type === 'Patient' || type === 'Claim' || type === 'Observation')).toEqual([
    'Patient',
    'Observation',
    'Claim',
  ])
  const asked = scopesToAsk(types, { v2: true, offline: null }).split(' ')
  expect(asked.slice(0, 2)).toEqual(['launch/patient', 'offline_access'])
  expect(asked.slice(2).every(s => /^patient\/[A-Z][A-Za-z]+\.rs$/.test(s))).toBe(true)
  expect(scopesToAsk(['Patient'], { v2: false, offline: false })).toBe('launch/patient patient/Patient.read')
})

test('what was granted is told type by type: all, some or none', () => {
  const scope = 'launch/patient patient/Observation.rs?category=laboratory patient/Condition.read user/Goal.s patient/Device.r'
  expect(['Observation', 'Condition', 'Goal', 'Device', 'Claim'].map(t => grantedFor(scope, t))).toEqual([
    'some',
    'all',
    'all',
    'none',
    'none',
  ])
  expect(grantedFor(scope, 'Device', 'r')).toBe('all')
  expect(grantedFor('patient/*.read', 'Anything')).toBe('all')
  expect(grantedFor('system/*.rs', 'Anything')).toBe('none')
})
