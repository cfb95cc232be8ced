import { createECDH, createPublicKey, randomBytes, verify } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fromBase64Url, text, utf8 } from '@keepwell/sdk/base/bytes'
import type { WakeDevice } from '@keepwell/sdk/identity/wake'
import { newWakeKey, wakePublic } from '@keepwell/sdk/identity/wake-key'
import ece from 'http_ece'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openHooks } from '#hooks/post'
import { encryptPush, openPush } from './push.ts'

/** RFC 8291 §5 and appendix A, as printed there. */
const RFC = {
  plaintext: 'V2hlbiBJIGdyb3cgdXAsIEkgd2FudCB0byBiZSBhIHdhdGVybWVsb24',
  asPrivate: 'yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw',
  uaPrivate: 'q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94',
  uaPublic: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4',
  salt: 'DGv6ra1nlYgDCS1FRnbzlw',
  auth: 'BTBZMqHH6r4Tts7J_aSIgg',
  message:
    'DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN',
}

/** Opens by the letter of RFC 8291 §3.4 and RFC 8188 §2, with the browser's own cryptography: another hand than the one that seals. */
async function opened(message: Uint8Array<ArrayBuffer>, ua: { readonly d: string; readonly point: Uint8Array; readonly auth: Uint8Array }) {
  const { subtle } = globalThis.crypto
  const [salt, sender] = [message.slice(0, 16), message.slice(21, 21 + message[20]!)]
  const [x, y] = [Buffer.from(ua.point.subarray(1, 33)).toString('base64url'), Buffer.from(ua.point.subarray(33)).toString('base64url')]
  const curve = { name: 'ECDH', namedCurve: 'P-256' }
  const secret = await subtle.importKey('jwk', { kty: 'EC', crv: 'P-256', d: ua.d, x, y }, curve, false, ['deriveBits'])
  const shared = await subtle.deriveBits({ name: 'ECDH', public: await subtle.importKey('raw', sender, curve, false, []) }, secret, 256)
  const hkdf = async (ikm: ArrayBuffer, salted: Uint8Array, info: Uint8Array, bytes: number) =>
    subtle.deriveBits(
      { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(salted), info: new Uint8Array(info) },
      await subtle.importKey('raw', ikm, 'HKDF', false, ['deriveBits']),
      bytes * 8,
    )
  const ikm = await hkdf(shared, ua.auth, Buffer.concat([utf8('WebPush: info\0'), ua.point, sender]), 32)
  const key = await subtle.importKey('raw', await hkdf(ikm, salt, utf8('Content-Encoding: aes128gcm\0'), 16), 'AES-GCM', false, ['decrypt'])
  const iv = await hkdf(ikm, salt, utf8('Content-Encoding: nonce\0'), 12)
  const record = new Uint8Array(await subtle.decrypt({ name: 'AES-GCM', iv }, key, message.slice(21 + message[20]!)))
  const end = record.lastIndexOf(2)
  expect([...record.subarray(end + 1)].every(b => b === 0)).toBe(true)
  return { plaintext: record.subarray(0, end), length: record.length }
}

type Taken = { readonly headers: Record<string, string | undefined>; readonly body: Uint8Array<ArrayBuffer> }
const taken: Taken[] = []
let status = 201
let now = 1_790_000_000
const service = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (c: Buffer) => chunks.push(c))
  request.on('end', () => {
    taken.push({ headers: request.headers as Taken['headers'], body: new Uint8Array(Buffer.concat(chunks)) })
    response.writeHead(status, status === 201 ? { location: '/m/1' } : status === 429 ? { 'retry-after': '30' } : {})
    response.end()
  })
})
let origin = ''
const browser = createECDH('prime256v1')
const point = new Uint8Array(browser.generateKeys())
const auth = new Uint8Array(randomBytes(16))
const key = newWakeKey(n => new Uint8Array(randomBytes(n)))
const device = (path: string): WakeDevice => ({
  ...{ id: new Uint8Array(16), whose: 'own', endpoint: `${origin}${path}`, p256dh: point, auth, key },
})
const id = new Uint8Array(16).fill(7)
const contact = 'custodian@example.org'
const wake = (hooks = openHooks({ allow: ['127.0.0.1'] })) => openPush({ hooks, contact, clock: () => now }).release

beforeAll(async () => {
  await new Promise<void>(done => service.listen(0, '127.0.0.1', done))
  origin = `http://127.0.0.1:${(service.address() as AddressInfo).port}`
})
beforeEach(() => {
  taken.length = 0
  status = 201
})
afterAll(async () => {
  service.closeAllConnections()
  await new Promise(done => service.close(done))
})

test('RFC 8291 §5: the example comes out byte for byte, and another implementation opens it', async () => {
  const b = fromBase64Url
  const fixed = { key: b(RFC.asPrivate), salt: b(RFC.salt) }
  const body = await encryptPush(b(RFC.plaintext), { p256dh: b(RFC.uaPublic), auth: b(RFC.auth) }, { pad: 0, fixed })
  expect(Buffer.from(body).toString('base64url')).toBe(RFC.message)
  const read = await opened(new Uint8Array(b(RFC.message)), { d: RFC.uaPrivate, point: b(RFC.uaPublic), auth: b(RFC.auth) })
  expect(text(read.plaintext)).toBe('When I grow up, I want to be a watermelon')
})

