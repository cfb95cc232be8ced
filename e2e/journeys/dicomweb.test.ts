import { hl7v2File } from '@keepwell/daemon/gateway/hl7v2/part'
import { openDesk } from '@keepwell/daemon/gateway/hl7v2/service'
import { NOTHING_SEEN, newReceipts } from '@keepwell/sdk/actions/access/new-receipts'
import { revoke } from '@keepwell/sdk/actions/access/revoke'
import { listEntries } from '@keepwell/sdk/actions/records/list-entries'
import { openBodies } from '@keepwell/sdk/actions/records/open-bodies'
import { receiveRecords } from '@keepwell/sdk/actions/records/receive-records'
import { concat, equal } from '@keepwell/sdk/base/bytes'
import { boundaryOf, type PartToWrite, readMultipart, writeMultipart } from '@keepwell/sdk/health/dicom/multipart'
import { sampleDicom, sampleSeries } from '@keepwell/sdk/sample/dicom'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { consents, files, type GatewayWorld, gatewayWorld, NURSE, until } from '#e2e/gateway.kit'
import type { Party } from '#e2e/parties'
import { didOf } from '#e2e/story'

let world: GatewayWorld
let ada: Party
let id: string
let commitments: Record<string, Uint8Array>
const small = { rows: 32, columns: 32 } as const
const series = [...sampleSeries('ward', { ...small, instances: 6 })]
const brought = sampleDicom('brought', { ...small, modality: 'MR' })

async function collected(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const chunk of stream) parts.push(chunk)
  return concat(...parts)
}

const asks = (path: string, init: RequestInit & { headers?: Record<string, string> } = {}) =>
  fetch(`${world.running.url}/dicomweb${path}`, {
    ...init,
    headers: { authorization: `Bearer ${world.key}`, ...NURSE, 'x-keepwell-patient': id, ...init.headers },
  })
const stow = async (all: readonly Uint8Array[], headers: Record<string, string> = {}) =>
  asks('/studies', {
    method: 'POST',
    headers: { 'content-type': 'multipart/related; type="application/dicom"; boundary=b', ...headers },
    body: (await collected(
      writeMultipart(
        all.map((body): PartToWrite => ({ headers: [], body })),
        'b',
      ),
    )) as BodyInit,
  })
type Told = Record<string, { Value?: unknown[] }>
const json = async (path: string, headers = {}) => (await asks(path, { headers })).json() as Promise<Told[]>

beforeAll(async () => {
  world = await gatewayWorld()
  ada = await world.patient('Ada')
  await files(ada, { 'mr.dcm': brought })
  ;({ id, commitments } = await consents(world, ada))
})
afterAll(() => world.close())

test('a study that the hospital stores lies in the patient’s own vault, byte for byte, signed by the hospital', async () => {
  expect((await stow(series)).status).toBe(200)
  await receiveRecords(ada)
  const entries = (await listEntries(ada)).filter(e => e.card.kind === 'dicom' && e.card.author === didOf(world.clinic))
  const bodies: Uint8Array[] = []
  for await (const body of openBodies(ada, entries)) bodies.push(await collected(body.chunks()))
  expect(bodies).toHaveLength(6)
  expect(series.every(s => bodies.some(b => equal(b, s)))).toBe(true)
})

test('it is found and fetched again, beside what the patient brought, and each reading is told with the person’s name', async () => {
  const studies = await json('/studies')
  expect(studies.map(s => s['00201208']!.Value![0])).toEqual(expect.arrayContaining([6, 1]))
  const [mr] = await json('/instances?Modality=MR')
  const url = String(mr!['00081190']!.Value![0])
  expect(url.startsWith(`${world.running.url}/dicomweb/studies/`)).toBe(true)
  const answer = await asks(url.slice(`${world.running.url}/dicomweb`.length))
  for await (const part of readMultipart(answer.body as AsyncIterable<Uint8Array>, boundaryOf(answer.headers.get('content-type') ?? '')))
    expect(equal(await collected(part.chunks), brought)).toBe(true)
  const { receipts } = await newReceipts(ada, NOTHING_SEEN)
  const read = receipts.filter(r => r.actor === didOf(world.clinic) && r.action === 'view')
  expect(read.length).toBeGreaterThan(0)
  for (const r of read) expect([r.person, r.role]).toEqual(['Nurse Joy', 'nurse'])
})

