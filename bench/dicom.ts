import { Readable } from 'node:stream'
import { parseArgs } from 'node:util'
import { serveDicomweb } from '@keepwell/daemon/gateway/dicomweb/imaging.kit'
import { hasOrthanc, startOrthanc } from '@keepwell/daemon/gateway/dicomweb/orthanc.kit'
import { utf8 } from '@keepwell/sdk/base/bytes'
import { type PartToWrite, writeMultipart } from '@keepwell/sdk/health/dicom/multipart'
import { sampleDicom } from '@keepwell/sdk/sample/dicom'
import { consented } from './clinic.kit.ts'
import { servedHome } from './home.kit.ts'
import { type Row, report, timed } from './report.kit.ts'

// A study of CT slices by STOW into a gateway, sealed and durable at the relay when it is answered, and back by WADO; relay, gateway and this
// are a process each. Beside it the same requests to Orthanc, which writes files and answers, and to our services over memory alone.

const { values } = parseArgs({
  options: { json: { type: 'boolean' }, instances: { type: 'string', default: '400' }, rounds: { type: 'string', default: '3' } },
})
const INSTANCES = Number(values.instances)
const slice = sampleDicom('bench', { rows: 512, columns: 512 })

/** Where an instance writes its own UID. */
const places = ((): number[] => {
  const own = utf8(instanceUid())
  const out: number[] = []
  for (let at = slice.indexOf(own[0]!); at >= 0 && at < 4096; at = slice.indexOf(own[0]!, at + 1))
    if (own.every((b, i) => slice[at + i] === b)) out.push(at + own.length - 8)
  return out
})()

/** (0002,0003) of the sample: UI, in explicit form. */
function instanceUid(): string {
  const at = slice.findIndex((b, i) => b === 2 && slice[i + 1] === 0 && slice[i + 2] === 3 && slice[i + 3] === 0 && slice[i + 4] === 0x55)
  const length = slice[at + 6]!
  return String.fromCharCode(...slice.subarray(at + 8, at + 8 + length)).replace(/\0$/, '')
}

let made = 10_000_000
/** New instances each time: eight digits of the UID count up. */
function* study(): Generator<PartToWrite> {
  for (let i = 0; i < INSTANCES; i++) {
    const body = slice.slice()
    const digits = utf8(String(made++))
    for (const at of places) body.set(digits, at)
    yield { headers: [['content-type', 'application/dicom']], body }
  }
}

type Target = { readonly url: string; readonly headers: Record<string, string> }
const MB = (INSTANCES * slice.length) / 1e6

async function stored({ url, headers }: Target): Promise<number> {
  const type = 'multipart/related; type="application/dicom"; boundary=bench'
  const body = Readable.toWeb(Readable.from(writeMultipart(study(), 'bench')))
  const { seconds } = await timed(async () => {
    const init = { method: 'POST', headers: { ...headers, 'content-type': type, accept: 'application/dicom+json' }, body, duplex: 'half' }
    const answer = await fetch(`${url}/studies`, init as RequestInit)
    const text = await answer.text()
    if (answer.status !== 200) throw new Error(`${url}: ${answer.status} ${text.slice(0, 300)}`)
  })
  return MB / seconds
}

async function fetched({ url, headers }: Target): Promise<number> {
  const accept = 'multipart/related; type="application/dicom"; transfer-syntax=*'
  const list = await (await fetch(`${url}/studies`, { headers: { ...headers, accept: 'application/dicom+json' } })).json()
  const [told] = list as Record<string, { Value: string[] }>[]
  let bytes = 0
  const { seconds } = await timed(async () => {
    const answer = await fetch(`${url}/studies/${told!['0020000D']!.Value[0]}`, { headers: { ...headers, accept } })
    for await (const chunk of answer.body as AsyncIterable<Uint8Array>) bytes += chunk.length
  })
  return bytes / 1e6 / seconds
}

const middle = (runs: readonly number[]): number => runs.toSorted((a, b) => a - b)[runs.length >> 1]!

async function measured(target: Target): Promise<{ store: number; fetch: number }> {
  const store: number[] = []
  for (let round = 0; round < Number(values.rounds); round++) store.push(await stored(target))
  return { store: middle(store), fetch: await fetched(target) }
}

/** The gateway hears of a consent a moment after it was given. */
async function patientOf(url: string, headers: Record<string, string>): Promise<string> {
  for (;;) {
    const { entry = [] } = (await (await fetch(`${url}/fhir/Patient`, { headers })).json()) as { entry?: { resource: { id: string } }[] }
    if (entry[0]) return entry[0].resource.id
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

async function gateway(): Promise<{ store: number; fetch: number }> {
  const bench = await servedHome()
  try {
    const clinic = await consented(bench)
    try {
      const headers = { authorization: `Bearer ${clinic.key}` }
      return await measured({
        url: `${clinic.url}/dicomweb`,
        headers: { ...headers, 'x-keepwell-patient': await patientOf(clinic.url, headers) },
      })
    } finally {
      await clinic.close()
    }
  } finally {
    await bench.close()
  }
}

async function memory(): Promise<{ store: number; fetch: number }> {
  const served = await serveDicomweb()
  try {
    return await measured({ url: served.base, headers: {} })
  } finally {
    await served.close()
  }
}

async function orthanc(): Promise<{ store: number; fetch: number } | null> {
  if (!hasOrthanc) return null
  const peer = await startOrthanc({ Url: 'http://127.0.0.1:1/' })
  try {
    return await measured({ url: `${peer.url}/dicom-web`, headers: {} })
  } finally {
    await peer.close()
  }
}

const [ours, bare, peer] = [await gateway(), await memory(), await orthanc()]
const note = `${INSTANCES} instances of ${(slice.length / 1e6).toFixed(2)} MB in one request`
const rows: Row[] = [
  { what: 'STOW: read, checked, sealed, durable at the relay', value: ours.store, unit: 'MB/s', note },
  { what: 'STOW: our services over memory, nothing sealed or kept', value: bare.store, unit: 'MB/s' },
  ...(peer ? [{ what: 'STOW: Orthanc, plain files', value: peer.store, unit: 'MB/s' }] : []),
  { what: 'WADO: the whole study, opened with receipts', value: ours.fetch, unit: 'MB/s' },
  { what: 'WADO: our services over memory', value: bare.fetch, unit: 'MB/s' },
  ...(peer ? [{ what: 'WADO: Orthanc', value: peer.fetch, unit: 'MB/s' }] : []),
]
report('dicom', rows, values.json ?? false)
if (!peer) console.log('Orthanc is not on this machine (Debian packages orthanc, orthanc-dicomweb, dcmtk): no peer.')
