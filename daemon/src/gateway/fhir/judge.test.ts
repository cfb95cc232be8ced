import { loadLibrary } from '@keepwell/sdk/health/fhir/profile/shipped'
import { expect, test } from 'vitest'
import { judged } from './judge.ts'

const judging = { profiles: await loadLibrary(), terminology: null }
const urls = judging.profiles.of('Observation').map(p => p.url)
const claiming = (profile: readonly string[]) => ({ resourceType: 'Observation', status: 'final', code: { text: 'x' }, meta: { profile } })

test('T28: what claims a profile a hundred thousand times is judged against it once', async () => {
  const once = await judged(judging, claiming(urls.slice(0, 1)))
  expect(once.issues).not.toEqual([])
  expect(await judged(judging, claiming(Array.from({ length: 100_000 }, () => urls[0]!)))).toEqual(once)
  const strange = 'http://x.example/p'
  expect(await judged(judging, claiming([urls[0]!, strange, strange]))).toEqual({ ...once, unknown: 2 })
})

test('T28: what claims more profiles than are honest is refused as too costly', async () => {
  expect(urls.length).toBeGreaterThan(16)
  await expect(judged(judging, claiming(urls.slice(0, 17)))).rejects.toMatchObject({ status: 422, issues: [{ code: 'too-costly' }] })
  expect((await judged(judging, claiming(urls.slice(0, 16)))).issues).not.toEqual([])
})
