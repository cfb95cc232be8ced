import { describe, expect, test } from 'vitest'
import { grant } from '#actions/access/grant'
import { invite, join } from '#actions/access/invite'
import { receiveMessages } from '#actions/access/receive-messages'
import type { Ctx } from '#actions/context'
import { draft, person, world } from '#actions/story.kit'
import { restoreVault } from '#actions/vault/restore-vault'
import { utf8 } from '#base/bytes'
import { memoryCatalog } from '#memory/catalog'
import type { Relay } from '#ports/relay'
import type { Entry } from '#records/catalog'
import { readDigest } from '#records/digest'
import { matches } from '#records/timeline'
import type { DocumentReader } from './digest-body.ts'
import { digestMissing } from './digest-missing.ts'
import { fileRecords, noteEntries } from './file-records.ts'
import type { ImportItem } from './import-item.ts'
import { importItems } from './import-items.ts'
import { listEntries } from './list-entries.ts'
import { receiveRecords } from './receive-records.ts'
import { compartmentNamed } from './secrets.ts'
import { submitRecords } from './submit-records.ts'

const HOME = 'http://home.test'

const file = (name: string, content: string): ImportItem => ({
  name,
  size: content.length,
  async *chunks() {
    yield utf8(content)
  },
})

const OBSERVATION = {
  resourceType: 'Observation',
  id: 'a',
  code: { text: 'Glucose' },
  valueQuantity: { value: 5.4, unit: 'mmol/L' },
  note: [{ text: 'fasting since midnight' }],
}

async function take(ctx: Ctx, ...items: ImportItem[]): Promise<void> {
  async function* given() {
    yield* items
  }
  for await (const v of importItems(ctx, given())) expect(v.outcome).toMatch(/^taken/)
}

const texts = (entries: readonly Entry[]) => entries.map(e => readDigest(e)?.text).toSorted()

