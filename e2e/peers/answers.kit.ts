import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import { trailEvents } from '@keepwell/sdk/actions/access/trail-events'
import { verifyTrail } from '@keepwell/sdk/actions/access/verify-trail'
import { eraseRecords } from '@keepwell/sdk/actions/records/erase-records'
import { exportBundle } from '@keepwell/sdk/actions/records/export-bundle'
import { listEntries } from '@keepwell/sdk/actions/records/list-entries'
import { summarise } from '@keepwell/sdk/actions/records/summarise'
import { answerRight, askRight, disagree } from '@keepwell/sdk/actions/rights/cases'
import { concat, text, utf8 } from '@keepwell/sdk/base/bytes'
import { sampleDicom } from '@keepwell/sdk/sample/dicom'
import { sampleCcda } from '@keepwell/sdk/sample/messages'
import { expect } from 'vitest'
import { type Ask, consents, files, type GatewayWorld, type Json, NURSE, until } from '#e2e/gateway.kit'
import type { Party } from '#e2e/parties'
import { sampleRecord } from '#e2e/requirements/record'
import { didOf } from '#e2e/story'

// One answer of each kind that a gateway gives, for whoever judges them.

export const now = 1_767_225_600
const BACKPORT = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition'

/** An answer of each kind, by what was asked, about somebody who knows the clinic. */
export async function answersOf(world: GatewayWorld, ada: Party): Promise<Record<string, Json>> {
  await files(ada, { 'letter.txt': 'The patient was sent home in good health.', 'ccd.xml': sampleCcda('peer', { now }) })
  const { id } = await consents(world, ada)
  const ask = world.asking({ ...NURSE, 'x-keepwell-patient': id })
  // US Core's category of a simple observation is in none of HL7's own tables.
  const { 'us-core-simple-observation': _, ...record } = sampleRecord(id)
  const entry = Object.values(record).map(resource => ({
    fullUrl: `https://other.example/fhir/${resource.resourceType}/${resource.id}`,
    resource,
    request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` },
  }))
  const stored = await fetch(`${world.running.url}/dicomweb/studies`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${world.key}`,
      'x-keepwell-person': 'CT 2',
      'x-keepwell-patient': id,
      'content-type': 'multipart/related; type="application/dicom"; boundary=b',
    },
    body: Buffer.concat([
      utf8('--b\r\ncontent-type: application/dicom\r\n\r\n'),
      sampleDicom('peer', { rows: 16, columns: 16 }),
      utf8('\r\n--b--'),
    ]),
  })
  expect(stored.status).toBe(200)
  const transaction = (await ask('POST', '', { resourceType: 'Bundle', type: 'transaction', entry })).body
  await using hook = await openHook()
  const hooks = CONTENTS.map(content =>
    subscription(id, { type: 'rest-hook', endpoint: hook.url, header: [`X-Content: ${content}`] }, content),
  )
  for (const wish of hooks) expect((await ask('POST', 'Subscription', wish)).status).toBe(201)
  const { body: made } = await ask('POST', 'Subscription', subscription(id, { type: 'websocket' }, 'full-resource'))
  await until(async () => (await ask('GET', `Subscription/${made.id}`)).body.status === 'active')
  const observation = { ...sampleRecord(id)['us-core-heart-rate'], id: undefined, encounter: undefined }
  const { body: told } = await ask('POST', 'Observation', observation)
  await until(async () => (await ask('GET', `Subscription/${made.id}/$events`)).body.entry.length > 1)
  const batch = {
    resourceType: 'Bundle',
    type: 'batch',
    entry: [
      { request: { method: 'GET', url: `Observation?patient=${id}&_count=1` } },
      { request: { method: 'GET', url: 'Observation/nowhere' } },
    ],
  }
  const { id: event } = (await ask('GET', `AuditEvent?patient=${id}&action=C`)).body.entry[0].resource
  const answers: Record<string, Json> = { transaction }
  for (const path of asked(id, { observation: told.id, event, subscription: made.id })) answers[path] = (await ask('GET', path)).body
  answers.batch = (await ask('POST', '', batch)).body
  answers.refused = (await ask('POST', 'Observation', { resourceType: 'Observation', status: 'robot' })).body
  answers.validated = (await ask('POST', 'Patient/$validate', { resourceType: 'Patient', gender: 'robot' })).body
  await files(ada, { 'mistake.json': { ...observation, id: 'mistake', effectiveDateTime: MISTAKE } })
  for (const path of ['Group/all/$export', 'Patient/$export']) Object.assign(answers, await exported(ask, path))
  await eraseRecords(ada, [(await listEntries(ada)).find(e => e.card.start === MISTAKE)!.id])
  Object.assign(answers, await exported(ask, 'Patient/$export?_since=2020-01-01T00:00:00Z'))
  await until(() => CONTENTS.every(c => hook.told.filter(t => t.content === c).length > 1))
  for (const [n, { content, bundle }] of hook.told.entries()) answers[`notification ${n + 1}, ${content}`] = bundle
  for (const [path, answer] of Object.entries(answers)) expect(answer?.resourceType, path).toBeTruthy()
  for (const path of [
    'metadata',
    `Patient/${id}/$everything`,
    `Patient/${id}/$summary`,
    `AuditEvent?patient=${id}`,
    'Observation/nowhere',
  ]) {
    const { text } = await ask('GET', path, undefined, { accept: 'application/fhir+xml' })
    expect([path, text.startsWith('<')]).toEqual([path, true])
    answers[`${path} as XML`] = text
  }
  return answers
}

