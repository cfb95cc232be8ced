import { readFile } from 'node:fs/promises'
import { grant } from '@keepwell/sdk/actions/access/grant'
import { receivedGrants } from '@keepwell/sdk/actions/access/grants'
import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import { revoke } from '@keepwell/sdk/actions/access/revoke'
import { verifyTrail } from '@keepwell/sdk/actions/access/verify-trail'
import { confirmAnchors } from '@keepwell/sdk/actions/records/confirm-anchors'
import { eraseRecords } from '@keepwell/sdk/actions/records/erase-records'
import { fileRecords } from '@keepwell/sdk/actions/records/file-records'
import type { ImportItem, Verdict } from '@keepwell/sdk/actions/records/import-item'
import { importItems } from '@keepwell/sdk/actions/records/import-items'
import { listEntries } from '@keepwell/sdk/actions/records/list-entries'
import { openRecords } from '@keepwell/sdk/actions/records/open-record'
import { checkState, publishState } from '@keepwell/sdk/actions/records/publish-state'
import { receiveRecords } from '@keepwell/sdk/actions/records/receive-records'
import { grantedSecret } from '@keepwell/sdk/actions/records/secrets'
import { submitRecords } from '@keepwell/sdk/actions/records/submit-records'
import { changeRing, refreshRing } from '@keepwell/sdk/actions/vault/change-ring'
import { equal, text, toHex, utf8 } from '@keepwell/sdk/base/bytes'
import { codeOf } from '@keepwell/sdk/base/code.kit'
import { sampleBundle } from '@keepwell/sdk/sample/bundle'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Network, startNetwork } from '#e2e/network'
import type { Party } from '#e2e/parties'
import { compartment, DAY, didOf, draft, introduce, read, share } from '#e2e/story'
import { corpus } from '#tools/corpora'

let network: Network
beforeAll(async () => {
  network = await startNetwork({ homes: [{ name: 'home' }, { name: 'clinic' }] })
})
afterAll(() => network.close())

const anchored = (party: Party) => (party.name.startsWith('Clinic') ? network.home('clinic') : network.home('home')).open.relay.anchor()

