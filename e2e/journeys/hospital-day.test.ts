import { smartBeside } from '@keepwell/daemon/bin/gateway-smart'
import { type Hl7v2Part, hl7v2File, hl7v2Part } from '@keepwell/daemon/gateway/hl7v2/part'
import { openSender } from '@keepwell/daemon/gateway/hl7v2/send'
import { openDesk } from '@keepwell/daemon/gateway/hl7v2/service'
import type { Smart } from '@keepwell/daemon/gateway/smart/smart'
import { type At, launched, newApp, withPasskey } from '@keepwell/daemon/gateway/smart/smart.kit'
import { terminologyPart } from '@keepwell/daemon/gateway/terminology/part'
import { NOTHING_SEEN, newReceipts } from '@keepwell/sdk/actions/access/new-receipts'
import { revoke } from '@keepwell/sdk/actions/access/revoke'
import { concat, equal, utf8 } from '@keepwell/sdk/base/bytes'
import { boundaryOf, readMultipart, writeMultipart } from '@keepwell/sdk/health/dicom/multipart'
import { ADMISSION, RESULT } from '@keepwell/sdk/health/hl7v2/messages.kit'
import { sampleSeries } from '@keepwell/sdk/sample/dicom'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { consents, type GatewayWorld, gatewayWorld, type Json, until } from '#e2e/gateway.kit'
import { didOf } from '#e2e/story'

// One day: a patient is admitted, scanned and tested; an app reads it all under her consent; she ends it, and sees who read what.

let world: GatewayWorld
let at: At
let feed: Hl7v2Part

beforeAll(async () => {
  let smart: Smart | undefined
  world = await gatewayWorld({
    async parts(gateway, clinic) {
      smart = await smartBeside(gateway, { ctx: clinic, dir: clinic.folder })
      feed = await hl7v2Part(gateway, {
        dir: clinic.folder,
        secret: clinic.session.state.ring.catalog,
        listen: { host: '127.0.0.1', port: 0 },
        look: 100,
      })
      const terms = await terminologyPart(gateway, { dir: clinic.folder, server: null })
      return { parts: [smart.part, feed, terms], authenticate: smart.authenticate }
    },
  })
  at = { url: world.running.url, fhir: world.base, smart: smart! }
})
afterAll(() => world?.close())

async function collected(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const chunk of stream) parts.push(chunk)
  return concat(...parts)
}

const filed = (): number => feed.gauges!().find(g => g.name === 'keepwell_hl7v2_filed_total')!.value

/** Feeds, modality and laboratory, each in its own tongue. */
async function morning(id: string, images: readonly Uint8Array[]): Promise<void> {
  const desk = openDesk({
    file: hl7v2File(world.clinic.folder),
    secret: world.clinic.session.state.ring.catalog,
    random: world.gateway.random,
  })
  await desk.link('2.16.840.1.113883.19.5|4711', id)
  await desk.close()
  const sender = await openSender({ host: '127.0.0.1', port: feed.port })
  expect(await sender.send(utf8(ADMISSION.join('\r')))).toMatchObject({ code: 'AA' })
  const stored = await fetch(`${world.running.url}/dicomweb/studies`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${world.key}`,
      'x-keepwell-person': 'CT 2',
      'x-keepwell-patient': id,
      'content-type': 'multipart/related; type="application/dicom"; boundary=b',
    },
    body: (await collected(
      writeMultipart(
        images.map(body => ({ headers: [], body })),
        'b',
      ),
    )) as BodyInit,
  })
  expect(stored.status).toBe(200)
  expect(await sender.send(utf8(RESULT.join('\r')))).toMatchObject({ code: 'AA' })
  await until(() => filed() === 2)
  await sender.close()
}

test('admitted, scanned, tested, read by an app under consent; consent ends, the app is out, and each reading has a name', async () => {
  const ada = await world.patient('Ada')
  const { id, commitments } = await consents(world, ada)
  const images = [...sampleSeries('day', { rows: 32, columns: 32, instances: 3 })]
  await morning(id, images)

  const doctor = await withPasskey(at)
  const tokens = await launched(at, {
    client: await newApp(at),
    person: doctor,
    patient: id,
    scope: 'launch/patient patient/*.rs offline_access',
  })
  const asks = (url: string, accept = 'application/fhir+json') =>
    fetch(url, { headers: { authorization: `Bearer ${tokens.access_token}`, accept } })
  const one = async (path: string): Promise<Json> => {
    const answer = (await (await asks(`${world.base}/${path}`)).json()) as Json
    expect([path, answer.total]).toEqual([path, 1])
    return answer.entry[0].resource
  }
  expect(await one(`Patient?_id=${id}`)).toMatchObject({ name: [{ family: 'Ostrowska' }], birthDate: '1980-02-29' })
  expect(await one('Encounter?class=IMP')).toMatchObject({ status: 'in-progress' })
  const glucose = await one('Observation?code=http://loinc.org|2345-7')
  expect(glucose).toMatchObject({ valueQuantity: { value: 5.4 }, subject: { reference: `Patient/${id}` } })
  const study = await one('ImagingStudy')
  expect(study).toMatchObject({ numberOfInstances: 3 })

  const uid = String(study.identifier[0].value).replace('urn:oid:', '')
  const fetched = await asks(
    `${world.running.url}/dicomweb/studies/${uid}`,
    'multipart/related; type="application/dicom"; transfer-syntax=*',
  )
  expect(fetched.status).toBe(200)
  const back: Uint8Array[] = []
  for await (const part of readMultipart(fetched.body as AsyncIterable<Uint8Array>, boundaryOf(fetched.headers.get('content-type') ?? '')))
    back.push(await collected(part.chunks))
  expect(back).toHaveLength(3)
  expect(images.every(i => back.some(b => equal(b, i)))).toBe(true)

  const gone = new Promise<void>(resolve => world.gateway.onEnded(patient => patient === id && resolve()))
  for (const commitment of Object.values(commitments)) await revoke(ada, commitment)
  await gone
  expect((await asks(`${world.base}/Observation`)).status).toBe(401)
  expect((await asks(`${world.running.url}/dicomweb/studies`, 'application/dicom+json')).status).toBe(401)

  const { receipts } = await newReceipts(ada, NOTHING_SEEN)
  const readings = receipts.filter(r => r.actor === didOf(world.clinic) && r.action !== 'create')
  const names = new Set(readings.map(r => `${r.person} as ${r.role}`))
  expect(names).toContain(`Dr. Grace Hopper (${doctor.staff.login}) as physician`)
  // Whoever read is a person or a system with a name; what was written names its writer in its Provenance.
  expect(readings.every(r => r.person && r.role && r.purpose === 'TREAT')).toBe(true)
})
