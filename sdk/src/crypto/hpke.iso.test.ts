import { Aes256Gcm, CipherSuite, HkdfSha256 } from '@hpke/core'
import { XWing } from '@hpke/hybridkem-x-wing'
import { shake128 } from '@noble/hashes/sha3.js'
import { describe, expect, test } from 'vitest'
import { concat, fromHex, toHex, utf8 } from '#base/bytes'
import { native } from '#crypto/native/platform'
import { hkdfExpand, hkdfExtract } from './hash.ts'
import { hpkeSchedule, messageNonce } from './hpke-schedule.ts'
import { kemKeyPair } from './kem.ts'
import { kemDecaps } from './kem-open.ts'
import { hpkeOpen, setupReceiver } from './open.ts'
import { hpkeSeal, setupSender } from './seal.ts'
import { anyRandom, codeOf, kw1Vectors, published, scripted, tally } from './vectors.kit.ts'

type Message = { aad: string; plaintext: string; ciphertext: string }
type Own = {
  valid: {
    seed: string
    public: string
    info: string
    enc: string
    shared: string
    messages: Message[]
    exports: { context: string; length: number; secret: string }[]
  }[]
  invalid: { name: string; code: string; seed: string; info: string; enc: string; aad: string; ciphertext: string }[]
}
const own = kw1Vectors<Own>('hpke')

describe('HPKE with X-Wing, HKDF-SHA-256, AES-256-GCM', () => {
  test.each(own.valid)('known answer $info', async v => {
    const pair = await kemKeyPair(fromHex(v.seed))
    expect(toHex(pair.public)).toBe(v.public)
    const receiver = await setupReceiver({ secret: pair.secret, enc: fromHex(v.enc), info: fromHex(v.info) })
    for (const e of v.exports) expect(toHex(receiver.export(fromHex(e.context), e.length))).toBe(e.secret)
    for (const m of v.messages) expect(toHex(await receiver.open(fromHex(m.aad), fromHex(m.ciphertext)))).toBe(m.plaintext)
  })

  test.each(own.invalid)('does not open: $name', async ({ code, ...v }) => {
    const input = {
      secret: fromHex(v.seed),
      enc: fromHex(v.enc),
      info: fromHex(v.info),
      aad: fromHex(v.aad),
      ciphertext: fromHex(v.ciphertext),
    }
    expect(await codeOf(() => hpkeOpen(input))).toBe(code)
  })

  test('a context carries many messages in order; one that does not open keeps its place', async () => {
    const pair = await kemKeyPair(anyRandom(32))
    const sender = await setupSender({ recipient: pair.public, info: utf8('info'), random: anyRandom })
    const sealed = [await sender.seal(utf8('a'), utf8('one')), await sender.seal(utf8('b'), utf8('two'))]
    const receiver = await setupReceiver({ secret: pair.secret, enc: sender.enc, info: utf8('info') })
    expect(await codeOf(() => receiver.open(utf8('b'), sealed[1]!))).toBe('OPEN_FAILED')
    expect(await receiver.open(utf8('a'), sealed[0]!)).toEqual(utf8('one'))
    expect(await receiver.open(utf8('b'), sealed[1]!)).toEqual(utf8('two'))
    expect(receiver.export(utf8('x'), 64)).toEqual(sender.export(utf8('x'), 64))
    expect(sender.export(utf8('x'), 32)).not.toEqual(sender.export(utf8('y'), 32))
  })

  test('every encapsulation is new', async () => {
    const pair = await kemKeyPair(anyRandom(32))
    const input = { recipient: pair.public, info: utf8(''), random: anyRandom, aad: utf8(''), plaintext: utf8('same') }
    const [a, b] = [await hpkeSeal(input), await hpkeSeal(input)]
    expect(a.enc).not.toEqual(b.enc)
    expect(a.ciphertext).not.toEqual(b.ciphertext)
  })

  test('@hpke/core with @hpke/hybridkem-x-wing opens ours, and we open theirs', async () => {
    const suite = new CipherSuite({ kem: new XWing(), kdf: new HkdfSha256(), aead: new Aes256Gcm() })
    const pair = await kemKeyPair(anyRandom(32))
    const [info, aad, plaintext] = [utf8('keepwell'), utf8('aad'), anyRandom(100)]
    const ours = await hpkeSeal({ recipient: pair.public, info, aad, plaintext, random: anyRandom })
    const recipientKey = await suite.kem.importKey('raw', pair.secret.slice().buffer, false)
    expect(new Uint8Array(await suite.open({ recipientKey, enc: ours.enc, info }, ours.ciphertext, aad))).toEqual(plaintext)

    const recipientPublicKey = await suite.kem.importKey('raw', pair.public.slice().buffer, true)
    const theirs = await suite.createSenderContext({ recipientPublicKey, info })
    const ciphertext = new Uint8Array(await theirs.seal(plaintext, aad))
    const receiver = await setupReceiver({ secret: pair.secret, enc: new Uint8Array(theirs.enc), info })
    expect(await receiver.open(aad, ciphertext)).toEqual(plaintext)
    expect(receiver.export(utf8('c'), 40)).toEqual(new Uint8Array(await theirs.export(utf8('c'), 40)))
  })

  test('with the same coins, ours and @hpke are the same bytes', async ({ skip }) => {
    if (native.name !== 'noble') skip('the platform draws its own ML-KEM coins')
    const suite = new CipherSuite({ kem: new XWing(), kdf: new HkdfSha256(), aead: new Aes256Gcm() })
    const pair = await kemKeyPair(anyRandom(32))
    const coins = anyRandom(64)
    const recipientPublicKey = await suite.kem.importKey('raw', pair.public.slice().buffer, true)
    const theirs = await suite.createSenderContext({ recipientPublicKey, info: utf8('i'), ekm: coins })
    const ours = await setupSender({ recipient: pair.public, info: utf8('i'), random: scripted(toHex(coins)) })
    expect(ours.enc).toEqual(new Uint8Array(theirs.enc))
    expect(await ours.seal(utf8('a'), utf8('p'))).toEqual(new Uint8Array(await theirs.seal(utf8('p'), utf8('a'))))
  })
})

