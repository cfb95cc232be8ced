import { describe, expect, test } from 'vitest'
import { fromBase64Url, text, toBase64Url, utf8 } from '#base/bytes'
import { corpusTest } from '#health/corpora.kit'
import { loadChecker } from '#health/fhir/check'
import { at, field, type JsonObject, list } from '#health/fhir/read'
import { cardsIn, issueCard, unpacked, verifyCard } from './card.ts'
import { es256Sign, isRevoked, issuerKeys, issuerSecret, jwksOf } from './jwk.ts'
import { fromNumeric, toNumeric } from './qr.ts'

const secret = issuerSecret(new Uint8Array(32).fill(7))
const other = issuerSecret(new Uint8Array(32).fill(8))
const iss = 'https://clinic.example/issuer'
const now = 1_790_000_000
const keysOf = async (asked: string) => (asked === iss ? issuerKeys(jwksOf([secret])) : null)
const bundle: JsonObject = {
  resourceType: 'Bundle',
  type: 'collection',
  entry: [
    {
      fullUrl: 'https://clinic.example/fhir/Patient/1',
      resource: {
        resourceType: 'Patient',
        id: '1',
        text: { status: 'generated', div: '<div/>' },
        name: [{ family: 'Anyperson', given: ['Jo'] }],
        birthDate: '1951-01-20',
      },
    },
    {
      fullUrl: 'https://clinic.example/fhir/Immunization/2',
      resource: {
        resourceType: 'Immunization',
        id: '2',
        meta: { versionId: '3', security: [{ code: 'IAL1.2' }] },
        status: 'completed',
        vaccineCode: { coding: [{ system: 'http://hl7.org/fhir/sid/cvx', code: '207', display: 'COVID' }], text: 'COVID' },
        patient: { reference: 'Patient/1', display: 'Jo' },
        occurrenceDateTime: '2021-01-01',
      },
    },
  ],
}
const issue = (more: Partial<Parameters<typeof issueCard>[0]> = {}) => issueCard({ iss, nbf: now - 60, bundle, ...more }, secret)
const verdict = async (jws: string) => {
  const v = await verifyCard(jws, { now, keysOf })
  return v.ok ? 'ok' : v.problem
}

describe('a card', () => {
  test('is what its issuer signed: small, without names and narrative, with references inside', async () => {
    const v = await verifyCard(issue({ types: ['https://smarthealth.cards#immunization'] }), { now, keysOf })
    expect(v).toMatchObject({ ok: true, kid: secret.kid })
    const card = v.ok ? v.card : null
    expect(list(card!.bundle.entry)[1]).toEqual({
      fullUrl: 'resource:1',
      resource: {
        resourceType: 'Immunization',
        meta: { security: [{ code: 'IAL1.2' }] },
        status: 'completed',
        vaccineCode: { coding: [{ system: 'http://hl7.org/fhir/sid/cvx', code: '207' }] },
        patient: { reference: 'resource:0', display: 'Jo' },
        occurrenceDateTime: '2021-01-01',
      },
    })
    expect(issue().length).toBeLessThan(1195)
  })

  test('is taken into a record with addresses of its own, and is valid FHIR there', async () => {
    const v = await verifyCard(issue(), { now, keysOf })
    const names = ['a', 'b'].map(x => `urn:uuid:${x.repeat(8)}-0000-4000-8000-000000000000`)
    const taken = unpacked(v.ok ? v.card : (null as never), i => names[i]!)
    expect(at(taken, 'entry')).toBeDefined()
    expect(field(field(list(taken.entry)[1], 'resource'), 'patient')).toMatchObject({ reference: names[0] })
    expect((await loadChecker())(taken).filter(i => i.severity === 'error')).toEqual([])
  })

  test('counts from when to when it says', async () => {
    expect(await verdict(issue({ nbf: now + 3600 }))).toBe('not-yet-valid')
    expect(await verdict(issue({ exp: now }))).toBe('expired')
    expect(await verdict(issue({ exp: now + 1 }))).toBe('ok')
    expect(await verdict(issue({ exp: (now + 3600) * 1000 }))).toBe('bad-payload')
    expect(await verdict(issue({ nbf: now * 1000 }))).toBe('bad-payload')
  })

  test('of nobody who publishes a key for it is refused, and so is one that another signed', async () => {
    expect(await verdict(issue({ iss: 'https://elsewhere.example' }))).toBe('unknown-key')
    expect(await verdict(issueCard({ iss, nbf: now, bundle }, other))).toBe('unknown-key')
    expect(await verdict(issueCard({ iss, nbf: now, bundle }, { ...other, kid: secret.kid }))).toBe('bad-signature')
    for (const bad of ['http://clinic.example', 'https://clinic.example/', 'https://', 'https://a b', 'https://x.example?q'])
      expect(() => issue({ iss: bad })).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }))
  })

  /** A card with anything changed, signed rightly, so that only the rule itself can refuse it. */
  function forged(change: { header?: object; payload?: string; raw?: Uint8Array; iss?: string }): string {
    const [head, body] = issue().split('.') as [string, string]
    const header = toBase64Url(utf8(JSON.stringify(change.header ?? JSON.parse(text(fromBase64Url(head))))))
    const content = change.raw ? toBase64Url(change.raw) : body
    return `${header}.${content}.${toBase64Url(es256Sign(utf8(`${header}.${content}`), secret))}`
  }
  const head = { alg: 'ES256', kid: secret.kid, zip: 'DEF' }
  test.each([
    ['no compression named', { header: { alg: 'ES256', kid: secret.kid } }, 'bad-header'],
    ['another algorithm', { header: { ...head, alg: 'none' } }, 'bad-header'],
    ['a key brought along', { header: { ...head, jwk: {} } }, 'bad-header'],
    ['something critical', { header: { ...head, crit: ['b64'], b64: false } }, 'bad-header'],
    ['no key named', { header: { alg: 'ES256', zip: 'DEF' } }, 'bad-header'],
    ['text that is not compressed', { raw: utf8('{}') }, 'bad-compression'],
    ['nothing', { raw: new Uint8Array(0) }, 'not-a-card'],
  ])('with %s is refused', async (_, change, problem) => {
    expect(await verdict(forged(change))).toBe(problem)
  })

  test('with any bit of it changed is refused', async () => {
    const jws = issue()
    for (let i = 0; i < jws.length; i++) {
      const c = jws[i] === 'A' ? 'B' : 'A'
      expect(await verdict(`${jws.slice(0, i)}${jws[i] === '.' ? 'A' : c}${jws.slice(i + 1)}`)).not.toBe('ok')
    }
  })

  test('names its issuer’s keys by thumbprint; keys of another kind, or with their private half, sign nothing', () => {
    const [key] = (jwksOf([secret]) as { keys: object[] }).keys
    expect(issuerKeys({ keys: [key] })).toHaveLength(1)
    for (const change of [{ kid: 'x' }, { crv: 'P-384' }, { kty: 'RSA' }, { use: 'enc' }, { alg: 'ES384' }, { d: 'x' }, { x: 'y' }])
      expect(issuerKeys({ keys: [{ ...key, ...change }] })).toEqual([])
  })

  test('is revoked by name, wholly or up to a time', () => {
    const crl = (rids: string[]) => ({ kid: secret.kid, method: 'rid', ctr: 1, rids })
    const card = { kid: secret.kid, rid: 'abc', nbf: 1000 }
    expect(isRevoked(crl(['abc']), card)).toBe(true)
    expect(isRevoked(crl(['abc.2000']), card)).toBe(true)
    expect(isRevoked(crl(['abc.500', 'x']), card)).toBe(false)
    expect(isRevoked({ ...crl(['abc']), kid: 'other' }, card)).toBe(false)
  })
})

