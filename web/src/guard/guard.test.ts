import { randomBytes } from 'node:crypto'
import { toBase64Url, toHex, utf8 } from '@keepwell/sdk/base/bytes'
import { sha256 } from '@keepwell/sdk/crypto/hash'
import { dualSign, type SigningSecret, signingPublic } from '@keepwell/sdk/crypto/sign'
import { describe, expect, test } from 'vitest'
import { openGuard } from './guard.ts'
import { releaseBytes, releaseJson, releaseKeyName } from './release.ts'
import { type Bytes, digestOf, type Installed, type Store } from './store.ts'

const ORIGIN = 'https://relay.example'
const newKey = (): SigningSecret => ({ ed25519: randomBytes(32), mldsa65: randomBytes(32) })
const coded = (p: { ed25519: Uint8Array; mldsa65: Uint8Array }) => ({ ed25519: toBase64Url(p.ed25519), mldsa65: toBase64Url(p.mldsa65) })

type Site = Map<string, Uint8Array>

/** A built app as a relay serves it, signed by `keys`, the one in force first. */
async function site(number: number, keys: readonly SigningSecret[], contents: Record<string, string> = {}): Promise<Site> {
  const texts = { 'index.html': '<p>page</p>', 'sw.js': 'guard', 'assets/app.js': `app ${number}`, ...contents }
  const files = Object.entries(texts).map(([path, content]) => {
    const bytes = utf8(content)
    return { path, sha256: toHex(sha256(bytes)), size: bytes.length, type: path.endsWith('.js') ? 'text/javascript' : 'text/html' }
  })
  const json = releaseJson({ v: 1, version: `0.0.${number}`, number, headers: { 'content-security-policy': 'strict' }, files })
  const inForce = releaseKeyName(await signingPublic(keys[0]!))
  const signatures = []
  for (const key of keys)
    signatures.push({ signer: coded(await signingPublic(key)), ...coded(await dualSign(key, releaseBytes(inForce, json))) })
  const served: Site = new Map(Object.entries(texts).map(([path, content]) => [path, utf8(content)]))
  return served.set('release.json', json).set('release.sig', utf8(JSON.stringify({ v: 1, signatures })))
}

function memoryStore(): Store {
  const files = new Map<string, Bytes>()
  let installed: Installed | null = null
  let guard: string | null = null
  return {
    async file({ sha256: name }) {
      const bytes = files.get(name)
      return bytes && (await digestOf(bytes)) === name ? bytes : null
    },
    async keep({ sha256: name }, bytes) {
      files.set(name, bytes)
    },
    guard: async () => guard,
    async keepGuard(name) {
      guard = name
    },
    installed: async () => installed,
    async install(next) {
      installed = next
    },
  }
}

/** A guard in front of a site that the test changes at will; null: no connection. */
async function installed(first: Site) {
  const relay: { site: Site | null } = { site: first }
  const store = memoryStore()
  const fetch = async (path: string): Promise<Response> => {
    if (!relay.site) throw new TypeError('offline')
    const body = relay.site.get(path.slice(1))
    return body ? new Response(new Uint8Array(body)) : new Response('', { status: 404 })
  }
  const guard = openGuard({ store, origin: ORIGIN, fetch })
  await guard.install()
  await guard.begin()
  const get = async (path: string, mode = 'no-cors', destination = 'script') => {
    const answer = await guard.answer({ url: ORIGIN + path, method: 'GET', mode, destination })
    return { status: answer?.status, text: await answer?.text(), policy: answer?.headers.get('content-security-policy') }
  }
  return { guard, relay, store, get }
}