const GENDER = 'http://hl7.org/fhir/administrative-gender'
type Made = { readonly observation: string; readonly event: string; readonly subscription: string }

/** One address of each kind. */
const asked = (id: string, { observation, event, subscription }: Made): string[] => [
  'metadata',
  `Patient/${id}`,
  `Patient/${id}/$everything`,
  `Patient/${id}/$summary`,
  `Patient/${id}/$docref`,
  `Observation?patient=${id}&_include=*&_revinclude=Provenance:target&_count=1000`,
  `Observation?patient=${id}&_summary=count`,
  `Observation/${observation}/_history`,
  `Observation/${observation}/$meta`,
  `ImagingStudy?patient=${id}`,
  `DocumentReference?patient=${id}`,
  `Provenance?target=Observation/${observation}`,
  `AuditEvent?patient=${id}`,
  `AuditEvent/${event}`,
  `AuditEvent/${event}/$evidence`,
  `Subscription/${subscription}`,
  `Subscription/${subscription}/$status`,
  `Subscription/${subscription}/$events`,
  `Subscription/${subscription}/$get-ws-binding-token`,
  'Observation/nowhere',
  `Observation?patient=${id}&nonsense=1`,
  `CodeSystem/$lookup?system=${GENDER}&code=female`,
  `CodeSystem/$validate-code?url=${GENDER}&code=robot`,
  `CodeSystem/$subsumes?system=${GENDER}&codeA=male&codeB=female`,
  'ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/administrative-gender',
  `ConceptMap/$translate?system=${GENDER}&code=male`,
  'Group/all',
]

/** What a person takes out of their own vault as FHIR, with a refused correction and what they said to it. */
export async function takenOut({ clinic }: GatewayWorld, ada: Party): Promise<Record<string, Json>> {
  const record = (await listEntries(ada))[0]!.id
  const { id } = await askRight(ada, {
    to: didOf(clinic),
    name: 'Clinic',
    right: 'rectify',
    law: 'gdpr',
    records: [record],
    text: 'It was the other arm',
  })
  await receiveMessages(clinic)
  await answerRight(clinic, { id, outcome: 'refused', text: 'It is as we saw it' })
  await receiveMessages(ada)
  await disagree(ada, id, 'I was there')
  const entries = await listEntries(ada)
  const parts: Uint8Array[] = []
  for await (const part of exportBundle(ada, entries)) parts.push(part)
  const looked = (await verifyTrail(ada)).looked
  return {
    'the record as a Bundle': JSON.parse(text(concat(...parts))),
    'the summary': await summarise(ada, entries),
    'who looked': trailEvents(looked, { did: didOf(ada), name: ada.name }),
  }
}

const MISTAKE = '2026-01-05'
const CONTENTS = ['empty', 'id-only', 'full-resource'] as const

const subscription = (patient: string, channel: Json, content: (typeof CONTENTS)[number]): Json => ({
  resourceType: 'Subscription',
  status: 'requested',
  reason: 'To be told',
  criteria: 'urn:keepwell:topic:resource',
  _criteria: { extension: [{ url: `${BACKPORT}/backport-filter-criteria`, valueString: `Observation?patient=Patient/${patient}` }] },
  channel: {
    ...channel,
    payload: 'application/fhir+json',
    _payload: { extension: [{ url: `${BACKPORT}/backport-payload-content`, valueCode: content }] },
  },
})

type Told = { readonly content: string; readonly bundle: Json }

/** Somebody's endpoint, which keeps what is posted there. */
async function openHook() {
  const told: Told[] = []
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    told.push({ content: String(request.headers['x-content']), bundle: JSON.parse(text) })
    response.end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    told,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    [Symbol.asyncDispose]: async () => void server.close(),
  }
}

/** Every line of a bulk export, and of what it says is deleted. */
async function exported(ask: Ask, path: string): Promise<Record<string, Json>> {
  const at = (await ask('GET', path, undefined, { prefer: 'respond-async' })).headers.get('content-location')!
  let manifest = await ask('GET', at)
  await until(async () => {
    if (manifest.status === 202) manifest = await ask('GET', at)
    return manifest.status !== 202
  })
  const lines: Record<string, Json> = {}
  for (const { type, url } of [...manifest.body.output, ...(manifest.body.deleted ?? [])]) {
    const { text } = await ask('GET', url, undefined, { accept: 'application/fhir+ndjson' })
    for (const [n, line] of text.trimEnd().split('\n').entries()) lines[`${path} ${type} ${n + 1}`] = JSON.parse(line)
  }
  await ask('DELETE', at)
  return lines
}