test('RFC 8030: a push service is given one message that the browser alone opens, and it names nobody', async () => {
  await expect(wake()(device('/p/1'), id)).resolves.toBe('taken')
  const [{ headers, body }] = taken as [Taken]
  expect(headers).toMatchObject({ 'content-encoding': 'aes128gcm', ttl: '86400', urgency: 'high', topic: 'BwcHBwcHBwcHBwcHBwcHBw' })
  expect(headers['user-agent']).toBeUndefined()
  const d = browser.getPrivateKey().toString('base64url').padStart(43, 'A')
  const read = await opened(body, { d, point, auth })
  expect(JSON.parse(text(read.plaintext))).toEqual({ v: 1, about: 'emergency', whose: 'own', id: 'BwcHBwcHBwcHBwcHBwcHBw' })
  // Whose device it is does not show by the length either.
  await wake()({ ...device('/p/1'), whose: 'other' }, id)
  expect(taken[1]!.body).toHaveLength(body.length)
  expect(
    text(ece.decrypt(Buffer.from(taken[1]!.body), { version: 'aes128gcm', privateKey: browser, authSecret: Buffer.from(auth) })),
  ).toContain('"whose":"other"')
  const other = createECDH('prime256v1')
  other.generateKeys()
  await expect(
    opened(body, { d: other.getPrivateKey().toString('base64url'), point: new Uint8Array(other.getPublicKey()), auth }),
  ).rejects.toThrow()
})

test('of news a device is told that there is some and nothing else, as long as all is; of several that wait it keeps the last', async () => {
  const { news } = openPush({ hooks: openHooks({ allow: ['127.0.0.1'] }), contact, clock: () => now })
  await expect(news(device('/p/1'))).resolves.toBe('taken')
  await wake()(device('/p/1'), id)
  const [one, other] = taken as [Taken, Taken]
  expect(one.headers.topic).toBe('news')
  expect(one.body).toHaveLength(other.body.length)
  const d = browser.getPrivateKey().toString('base64url').padStart(43, 'A')
  expect(JSON.parse(text((await opened(one.body, { d, point, auth })).plaintext))).toEqual({ v: 1, about: 'news' })
})

test('RFC 8292: the key of the subscription vouches, for this push service and an hour, and says whom to write to', async () => {
  await wake()(device('/p/1'), id)
  const [, token = '', k = ''] = /^vapid t=([\w.-]+), k=([\w-]+)$/.exec(taken[0]!.headers.authorization ?? '') ?? []
  expect(Buffer.from(k, 'base64url').equals(wakePublic(key))).toBe(true)
  const [head = '', claims = '', signature = ''] = token.split('.')
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
  expect(read(head)).toEqual({ typ: 'JWT', alg: 'ES256' })
  expect(read(claims)).toEqual({ aud: origin, exp: now + 3600, sub: `mailto:${contact}` })
  const jwk = { kty: 'EC', crv: 'P-256', x: Buffer.from(wakePublic(key).subarray(1, 33)).toString('base64url') }
  const y = Buffer.from(wakePublic(key).subarray(33)).toString('base64url')
  const publicKey = createPublicKey({ key: { ...jwk, y }, format: 'jwk' })
  const signed = { key: publicKey, dsaEncoding: 'ieee-p1363' as const }
  expect(verify('sha256', Buffer.from(`${head}.${claims}`), signed, Buffer.from(signature, 'base64url'))).toBe(true)
  const { hooks } = { hooks: openHooks({ allow: ['127.0.0.1'] }) }
  await openPush({ hooks, contact: null, clock: () => now }).release(device('/p/1'), id)
  expect(read(taken[1]!.headers.authorization!.split('.')[1]!)).not.toHaveProperty('sub')
})

test.each([404, 410])('a subscription that is gone (%i) is said to be', async answer => {
  status = answer
  await expect(wake()(device('/p/1'), id)).resolves.toBe('gone')
})

test('a push service that refuses or has too many is a failure, and the latter is left alone for a minute', async () => {
  const push = wake()
  for (const answer of [403, 500, 429]) {
    status = answer
    await expect(push(device('/p/1'), id)).rejects.toMatchObject({ code: 'PEER_FAILED' })
  }
  status = 201
  await expect(push(device('/p/2'), id)).rejects.toMatchObject({ code: 'PEER_FAILED' })
  expect(taken).toHaveLength(3)
  now += 61
  await expect(push(device('/p/2'), id)).resolves.toBe('taken')
})

test('a subscription that points inside is not asked, one without https neither, and keys that are none go nowhere', async () => {
  for (const endpoint of [`${origin}/p/1`, 'https://10.0.0.1/p', 'https://169.254.169.254/latest', 'http://push.example/p', 'nowhere'])
    await expect(wake(openHooks())({ ...device('/p/1'), endpoint }, id)).resolves.toBe('gone')
  await expect(wake()({ ...device('/p/1'), p256dh: new Uint8Array(65) }, id)).resolves.toBe('gone')
  expect(taken).toHaveLength(0)
})
