import { spawn } from 'node:child_process'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { freePort } from '@keepwell/daemon/http/free-port'
import { samplePatient } from '@keepwell/sdk/sample/patient'
import { consented } from './clinic.kit.ts'
import { apart, processorSeconds, residentMemory, servedHome } from './home.kit.ts'
import { type Call, type Client, loadClient } from './load.kit.ts'
import { quantile, type Row, report, timed } from './report.kit.ts'

// A hospital's systems at its gateway: transactions written into a patient's record, then reads and searches on the open session. Relay,
// gateway and load are a process each, all over HTTP; the gateway is the command as an operator types it. Beside it: a server of
// plain node:http that answers each request with one resource from memory and does nothing else.

const NOW = 1_790_000_000
const BUNDLE = 1000

/** Transactions as an interface engine sends them: new resources that refer to each other. */
function* transactions(records: number, patient: string): Generator<string> {
  let entry: unknown[] = []
  const bundle = () =>
    JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry }).replace(/"Patient\/[^"]+"/g, `"Patient/${patient}"`)
  for (const resource of samplePatient('gateway', { resources: records, now: NOW })) {
    const { resourceType, id } = resource as { resourceType: string; id: string }
    entry.push({ fullUrl: `urn:uuid:${id}`, resource, request: { method: 'POST', url: resourceType } })
    if (entry.length === BUNDLE) {
      yield bundle()
      entry = []
    }
  }
  if (entry.length) yield bundle()
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

async function imported(client: Client, cpu: () => number, records: number, patient: string): Promise<Row[]> {
  const bodies = [...transactions(records, patient)]
  const before = cpu()
  const done = await timed(async () => {
    for (const body of bodies) {
      const { status, body: answer } = await client.ask({ method: 'POST', path: '', body, headers: JSON_BODY })
      if (status !== 200) throw new Error(`A transaction was answered with ${status}: ${answer.slice(0, 300)}`)
    }
  })
  const note = `${bodies.length} transactions of ${BUNDLE}, one after the other; ${done.seconds.toFixed(1)} s, ${(cpu() - before).toFixed(1)} s of processor time at gateway and relay`
  return [
    { what: 'transactions: validated, linked, sealed, durable at the relay', value: records / done.seconds, unit: 'resources/s', note },
  ]
}

