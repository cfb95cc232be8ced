import { expect, test } from 'vitest'
import { notification } from './notification.ts'
import { BACKPORT, readSubscription } from './subscription.ts'

const extension = (name: string, member: string, value: unknown) => ({
  url: `${BACKPORT}/StructureDefinition/backport-${name}`,
  [member]: value,
})

/** As in the guide's example of an admission. */
const example = (more: object = {}, channel: object = {}) => ({
  resourceType: 'Subscription',
  status: 'active',
  end: '2030-12-31T12:00:00Z',
  reason: 'Example',
  criteria: 'urn:keepwell:topic:encounter',
  _criteria: { extension: [extension('filter-criteria', 'valueString', 'Encounter?patient=Patient/123')] },
  channel: {
    extension: [
      extension('heartbeat-period', 'valueUnsignedInt', 86_400),
      extension('timeout', 'valueUnsignedInt', 60),
      extension('max-count', 'valuePositiveInt', 20),
    ],
    type: 'rest-hook',
    endpoint: 'https://example.org/endpoints/1',
    header: ['Authorization: Bearer x'],
    payload: 'application/fhir+json',
    _payload: { extension: [extension('payload-content', 'valueCode', 'id-only')] },
    ...channel,
  },
  ...more,
})

test('the guide’s example is read: topic, filters, channel with its times and its end', () => {
  expect(readSubscription(example()).plan).toEqual({
    topic: 'urn:keepwell:topic:encounter',
    filters: [{ type: 'Encounter', params: [['patient', 'Patient/123']] }],
    types: ['Encounter'],
    channel: {
      type: 'rest-hook',
      endpoint: 'https://example.org/endpoints/1',
      headers: [['Authorization', 'Bearer x']],
      format: 'json',
      mediaType: 'application/fhir+json',
      content: 'id-only',
      heartbeat: 86_400,
      timeout: 60,
      maxCount: 20,
    },
    end: Date.parse('2030-12-31T12:00:00Z') / 1000,
  })
})

test('what is not served is refused at its element, all of it at once', () => {
  const { issues } = readSubscription(
    example({ criteria: 'Observation?code=1' }, { type: 'sms', endpoint: 'ftp://x', payload: 'text/plain', header: ['Host: y'] }),
  )
  expect(issues!.map(i => i.path)).toEqual([
    'Subscription.criteria',
    'Subscription.channel.type',
    'Subscription.channel.payload',
    'Subscription.channel.header',
  ])
  for (const header of ['A: b\r\nC: d', 'Content-Length: 1', 'no colon', 'transfer-encoding: chunked'])
    expect(readSubscription(example({}, { header: [header] })).plan, header).toBeUndefined()
  expect(
    readSubscription(example({ _criteria: { extension: [extension('filter-criteria', 'valueString', 'Patient?_id=1')] } })).plan,
  ).toBeUndefined()
})

test('garbage in any member is an issue and never an exception', () => {
  const junk = [null, 1, '', [], [[]], {}, { extension: 'x' }, 'x'.repeat(1e5), [null, 'a: b'], { extension: [null, { url: 1 }] }]
  for (const value of junk)
    for (const member of ['criteria', '_criteria', 'channel', 'end'])
      expect(() => readSubscription({ ...example(), [member]: value }), member).not.toThrow()
  for (const value of junk)
    for (const member of ['type', '_type', 'endpoint', 'header', 'payload', '_payload', 'extension'])
      expect(() => readSubscription(example({}, { [member]: value })), member).not.toThrow()
})

test('an empty notification says that something happened, and neither what nor of which topic', () => {
  const text = JSON.stringify(
    notification(
      {
        ...{
          base: 'https://g.example/fhir',
          subscription: 's',
          topic: 'urn:keepwell:topic:result',
          status: 'active',
          type: 'event-notification',
        },
        ...{ events: 1, content: 'empty' },
        happened: [
          { number: 1, time: '2026-01-01T00:00:00Z', focus: 'Observation/o', method: 'POST', resource: { resourceType: 'Observation' } },
        ],
      },
      { uuid: 'u', time: '2026-01-01T00:00:00Z' },
    ),
  )
  expect(text).toContain('event-number')
  expect(text).not.toMatch(/Observation|topic:result/)
})
