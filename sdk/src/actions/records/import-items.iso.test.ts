import { describe, expect, test } from 'vitest'
import type { Ctx } from '#actions/context'
import { person, world } from '#actions/story.kit'
import { equal, fromHex, text, toHex, utf8 } from '#base/bytes'
import { isKeepwellError, KeepwellError } from '#base/error'
import type { Relay } from '#ports/relay'
import { sampleBundle } from '#sample/bundle'
import { sampleDicom } from '#sample/dicom'
import { sampleCcda, sampleHl7v2, sampleVcf } from '#sample/messages'
import { samplePdf } from '#sample/pdf'
import type { ImportItem, Verdict } from './import-item.ts'
import { type ImportOptions, importItems } from './import-items.ts'
import { listEntries } from './list-entries.ts'
import { openBodies } from './open-bodies.ts'
import { receiveRecords } from './receive-records.ts'

const HOME = 'http://home.test'
const NOW = 1_790_000_000

export const item = (name: string, content: string | Uint8Array, chunk = 10_000): ImportItem => {
  const bytes = typeof content === 'string' ? utf8(content) : content
  return {
    name,
    size: bytes.length,
    async *chunks() {
      for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk)
    },
  }
}

async function* given(...items: ImportItem[]): AsyncGenerator<ImportItem> {
  yield* items
}

async function take(ctx: Ctx, items: ImportItem[], options: ImportOptions = {}): Promise<Verdict[]> {
  const out: Verdict[] = []
  for await (const v of importItems(ctx, given(...items), options)) out.push(v)
  return out
}

const outcomes = (verdicts: readonly Verdict[]): Record<string, number> => {
  const out: Record<string, number> = {}
  for (const v of verdicts) out[v.outcome] = (out[v.outcome] ?? 0) + 1
  return out
}

const patient = async (): Promise<Ctx> => person(await world([HOME]), 'Ada Example', HOME)

const observation = (id: string, value: number, extra: object = {}) => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '4548-4', display: 'HbA1c' }] },
  valueQuantity: { value, unit: '%' },
  ...extra,
})
const ID = '0b8a1d36-6a5e-4a0c-9a57-1f0d5f4e8c11'

