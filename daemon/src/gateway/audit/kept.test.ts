import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openMarks } from '@keepwell/adapters/tokens/marks'
import { openTokens } from '@keepwell/adapters/tokens/sqlite'
import { expect, test } from 'vitest'
import { openTrail } from './kept.ts'

test('what is older than the operator keeps is gone with its evidence, also for a trail that is opened again, and numbers go on', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'keepwell-trail-'))
  const random = (n: number) => new Uint8Array(randomBytes(n))
  const key = new Uint8Array(32)
  const open = () =>
    openTrail(
      openTokens({ file: join(dir, 'trail.sqlite'), key, random, clock: () => 0 }),
      openMarks({ file: join(dir, 'marks.sqlite'), key }),
      () => {},
    )
  const noted = (at: number) =>
    ({ at, person: 'Nurse Joy', role: 'nurse', purpose: 'TREAT', patient: 'p1', action: 'view', records: [] }) as const
  let trail = await open()
  try {
    for (const at of [100, 200, 300]) trail.note(noted(at), new Uint8Array([at % 256]))
    await trail.settled()
    expect([await trail.forget(100), await trail.forget(250), trail.first(), trail.last()]).toEqual([0, 2, 3, 3])
    const left = async () => [await trail.get(1), await trail.evidence(2), (await trail.of('p1')).map(e => e.n)]
    expect(await left()).toEqual([null, null, [3]])
    await trail.close()
    trail = await open()
    expect([...(await left()), trail.first(), (await trail.evidence(3))?.length]).toEqual([null, null, [3], 3, 1])
    trail.note(noted(400))
    await trail.settled()
    expect([await trail.forget(1000), trail.first(), trail.last()]).toEqual([2, 5, 4])
    await trail.close()
    trail = await open()
    trail.note(noted(500))
    await trail.settled()
    expect((await trail.get(5))?.at).toBe(500)
  } finally {
    await trail.close()
    rmSync(dir, { recursive: true })
  }
})
