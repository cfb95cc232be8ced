import { expect, test } from 'vitest'
import { text } from '#base/bytes'
import { canonicalBytes, sourceId } from './canonical.ts'

const resource = {
  resourceType: 'Basic',
  id: '1',
  meta: { versionId: '3', lastUpdated: '2024-01-01T00:00:00Z', source: '#x', profile: ['http://p.example'] },
  code: { text: 'x' },
}

test('the same content from two exports has the same bytes', () => {
  const again = {
    code: { text: 'x' },
    meta: { profile: ['http://p.example'], tag: [{ code: 'SUBSETTED' }] },
    resourceType: 'Basic',
    id: '2',
    text: { status: 'generated', div: '<div/>' },
  }
  expect(text(canonicalBytes(again))).toBe(text(canonicalBytes(resource)))
  expect(text(canonicalBytes({ resourceType: 'Basic', meta: { versionId: '1' } }))).toBe('{"resourceType":"Basic"}')
})
test('other content has other bytes, labels and profiles included', () => {
  const mine = text(canonicalBytes(resource))
  for (const other of [
    { ...resource, code: { text: 'y' } },
    { ...resource, meta: { profile: ['http://q.example'] } },
    { ...resource, meta: { ...resource.meta, security: [{ code: 'HIV' }] } },
    { ...resource, text: { status: 'additional', div: '<div/>' } },
  ])
    expect(text(canonicalBytes(other))).not.toBe(mine)
})
test('what has no canonical form is refused with a code', () => {
  expect(() => canonicalBytes('x')).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }))
  expect(() => canonicalBytes({ a: '\uD800' })).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }))
})
test('a source id is stable over exports and differs between sources', () => {
  const uuid = 'a0000000-0000-4000-8000-00000000000a'
  expect(sourceId(resource, { fullUrl: 'https://h.example/fhir/Basic/1/_history/4' })).toBe('https://h.example/fhir/Basic/1')
  expect(sourceId(resource, { base: 'https://h.example/fhir/' })).toBe('https://h.example/fhir/Basic/1')
  expect(sourceId({ resourceType: 'Basic', id: uuid }, { fullUrl: `urn:uuid:${uuid}` })).toBe(`Basic/${uuid}`)
  expect(sourceId({ resourceType: 'Basic', id: '1', identifier: [{ system: 's', value: 'v' }] })).toBe('Basic?identifier=s|v')
  expect(sourceId({ resourceType: 'Basic' }, { fullUrl: 'urn:uuid:x' })).toBe('urn:uuid:x')
  expect(sourceId({ resourceType: 'Basic' })).toBeNull()
})