type PqVector = {
  kem_id: number
  kdf_id: number
  aead_id: number
  info: string
  skRm: string
  pkRm: string
  enc: string
  shared_secret: string
  key: string
  base_nonce: string
  exporter_secret: string
  encryptions: { nonce: string }[]
  exports: { exporter_context: string; L: number; exported_value: string }[]
}

published<PqVector[]>('vectors/hpke/hpke-pq.json.gz', 'draft-ietf-hpke-pq: what kw1 shares with its suites', async vectors => {
  const t = tally('hpke-pq', native.name)
  for (const v of vectors) {
    if (v.kem_id === 0x647a) {
      expect(toHex((await kemKeyPair(fromHex(v.skRm))).public)).toBe(v.pkRm)
      expect(toHex(await kemDecaps(fromHex(v.skRm), fromHex(v.enc)))).toBe(v.shared_secret)
      t.add('X-Wing key and shared secret')
    }
    if (v.kdf_id === 1) {
      const s = hpkeSchedule(fromHex(v.shared_secret), fromHex(v.info), { kem: v.kem_id, aead: v.aead_id })
      expect([s.key, s.baseNonce, s.exporterSecret].map(toHex)).toEqual([v.key, v.base_nonce, v.exporter_secret])
      for (const e of v.exports) expect(toHex(s.export(fromHex(e.exporter_context), e.L))).toBe(e.exported_value)
      for (const [i, e] of v.encryptions.entries()) expect(toHex(messageNonce(s.baseNonce, i))).toBe(e.nonce)
      t.add('key schedule, nonces and exports with HKDF-SHA-256')
    } else t.add(`key schedule not run (KDF ${v.kdf_id} is not in kw1)`)
  }
  t.print()
  expect(t.count('X-Wing key and shared secret')).toBe(2)
})

type Rfc9180 = {
  mode: number
  kem_id: number
  kdf_id: number
  aead_id: number
  info: string
  skRm: string
  pkRm: string
  enc: string
  encryptions_accumulated: string
  exports_accumulated: string
}

/** ExtractAndExpand of DHKEM(X25519, HKDF-SHA-256), RFC 9180 §4.1: not in kw1, but the way into the published key schedules. */
async function dhkem(v: Rfc9180): Promise<Uint8Array> {
  const dh = await native.x25519(fromHex(v.skRm), fromHex(v.enc))
  const suite = concat(utf8('KEM'), Uint8Array.of(0, 0x20))
  const prk = hkdfExtract(new Uint8Array(0), concat(utf8('HPKE-v1'), suite, utf8('eae_prk'), dh))
  return hkdfExpand(prk, concat(Uint8Array.of(0, 32), utf8('HPKE-v1'), suite, utf8('shared_secret'), fromHex(v.enc + v.pkRm)), 32)
}

published<Rfc9180[]>('vectors/hpke/rfc9180.json', 'RFC 9180: 1,000 encryptions and exports a suite, accumulated', async vectors => {
  const t = tally('rfc9180', native.name)
  for (const v of vectors) {
    if (v.kem_id !== 0x20 || v.kdf_id !== 1) {
      t.add(v.kdf_id === 1 ? `not run (KEM ${v.kem_id} is not in kw1)` : `not run (KDF ${v.kdf_id} is not in kw1)`)
      continue
    }
    const s = hpkeSchedule(await dhkem(v), fromHex(v.info), { kem: v.kem_id, aead: v.aead_id })
    const draw = (source: ReturnType<typeof shake128.create>) => source.xof(source.xof(1)[0]!)
    const [source, exported] = [shake128.create({}), shake128.create({})]
    for (let length = 0; length < 1000; length++) exported.update(s.export(draw(source), length))
    expect(toHex(exported.xof(16))).toBe(v.exports_accumulated)
    t.add('exports')
    if (v.aead_id !== 2) continue
    const [texts, sealed, gcm] = [shake128.create({}), shake128.create({}), native.gcmKey(s.key)]
    for (let i = 0; i < 1000; i++) {
      const [aad, data] = [draw(texts), draw(texts)]
      const out = new Uint8Array(data.length + 16)
      await gcm.seal({ nonce: messageNonce(s.baseNonce, i), aad, data }, out)
      sealed.update(out)
    }
    expect(toHex(sealed.xof(16))).toBe(v.encryptions_accumulated)
    t.add('encryptions with AES-256-GCM')
  }
  t.print()
  expect([t.count('exports'), t.count('encryptions with AES-256-GCM')]).toEqual([4, 1])
})
