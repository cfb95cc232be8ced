import { spawn } from 'node:child_process'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { freePort } from '@keepwell/daemon/http/free-port'
import { samplePatient } from '@keepwell/sdk/sample/patient'
import { startHapiServer } from '#tools/hapi-server'
import { findClasspath } from '#tools/maven'
import { consented } from './clinic.kit.ts'
import { apart, processorSeconds, residentMemory, servedHome } from './home.kit.ts'
import { type Answer, type Call, type Client, loadClient } from './load.kit.ts'
import { quantile, type Row, report, timed } from './report.kit.ts'

// A hospital's systems at its gateway: transactions written into a patient's record, then reads and searches on the open session. Relay,
// gateway and load are a process each, all over HTTP; the gateway is the command as an operator types it. Beside it: HAPI FHIR's server over
// H2 in memory, with the same transactions, reads and searches, and a server of plain node:http that answers each request with one resource
// from memory and does nothing else. HAPI checks no token, seals and signs nothing, and keeps nothing on disk.

const NOW = 1_790_000_000
const BUNDLE = 1000

type Sample = { readonly resourceType: string; readonly id: string }

/** By name in the sample, as `Practitioner/1`: what the server calls it. */
type Names = Map<string, string>

/** A transaction as interface engines send them: new resources that refer to each other, and to those that were sent before by their names there. */
function transaction(resources: readonly Sample[], names: Names): string {
  const entry = resources.map(resource => ({
    fullUrl: `urn:uuid:${resource.id}`,
    resource,
    request: { method: 'POST', url: resource.resourceType },
  }))
  const text = JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry })
  return text.replace(
    /"reference":"([A-Z][A-Za-z]+\/([^"]+))"/g,
    (_, name: string, id: string) => `"reference":"${names.get(name) ?? `urn:uuid:${id}`}"`,
  )
}

type Answered = { readonly entry: readonly { readonly response: { readonly location: string } }[] }

function named(names: Names, resources: readonly Sample[], answer: string): void {
  for (const [i, { response }] of (JSON.parse(answer) as Answered).entry.entries()) {
    const { resourceType, id } = resources[i]!
    const [, name] = /([A-Z][A-Za-z]+\/[A-Za-z0-9.-]+)\/_history\//.exec(response.location) ?? []
    if (name && !names.has(`${resourceType}/${id}`)) names.set(`${resourceType}/${id}`, name)
  }
}

const JSON_BODY = { 'content-type': 'application/fhir+json' }
type Bundle = {
  readonly total?: number
  readonly entry?: readonly { readonly resource: { readonly id: string }; readonly search?: { readonly mode: string } }[]
}

