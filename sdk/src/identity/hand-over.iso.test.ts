import { describe, expect, test } from 'vitest'
import { fromHex, toHex } from '#base/bytes'
import { secpAddress } from '#crypto/secp'
import { codeOf, kw1Vectors } from '#crypto/vectors.kit'
import { type HandOver, handOn, readHandOvers, seatedNow } from './hand-over.ts'

type Vectors = {
  did: string
  keys: string[]
  valid: { what: string; chain: HandOver[]; controller: string; seat: string; hashes: string[] }[]
  invalid: { what: string; chain: HandOver[]; code: string }[]
}

const { did, keys, valid, invalid } = kw1Vectors<Vectors>('hand-over')

describe('changes of a controller', () => {
  test.each(valid)('$what: read to the key in force', ({ chain, controller, seat, hashes }) => {
    const standing = readHandOvers(did, chain)
    expect(seatedNow(standing)).toEqual({ seat, controller })
    expect(standing.hashes.map(toHex)).toEqual(hashes)
  })

  test.each(invalid)('$what: refused', async ({ chain, code }) => {
    expect(await codeOf(async () => readHandOvers(did, chain))).toBe(code)
  })

  test('are signed to the byte as others sign them', () => {
    const [, , moved] = valid
    let chain: HandOver[] = []
    for (const [i, { seat, controller }] of moved!.chain.entries()) chain = handOn(fromHex(keys[i]!), did, chain, { seat, controller })
    expect(chain).toEqual(moved!.chain)
    expect(keys.map(k => secpAddress(fromHex(k)))).toEqual([...readHandOvers(did, chain).controllers])
  })
})
