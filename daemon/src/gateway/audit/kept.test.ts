import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { remaining, valuesIn } from '@keepwell/adapters/base/residues.kit'
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

test('what the trail forgot is in none of its files, neither entries nor evidence nor marks, while it is open', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'keepwell-trail-'))
  const at = (name: string) => ({ file: join(dir, name), key: new Uint8Array(32) })
  const random = (n: number) => new Uint8Array(randomBytes(n))
  const trail = await openTrail(openTokens({ ...at('trail.sqlite'), random, clock: () => 0 }), openMarks(at('marks.sqlite')), () => {})
  try {
    for (let n = 1; n <= 600; n++) {
      const records = [{ id: `record ${n}`, reference: `Observation/${n}` }]
      trail.note(
        { at: n, person: `Nurse ${n}`, role: 'nurse', purpose: 'TREAT', patient: `p${n % 9}`, action: 'view', records },
        random(900),
      )
    }
    await trail.settled()
    const lie = {
      entries: valuesIn(at('trail.sqlite').file, "select sealed from things where kind like 'audit%' and length(sealed) > 100"),
    }
    // A mark of one number alone goes with it; one that others bear stays.
    const once = (where: string) => `select mark from marks group by mark having count(*) = 1 and ${where}`
    const [gone, kept] = [valuesIn(at('marks.sqlite').file, once('max(n) <= 400')), valuesIn(at('marks.sqlite').file, once('max(n) > 400'))]
    expect([lie.entries.length, gone.length, kept.length]).toEqual([1200, 400, 200])
    expect(await trail.forget(401)).toBe(400)
    const left = valuesIn(at('trail.sqlite').file, "select sealed from things where kind like 'audit%' and length(sealed) > 100")
    const dead = lie.entries.filter(v => !left.some(l => Buffer.compare(l, v) === 0))
    expect(dead).toHaveLength(800)
    expect([remaining(dir, dead), remaining(dir, gone)]).toEqual([0, 0])
    expect([remaining(dir, left), remaining(dir, kept)]).toEqual([400, kept.length])
  } finally {
    await trail.close()
    rmSync(dir, { recursive: true })
  }
})
