import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { grant } from '@keepwell/sdk/actions/access/grant'
import { receivedGrants } from '@keepwell/sdk/actions/access/grants'
import { openSession, type ReadingSession } from '@keepwell/sdk/actions/access/open-session'
import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { fileRecords } from '@keepwell/sdk/actions/records/file-records'
import { describeResource } from '@keepwell/sdk/actions/records/import-describe'
import { compartmentNamed } from '@keepwell/sdk/actions/records/secrets'
import { utf8 } from '@keepwell/sdk/base/bytes'
import type { Draft } from '@keepwell/sdk/records/pack'
import { matches } from '@keepwell/sdk/records/timeline'
import { samplePatient } from '@keepwell/sdk/sample/patient'
import { type BenchHome, clock, introduce, servedHome } from './home.kit.ts'
import { median, profiled, quantile, type Row, report, timed } from './report.kit.ts'

// A clinician opens a patient's record under a consent: every card is listed (its receipt first), decrypted, checked against its anchored
// leaf, and indexed; then a code is looked for. Payloads are opened on demand. The relay is another process, reached over HTTP.
// Beside it: the same resources parsed from plain JSON and searched in memory, which is what a store without
// encryption would do at best.

const NOW = 1_790_000_000
const BATCH = 512

function draftsOf(ctx: Ctx, count: number): { drafts: Draft[]; texts: string[] } {
  const drafts: Draft[] = []
  const texts: string[] = []
  for (const resource of samplePatient('session', { resources: count, now: NOW })) {
    const json = JSON.stringify(resource)
    const body = utf8(json)
    const { kind, mediaType, compartment, facts } = describeResource(() => [], { bytes: body, resource: resource as never })
    texts.push(json)
    drafts.push({
      id: ctx.random(16),
      kind,
      mediaType,
      compartment: compartmentNamed(ctx.session.state.ring, compartment).id,
      authoredAt: clock(),
      body,
      facts,
    })
  }
  return { drafts, texts }
}

/** A vault of `count` records, all of it granted to a clinic; gives the clinic and the plain texts. */
async function granted(bench: BenchHome, count: number): Promise<{ clinic: Ctx; texts: string[]; commitment: Uint8Array }> {
  const patient = await bench.person('Ada')
  const clinic = await bench.person('Clinic')
  await introduce(patient, clinic)
  const { drafts, texts } = draftsOf(patient, count)
  for (let at = 0; at < drafts.length; at += BATCH) await fileRecords(patient, drafts.slice(at, at + BATCH))
  const { commitment } = await grant(patient, {
    to: clinic.session.state.ring.did,
    level: 'read',
    purposes: ['TREAT'],
    compartments: patient.session.state.ring.compartments.map(c => c.id),
    expiry: clock() + 90 * 86_400,
  })
  await receiveMessages(clinic)
  if (receivedGrants(clinic).length !== 1) throw new Error('The grant did not arrive.')
  return { clinic, texts, commitment }
}

type Indexed = { readonly session: ReadingSession; find(code: string): number[] }

/** Cards by code: what a session builds once so that a code query is a lookup. */
function indexed(session: ReadingSession): Indexed {
  const byCode = new Map<string, number[]>()
  session.records.forEach(({ card }, i) => {
    for (const { code } of card.codes) {
      const list = byCode.get(code)
      if (list) list.push(i)
      else byCode.set(code, [i])
    }
  })
  return { session, find: code => byCode.get(code) ?? [] }
}

const BODY_WEIGHT = '29463-7'

export async function session({ records = 10_000, profile = false } = {}): Promise<Row[]> {
  const bench = await servedHome()
  try {
    const { clinic, texts, commitment } = await granted(bench, records)
    const open = async (): Promise<{ index: Indexed; found: number[] }> => {
      const index = indexed(await openSession(clinic, { grant: commitment, purpose: 'TREAT' }))
      return { index, found: index.find(BODY_WEIGHT) }
    }
    await settled()
    const before = bench.cpu()
    const first = await timed(() => (profile ? profiled(open) : open()))
    const relayCpu = bench.cpu() - before
    const again = records > 20_000 ? [first] : [await timed(open), await timed(open)]
    const { index, found } = first.result
    if (index.session.records.length !== records || index.session.problems.length || !found.length)
      throw new Error('The session is not whole.')
    const ids = found.slice(0, 20).map(i => index.session.records[i]!.id)
    const payload = await timed(() => index.session.open(ids.slice(0, 1)))
    const payloads = await timed(() => index.session.open(ids))
    const plain = await timed(async () => {
      const all = texts.map(t => JSON.parse(t) as { code?: { coding?: { code: string }[] } })
      return all.filter(r => r.code?.coding?.some(c => c.code === BODY_WEIGHT)).length
    })
    const words = searches(index)
    return [
      { what: 'records', value: records, unit: '' },
      {
        what: 'opened to first code query answered, first time',
        value: first.seconds,
        unit: 's',
        note: `CPU: reader ${first.cpu.toFixed(2)} s, relay ${relayCpu.toFixed(2)} s; ${found.length} found`,
      },
      {
        what: 'the same, again',
        value: median(again.map(a => a.seconds)),
        unit: 's',
        note: `CPU: reader ${median(again.map(a => a.cpu)).toFixed(2)} s`,
      },
      { what: 'per record, first time, reader and relay', value: ((first.cpu + relayCpu) / records) * 1e6, unit: 'µs CPU' },
      { what: 'free-text search over all cards, p50', value: quantile(words, 0.5), unit: 'ms' },
      { what: 'free-text search over all cards, p99', value: quantile(words, 0.99), unit: 'ms' },
      { what: 'one payload on demand, receipt first', value: payload.seconds * 1000, unit: 'ms' },
      { what: 'twenty payloads on demand', value: payloads.seconds * 1000, unit: 'ms' },
      { what: 'plain: parse all JSON, filter by code', value: plain.seconds, unit: 's' },
      { what: 'session against plain, processor time', value: (first.cpu + relayCpu) / plain.cpu, unit: '×' },
    ]
  } finally {
    await bench.close()
  }
}

/** The relay anchors within two seconds; the session is opened on what is at rest. */
const settled = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 4000))

/** Milliseconds of each of a hundred searches, every one over all cards. */
function searches({ session: { records } }: Indexed): number[] {
  const words = ['blood pressure', 'glucose', 'vaccine', 'asthma', 'knee']
  const as = records.map(r => ({ card: r.card, filedAt: 0 })) as unknown as Parameters<typeof matches>[0][]
  return Array.from({ length: 100 }, (_, i) => {
    const started = performance.now()
    for (const entry of as) matches(entry, { text: words[i % words.length]! })
    return performance.now() - started
  })
}

/** At 1×, 10× and 100× data. */
const GROWTH = [1000, 10_000, 100_000]

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: { json: { type: 'boolean' }, records: { type: 'string' }, profile: { type: 'boolean' }, growth: { type: 'boolean' } },
  })
  for (const records of values.growth ? GROWTH : [Number(values.records ?? 10_000)])
    report('session', await session({ records, profile: values.profile === true }), values.json === true)
}