describe('two homes, each with a relay and a ledger of its own, over HTTP', () => {
  test('file, grant, read with a receipt, audit, revoke, erase', async () => {
    const patient = await network.party('Ada Example', 'home')
    const clinic = await network.party('Clinic West', 'clinic')
    const { chainId } = network.home('home').open.ledger
    expect(chainId).not.toBe(network.home('clinic').open.ledger.chainId)
    await introduce(patient, clinic)

    const scan = patient.random(700_001)
    const [lab, image, mind] = await fileRecords(patient, [
      draft(patient, 'laboratory', 'HbA1c'),
      draft(patient, 'laboratory', 'Scan', scan),
      draft(patient, 'mental-health', 'Session note'),
    ])
    const commitment = await share(patient, clinic, ['laboratory'])
    const session = await read(clinic, commitment)
    expect(session.records.map(r => r.card.title).sort()).toEqual(['HbA1c', 'Scan'])
    const [opened] = await session.open([image!.id])
    expect(equal(opened!.body, scan)).toBe(true)
    expect(opened!.author).toBe('verified')
    expect(await codeOf(() => session.open([mind!.id]))).toBe('DENIED')

    expect(await anchored(patient)).toEqual({ records: 3, head: true })
    expect(await confirmAnchors(patient, await listEntries(patient))).toEqual({ confirmed: 3, waiting: 0, wrong: [] })
    const trail = await verifyTrail(patient)
    expect(trail.problems).toEqual([])
    expect(trail.anchored?.size).toBe(trail.logSize)
    expect(trail.looked.filter(l => l.name === 'Clinic West').map(l => [l.receipt.action, l.receipt.verdict, l.reader])).toEqual([
      ['list', 'allowed', 'verified'],
      ['view', 'allowed', 'verified'],
      ['deny', 'denied', 'verified'],
    ])

    await revoke(patient, commitment)
    expect(await codeOf(() => session.open([lab!.id]))).toBe('DENIED')
    expect(await codeOf(() => read(clinic, commitment))).toBe('DENIED')
    const [after] = await fileRecords(patient, [draft(patient, 'laboratory', 'after')])
    const held = receivedGrants(clinic).find(g => equal(g.grant.commitment, commitment))!
    expect(grantedSecret(held.package.nodes, { ...after!, generation: 0 }), 'the old generation was granted').not.toBeNull()
    expect(grantedSecret(held.package.nodes, after!), 'the new one was not').toBeNull()
    const slot = await network.home('home').open.ledger.consents.slot(held.terms.holder, commitment)
    expect(slot?.state).toBe('revoked')

    const { receipts } = await eraseRecords(patient, [lab!.id])
    expect(receipts.flatMap(r => r.ids.map(toHex))).toEqual([toHex(lab!.id)])
    expect(await openRecords(patient, [lab!.id])).toEqual([])
    expect(equal((await openRecords(patient, [image!.id]))[0]!.body, scan)).toBe(true)
    expect(await codeOf(() => fileRecords(patient, [{ ...draft(patient, 'laboratory', 'again'), id: lab!.id }]))).toBe('ERASED')
    await anchored(patient)
    expect((await verifyTrail(patient)).problems).toEqual([])
  })

  test('a clinic of another home writes while the patient sleeps; she sees who signed it, and it is anchored', async () => {
    const patient = await network.party('Sleeping Example', 'home')
    const clinic = await network.party('Clinic Night', 'clinic')
    await introduce(patient, clinic)
    const compartments = [compartment(patient, 'laboratory')]
    const terms = { to: didOf(clinic), level: 'write', purposes: ['TREAT'], compartments, expiry: patient.clock() + 90 * DAY } as const
    const { commitment } = await grant(patient, terms)
    await receiveMessages(clinic)
    const submit = (title: string, compartmentName: string) => {
      const { compartment: _, ...rest } = draft(clinic, 'laboratory', title)
      return submitRecords(clinic, { to: didOf(patient), purpose: 'TREAT', drafts: [{ ...rest, compartmentName }] })
    }
    expect((await submit('glucose', 'laboratory'))[0]!.compartment).toBe('laboratory')
    expect((await submit('to whom it concerns', 'imaging'))[0]!.compartment).toBe('inbox')
    expect(await codeOf(() => read(clinic, commitment)), 'writing is not reading').toBe('DENIED')
    expect(await receiveRecords(patient)).toEqual({ fresh: 2, refiled: 1, problems: [] })
    await anchored(patient)
    const entries = await listEntries(patient)
    expect(entries.map(e => [e.card.title, e.card.author, e.state]).sort()).toEqual([
      ['glucose', didOf(clinic), 'verified'],
      ['to whom it concerns', didOf(clinic), 'verified'],
    ])
    expect(await confirmAnchors(patient, entries)).toEqual({ confirmed: 2, waiting: 0, wrong: [] })
    await revoke(patient, commitment)
    expect(await codeOf(() => submit('too late', 'laboratory'))).toBe('DENIED')
    expect((await verifyTrail(patient)).problems).toEqual([])
  })

  test('everything stands as it was after both relays were stopped and started', async () => {
    const patient = await network.party('Ada Again', 'home')
    const clinic = await network.party('Clinic North', 'clinic')
    await introduce(patient, clinic)
    await fileRecords(patient, [draft(patient, 'laboratory', 'before the restart')])
    const commitment = await share(patient, clinic, ['laboratory'])
    await anchored(patient)
    for (const home of network.homes.values()) await home.restart()
    const session = await read(clinic, commitment)
    const [opened] = await session.open(session.records.map(r => r.id))
    expect(text(opened!.body)).toContain('before the restart')
    expect(await confirmAnchors(patient, await listEntries(patient))).toEqual({ confirmed: 1, waiting: 0, wrong: [] })
    expect((await verifyTrail(patient)).problems).toEqual([])
  })

  test('words and a relay restore everything on an empty machine', async () => {
    const patient = await network.party('Rosa Example', 'home')
    const clinic = await network.party('Clinic South', 'clinic')
    await introduce(patient, clinic)
    const _filed = await fileRecords(patient, [draft(patient, 'laboratory', 'HbA1c'), draft(patient, 'imaging', 'CT')])
    const commitment = await share(patient, clinic, ['laboratory'])
    await publishState(patient)
    const again = await network.restored(patient, 'home')
    await receiveRecords(again)
    const entries = await listEntries(again)
    expect(entries.map(e => e.card.title).sort()).toEqual(['CT', 'HbA1c'])
    checkState(again, entries)
    for (const e of entries) expect(await openRecords(again, [e.id])).toHaveLength(1)
    expect((await verifyTrail(again)).problems).toEqual([])
    await revoke(again, commitment)
    expect(await codeOf(() => read(clinic, commitment)), 'what the first machine gave, the second takes back').toBe('DENIED')
    const wrong = { name: 'Thief', words: patient.words.replace(/^\S+/, w => (w === 'zoo' ? 'zone' : 'zoo')) }
    expect(await codeOf(() => network.restored(wrong, 'home'))).toBe('WRONG_WORDS')
  })

  test('two devices of one vault write at once: nothing is lost, and each sees it all', async () => {
    const first = await network.party('Twin Example', 'home')
    const second = await network.restored(first, 'home')
    await refreshRing(first)
    const mark = (ctx: Party, name: string) => changeRing(ctx, r => ({ ...r, marks: { ...r.marks, [name]: utf8(name) } }))
    const file = (ctx: Party, titles: string[]) =>
      fileRecords(
        ctx,
        titles.map(t => draft(ctx, 'laboratory', t)),
      )
    await Promise.all([
      mark(first, 'a').then(() => mark(first, 'b')),
      mark(second, 'c').then(() => mark(second, 'd')),
      file(first, ['1', '2']).then(() => file(first, ['3'])),
      file(second, ['4', '5']).then(() => file(second, ['6'])),
    ])
    for (const ctx of [first, second]) {
      await refreshRing(ctx)
      expect(Object.keys(ctx.session.state.ring.marks).sort()).toEqual(['a', 'b', 'c', 'd'])
      await receiveRecords(ctx)
      expect((await listEntries(ctx)).map(e => e.card.title).sort()).toEqual(['1', '2', '3', '4', '5', '6'])
    }
    expect((await verifyTrail(first)).problems).toEqual([])
  })
})

