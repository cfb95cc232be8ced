import { beforeAll, describe, expect, test } from 'vitest'
import type { Ctx } from '#actions/context'
import { fileRecords } from '#actions/records/file-records'
import { compartmentNamed } from '#actions/records/secrets'
import { draft, person, type World, world } from '#actions/story.kit'
import { readTrailFile, type TrailProof, trailFile } from '#audit/trail-proof'
import { text, utf8 } from '#base/bytes'
import { isKeepwellError } from '#base/error'
import { checkTrailProof } from './check-trail-proof.ts'
import { grant } from './grant.ts'
import { receivedGrants } from './grants.ts'
import { invite, join } from './invite.ts'
import { openSession } from './open-session.ts'
import { proveTrail } from './prove-trail.ts'
import { receiveMessages } from './receive-messages.ts'

const HOME = 'https://patient.test'
let w: World
let patient: Ctx
let stranger: Ctx
let proof: TrailProof

const codes = async (p: TrailProof): Promise<string[]> => {
  try {
    return (await checkTrailProof(p)).problems.map(x => x.code)
  } catch (e) {
    return [isKeepwellError(e) ? e.code : String(e)]
  }
}
type Line = TrailProof['pages'][number]['receipts'][number]
const lines = (change: (all: Line[]) => Line[]): TrailProof => ({
  ...proof,
  pages: proof.pages.map((p, i) => (i === 0 ? { ...p, receipts: change(p.receipts) } : p)),
})

beforeAll(async () => {
  w = await world([HOME], 'proven trail')
  patient = await person(w, 'Ada Example', HOME)
  const clinic = await person(w, 'Clinic West', HOME)
  stranger = await person(w, 'Somebody Else', HOME)
  await join(clinic, await invite(patient))
  await receiveMessages(patient)
  await fileRecords(patient, [draft(patient, 'laboratory', 'one'), draft(patient, 'laboratory', 'two')])
  await fileRecords(stranger, [draft(stranger, 'laboratory', 'theirs')])
  const compartments = [compartmentNamed(patient.session.state.ring, 'laboratory').id]
  const to = clinic.session.state.ring.did
  await grant(patient, { to, level: 'read', purposes: ['TREAT'], compartments, expiry: w.now + 90 * 86_400 })
  await receiveMessages(clinic)
  const reading = await openSession(clinic, { grant: receivedGrants(clinic)[0]!.grant.commitment, purpose: 'TREAT', person: 'Dr. Test' })
  await w.homes.get(HOME)!.relay.anchor()
  for (const r of reading.records) await reading.open([r.id])
  proof = await proveTrail(patient)
})

describe('T16: a trail that is handed to a stranger', () => {
  test('is checked without asking anybody, through its file, line by line', async () => {
    const { lines: found, problems, anchored, vault } = await checkTrailProof(readTrailFile(trailFile(proof)))
    expect(problems).toEqual([])
    expect(vault).toBe(patient.session.state.ring.did)
    expect(anchored!.size).toBeGreaterThan(0)
    expect(found.map(l => l.receipt.action)).toEqual(expect.arrayContaining(['list', 'view']))
    expect(found.filter(l => l.receipt.person === 'Dr. Test').every(l => l.reader === 'verified')).toBe(true)
  })

  test('holds no line that was left out, moved, doubled, changed, or put under another name', async () => {
    expect(await codes(lines(l => l.slice(1)))).toContain('OMISSION')
    expect(await codes(lines(l => l.filter((_, i) => i !== 1)))).toContain('OMISSION')
    expect(await codes(lines(([a, b, ...l]) => [b!, a!, ...l]))).toContain('OMISSION')
    expect(await codes(lines(([a, ...l]) => [a!, a!, ...l]))).toContain('OMISSION')
    const altered = (l: Line): Line => {
      const { message: before } = l.receipt.signed
      // The last byte is of the verdict’s text or a number: still a receipt, and another one.
      const message = before.with(before.length - 1, before.at(-1)! ^ 1)
      return { ...l, receipt: { ...l.receipt, signed: { ...l.receipt.signed, message } } }
    }
    expect(await codes(lines(([a, ...l]) => [altered(a!), ...l]))).toContain('BAD_SIGNATURE')
    expect(await codes(lines(([a, ...l]) => [{ ...a!, index: a!.index + 1 }, ...l]))).toContain('BAD_PROOF')
    expect(await codes(lines(([a, b, ...l]) => [a!, { ...b!, receipt: { ...b!.receipt, call: a!.receipt.call } }, ...l]))).toContain(
      'BAD_SIGNATURE',
    )
    expect(await codes({ ...proof, vault: stranger.session.state.ring.did })).toContain('BAD_PROOF')
  })

  test('holds no other relay, ledger, head or anchor; and a reader whose keys are not shown is called unknown', async () => {
    expect(await codes({ ...proof, relay: proof.readers[0]! })).toEqual(['BAD_SIGNATURE'])
    expect(await codes({ ...proof, chainId: proof.chainId + 1 })).toEqual(['BAD_SIGNATURE'])
    expect(await codes({ ...proof, contract: `0x${'11'.repeat(20)}` })).toEqual(['BAD_SIGNATURE'])
    expect(await codes({ ...proof, anchored: { ...proof.anchored!, root: w.random(32) } })).toEqual(['FORKED'])
    const { lines: found, problems } = await checkTrailProof({ ...proof, readers: [] })
    expect(problems).toEqual([])
    expect(new Set(found.map(l => l.reader))).toEqual(new Set(['unknown']))
    const swapped = proof.readers.map(b => ({ ...b, controller: proof.relay.controller }))
    expect((await checkTrailProof({ ...proof, readers: swapped })).lines.some(l => l.reader === 'unknown')).toBe(true)
  })

  test('is of the one vault alone, and its file is refused when it is another or damaged', async () => {
    expect(text(trailFile(proof))).not.toContain('Somebody Else')
    expect((await proveTrail(stranger)).vault).toBe(stranger.session.state.ring.did)
    for (const bad of ['', '{}', '{"format":"keepwell-trail/1","proof":"AAAA"}', '{"format":"other","proof":""}'])
      expect(() => readTrailFile(utf8(bad))).toThrow(expect.objectContaining({ code: 'UNREADABLE' }))
  })
})