describe('importing', () => {
  test('each resource of a Bundle becomes a record of its own, and its bytes stay as they were written', async () => {
    const ctx = await patient()
    const spaced = `{ "resourceType" : "Observation",\n  "id":"${ID}", "status":"final", "code":{"text":"Größe"}, "valueQuantity":{"value":1.50} }`
    const file = `{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"urn:uuid:${ID}","resource":${spaced}},{"resource":{"resourceType":"Patient","id":"p"}}]}`
    const verdicts = await take(ctx, [item('visit.json', file, 7)])
    expect(verdicts.map(v => [v.outcome, v.place, v.resourceType])).toEqual([
      ['taken', 'Bundle.entry[0].resource', 'Observation'],
      ['taken', 'Bundle.entry[1].resource', 'Patient'],
    ])
    const [first] = (await listEntries(ctx)).filter(e => e.card.resourceType === 'Observation')
    for await (const body of openBodies(ctx, [first!])) {
      for await (const bytes of body.chunks()) expect(text(bytes)).toBe(spaced)
      expect(body.meta.attributes).toEqual({ file: 'visit.json', fullUrl: `urn:uuid:${ID}` })
    }
  })

  test('what is there already is not written again, whatever file it comes in and however it is laid out', async () => {
    const ctx = await patient()
    await take(ctx, [item('a.json', JSON.stringify(sampleBundle('x', { resources: 40, now: NOW })))])
    const again = await take(ctx, [item('b.json', JSON.stringify(sampleBundle('x', { resources: 40, now: NOW }), null, 2))])
    expect(outcomes(again)).toEqual({ 'already-there': 40 })
    expect(await listEntries(ctx)).toHaveLength(40)
  })

  test('the same source with other content is a new version that names the one before', async () => {
    const ctx = await patient()
    const [one] = await take(ctx, [item('a.json', JSON.stringify(observation(ID, 6.1)))])
    const [two] = await take(ctx, [item('b.json', JSON.stringify(observation(ID, 6.2, { meta: { versionId: '2' } })))])
    const [same] = await take(ctx, [item('c.json', JSON.stringify(observation(ID, 6.2, { meta: { versionId: '3' } })))])
    expect([one?.prior, two?.prior, two?.outcome, same?.outcome]).toEqual([undefined, one?.id, 'taken', 'already-there'])
    const entries = await listEntries(ctx)
    expect(toHex(entries.find(e => toHex(e.id) === two?.id)!.card.prior!)).toBe(one?.id)
  })

  test('an id that two sources may share ties no versions together, unless the source is named', async () => {
    const ctx = await patient()
    const file = (value: number) => [item('a.json', JSON.stringify(observation('1', value)))]
    await take(ctx, file(1))
    expect((await take(ctx, file(2)))[0]?.prior).toBeUndefined()
    const [first] = await take(ctx, file(3), { base: 'hospital-west' })
    expect((await take(ctx, file(4), { base: 'hospital-west' }))[0]?.prior).toBe(first?.id)
  })

  test('one broken resource among a thousand costs one resource, and its bytes are kept', async () => {
    const ctx = await patient()
    const lines = Array.from({ length: 1000 }, (_, i) => JSON.stringify(observation(`${ID.slice(0, -4)}${String(i).padStart(4, '0')}`, i)))
    lines[500] = `${lines[500]!.slice(0, -5)}`
    const verdicts = await take(ctx, [item('all.ndjson', lines.join('\n'))])
    expect(outcomes(verdicts)).toEqual({ taken: 999, unreadable: 1 })
    const bad = verdicts.find(v => v.outcome === 'unreadable')!
    expect([bad.place, bad.kind, bad.code]).toEqual(['line 500', 'document', 'UNREADABLE'])
    const [entry] = (await listEntries(ctx)).filter(e => toHex(e.id) === bad.id)
    for await (const body of openBodies(ctx, [entry!])) for await (const bytes of body.chunks()) expect(text(bytes)).toBe(lines[500])
  })

  test('a resource that breaks the rules is taken as it is, with what is wrong and without its data', async () => {
    const ctx = await patient()
    const [v] = await take(ctx, [item('a.json', JSON.stringify(observation(ID, 1, { status: 'SECRET-STATUS', SECRETkey: 1 })))])
    expect(v).toMatchObject({ outcome: 'taken-with-issues', resourceType: 'Observation' })
    expect(v!.issueCount).toBeGreaterThan(0)
    expect(JSON.stringify(v)).not.toMatch(/SECRET/)
    expect((await listEntries(ctx))[0]!.card.issues).toBe(v!.issueCount)
    const [unknown] = await take(ctx, [item('b.json', '{"resourceType":"Nonsense","x":1}')])
    expect(unknown).toMatchObject({ outcome: 'taken-with-issues', compartment: 'general', placed: false })
  })

  test('other formats are kept as they are: DICOM as instances, the rest as documents', async () => {
    const ctx = await patient()
    const files: [string, Uint8Array | string, string, string][] = [
      ['scan.dcm', sampleDicom('d'), 'dicom', 'imaging'],
      ['report.pdf', samplePdf('Hello'), 'document', 'general'],
      ['summary.xml', sampleCcda('c', { now: NOW }), 'document', 'general'],
      ['result.hl7', sampleHl7v2('h', { now: NOW, type: 'ORU^R01' }), 'document', 'laboratory'],
      ['genes.vcf', sampleVcf('v'), 'genome', 'genomics'],
      ['notes.txt', 'Call the clinic.', 'document', 'general'],
    ]
    const verdicts = await take(
      ctx,
      files.map(([name, content]) => item(name, content)),
    )
    expect(verdicts.map(v => [v.item, v.outcome, v.kind, v.compartment])).toEqual(files.map(([n, , kind, c]) => [n, 'taken', kind, c]))
    const entries = await listEntries(ctx)
    for await (const { meta, chunks } of openBodies(ctx, entries)) {
      const content = files.find(f => f[0] === meta.attributes!.file)![1]
      const bytes = typeof content === 'string' ? utf8(content) : content
      for await (const got of chunks()) expect(equal(got, bytes)).toBe(true)
    }
    expect(
      outcomes(
        await take(
          ctx,
          files.map(([n, c]) => item(`copy of ${n}`, c)),
        ),
      ),
    ).toEqual({ 'already-there': 6 })
  })

  test('a document has the id, the title and the date it was told; a FHIR file speaks for itself', async () => {
    const ctx = await patient()
    const told = { id: ctx.random(16), title: 'Referral', date: '2026-02-03', attributes: { belongs: 'Condition/1' } }
    const fhir = JSON.stringify(observation(ID, 6.1))
    await take(ctx, [
      { ...item('photo.pdf', samplePdf('x')), told },
      { ...item('a.json', fhir), told },
    ])
    const entries = await listEntries(ctx)
    const document = entries.find(e => e.card.kind === 'document')!
    expect([document.card.title, document.card.start, equal(document.id, told.id)]).toEqual(['Referral', '2026-02-03', true])
    for await (const body of openBodies(ctx, [document]))
      expect(body.meta.attributes).toEqual({ file: 'photo.pdf', belongs: 'Condition/1' })
    const resource = entries.find(e => e.card.kind === 'fhir')!
    expect([resource.card.title, equal(resource.id, told.id)]).toEqual(['HbA1c: 6.1 %', false])
  })

  test('a file that is not what it claims to be is kept as a document and said to be unreadable', async () => {
    const ctx = await patient()
    const verdicts = await take(ctx, [
      item('a.pdf', 'no pdf at all'),
      item(
        'b.dcm',
        Uint8Array.from({ length: 500 }, (_, i) => (i * 7) % 256),
      ),
      item('c.json', '{"resourceType":"Observation","status":'),
      item('d.json', '{"a": not json}'),
      item('e.jpg', '%PDF-1.4 in disguise'),
    ])
    expect(verdicts.map(v => [v.item, v.outcome, v.kind])).toEqual(
      ['a.pdf', 'b.dcm', 'c.json', 'd.json', 'e.jpg'].map(n => [n, 'unreadable', 'document']),
    )
    expect(await listEntries(ctx)).toHaveLength(5)
  })

  test('an item that cannot be read fails alone', async () => {
    const ctx = await patient()
    const broken: ImportItem = {
      name: 'gone.json',
      size: 10,
      // biome-ignore lint/correctness/useYield: a file whose first read fails
      async *chunks() {
        throw new KeepwellError('UNREADABLE', 'The file could not be read: permission is missing.')
      },
    }
    const verdicts = await take(ctx, [item('a.txt', 'one'), broken, item('empty.txt', ''), item('b.txt', 'two')])
    expect(verdicts.map(v => v.outcome)).toEqual(['taken', 'failed', 'failed', 'taken'])
    expect(verdicts[1]).toMatchObject({ code: 'UNREADABLE', why: 'The file could not be read: permission is missing.' })
  })

  test('a record that the relay refuses costs one record, not its batch', async () => {
    const w = await world([HOME])
    const ctx = await person(w, 'Ada Example', HOME)
    const home = w.homes.get(HOME)!.relay
    // A relay that refuses one payload by its size, as one with a smaller limit would.
    const relay: Relay = {
      ...home,
      async putBlocks(auth, blocks) {
        if (blocks.some(b => b.bytes.length > 100_000)) throw new KeepwellError('TOO_LARGE', 'A block is too large for this relay.')
        await home.putBlocks(auth, blocks)
      },
    }
    const strict: Ctx = { ...ctx, network: { ...ctx.network, relay: async () => relay } }
    const verdicts = await take(strict, [
      ...Array.from({ length: 9 }, (_, i) => item(`${i}.txt`, `small ${i}`)),
      item('big.txt', 'x'.repeat(150_000)),
      item('last.txt', 'small too'),
    ])
    expect(outcomes(verdicts)).toEqual({ taken: 10, failed: 1 })
    expect(verdicts.find(v => v.outcome === 'failed')).toMatchObject({ item: 'big.txt', code: 'TOO_LARGE' })
    expect(outcomes(await take(ctx, [item('big.txt', 'x'.repeat(150_000))]))).toEqual({ taken: 1 })
  })

  test('a relay that goes away ends the import; run again, it files only what is missing', async () => {
    const w = await world([HOME])
    const ctx = await person(w, 'Ada Example', HOME)
    const home = w.homes.get(HOME)!.relay
    let submissions = 0
    const relay: Relay = {
      ...home,
      call: async (method, call) => {
        if (method === 'submit' && ++submissions > 1) throw new KeepwellError('RELAY_UNREACHABLE', 'The relay does not answer.')
        return home.call(method, call)
      },
    }
    const flaky: Ctx = { ...ctx, network: { ...ctx.network, relay: async () => relay } }
    const file = item('all.json', JSON.stringify(sampleBundle('y', { resources: 700, now: NOW })))
    const told: Verdict[] = []
    const failure = await (async () => {
      for await (const v of importItems(flaky, given(file))) told.push(v)
    })().catch(e => e)
    expect(isKeepwellError(failure, 'RELAY_UNREACHABLE')).toBe(true)
    const filed = new Set((await listEntries(ctx)).map(e => toHex(e.id)))
    expect(filed.size).toBeGreaterThan(0)
    for (const v of told) expect(filed.has(v.id!)).toBe(true)
    expect(outcomes(await take(ctx, [file]))).toEqual({ 'already-there': filed.size, taken: 700 - filed.size })
    expect(await listEntries(ctx)).toHaveLength(700)
  })

  test('an import killed between the relay’s word and the catalog leaves nothing that is taken twice', async () => {
    const w = await world([HOME])
    const ctx = await person(w, 'Ada Example', HOME)
    const file = item('all.json', JSON.stringify(sampleBundle('z', { resources: 50, now: NOW })))
    // What a kill leaves: the relay has acknowledged, the catalog knows nothing of it.
    const killed = async (rows: readonly unknown[]): Promise<void> => {
      if (rows.length) throw new KeepwellError('STORAGE_FAILED', 'killed')
    }
    const dead: Ctx = { ...ctx, catalog: { ...ctx.catalog, note: killed } }
    await take(dead, [file]).catch(() => {})
    expect(await listEntries(ctx)).toHaveLength(0)
    expect(outcomes(await take(ctx, [file]))).toEqual({ 'already-there': 50 })
  })

  test('what an import wrote is not listed again by the next one', async () => {
    const ctx = await patient()
    await take(ctx, [item('all.json', JSON.stringify(sampleBundle('m', { resources: 700, now: NOW })))])
    expect(await receiveRecords(ctx)).toEqual({ fresh: 0, refiled: 0, problems: [] })
  })

  test('a large document streams, and comes back byte for byte', async () => {
    const ctx = await patient()
    const big = new Uint8Array(17 << 20).map((_, i) => (i * 31 + (i >> 8)) & 255)
    big.set(utf8('%PDF-1.7\n'))
    const [v] = await take(ctx, [item('big.pdf', big, 1 << 20)])
    expect(v?.outcome).toBe('taken')
    const entries = await listEntries(ctx)
    let at = 0
    let same = true
    for await (const body of openBodies(ctx, entries))
      for await (const part of body.chunks()) {
        same &&= equal(part, big.subarray(at, at + part.length))
        at += part.length
      }
    expect([at, same]).toEqual([big.length, true])
    expect((await take(ctx, [item('again.pdf', big, 1 << 20)]))[0]).toMatchObject({ outcome: 'already-there', id: v!.id })
  })

  test('everything can be filed in one compartment, and an unknown one is refused before anything is written', async () => {
    const ctx = await patient()
    const verdicts = await take(ctx, [item('a.json', JSON.stringify(observation(ID, 1)))], { compartment: 'mental-health' })
    expect(verdicts[0]).toMatchObject({ compartment: 'mental-health', placed: true })
    const failure = await take(ctx, [item('b.txt', 'x')], { compartment: 'nowhere' }).catch(e => e)
    expect(isKeepwellError(failure, 'UNKNOWN_COMPARTMENT')).toBe(true)
    expect(fromHex(verdicts[0]!.id!)).toHaveLength(16)
  })
})
