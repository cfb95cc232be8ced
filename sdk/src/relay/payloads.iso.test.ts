import { expect, test } from 'vitest'
import { eraseRecords } from '#actions/records/erase-records'
import { fileRecords } from '#actions/records/file-records'
import { openRecords } from '#actions/records/open-record'
import { draft, person, world } from '#actions/story.kit'
import { isKeepwellError } from '#base/error'
import { payloadCid } from '#records/envelope'
import { makeCapability } from './capability.ts'
import { claimPayloads, getBlocks, payloadBlocks } from './payloads.ts'

const HOME = 'http://home.test'

test('a payload cannot be filed under another vault or record, so nobody can erase what is not theirs', async () => {
  const w = await world([HOME])
  const victim = await person(w, 'Ada Example', HOME)
  const large = w.random(600_000)
  const [record] = await fileRecords(victim, [draft(victim, 'imaging', 'CT', large)])
  const { context } = w.homes.get(HOME)!
  const thief = await person(w, 'Thief', HOME)
  const { cidBytes } = await import('#base/cid')
  const blocks = await payloadBlocks(context.blocks, payloadCid(record!))
  expect(blocks.length).toBeGreaterThan(3)
  for (const [vault, id] of [
    [thief.session.state.ring.did, w.random(16)],
    [victim.session.state.ring.did, w.random(16)],
  ] as const)
    for (const block of blocks) {
      const claim = claimPayloads(context, vault, [{ id, cid: cidBytes(block) }])
      await expect(claim).rejects.toSatisfy(e => isKeepwellError(e, 'ENVELOPE_MISMATCH'))
    }
  expect(await openRecords(victim, [record!.id])).toHaveLength(1)
  await eraseRecords(victim, [record!.id])
  for (const block of blocks) expect(await context.blocks.has(block)).toBe(false)
})

test('a capability reaches every block below its roots, however many ask with it at once, and none beside them', async () => {
  const w = await world([HOME])
  const owner = await person(w, 'Ada Example', HOME)
  const bodies = [0, 1, 2].map(() => w.random(600_000))
  const records = await fileRecords(
    owner,
    bodies.map((b, i) => draft(owner, 'imaging', `CT ${i}`, b)),
  )
  const { context } = w.homes.get(HOME)!
  const below = await Promise.all(records.map(r => payloadBlocks(context.blocks, payloadCid(r))))
  const cids = records.slice(0, 2).map(r => r.cid)
  const capability = makeCapability(context, { reader: owner.session.state.ring.did, cids, vault: null, urgent: false })
  const got = async (cid: string): Promise<number> => {
    let n = 0
    for await (const b of getBlocks(context, capability, [cid])) n += b.cid === cid ? 1 : 0
    return n
  }
  const asked = [...below[1]!, ...below[0]!]
  expect(await Promise.all(asked.map(got))).toEqual(asked.map(() => 1))
  for (const cid of below[2]!) await expect(got(cid)).rejects.toSatisfy(e => isKeepwellError(e, 'DENIED'))
  expect(await got(below[0]!.at(-1)!)).toBe(1)
})
