import { describe, expect } from 'vitest'
import { concat, equal, fromHex, toHex } from '#base/bytes'
import { hkdf } from '#crypto/hash'
import { aeadSeal } from '#crypto/seal'
import { codeOf, natives, published, scripted, tally } from '#crypto/vectors.kit'

type Case = { tcId: number; comment?: string; flags: string[]; result: 'valid' | 'invalid' | 'acceptable' } & Record<string, string>
type Suite<G = object> = { testGroups: (G & { tests: Case[] })[] }

const none = new Uint8Array(0)
const fails = async (run: () => unknown): Promise<boolean> => (await codeOf(run)) !== 'no error'

describe.each(natives)('Wycheproof on $name', native => {
  published<Suite<{ ivSize: number; keySize: number; tagSize: number }>>(
    'vectors/wycheproof/aes_gcm_test.json.gz',
    'AES-256-GCM seals and opens the valid, opens nothing invalid',
    async suite => {
      const t = tally('aes_gcm', native.name)
      for (const g of suite.testGroups)
        for (const c of g.tests) {
          const [key, nonce, aad, data] = [fromHex(c.key!), fromHex(c.iv!), fromHex(c.aad!), fromHex(c.msg!)]
          if (g.keySize !== 256 || g.ivSize !== 96) {
            // kw1 knows one key length and one nonce length; the door is where the others are refused.
            expect(await codeOf(() => aeadSeal({ key, nonce, aad, plaintext: data }))).toBe('BAD_INPUT')
            t.add(g.keySize !== 256 ? 'refused (key is not 256 bits)' : 'refused (nonce is not 96 bits)')
            continue
          }
          const sealed = fromHex(c.ct! + c.tag!)
          const opened = await native.gcmKey(key).open({ nonce, aad, data: sealed })
          if (c.result === 'valid') {
            const out = new Uint8Array(data.length + 16)
            await native.gcmKey(key).seal({ nonce, aad, data }, out)
            expect(toHex(out), `tcId ${c.tcId}`).toBe(toHex(sealed))
            expect(opened, `tcId ${c.tcId}`).toEqual(data)
          } else expect(opened, `tcId ${c.tcId}`).toBeNull()
          t.add(c.result)
        }
      t.print()
      expect([t.count('valid'), t.count('invalid')]).toEqual([39, 27])
    },
  )

  published<Suite>('vectors/wycheproof/x25519_test.json.gz', 'X25519 gives the shared secrets and refuses an all-zero one', async suite => {
    const t = tally('x25519', native.name)
    for (const g of suite.testGroups)
      for (const c of g.tests) {
        const run = async () => native.x25519(fromHex(c.private!), fromHex(c.public!))
        if (/^0+$/.test(c.shared!)) {
          expect(await fails(run), `tcId ${c.tcId}`).toBe(true)
          t.add('refused (all-zero shared secret)')
        } else {
          expect(toHex(await run()), `tcId ${c.tcId}`).toBe(c.shared)
          t.add(c.result)
        }
      }
    t.print()
    expect(t.count('valid')).toBe(264)
  })

  published<Suite<{ publicKey: { pk: string } }>>(
    'vectors/wycheproof/ed25519_test.json.gz',
    'Ed25519 verifies the valid and nothing else',
    async suite => {
      const t = tally('ed25519', native.name)
      for (const g of suite.testGroups) {
        const verify = await native.ed25519Verifier(fromHex(g.publicKey.pk))
        for (const c of g.tests) {
          expect(await verify(fromHex(c.msg!), fromHex(c.sig!)), `tcId ${c.tcId} ${c.comment}`).toBe(c.result === 'valid')
          t.add(c.result)
        }
      }
      t.print()
      expect([t.count('valid'), t.count('invalid')]).toEqual([88, 63])
    },
  )

  published<Suite<{ publicKey: string }>>(
    'vectors/wycheproof/mldsa_65_verify_test.json.gz',
    'ML-DSA-65 verifies the valid and nothing else',
    async suite => {
      const t = tally('mldsa_65_verify', native.name)
      for (const g of suite.testGroups)
        for (const c of g.tests) {
          const ok = await (async () => (await native.mlDsaVerifier(fromHex(g.publicKey)))(fromHex(c.msg!), fromHex(c.sig!)))().catch(
            () => false,
          )
          const otherContext = c.result === 'valid' && (c.ctx ?? '') !== ''
          expect(ok, `tcId ${c.tcId} ${c.comment}`).toBe(c.result === 'valid' && !otherContext)
          t.add(otherContext ? 'refused (kw1 signs under the empty context only)' : c.result)
        }
      t.print()
      expect(t.count('invalid')).toBe(131)
    },
  )

  published<Suite<{ privateSeed: string; publicKey: string }>>(
    'vectors/wycheproof/mldsa_65_sign_seed_test.json.gz',
    'ML-DSA-65 from a seed has the published key, verifies the published signature and its own',
    async suite => {
      const t = tally('mldsa_65_sign_seed', native.name)
      for (const g of suite.testGroups)
        for (const c of g.tests) {
          if (g.privateSeed.length !== 64) {
            expect(await fails(() => native.mlDsaSigner(fromHex(g.privateSeed)))).toBe(true)
            t.add('invalid')
          } else if ((c.ctx ?? '') !== '' || c.msg === undefined) {
            t.add(c.msg === undefined ? 'not run (external mu: kw1 signs messages)' : 'not run (kw1 signs under the empty context only)')
          } else {
            const signer = await native.mlDsaSigner(fromHex(g.privateSeed))
            expect(toHex(signer.public)).toBe(g.publicKey)
            const verify = await native.mlDsaVerifier(signer.public)
            expect(await verify(fromHex(c.msg), fromHex(c.sig!)), `tcId ${c.tcId}`).toBe(true)
            expect(await verify(fromHex(c.msg), await signer.sign(fromHex(c.msg))), `tcId ${c.tcId}`).toBe(true)
            t.add(c.result)
          }
        }
      t.print()
      expect(t.count('valid')).toBeGreaterThan(60)
    },
  )

  published<Suite>(
    'vectors/wycheproof/mlkem_768_test.json.gz',
    'ML-KEM-768 decapsulates from a seed, and refuses malformed input',
    async suite => {
      const t = tally('mlkem_768', native.name)
      for (const g of suite.testGroups)
        for (const c of g.tests) {
          const run = async () => native.mlKemDecaps(fromHex(c.seed!), fromHex(c.c!))
          if (c.result === 'valid') {
            expect(toHex(await native.mlKemPublic(fromHex(c.seed!)))).toBe(c.ek)
            expect(toHex(await run()), `tcId ${c.tcId}`).toBe(c.K)
          } else expect(await fails(run), `tcId ${c.tcId} ${c.comment}`).toBe(true)
          t.add(c.result)
        }
      t.print()
      expect([t.count('valid'), t.count('invalid')]).toEqual([153, 40])
    },
  )

  published<Suite>('vectors/wycheproof/mlkem_768_encaps_test.json.gz', 'ML-KEM-768 encapsulates to valid keys only', async suite => {
    const t = tally('mlkem_768_encaps', native.name)
    for (const g of suite.testGroups)
      for (const c of g.tests) {
        const run = async () => native.mlKemEncaps(fromHex(c.ek!), scripted(c.m!))
        if (c.result === 'invalid') expect(await fails(run), `tcId ${c.tcId}`).toBe(true)
        else {
          const { ciphertext, shared } = await run()
          if (native.name === 'noble') expect(toHex(concat(ciphertext, shared)), `tcId ${c.tcId}`).toBe(c.c! + c.K!)
          else expect([ciphertext.length, shared.length]).toEqual([1088, 32])
        }
        t.add(c.result === 'valid' && native.name !== 'noble' ? 'valid (key accepted; the platform draws its own coins)' : c.result)
      }
    t.print()
    expect(t.count('invalid')).toBe(132)
  })

  published<Suite>('vectors/wycheproof/mlkem_768_keygen_seed_test.json.gz', 'ML-KEM-768 seeds give the published keys', async suite => {
    const t = tally('mlkem_768_keygen_seed', native.name)
    for (const g of suite.testGroups)
      for (const c of g.tests) {
        expect(toHex(await native.mlKemPublic(fromHex(c.seed!)))).toBe(c.ek)
        t.add(c.result)
      }
    t.print()
    expect(t.count('valid')).toBe(100)
  })
})

published<Suite>(
  'vectors/wycheproof/hkdf_sha256_test.json.gz',
  'HKDF-SHA-256 gives the published output and refuses to give too much',
  async suite => {
    const t = tally('hkdf_sha256', natives[0]!.name)
    for (const g of suite.testGroups)
      for (const c of g.tests) {
        const run = () => hkdf(fromHex(c.ikm!), fromHex(c.salt!), fromHex(c.info!), Number(c.size))
        if (c.result === 'valid') expect(equal(run(), fromHex(c.okm!)), `tcId ${c.tcId}`).toBe(true)
        else expect(await codeOf(run)).toBe('BAD_INPUT')
        t.add(c.result)
      }
    t.print()
    expect([t.count('valid'), t.count('invalid')]).toEqual([83, 3])
    expect(hkdf(none, none, none, 0)).toEqual(none)
  },
)