describe('the guard of an installed app', () => {
  const makers = newKey()
  const stranger = newKey()

  test('serves what was signed, with the signed headers, without a network', async () => {
    const { relay, get } = await installed(await site(1, [makers]))
    relay.site = null
    expect(await get('/', 'navigate', 'document')).toEqual({ status: 200, text: '<p>page</p>', policy: 'strict' })
    expect(await get('/timeline', 'navigate', 'document')).toMatchObject({ text: '<p>page</p>' })
    expect(await get('/assets/app.js')).toEqual({ status: 200, text: 'app 1', policy: 'strict' })
  })

  test('refuses what is not in the release, whoever asks for it', async () => {
    const { relay, get } = await installed(await site(1, [makers]))
    relay.site!.set('assets/added.js', utf8('evil')).set('evil.html', utf8('evil'))
    for (const [path, mode, destination] of [
      ['/assets/added.js', 'cors', 'script'],
      ['/evil.html', 'navigate', 'document'],
      ['/evil.html', 'navigate', 'iframe'],
      ['/added.wasm', 'cors', ''],
    ] as const)
      expect(await get(path, mode, destination)).toMatchObject({ status: 404, text: expect.not.stringContaining('evil') })
  })

  test('takes a newer release of the same makers, and keeps files of the one before for pages that are open', async () => {
    const { guard, relay, get } = await installed(await site(1, [makers], { 'assets/old-1.js': 'old' }))
    relay.site = await site(2, [makers])
    expect(await guard.status({ thorough: false })).toMatchObject({ number: 2, ready: true, offer: null, guardChanged: false })
    expect(await get('/assets/app.js')).toMatchObject({ text: 'app 2' })
    expect(await get('/assets/old-1.js')).toMatchObject({ status: 200, text: 'old' })
    await get('/', 'navigate', 'document')
    expect(await guard.status()).toMatchObject({ ready: false })
  })

  test.each([
    ['other-key', () => site(2, [stranger])],
    ['older', () => site(3, [makers])],
    ['twice', () => site(5, [makers], { 'assets/app.js': 'other' })],
    ['unsigned', async () => (await site(6, [makers])).set('release.json', (await site(7, [makers])).get('release.json')!)],
    ['unsigned', async () => (await site(6, [makers])).set('release.sig', utf8('{}'))],
    ['altered', async () => (await site(6, [makers])).set('assets/app.js', utf8('evil'))],
    ['altered', async () => (await site(5, [makers])).set('index.html', utf8('evil'))],
    // A stranger puts his own signature before the makers' own.
    [
      'unsigned',
      async () => {
        const genuine = await site(6, [makers])
        const his = await site(6, [stranger])
        const list = (s: Site) => (JSON.parse(Buffer.from(s.get('release.sig')!).toString()) as { signatures: unknown[] }).signatures
        return genuine.set('release.sig', utf8(JSON.stringify({ v: 1, signatures: [...list(his), ...list(genuine)] })))
      },
    ],
  ] as const)('an offer that is %s changes nothing and is told', async (why, offer) => {
    const { guard, relay, get } = await installed(await site(5, [makers]))
    relay.site = await offer()
    expect(await guard.status({ thorough: false })).toMatchObject({ number: 5, ready: false, offer: { why } })
    expect(await get('/', 'navigate', 'document')).toMatchObject({ text: '<p>page</p>' })
    expect(await get('/assets/app.js')).toMatchObject({ text: 'app 5' })
    relay.site = await site(5, [makers])
    expect(await guard.status({ thorough: true })).toMatchObject({ offer: null, reached: true })
  })

  test('a file altered in place is found by a thorough look', async () => {
    const { guard, relay } = await installed(await site(1, [makers]))
    relay.site!.set('assets/app.js', utf8('evil'))
    expect(await guard.status({ thorough: false })).toMatchObject({ offer: null })
    expect(await guard.status({ thorough: true })).toMatchObject({ offer: { why: 'altered', detail: 'assets/app.js' } })
  })

  test('makers hand over to a new key by signing with both; from then on the old one counts for nothing', async () => {
    const next = newKey()
    const { guard, relay } = await installed(await site(1, [makers]))
    relay.site = await site(2, [next, makers])
    expect(await guard.status({ thorough: false })).toMatchObject({
      number: 2,
      key: releaseKeyName(await signingPublic(next)),
      offer: null,
    })
    relay.site = await site(3, [makers])
    expect(await guard.status({ thorough: false })).toMatchObject({ number: 2, offer: { why: 'other-key' } })
    relay.site = await site(4, [next])
    expect(await guard.status({ thorough: false })).toMatchObject({ number: 4, offer: null })
  })

  test('a person may trust other makers by the name of their key, and by no other', async () => {
    const { guard, relay } = await installed(await site(7, [makers]))
    relay.site = await site(2, [stranger])
    await expect(guard.trust('0'.repeat(64))).rejects.toMatchObject({ code: 'UNVERIFIED' })
    await guard.trust(releaseKeyName(await signingPublic(stranger)))
    expect(await guard.status({ thorough: false })).toMatchObject({ number: 2, offer: null })
  })

  test('a stored file that was changed is not served', async () => {
    const first = await site(1, [makers])
    const { store, relay, get } = await installed(first)
    const name = toHex(sha256(first.get('assets/app.js')!))
    await store.keep({ path: 'assets/app.js', sha256: name, size: 5, type: '' }, new Uint8Array(utf8('evil')))
    expect(await get('/assets/app.js')).toMatchObject({ status: 200, text: 'app 1' })
    await store.keep({ path: 'assets/app.js', sha256: name, size: 5, type: '' }, new Uint8Array(utf8('evil')))
    relay.site = null
    expect(await get('/assets/app.js')).toMatchObject({ status: 502 })
  })

  test('a new guard is announced by the release that brings it', async () => {
    const { guard, relay } = await installed(await site(1, [makers]))
    relay.site = await site(2, [makers], { 'sw.js': 'new guard' })
    expect(await guard.status({ thorough: false })).toMatchObject({ guardChanged: true })
    await guard.begin()
    expect(await guard.status()).toMatchObject({ guardChanged: false })
  })

  test('the engine of policies is fetched when the first policy is to be evaluated, and from then on is there without a connection', async () => {
    const engine = (n: number) => ({ [`assets/cedar_wasm_bg-8c45RMd${n}.wasm`]: `engine ${n}` })
    const { guard, relay, get } = await installed(await site(1, [makers], engine(1)))
    relay.site = null
    expect(await get('/assets/cedar_wasm_bg-8c45RMd1.wasm', 'cors', '')).toMatchObject({ status: 502 })
    relay.site = await site(2, [makers], engine(2))
    await guard.status({ thorough: false })
    relay.site = null
    // Nobody needed it, so no release brings it along.
    expect(await get('/assets/cedar_wasm_bg-8c45RMd2.wasm', 'cors', '')).toMatchObject({ status: 502 })
    relay.site = await site(2, [makers], engine(2))
    expect(await get('/assets/cedar_wasm_bg-8c45RMd2.wasm', 'cors', '')).toMatchObject({ text: 'engine 2' })
    relay.site = await site(3, [makers], engine(3))
    await guard.status({ thorough: false })
    relay.site = null
    expect(await get('/assets/cedar_wasm_bg-8c45RMd3.wasm', 'cors', '')).toMatchObject({ text: 'engine 3' })
  })

  test('nothing unsigned is installed', async () => {
    const bare = await site(1, [makers])
    bare.delete('release.sig')
    await expect(installed(bare)).rejects.toThrow()
  })
})
