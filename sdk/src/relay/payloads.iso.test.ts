import { expect, test } from 'vitest'
import { eraseRecords } from '#actions/records/erase-records'
import { fileRecords } from '#actions/records/file-records'
import { openRecords } from '#actions/records/open-record'
import { draft, person, world } from '#actions/story.kit'
import { isKeepwellError } from '#base/error'
import { payloadCid } from '#records/envelope'
import { claimPayloads } from './payloads.ts'

const HOME = 'http://home.test'

test('a payload cannot be filed under another vault or record, so nobody can erase what is not theirs', async () => {
  const w = await world([HOME])
  const victim = await person(w, 'Ada Example', HOME)
  const large = w.random(600_000)
  const [record] = await fileRecords(victim, [draft(victim, 'imaging', 'CT', large)])
  const { context } = w.homes.get(HOME)!
  const thief = await person(w, 'Thief', HOME)
  const { payloadBlocks } = await import('./payloads.ts')
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