async function patientOf(client: Client): Promise<string> {
  for (;;) {
    const { entry = [] } = JSON.parse((await client.ask({ method: 'GET', path: '/Patient' })).body) as Bundle
    if (entry[0]) return entry[0].resource.id
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

/** Everything in turn; only what the server does is timed. */
async function imported(what: string, client: Client, cpu: () => number, sample: readonly Sample[], names: Names): Promise<Row> {
  const before = cpu()
  let seconds = 0
  for (let at = 0; at < sample.length; at += BUNDLE) {
    const resources = sample.slice(at, at + BUNDLE)
    const body = transaction(resources, names)
    const done = await timed(() => client.ask({ method: 'POST', path: '', body, headers: JSON_BODY }))
    const { status, body: answer } = done.result
    if (status !== 200) throw new Error(`A transaction was answered with ${status}: ${answer.slice(0, 300)}`)
    seconds += done.seconds
    named(names, resources, answer)
  }
  const note = `transactions of ${BUNDLE}, one after the other; ${seconds.toFixed(1)} s, ${(cpu() - before).toFixed(1)} s of processor time`
  return { what, value: sample.length / seconds, unit: 'resources/s', note }
}

/** The first answers, to whoever takes what is there and to whoever says nothing of waiting; and the whole. */
async function opened(fresh: Client, patient: string, records: number): Promise<Row[]> {
  const began = performance.now()
  const since = (): number => (performance.now() - began) / 1000
  const get = (path: string, wait?: number): Promise<Answer> =>
    fresh.ask({ method: 'GET', path, ...(wait === undefined ? {} : { headers: { prefer: `wait=${wait}` } }) })
  const wholly = ({ headers }: Answer): string => (headers['x-keepwell-partial'] === 'yes' ? 'in part' : 'wholly')
  const first = await get(`/Patient/${patient}`)
  const patientAt = since()
  const there = await get(`/Observation?patient=${patient}&_count=10`, 0)
  const thereAt = since()
  const { entry = [] } = JSON.parse((await get(`/Observation?patient=${patient}&_count=1000&_elements=id`, 0)).body) as Bundle
  const search = await get(`/Observation?patient=${patient}&_count=10`)
  const searchAt = since()
  const { total } = JSON.parse(search.body) as Bundle
  await get(`/Condition?patient=${patient}&_count=10`, 600)
  const conditionsAt = since()
  await get(`/Patient/${patient}/$everything?_count=1`)
  return [
    { what: 'session opened to first answer (the patient)', value: patientAt, unit: 's', note: wholly(first) },
    {
      what: '… to the first search (Observations) of what is there',
      value: thereAt,
      unit: 's',
      note: `${wholly(there)}; ${entry.filter(e => e.search?.mode === 'match').length} open a moment later`,
    },
    {
      what: '… to the first search by who says nothing of waiting',
      value: searchAt,
      unit: 's',
      note: `${wholly(search)}${total === undefined ? '' : `; ${total} of ${records} records`}`,
    },
    { what: '… to the whole of one type (Conditions)', value: conditionsAt, unit: 's' },
    { what: '… until all of it is open and indexed', value: since(), unit: 's' },
  ]
}

type Load = {
  readonly client: Client
  readonly next: () => Call
  readonly seconds: number
  /** Of the server: what it used so far, and itself. */
  readonly cpu: () => number
  readonly pid: number
  /** Requests a second at which answers are timed as well, beside 70 % of the peak. */
  readonly rates?: readonly number[]
}

/** What is asked of an open session, at the least. */
const SOUGHT = 1500

/** Once with the load where the system puts it, as in a hospital's own server; once with a core for the server and another for the load. */
async function loaded(name: string, load: Load): Promise<Row[]> {
  const shared = await measured(`${name}, 16 clients`, load)
  const together = apart([load.pid, load.client.pid])
  if (!together) return shared
  try {
    return [...shared, ...(await measured('… the same, with a core each', load))]
  } finally {
    together()
  }
}

/** The same question costs the same each time, so that the rate is one number. */
async function measured(what: string, { client, next, seconds, cpu, rates = [SOUGHT] }: Load): Promise<Row[]> {
  await client.peak(next, { clients: 16, seconds: 2 })
  const before = cpu()
  const peak = await client.peak(next, { clients: 16, seconds })
  const used = ((cpu() - before) * 1e6) / (peak * seconds)
  const rows: Row[] = [{ what, value: peak, unit: 'requests/s', note: `${used.toFixed(0)} µs of the server’s processor time each` }]
  for (const [name, rate] of [['70 % of that', peak * 0.7] as const, ...rates.map(r => [`${r.toFixed(0)}/s`, r] as const)]) {
    const late = await client.steady(next, { rate, seconds })
    rows.push(
      { what: `… at ${name}, from when a request was due: p50`, value: quantile(late, 0.5), unit: 'ms' },
      {
        what: '… p99',
        value: quantile(late, 0.99),
        unit: 'ms',
        note: `slowest ${quantile(late, 1).toFixed(1)} ms of ${late.length}`,
      },
    )
  }
  return rows
}

/** One of a list, the same sequence in every run. */
function picker<T>(list: readonly T[]): () => T {
  let seed = 11
  return () => {
    seed = (seed * 48_271) % 2_147_483_647
    return list[seed % list.length]!
  }
}

const PLAIN = `const { createServer } = require('node:http'); const body = Buffer.from(process.argv[1]);
createServer((_q, a) => { a.setHeader('content-type', 'application/fhir+json'); a.setHeader('content-length', body.length); a.end(body) }).listen(Number(process.argv[2]), '127.0.0.1', () => console.log('up'))`

type Plain = { readonly what: string; readonly body: string; readonly seconds: number; readonly rates?: readonly number[] }

/** What HTTP alone costs here: the same bytes for each request, from memory. */
async function plain({ what, body, seconds, rates }: Plain): Promise<Row[]> {
  const port = await freePort()
  const child = spawn(process.execPath, ['-e', PLAIN, body, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise(resolve => child.stdout.once('data', resolve))
  const client = loadClient(`http://127.0.0.1:${port}`, {})
  const cpu = (): number => processorSeconds(child.pid!)
  const load = { client, next: (): Call => ({ method: 'GET', path: '/' }), seconds, cpu, pid: child.pid! }
  try {
    return await loaded(`plain node:http with ${what}, nothing else`, { ...load, ...(rates ? { rates } : {}) })
  } finally {
    client.close()
    child.kill()
  }
}

/** What two questions were answered with, for whoever gives the same bytes. */
type Bodies = { readonly read: string; readonly search: string }

/** Reads, searches, and both, on a record that is there; first, once, both for as long as a JVM needs to get warm. */
async function asked(
  server: string,
  patient: string,
  { first = 0, ...load }: Omit<Load, 'next'> & { readonly first?: number },
): Promise<{ readonly rows: Row[]; readonly bodies: Bodies }> {
  const { client } = load
  const list = await client.ask({ method: 'GET', path: `/Observation?patient=${patient}&_count=200&_elements=id` })
  const observation = picker((JSON.parse(list.body) as Bundle).entry!.map(e => e.resource.id))
  const query = picker([
    `/Observation?patient=${patient}&code=http://loinc.org|29463-7&_count=10`,
    `/Observation?patient=${patient}&category=laboratory&date=ge2020&_sort=-date&_count=10`,
    `/Condition?patient=${patient}&clinical-status=active&_count=10`,
    `/MedicationRequest?patient=${patient}&status=active&_count=10`,
  ])
  const read = (): Call => ({ method: 'GET', path: `/Observation/${observation()}` })
  const search = (): Call => ({ method: 'GET', path: query().replaceAll('|', '%7C') })
  const mix = picker([read, search])
  const rows: Row[] = []
  if (first) await client.peak(() => mix()(), { clients: 16, seconds: first })
  for (const [name, next] of [
    ['reads', read],
    [SEARCHES, search],
    ['reads and searches, half and half', () => mix()()],
  ] as const)
    rows.push(...(await loaded(`${server}${name}`, { ...load, next })))
  return { rows, bodies: { read: (await client.ask(read())).body, search: (await client.ask(search())).body } }
}

const SEARCHES = 'searches of four kinds'

/** Seconds; a JVM is slow at first. */
const HAPI_WARM = 20

/** HAPI FHIR's server, with the same in the same run; nothing where it was not provided. */
async function hapi({ sample, seconds }: Input): Promise<Row[]> {
  const classpath = findClasspath('hapi-server')
  if (classpath === null) {
    console.warn('SKIPPED HAPI FHIR beside us: tools/hapi-server was not provided (.ci/run fetches it).')
    return []
  }
  const server = await startHapiServer(classpath)
  const client = loadClient(server.base, {})
  const cpu = (): number => processorSeconds(server.pid)
  try {
    const names: Names = new Map()
    const rows = [await imported('HAPI FHIR: transactions', client, cpu, sample, names)]
    const patient = names.get(`Patient/${sample.find(r => r.resourceType === 'Patient')!.id}`)!.slice('Patient/'.length)
    rows.push(...(await asked('HAPI FHIR: ', patient, { client, seconds, cpu, pid: server.pid, first: HAPI_WARM })).rows)
    return [...rows, { what: 'HAPI FHIR’s memory', value: residentMemory(server.pid).now, unit: 'MB' }]
  } finally {
    client.close()
    await server.stop()
  }
}

type Input = { readonly sample: readonly Sample[]; readonly seconds: number }

/** The gateway itself. */
async function keepwell({ sample, seconds }: Input): Promise<{ readonly rows: Row[]; readonly bodies: Bodies }> {
  const bench = await servedHome()
  const clinic = await consented(bench)
  const as = (person: string): Client =>
    loadClient(`${clinic.url}/fhir`, { authorization: `Bearer ${clinic.key}`, 'x-keepwell-person': person })
  const [writer, reader] = [as('Importer'), as('Nurse Joy')]
  try {
    const patient = await patientOf(writer)
    const names: Names = new Map([[`Patient/${sample.find(r => r.resourceType === 'Patient')!.id}`, `Patient/${patient}`]])
    const what = 'transactions: validated, linked, sealed, durable at the relay'
    const before = [
      await imported(what, writer, () => bench.cpu() + clinic.cpu(), sample, names),
      ...(await opened(reader, patient, sample.length)),
    ]
    const { rows, bodies } = await asked('', patient, { client: reader, seconds, cpu: clinic.cpu, pid: clinic.pid })
    const memory = { what: 'the gateway’s memory, two sessions of it', value: residentMemory(clinic.pid).now, unit: 'MB' }
    return { rows: [...before, ...rows, memory], bodies }
  } finally {
    for (const c of [writer, reader]) c.close()
    await clinic.close()
    await bench.close()
  }
}

export async function gateway({ records = 10_000, seconds = 10, only = ['gateway', 'hapi', 'plain'] } = {}): Promise<Row[]> {
  const sample = [...samplePatient('gateway', { resources: records, now: NOW })] as unknown as Sample[]
  const input = { sample, seconds }
  const one = JSON.stringify(sample[1])
  const ours = only.includes('gateway') ? await keepwell(input) : { rows: [], bodies: { read: one, search: one } }
  const beside = only.includes('hapi') ? await hapi(input) : []
  if (!only.includes('plain')) return [...ours.rows, ...beside]
  const searches = ours.rows.find(r => r.what.startsWith(SEARCHES))
  return [
    ...ours.rows,
    ...beside,
    ...(await plain({ what: 'one resource', body: ours.bodies.read, seconds })),
    ...(searches
      ? await plain({ what: 'a search’s answer', body: ours.bodies.search, seconds, rates: [searches.value * 0.7, SOUGHT] })
      : []),
  ]
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean' },
      records: { type: 'string', default: '10000' },
      seconds: { type: 'string', default: '10' },
      only: { type: 'string', default: 'gateway,hapi,plain' },
    },
  })
  const rows = await gateway({ records: Number(values.records), seconds: Number(values.seconds), only: values.only.split(',') })
  report('FHIR at a gateway', rows, values.json === true)
}