describe('codes', () => {
  test('one or many lead back to the card, in any order', () => {
    for (const length of [10, 1195, 1196, 2400, 5000]) {
      const jws = Array.from({ length }, (_, i) => 'abcXYZ019-_.'[i % 12]).join('')
      const codes = toNumeric(jws)
      expect(codes).toHaveLength(length <= 1195 ? 1 : Math.ceil(length / 1191))
      expect(fromNumeric(codes.toReversed())).toBe(jws)
    }
  })

  test.each([
    ['another beginning', ['shc:56']],
    ['an odd number of digits', ['shc:/567']],
    ['a number that is no character', ['shc:/5678']],
    ['letters', ['shc:/56a7']],
    ['one of one, which would stand alone', ['shc:/1/1/5676']],
    ['one of several missing', ['shc:/1/2/5676']],
    ['the same one twice', ['shc:/1/2/5676', 'shc:/1/2/5676']],
    ['an index beyond', ['shc:/1/2/5676', 'shc:/3/2/5676']],
    ['another count', ['shc:/1/2/5676', 'shc:/2/3/5676']],
    ['one too many', ['shc:/5676', 'shc:/5676']],
    ['none', []],
  ])('%s is refused', (_, codes) => {
    expect(fromNumeric(codes)).toBeNull()
  })
})

test('the texts of a file, of an operation’s answer, or by itself are found', () => {
  const jws = issue()
  expect(cardsIn(`${jws}\n`)).toEqual([jws])
  expect(cardsIn(JSON.stringify({ verifiableCredential: [jws, 7, jws] }))).toEqual([jws, jws])
  expect(cardsIn(JSON.stringify({ resourceType: 'Parameters', parameter: [{ name: 'verifiableCredential', valueString: jws }] }))).toEqual([
    jws,
  ])
  for (const none of ['', '{', '[]', 'a.b', '{"verifiableCredential":"x"}']) expect(cardsIn(none).filter(c => c.includes('.'))).toEqual([])
})

corpusTest('SMART’s own good cards are accepted, its bad ones refused', async corpora => {
  const published = issuerKeys(corpora.json('shc/issuer-jwks.public.json'))
  const at2021 = {
    now: 1_640_000_000,
    keysOf: async (x: string) => (x === 'https://spec.smarthealth.cards/examples/issuer' ? published : null),
  }
  let [good, bad] = [0, 0]
  for (const file of corpora.files('shc/dev-tools')) {
    if (/shlink|key/.test(file.name)) continue
    const content = text(file.bytes).trim()
    const cards = content.startsWith('shc:/') ? [fromNumeric([content]) ?? ''] : cardsIn(content)
    const wrong = /invalid|no_deflate|odd/.test(file.name)
    for (const jws of cards) {
      const v = await verifyCard(jws, at2021)
      expect([file.name, v.ok]).toEqual([file.name, !wrong])
      if (wrong) bad++
      else good++
    }
  }
  console.info(`SMART Health Cards: ${good} good accepted, ${bad} bad refused`)
  expect(good).toBeGreaterThanOrEqual(4)
  expect(bad).toBeGreaterThanOrEqual(3)
})
