import { type Hl7v2Part, hl7v2File, hl7v2Part } from '@keepwell/daemon/gateway/hl7v2/part'
import { openSender } from '@keepwell/daemon/gateway/hl7v2/send'
import { openDesk } from '@keepwell/daemon/gateway/hl7v2/service'
import { listEntries } from '@keepwell/sdk/actions/records/list-entries'
import { receiveRecords } from '@keepwell/sdk/actions/records/receive-records'
import { toHex, utf8 } from '@keepwell/sdk/base/bytes'
import { ADMISSION, header, PID, RESULT } from '@keepwell/sdk/health/hl7v2/messages.kit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { consents, type GatewayWorld, gatewayWorld, until } from '#e2e/gateway.kit'

let world: GatewayWorld
let part: Hl7v2Part

beforeAll(async () => {
  world = await gatewayWorld()
  const secret = world.clinic.session.state.ring.catalog
  part = await hl7v2Part(world.gateway, { dir: world.clinic.folder, secret, listen: { host: '127.0.0.1', port: 0 }, look: 100 })
})
afterAll(async () => {
  await part.close?.()
  await world.close()
})

const filed = (): number => part.gauges!().find(g => g.name === 'keepwell_hl7v2_filed_total')!.value

test('a hospital’s messages: held until the patient consents, then in her record, read by FHIR, corrected in place', async () => {
  const ada = await world.patient('Ada')
  const { id } = await consents(world, ada)
  const sender = await openSender({ host: '127.0.0.1', port: part.port })
  expect(await sender.send(utf8(ADMISSION.join('\r')))).toMatchObject({ code: 'AA' })

  // Nobody has said yet whose number that is.
  const desk = openDesk({
    file: hl7v2File(world.clinic.folder),
    secret: world.clinic.session.state.ring.catalog,
    random: world.gateway.random,
  })
  expect(desk.list('held')).toMatchObject([{ type: 'ADT^A01', reason: 'unknown-patient' }])
  expect(await desk.link('2.16.840.1.113883.19.5|4711', id)).toBe(1)
  await until(() => filed() === 1)

  expect(await sender.send(utf8(RESULT.join('\r')))).toMatchObject({ code: 'AA' })
  await until(() => filed() === 2)
  const glucose = await world.ask('GET', `Observation?patient=${id}&code=http://loinc.org|2345-7`)
  expect(glucose.body.entry).toHaveLength(1)
  expect(glucose.body.entry[0].resource).toMatchObject({ valueQuantity: { value: 5.4 }, subject: { reference: `Patient/${id}` } })

  // A correction by the same filler number is a new version of the same result.
  const corrected = [
    header('ORU^R01', '+0100', '18'),
    PID,
    ...RESULT.slice(2, 4),
    'OBX|1|NM|2345-7^Glucose^LN||6.1|mmol/L^^UCUM|3.9-5.6|H|||C',
  ]
  expect(await sender.send(utf8(corrected.join('\r')))).toMatchObject({ code: 'AA' })
  await until(() => filed() === 3)
  const again = await world.ask('GET', `Observation?patient=${id}&code=http://loinc.org|2345-7`)
  expect(again.body.entry.map((e: { resource: unknown }) => e.resource)).toMatchObject([
    { id: glucose.body.entry[0].resource.id, status: 'corrected', valueQuantity: { value: 6.1 } },
  ])

  // Her own record holds the messages as they came, and what was made of them points there.
  await receiveRecords(ada)
  const entries = await listEntries(ada)
  const originals = entries.filter(e => e.card.kind === 'document')
  expect(originals.map(e => e.card.mediaType)).toEqual(['x-application/hl7-v2+er7', 'x-application/hl7-v2+er7', 'x-application/hl7-v2+er7'])
  const provenance = await world.ask('GET', `Provenance?patient=${id}`)
  const sources = JSON.stringify(provenance.body)
  for (const { id: record } of originals) expect(sources).toContain(toHex(record).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'))
  sender.close()
  await desk.close()
})
