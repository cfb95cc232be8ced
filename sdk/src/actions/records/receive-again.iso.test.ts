import { beforeEach, expect, test } from 'vitest'
import { grant } from '#actions/access/grant'
import { invite, join } from '#actions/access/invite'
import { NOTHING_SEEN, newReceipts } from '#actions/access/new-receipts'
import { receiveMessages } from '#actions/access/receive-messages'
import { verifyTrail } from '#actions/access/verify-trail'
import type { Ctx } from '#actions/context'
import { draft, person, type World, world } from '#actions/story.kit'
import { fromHex } from '#base/bytes'
import type { Relay } from '#ports/relay'
import { listEntries } from './list-entries.ts'
import { heldRecords, ignoreRecord } from './quarantine.ts'
import { receiveAgain, receiveRecords } from './receive-records.ts'
import { compartmentNamed } from './secrets.ts'
import { submitRecords } from './submit-records.ts'

const HOME = 'http://patient.test'
const DAY = 86_400

let w: World
let patient: Ctx
let clinic: Ctx
let honest: Relay

beforeEach(async () => {
  w = await world([HOME])
  honest = w.homes.get(HOME)!.relay
  patient = await person(w, 'Ada Example', HOME)
  clinic = await person(w, 'Clinic West', HOME)
  await join(clinic, await invite(patient))
  await receiveMessages(patient)
  const compartments = [compartmentNamed(patient.session.state.ring, 'laboratory').id]
  const to = clinic.session.state.ring.did
  await grant(patient, { to, level: 'write', purposes: ['TREAT'], compartments, expiry: w.now + 90 * DAY })
  await receiveMessages(clinic)
  const { compartment: _, ...rest } = draft(clinic, 'laboratory', 'Ferritin')
  await submitRecords(clinic, {
    to: patient.session.state.ring.did,
    purpose: 'TREAT',
    drafts: [{ ...rest, compartmentName: 'laboratory' }],
  })
})

/** A relay that hands out other bytes than were filed. */
const altering = (): Ctx['network'] => ({
  ...w.network,
  relay: async () => ({
    ...honest,
    async *getBlocks(...input: Parameters<Relay['getBlocks']>) {
      for await (const block of honest.getBlocks(...input)) yield { ...block, bytes: block.bytes.map((b, i) => (i === 40 ? b ^ 1 : b)) }
    },
  }),
})

test('a record whose content was altered is named with what it claims, and comes in when it is whole again', async () => {
  const { ring } = clinic.session.state
  const got = await receiveRecords({ ...patient, network: altering() })
  expect(got.problems).toMatchObject([{ code: 'BAD_CID', by: ring.did, claim: { author: ring.did, title: 'Ferritin' } }])
  expect(await listEntries(patient)).toEqual([])
  // Held, although nobody looked at what this call gave: an import lists first, and throws the answer away.
  expect(await heldRecords(patient)).toMatchObject([{ code: 'BAD_CID', claim: { title: 'Ferritin' }, ignored: false }])
  await receiveRecords(patient)
  expect(await heldRecords(patient)).toHaveLength(1)
  const ids = got.problems.map(p => fromHex(p.id))
  const still = await receiveAgain({ ...patient, network: altering() }, ids)
  expect([still.fresh, still.problems.map(p => p.code)]).toEqual([0, ['BAD_CID']])
  await ignoreRecord(patient, ids[0]!)
  await receiveAgain({ ...patient, network: altering() }, ids)
  expect(await heldRecords(patient)).toMatchObject([{ ignored: true, at: w.now }])
  const now = await receiveAgain(patient, ids)
  expect([now.fresh, now.problems]).toEqual([1, []])
  expect((await listEntries(patient)).map(e => [e.card.title, e.state])).toEqual([['Ferritin', 'verified']])
  expect(await heldRecords(patient)).toEqual([])
})

test('a record that is asked for again and is not at the relay is named', async () => {
  const got = await receiveAgain(patient, [w.random(16)])
  expect(got.problems.map(p => p.code)).toEqual(['NOT_FOUND'])
})

test('what was opened since is told once, by its receipts, in the order of the log', async () => {
  const first = await newReceipts(patient, NOTHING_SEEN)
  expect(first.receipts.filter(r => r.actor === clinic.session.state.ring.did).map(r => r.action)).toEqual(['create'])
  expect((await newReceipts(patient, first.seen)).receipts).toEqual([])
  await receiveRecords(patient)
  const next = await newReceipts(patient, first.seen)
  expect(next.receipts.length).toBeGreaterThan(0)
  const { looked } = await verifyTrail(patient)
  expect([...first.receipts, ...next.receipts].map(r => r.seq)).toEqual(looked.map(l => l.receipt.seq).slice(0, next.seen.seq))
  expect(looked.map(l => l.index)).toEqual([...looked.map(l => l.index)].sort((a, b) => a - b))
})
