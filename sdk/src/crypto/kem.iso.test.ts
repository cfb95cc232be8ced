import { describe, expect, test } from 'vitest'
import { fromHex, toHex } from '#base/bytes'
import { native } from '#crypto/native/platform'
import { kemEncaps, kemKeyPair } from './kem.ts'
import { kemDecaps } from './kem-open.ts'
import { anyRandom, codeOf, published, scripted, tally } from './vectors.kit.ts'

type Vector = { seed: string; ss: string; pk: string; ct: string } & ({ eseed: string } | { randomness: string })

describe('X-Wing', () => {
  for (const [file, count] of [
    ['xwing-draft', 3],
    ['concrete-hybrid-MLKEM768X25519', 10],
  ] as const)
    published<Vector[]>(`vectors/xwing/${file}.json`, 'keys, secrets and encapsulations are the published ones', async vectors => {
      const t = tally(file, native.name)
      for (const v of vectors) {
        const pair = await kemKeyPair(fromHex(v.seed))
        expect(toHex(pair.public)).toBe(v.pk)
        expect(toHex(await kemDecaps(pair.secret, fromHex(v.ct)))).toBe(v.ss)
        const { shared, enc } = await kemEncaps(pair.public, scripted('eseed' in v ? v.eseed : v.randomness, '00'.repeat(32)))
        // Only the fallback lets a caller choose the ML-KEM coins, so only there is the encapsulation known.
        if (native.name === 'noble') expect([toHex(enc), toHex(shared)]).toEqual([v.ct, v.ss])
        else expect(await kemDecaps(pair.secret, enc)).toEqual(shared)
        t.add(native.name === 'noble' ? 'valid, encapsulation too' : 'valid (keys and decapsulation; the platform draws its own coins)')
      }
      t.print()
      expect(vectors.length).toBe(count)
    })

  test('the secret key is the seed itself, not a hash of it', async () => {
    const seed = anyRandom(32)
    expect((await kemKeyPair(seed)).secret).toEqual(seed)
  })

  test('malformed keys are refused, by the sender and by the receiver', async () => {
    const pair = await kemKeyPair(anyRandom(32))
    expect(await codeOf(() => kemKeyPair(anyRandom(31)))).toBe('BAD_INPUT')
    expect(await codeOf(() => kemEncaps(pair.public.subarray(1), anyRandom))).toBe('BAD_INPUT')
    const overflow = pair.public.slice().fill(255, 0, 1152)
    expect(await codeOf(() => kemEncaps(overflow, anyRandom))).toBe('BAD_INPUT')
    const lowOrder = pair.public.slice().fill(0, 1184)
    expect(await codeOf(() => kemEncaps(lowOrder, anyRandom))).toBe('BAD_INPUT')
    expect(await codeOf(() => kemDecaps(pair.secret, anyRandom(1119)))).toBe('OPEN_FAILED')
  })

  test('another key gives another secret, silently: only the AEAD above tells', async () => {
    const [a, b] = [await kemKeyPair(anyRandom(32)), await kemKeyPair(anyRandom(32))]
    const { shared, enc } = await kemEncaps(a.public, anyRandom)
    expect(await kemDecaps(a.secret, enc)).toEqual(shared)
    expect(await kemDecaps(b.secret, enc)).not.toEqual(shared)
  })
})