type Input = { readonly name: string; readonly bytes: Uint8Array; readonly expected: number | null }

const SYNTHEA = 'clinical/fhir/synthea-r4'

/** The smallest patient of Synthea when the corpora are here, else one of our own making. */
async function realBundle(): Promise<Input> {
  const file = corpus(`${SYNTHEA}/Derek_Becker_3c7d3369-55b5-420b-83d3-c5dda319b9c9.json`)
  if (file) {
    const bytes = new Uint8Array(await readFile(file))
    const { entry } = JSON.parse(text(bytes)) as { entry: unknown[] }
    return { name: 'synthea.json', bytes, expected: entry.length }
  }
  console.warn('SKIPPED the Synthea bundle: no corpora here (set KEEPWELL_CORPORA); a generated one takes its place')
  const bundle = sampleBundle('e2e', { resources: 300, now: Math.floor(Date.now() / 1000) })
  return { name: 'generated.json', bytes: utf8(JSON.stringify(bundle)), expected: (bundle.entry as unknown[]).length }
}

test('a whole patient bundle goes in, is anchored, and comes out of a clinician’s session byte for byte', async () => {
  const { name, bytes, expected } = await realBundle()
  const patient = await network.party('Whole Patient', 'home')
  const clinic = await network.party('Clinic East', 'clinic')
  await introduce(patient, clinic)
  const item: ImportItem = {
    name,
    size: bytes.length,
    async *chunks() {
      for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536)
    },
  }
  const once = async () => {
    const verdicts: Verdict[] = []
    const source = async function* () {
      yield item
    }
    for await (const v of importItems(patient, source())) verdicts.push(v)
    return verdicts
  }
  const verdicts = await once()
  const outcomes = Object.fromEntries(Object.entries(Object.groupBy(verdicts, v => v.outcome)).map(([k, v]) => [k, v!.length]))
  console.info(`${name}: ${bytes.length} bytes, ${verdicts.length} verdicts ${JSON.stringify(outcomes)}`)
  expect(verdicts.filter(v => v.outcome === 'failed' || v.outcome === 'unreadable')).toEqual([])
  expect(verdicts).toHaveLength(expected!)
  expect(new Set((await once()).map(v => v.outcome)), 'a second import files nothing').toEqual(new Set(['already-there']))

  await anchored(patient)
  const entries = await listEntries(patient)
  expect(await confirmAnchors(patient, entries)).toEqual({ confirmed: entries.length, waiting: 0, wrong: [] })
  const names = ['general', 'laboratory', 'medications', 'imaging']
  const session = await read(clinic, await share(patient, clinic, names))
  const inside = entries.filter(e => names.some(n => equal(compartment(patient, n), e.compartment)))
  expect(session.problems).toEqual([])
  expect(session.records).toHaveLength(inside.length)
  const some = session.records.filter((_, i) => i % 7 === 0)
  const source = text(bytes)
  for (const opened of await session.open(some.map(r => r.id))) {
    expect(opened.author).toBe('verified')
    expect(opened.meta.subject).toBe(didOf(patient))
    expect(source.includes(text(opened.body)), 'the very bytes that came in').toBe(true)
  }
  const trail = await verifyTrail(patient)
  expect(trail.problems).toEqual([])
  expect(trail.looked.filter(l => l.name === 'Clinic East' && l.receipt.action === 'view').flatMap(l => l.receipt.ids)).toHaveLength(
    some.length,
  )
})
