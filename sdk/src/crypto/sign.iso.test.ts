import { describe, expect, test } from 'vitest'
import { fromHex, utf8 } from '#base/bytes'
import { type DualSignature, dualSign, dualVerify, type SigningPublic, type SigningSecret, signingPublic } from './sign.ts'
import { anyRandom, codeOf, kw1Vectors } from './vectors.kit.ts'

type Hex<T> = { [K in keyof T]: string }
type Case = { public: Hex<SigningPublic>; message: string; signature: Hex<DualSignature> }
type Own = { valid: (Case & { secret: Hex<SigningSecret> })[]; invalid: (Case & { name: string })[] }
const own = kw1Vectors<Own>('signatures')

const bytes = (v: { ed25519: string; mldsa65: string }) => ({ ed25519: fromHex(v.ed25519), mldsa65: fromHex(v.mldsa65) })
const freshSecret = (): SigningSecret => ({ ed25519: anyRandom(32), mldsa65: anyRandom(32) })

describe('dual signatures', () => {
  test.each(own.valid)('known answer $message', async v => {
    const secret = bytes(v.secret)
    expect(await signingPublic(secret)).toEqual(bytes(v.public))
    expect(await dualVerify(bytes(v.public), fromHex(v.message), bytes(v.signature))).toBe(true)
    const again = await dualSign(secret, fromHex(v.message))
    expect(again.ed25519).toEqual(fromHex(v.signature.ed25519))
    expect(await dualVerify(bytes(v.public), fromHex(v.message), again)).toBe(true)
  })

  test.each(own.invalid)('does not verify: $name', async v => {
    expect(await dualVerify(bytes(v.public), fromHex(v.message), bytes(v.signature))).toBe(false)
  })

  test('neither half alone is enough', async () => {
    const [a, b] = [freshSecret(), freshSecret()]
    const [sa, sb] = [await dualSign(a, utf8('m')), await dualSign(b, utf8('m'))]
    const key = await signingPublic(a)
    expect(await dualVerify(key, utf8('m'), sa)).toBe(true)
    expect(await dualVerify(key, utf8('m'), { ...sa, mldsa65: sb.mldsa65 })).toBe(false)
    expect(await dualVerify(key, utf8('m'), { ...sa, ed25519: sb.ed25519 })).toBe(false)
    expect(await dualVerify({ ...key, mldsa65: (await signingPublic(b)).mldsa65 }, utf8('m'), sa)).toBe(false)
  })

  test('more keys than are remembered still verify, each under itself only', async () => {
    const secret = freshSecret()
    const key = await signingPublic(secret)
    const signature = await dualSign(secret, utf8('m'))
    for (let i = 0; i < 300; i++) expect(await dualVerify({ ...key, ed25519: anyRandom(32) }, utf8('m'), signature)).toBe(false)
    expect(await dualVerify(key, utf8('m'), signature)).toBe(true)
  })

  test('a secret of the wrong length is refused', async () => {
    expect(await codeOf(() => dualSign({ ed25519: anyRandom(31), mldsa65: anyRandom(32) }, utf8('m')))).toBe('BAD_INPUT')
    expect(await codeOf(() => signingPublic({ ed25519: anyRandom(32), mldsa65: anyRandom(64) }))).toBe('BAD_INPUT')
  })
})