describe('what a device remembers of contents', () => {
  test('importing and filing remember words and values', async () => {
    const ctx = await person(await world([HOME]), 'Ada Example', HOME)
    await take(ctx, file('a.json', JSON.stringify(OBSERVATION)), file('note.txt', 'A cough for three weeks.'))
    await fileRecords(ctx, [draft(ctx, 'laboratory', 'x', utf8(JSON.stringify({ ...OBSERVATION, note: [{ text: 'by hand' }] })))])
    const entries = await listEntries(ctx)
    expect(texts(entries)).toEqual([
      'A cough for three weeks.',
      'Glucose\n5.4 mmol/L\nby hand',
      'Glucose\n5.4 mmol/L\nfasting since midnight',
    ])
    expect(entries.flatMap(e => readDigest(e)?.measures ?? []).map(m => [m.name, m.value, m.unit])).toEqual([
      ['Glucose', '5.4', 'mmol/L'],
      ['Glucose', '5.4', 'mmol/L'],
    ])
  })

  test('a second device opens what the first one filed, in the background, with one receipt, and can be cancelled', async () => {
    const w = await world([HOME])
    const ctx = await person(w, 'Ada Example', HOME)
    const many = Array.from({ length: 40 }, (_, i) => file(`${i}.json`, JSON.stringify({ ...OBSERVATION, id: `o${i}` })))
    await take(ctx, ...many, file('note.txt', 'A cough for three weeks.'), file('letter.pdf', '%PDF-1.4 and so on'))
    const base = { clock: w.clock, random: w.random, network: w.network }
    const session = await restoreVault(base, { words: ctx.words, relay: HOME, deviceName: 'second' })
    const second: Ctx = { ...base, catalog: memoryCatalog(), session }
    await receiveRecords(second)
    expect((await listEntries(second)).every(e => !e.digest)).toBe(true)

    const stopped = new AbortController()
    stopped.abort()
    expect(await digestMissing(second, await listEntries(second), { signal: stopped.signal })).toEqual({ done: 0, missed: 0 })

    const told: number[] = []
    let asked = 0
    const network: Ctx['network'] = {
      ...w.network,
      relay: async url => {
        const relay = await w.network.relay(url)
        const call: Relay['call'] = (name, sent) => {
          if (name === 'access') asked++
          return relay.call(name, sent)
        }
        return { ...relay, call }
      },
    }
    const done = await digestMissing({ ...second, network }, await listEntries(second), { progress: n => told.push(n) })
    expect(done).toEqual({ done: 41, missed: 0 })
    expect(asked).toBe(1)
    expect(told).toEqual([41])
    const there = texts((await listEntries(ctx)).filter(e => e.card.kind !== 'document' || e.card.mediaType === 'text/plain'))
    expect(texts((await listEntries(second)).filter(e => e.digest))).toEqual(there)
    expect(await digestMissing(second, await listEntries(second))).toEqual({ done: 0, missed: 0 })
  })

  test('documents that the core cannot read are read once by whoever can; damaged ones have no words and do no harm', async () => {
    const ctx = await person(await world([HOME]), 'Ada Example', HOME)
    await take(ctx, file('letter.pdf', '%PDF-1.4 Quagmire syndrome'), file('broken.pdf', '%PDF-1.4 broken'), file('note.txt', 'A cough.'))
    const opened: string[] = []
    const reader: DocumentReader = {
      version: 1,
      reads: mediaType => mediaType === 'application/pdf',
      async read(body) {
        const text = new TextDecoder().decode(body).slice(9)
        opened.push(text)
        if (text === 'broken') throw new Error('a damaged file')
        return `${text}\n${text}\nseen on Monday`
      },
    }
    const search = async (text: string) => (await listEntries(ctx)).filter(e => matches(e, { text })).length
    expect(await search('quagmire')).toBe(0)
    expect(await digestMissing(ctx, await listEntries(ctx), { reader })).toEqual({ done: 2, missed: 0 })
    expect(await search('quagmire monday')).toBe(1)
    expect(texts(await listEntries(ctx))).toEqual(['', 'A cough.', 'Quagmire syndrome\nseen on Monday'])
    expect(await digestMissing(ctx, await listEntries(ctx), { reader })).toEqual({ done: 0, missed: 0 })
    expect(opened.toSorted()).toEqual(['Quagmire syndrome', 'broken'])
    expect(await digestMissing(ctx, await listEntries(ctx), { reader: { ...reader, version: 2 } })).toEqual({ done: 2, missed: 0 })
  })

  test('receiving again keeps what was remembered; another version of it is gathered anew', async () => {
    const ctx = await person(await world([HOME]), 'Ada Example', HOME)
    await take(ctx, file('a.json', JSON.stringify(OBSERVATION)))
    const [entry] = await listEntries(ctx)
    await ctx.catalog.mark('seq', new Uint8Array(8))
    await receiveRecords(ctx)
    expect(texts(await listEntries(ctx))).toEqual(texts([entry!]))
    await noteEntries(ctx, [{ ...entry!, digest: { ...entry!.digest!, v: 999 } }])
    const [old] = await listEntries(ctx)
    expect(readDigest(old!)).toBe(null)
    expect(await digestMissing(ctx, [old!])).toEqual({ done: 1, missed: 0 })
    expect(texts(await listEntries(ctx))).toEqual(texts([entry!]))
  })

  test('what others wrote is remembered as it is opened to check who signed it', async () => {
    const CLINIC = 'http://clinic.test'
    const w = await world([HOME, CLINIC])
    const patient = await person(w, 'Ada Example', HOME)
    const clinic = await person(w, 'Clinic West', CLINIC)
    await join(clinic, await invite(patient))
    await receiveMessages(patient)
    const compartments = [compartmentNamed(patient.session.state.ring, 'laboratory').id]
    const until = { expiry: w.now + 86_400, purposes: ['TREAT' as const] }
    await grant(patient, { to: clinic.session.state.ring.did, level: 'write', compartments, ...until })
    await receiveMessages(clinic)
    const { compartment: _, ...rest } = draft(clinic, 'laboratory', 'Glucose', utf8(JSON.stringify(OBSERVATION)))
    const to = patient.session.state.ring.did
    await submitRecords(clinic, { to, purpose: 'TREAT', drafts: [{ ...rest, compartmentName: 'laboratory' }] })
    await receiveRecords(patient)
    const [received] = await listEntries(patient)
    expect([received?.state, readDigest(received!)?.measures[0]?.value]).toEqual(['verified', '5.4'])
  })
})
