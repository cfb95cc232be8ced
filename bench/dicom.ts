import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { serveDicomweb } from '@keepwell/daemon/gateway/dicomweb/imaging.kit'
import { hasOrthanc, startOrthanc } from '@keepwell/daemon/gateway/dicomweb/orthanc.kit'
import { utf8 } from '@keepwell/sdk/base/bytes'
import { type PartToWrite, writeMultipart } from '@keepwell/sdk/health/dicom/multipart'
import { sampleDicom } from '@keepwell/sdk/sample/dicom'
import { consented } from './clinic.kit.ts'
import { processorSeconds, residentMemory, servedHome } from './home.kit.ts'
import { type Row, report, timed } from './report.kit.ts'

// A study of CT slices by STOW into a gateway, sealed and durable at the relay when it is answered, and back by WADO; relay, gateway and this
// are a process each. Beside it the same requests to Orthanc, which writes files and answers, to our services over memory alone, and to plain
// node:http, which hashes the body into a file.

const { values } = parseArgs({
  options: {
    json: { type: 'boolean' },
    instances: { type: 'string', default: '400' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
    /** MB a second, for a modality on a poor line; as fast as it is taken without. */
    pace: { type: 'string' },
  },
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

const PACE = Number(values.pace ?? Number.POSITIVE_INFINITY)
let made = 10_000_000
/** New instances each time: eight digits of the UID count up. */
async function* study(): AsyncGenerator<PartToWrite> {
  const began = performance.now()
  for (let i = 0; i < INSTANCES; i++) {
    const due = began + ((i * slice.length) / 1e6 / PACE) * 1000
    if (due > performance.now()) await new Promise(resolve => setTimeout(resolve, due - performance.now()))
    const body = slice.slice()
    const digits = utf8(String(made++))
    for (const at of places) body.set(digits, at)
    yield { headers: [['content-type', 'application/dicom']], body }
  }
}

/** `cpu`: processor seconds of the servers so far. */
type Target = { readonly url: string; readonly headers: Record<string, string>; readonly cpu: () => number }
type Figures = { readonly store: Figure; readonly slowest: Figure; readonly first: Figure; readonly again: Figure }
type Memory = { readonly gateway: number; readonly relay: number }
/** Where a study is read from; those that are read by parts name it. */
type Source = (target: Target) => Promise<string>
type Figure = { readonly perSecond: number; readonly cpu: number }
const MB = (INSTANCES * slice.length) / 1e6

/** MB a second by the clock, and milliseconds of the servers' processor time for each. */
async function figured({ cpu }: Target, work: () => Promise<number>): Promise<Figure> {
  const before = cpu()
  const { seconds, result } = await timed(work)
  return { perSecond: result / seconds, cpu: ((cpu() - before) * 1000) / result }
}

const stored = (target: Target): Promise<Figure> =>
  figured(target, async () => {
    const type = 'multipart/related; type="application/dicom"; boundary=bench'
    const body = Readable.toWeb(Readable.from(writeMultipart(study(), 'bench')))
    const headers = { ...target.headers, 'content-type': type, accept: 'application/dicom+json' }
    const answer = await fetch(`${target.url}/studies`, { method: 'POST', headers, body, duplex: 'half' } as RequestInit)
    const text = await answer.text()
    if (answer.status !== 200) throw new Error(`${target.url}: ${answer.status} ${text.slice(0, 300)}`)
    return MB
  })

const ALL = 'multipart/related; type="application/dicom"; transfer-syntax=*'

const theStudy: Source = async ({ url, headers }) => {
  const list = await (await fetch(`${url}/studies`, { headers: { ...headers, accept: 'application/dicom+json' } })).json()
  const [told] = list as Record<string, { Value: string[] }>[]
  return `${url}/studies/${told!['0020000D']!.Value[0]}`
}

const fetched = (target: Target, from: string): Promise<Figure> =>
  figured(target, async () => {
    let bytes = 0
    const answer = await fetch(from, { headers: { ...target.headers, accept: ALL } })
    for await (const chunk of answer.body as AsyncIterable<Uint8Array>) bytes += chunk.length
    return bytes / 1e6
  })

const middle = (runs: readonly Figure[]): Figure => runs.toSorted((a, b) => a.perSecond - b.perSecond)[runs.length >> 1]!

const ROUNDS = Number(values.rounds)
async function measured(target: Target, source: Source = theStudy, watched?: () => void): Promise<Figures> {
  const store: Figure[] = []
  for (let round = 0; round < ROUNDS; round++) store.push(await stored(target))
  watched?.()
  const from = await source(target)
  const first = await fetched(target, from)
  const again: Figure[] = []
  for (let round = 0; round < ROUNDS; round++) again.push(await fetched(target, from))
  return { store: middle(store), slowest: store.reduce((a, b) => (a.perSecond < b.perSecond ? a : b)), first, again: middle(again) }
}

/** The gateway hears of a consent a moment after it was given. */
async function patientOf(url: string, headers: Record<string, string>): Promise<string> {
  for (;;) {
    const { entry = [] } = (await (await fetch(`${url}/fhir/Patient`, { headers })).json()) as { entry?: { resource: { id: string } }[] }
    if (entry[0]) return entry[0].resource.id
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

async function gateway(): Promise<Figures & { readonly storing: Memory; readonly most: Memory }> {
  const bench = await servedHome()
  try {
    const clinic = await consented(bench)
    try {
      const headers = { authorization: `Bearer ${clinic.key}` }
      const most = (): Memory => ({ gateway: residentMemory(clinic.pid).peak, relay: residentMemory(bench.pid).peak })
      let storing = most()
      const target = {
        cpu: () => bench.cpu() + clinic.cpu(),
        url: `${clinic.url}/dicomweb`,
        headers: { ...headers, 'x-keepwell-patient': await patientOf(clinic.url, headers) },
      }
      const figures = await measured(target, theStudy, () => {
        storing = most()
      })
      return { ...figures, storing, most: most() }
    } finally {
      await clinic.close()
    }
  } finally {
    await bench.close()
  }
}

async function memory(): Promise<Figures> {
  const served = await serveDicomweb()
  try {
    return await measured({ url: served.base, headers: {}, cpu: () => processorSeconds('self') })
  } finally {
    await served.close()
  }
}

async function orthanc(): Promise<Figures | null> {
  if (!hasOrthanc) return null
  const peer = await startOrthanc({ Url: 'http://127.0.0.1:1/' })
  try {
    return await measured({ url: `${peer.url}/dicom-web`, headers: {}, cpu: () => processorSeconds(peer.pid) })
  } finally {
    await peer.close()
  }
}

async function plain(): Promise<Figures> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('plain-files.kit.ts', import.meta.url))], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [port] = await once(child.stdout, 'data')
  const ended = once(child, 'exit')
  try {
    return await measured(
      { url: `http://127.0.0.1:${Number(port)}`, headers: {}, cpu: () => processorSeconds(child.pid!) },
      async ({ url }) => `${url}/`,
    )
  } finally {
    child.kill('SIGTERM')
    await ended
  }
}

const only = values.only?.split(',') ?? ['gateway', 'memory', 'orthanc', 'plain']
const taken = async <T>(name: string, work: () => Promise<T>): Promise<T | null> => (only.includes(name) ? work() : null)
const ours = await taken('gateway', gateway)
const bare = await taken('memory', memory)
const peer = await taken('orthanc', orthanc)
const limit = await taken('plain', plain)
const row = (what: string, figure: Figure | undefined, more?: string): Row[] =>
  figure
    ? [
        {
          what,
          value: figure.perSecond,
          unit: 'MB/s',
          note: `${figure.cpu.toFixed(1)} ms of processor time a MB${more ? `; ${more}` : ''}`,
        },
      ]
    : []
const memoryOf = (what: string, of: Memory | undefined): Row[] =>
  of ? [{ what, value: of.gateway, unit: 'MB', note: `the gateway; the relay ${of.relay.toFixed(0)} MB` }] : []
const slowest = (f: Figures | null): string | undefined => (f ? `slowest round ${f.slowest.perSecond.toFixed(0)} MB/s` : undefined)
const rows: Row[] = [
  ...row(
    'STOW: read, checked, sealed, durable at the relay',
    ours?.store,
    `${slowest(ours)}; ${INSTANCES} instances of ${(slice.length / 1e6).toFixed(2)} MB in one request`,
  ),
  ...row('STOW: our services over memory, nothing sealed or kept', bare?.store, 'the client’s too'),
  ...row('STOW: Orthanc, plain files', peer?.store, slowest(peer)),
  ...row('STOW: plain node:http, hashed into a file', limit?.store, slowest(limit)),
  ...row('WADO: the whole study, opened with receipts, from the relay', ours?.first),
  ...row('… again, from the sealed blocks the gateway kept', ours?.again),
  ...memoryOf('memory at most while studies were stored', ours?.storing),
  ...memoryOf('… and read', ours?.most),
  ...row('WADO: our services over memory', bare?.again, 'the client’s too'),
  ...row('WADO: Orthanc', peer?.again),
  ...row('WADO: plain node:http, one file', limit?.again),
]
report('dicom', rows, values.json ?? false)
if (!hasOrthanc) console.log('Orthanc is not on this machine (Debian packages orthanc, orthanc-dicomweb, dcmtk): no peer.')