/** The first answers as a client gets them that says nothing of waiting, and the whole. */
async function opened(fresh: Client, patient: string, records: number): Promise<Row[]> {
  const began = performance.now()
  const since = (): number => (performance.now() - began) / 1000
  const first = await fresh.ask({ method: 'GET', path: `/Patient/${patient}` })
  const patientAt = since()
  const search = await fresh.ask({ method: 'GET', path: `/Observation?patient=${patient}&_count=10` })
  const searchAt = since()
  const { total, entry = [] } = JSON.parse(
    (await fresh.ask({ method: 'GET', path: `/Observation?patient=${patient}&_count=1000&_elements=id`, headers: { prefer: 'wait=0' } }))
      .body,
  ) as Bundle
  const there = entry.filter(e => e.search?.mode === 'match').length
  const wholly = (partial: string | undefined): string => (partial === 'yes' ? 'in part' : 'wholly')
  await fresh.ask({ method: 'GET', path: `/Condition?patient=${patient}&_count=10`, headers: { prefer: 'wait=600' } })
  const conditionsAt = since()
  await fresh.ask({ method: 'GET', path: `/Patient/${patient}/$everything?_count=1` })
  return [
    {
      what: 'session opened to first answer (the patient)',
      value: patientAt,
      unit: 's',
      note: wholly(first.headers['x-keepwell-partial']),
    },
    {
      what: '… to the first search (Observations)',
      value: searchAt,
      unit: 's',
      note: `${wholly(search.headers['x-keepwell-partial'])}; ${total === undefined ? `${there === 1000 ? 'at least ' : ''}${there}` : total} of ${records} records there`,
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
}

/** Once with the load where the system puts it, as in a hospital's own server; once with a core for the server and another for the load. */
async function loaded(name: string, load: Load): Promise<Row[]> {
  const shared = await measured(`${name}, 16 clients`, load)
  const together = apart([load.pid, process.pid])
  if (!together) return shared
  try {
    return [...shared, ...(await measured('… the same, with a core each', load))]
  } finally {
    together()
  }
}

/** The same question costs the same each time, so that the rate is one number. */
async function measured(what: string, { client, next, seconds, cpu }: Load): Promise<Row[]> {
  await client.peak(next, { clients: 16, seconds: Math.min(2, seconds) })
  const before = cpu()
  const peak = await client.peak(next, { clients: 16, seconds })
  const used = ((cpu() - before) * 1e6) / (peak * seconds)
  const late = await client.steady(next, { rate: peak * 0.7, seconds })
  return [
    { what, value: peak, unit: 'requests/s', note: `${used.toFixed(0)} µs of the server’s processor time each` },
    { what: '… at 70 % of that, from when a request was due: p50', value: quantile(late, 0.5), unit: 'ms' },
    {
      what: '… p99',
      value: quantile(late, 0.99),
      unit: 'ms',
      note: `slowest ${late.reduce((most, ms) => Math.max(most, ms), 0).toFixed(1)} ms of ${late.length}`,
    },
  ]
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

/** What HTTP alone costs here. */
async function plain(body: string, seconds: number): Promise<Row[]> {
  const port = await freePort()
  const child = spawn(process.execPath, ['-e', PLAIN, body, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise(resolve => child.stdout.once('data', resolve))
  const client = loadClient(`http://127.0.0.1:${port}`, {})
  try {
    const cpu = (): number => processorSeconds(child.pid!)
    return await loaded('plain node:http with one resource, nothing else', {
      client,
      next: () => ({ method: 'GET', path: '/' }),
      seconds,
      cpu,
      pid: child.pid!,
    })
  } finally {
    client.close()
    child.kill()
  }
}

export async function gateway({ records = 10_000, seconds = 10 } = {}): Promise<Row[]> {
  const bench = await servedHome()
  const clinic = await consented(bench)
  const as = (person: string): Client =>
    loadClient(`${clinic.url}/fhir`, { authorization: `Bearer ${clinic.key}`, 'x-keepwell-person': person })
  const [writer, reader] = [as('Importer'), as('Nurse Joy')]
  try {
    const patient = await patientOf(writer)
    const rows = [
      ...(await imported(writer, () => bench.cpu() + clinic.cpu(), records, patient)),
      ...(await opened(reader, patient, records)),
    ]
    const ids = JSON.parse(
      (await reader.ask({ method: 'GET', path: `/Observation?patient=${patient}&_count=1000&_elements=id` })).body,
    ) as Bundle
    const observation = picker(ids.entry!.map(e => e.resource.id))
    const queries = [
      `/Observation?patient=${patient}&code=http://loinc.org|29463-7&_count=10`,
      `/Observation?patient=${patient}&category=laboratory&date=ge2020&_sort=-date&_count=10`,
      `/Condition?patient=${patient}&clinical-status=active&_count=10`,
      `/MedicationRequest?patient=${patient}&status=active&_count=10`,
    ]
    const query = picker(queries)
    const read = (): Call => ({ method: 'GET', path: `/Observation/${observation()}` })
    const search = (): Call => ({ method: 'GET', path: query() })
    const mix = picker([read, search])
    const load = { client: reader, seconds, cpu: clinic.cpu, pid: clinic.pid }
    rows.push(...(await loaded('reads', { ...load, next: read })))
    rows.push(...(await loaded('searches of four kinds', { ...load, next: search })))
    rows.push(...(await loaded('reads and searches, half and half', { ...load, next: () => mix()() })))
    rows.push({ what: 'the gateway’s memory, two sessions of it', value: residentMemory(clinic.pid).now, unit: 'MB' })
    rows.push(...(await plain((await reader.ask(read())).body, seconds)))
    return rows
  } finally {
    for (const c of [writer, reader]) c.close()
    await clinic.close()
    await bench.close()
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { json: { type: 'boolean' }, records: { type: 'string' }, seconds: { type: 'string' } } })
  const rows = await gateway({ records: Number(values.records ?? 10_000), seconds: Number(values.seconds ?? 10) })
  report('FHIR at a gateway', rows, values.json === true)
}