test('a whole study fetched is one reading, not one for each image', async () => {
  const views = async () => (await newReceipts(ada, NOTHING_SEEN)).receipts.filter(r => r.action === 'view').length
  const [first] = await json('/instances?Modality=CT')
  const before = await views()
  const answer = await asks(`/studies/${String(first!['0020000D']!.Value![0])}`)
  let images = 0
  for await (const part of readMultipart(answer.body as AsyncIterable<Uint8Array>, boundaryOf(answer.headers.get('content-type') ?? '')))
    images += (await collected(part.chunks)).length ? 1 : 0
  expect([images, (await views()) - before]).toEqual([6, 1])
})

test('the same study stored again is there once', async () => {
  expect((await stow(series.slice(0, 2))).status).toBe(200)
  const other = series[0]!.with(series[0]!.length - 1, 7)
  expect((await stow([other])).status).toBe(409)
  expect(await json('/instances?Modality=CT')).toHaveLength(6)
})

test('without a word on whose images, nobody’s are looked through; PatientID says it too', async () => {
  const nobody = { 'x-keepwell-patient': '', 'x-keepwell-person': 'Somebody' }
  expect((await asks('/studies', { headers: nobody })).status).toBe(400)
  expect(await json(`/studies?PatientID=${id}`, nobody)).toHaveLength(2)
  const refused = await stow(series.slice(0, 1), { 'x-keepwell-patient': '' })
  expect([refused.status, JSON.stringify(await refused.json())]).toEqual([409, expect.stringContaining(`"Value":[${0x0124}]`)])
  expect((await asks('/studies', { headers: { authorization: '' } })).status).toBe(401)
})

test('a device that only stores reads no image of the patient, and its receipts say so', async () => {
  const scanner = { 'x-keepwell-person': 'Scanner 2', 'x-keepwell-role': 'device' }
  expect((await stow([sampleDicom('scanned', small)], scanner)).status).toBe(200)
  expect((await stow([sampleDicom('scanned again', small)], scanner)).status).toBe(200)
  const read = async () =>
    (await newReceipts(ada, NOTHING_SEEN)).receipts.filter(r => r.person === 'Scanner 2' && r.action !== 'create').map(r => r.action)
  const listed = await read()
  expect([listed.length > 0, new Set(listed)]).toEqual([true, new Set(['list'])])
  // What seems to lie there already is compared, and for that opened.
  expect((await stow([sampleDicom('scanned', small)], scanner)).status).toBe(200)
  expect(await read()).toContain('view')
})

test('a number that the organisation linked to the patient says whose images are pushed, and nobody else’s number does', async () => {
  const ward = { 'x-keepwell-patient': '' }
  const file = sampleDicom('numbered', small)
  const number = /SAMPLE-\d+/.exec(String.fromCharCode(...file))![0]
  expect((await stow([file], ward)).status).toBe(409)
  const secret = world.clinic.session.state.ring.catalog
  const desk = openDesk({ file: hl7v2File(world.clinic.folder), secret, random: world.clinic.random })
  await desk.link(`|${number}`, id)
  await desk.close()
  expect((await stow([file], ward)).status).toBe(200)
  expect((await stow([sampleDicom('others', small)], ward)).status).toBe(409)
})

test('a file that lies about its lengths is refused, kept sealed with the reason, and counted', async () => {
  const lying = series[0]!.subarray(0, series[0]!.length - 300)
  const answer = await stow([lying])
  expect([answer.status, JSON.stringify(await answer.json())]).toEqual([409, expect.stringContaining(`"Value":[${0xc000}]`)])
  expect(await (await fetch(`${world.running.url}/metrics`)).text()).toContain('keepwell_dicom_quarantined_total 1')
})

test('when the consent ends there is nothing to see any more', async () => {
  await revoke(ada, commitments.read!)
  await until(async () => (await asks('/studies')).status === 403)
  const [first] = [...sampleSeries('after', { ...small, instances: 1 })]
  expect((await stow([first!])).status).toBe(200)
  await revoke(ada, commitments.write!)
  await until(async () => (await stow([sampleDicom('later', small)])).status !== 200)
})
