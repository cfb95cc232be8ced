import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openGetter } from '@keepwell/adapters/hooks/get'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { addApp } from './apps.ts'
import { startGateway, type TestGateway, tokenCall } from './smart.kit.ts'

let gateway: TestGateway
/** The app's own server: what it says, and what it was asked. */
const said = { body: '', headers: {} as Record<string, string>, status: 200 }
const asked: string[] = []
const server = createServer((request, response) => {
  asked.push(`${request.method} ${request.url}`)
  response.writeHead(said.status, { 'content-type': 'application/json', ...said.headers }).end(said.body)
})
let keysAt = ''

beforeAll(async () => {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  keysAt = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  gateway = await startGateway({}, { getKeys: openGetter({ allow: ['127.0.0.1'] }) })
})
afterAll(async () => {
  await gateway.close()
  server.close()
})
let paths = 0
beforeEach(() => {
  asked.length = 0
  Object.assign(said, { status: 200, headers: {} })
})

type Pair = { readonly kid: string; readonly alg: string; readonly privateKey: CryptoKey; readonly jwk: JWK }
async function pair(kid: string, alg = 'ES384'): Promise<Pair> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
}
const publish = (...pairs: readonly Pair[]) => {
  said.body = JSON.stringify({ keys: pairs.map(p => p.jwk) })
}
async function service(more: Record<string, unknown> = {}): Promise<{ id: string; uri: string }> {
  const uri = `${keysAt}/${++paths}`
  const app = await addApp(gateway.smart.context, {
    client_name: 'Registry feed',
    grant_types: ['client_credentials'],
    jwks_uri: uri,
    smart_scope: 'system/*.rs',
    ...more,
  })
  return { id: app.client_id, uri }
}
async function ask(client: string, by: Pair, header: Record<string, string> = {}, at = gateway): Promise<number> {
  const client_assertion = await new SignJWT({ jti: crypto.randomUUID() })
    .setProtectedHeader({ alg: by.alg, kid: by.kid, typ: 'JWT', ...header })
    .setIssuer(client)
    .setSubject(client)
    .setAudience(`${at.url}/auth/token`)
    .setExpirationTime('4m')
    .sign(by.privateKey)
  const answer = await tokenCall(at, {
    grant_type: 'client_credentials',
    scope: 'system/*.rs',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion,
  })
  const body = (await answer.json()) as { error?: string }
  if (answer.status !== 200) expect(body.error).toBe('invalid_client')
  return answer.status
}

test('keys are had by GET from the address that was registered, and prove by ES384 and by RS384', async () => {
  const [es, rs] = [await pair('es'), await pair('rs', 'RS384')]
  publish(es, rs)
  const { id, uri } = await service()
  expect([await ask(id, es), await ask(id, rs)]).toEqual([200, 200])
  expect(asked).toEqual([`GET ${new URL(uri).pathname}`])
})

test('a set is kept as long as its server says and no longer', async () => {
  const [old, fresh] = [await pair('old'), await pair('fresh')]
  publish(old)
  said.headers = { 'cache-control': 'max-age=3000' }
  const { id } = await service()
  expect([await ask(id, old), await ask(id, old), asked.length]).toEqual([200, 200, 1])
  publish(fresh)
  gateway.time.ahead += 2900
  expect([await ask(id, old), asked.length]).toEqual([200, 1])
  gateway.time.ahead += 100
  expect([await ask(id, old), asked.length]).toEqual([401, 2])
  said.headers = { 'cache-control': 'no-store' }
  const other = await service()
  expect([await ask(other.id, fresh), await ask(other.id, fresh), asked.length]).toEqual([200, 200, 4])
})

test('a key that is not in the set is looked for anew, not at each of them, and nothing is lost when the app’s server is away', async () => {
  const [first, second, stranger] = [await pair('first'), await pair('second'), await pair('stranger')]
  publish(first)
  said.headers = { 'cache-control': 'max-age=3600' }
  const { id } = await service()
  expect(await ask(id, first)).toBe(200)
  publish(first, second)
  gateway.time.ahead += 11
  expect([await ask(id, second), asked.length]).toEqual([200, 2])
  expect(await ask(id, stranger)).toBe(401)
  expect(asked.length).toBe(2)
  said.status = 503
  gateway.time.ahead += 11
  expect([await ask(id, stranger), await ask(id, second), asked.length]).toEqual([401, 200, 3])
})

test('another’s key under a known name, a set of secrets, no set, and too much of it prove nothing', async () => {
  const mine = await pair('mine')
  publish(mine)
  const { id } = await service()
  expect(await ask(id, await pair('mine'))).toBe(401)
  expect(await ask(id, mine, { jku: `${keysAt}/elsewhere` })).toBe(401)
  for (const body of [JSON.stringify({ keys: [await exportJWK(mine.privateKey)] }), '[]', 'x', `{"keys":[]}${' '.repeat(70_000)}`]) {
    said.body = body
    expect(await ask((await service()).id, mine), body.slice(0, 20)).toBe(401)
  }
  publish(mine)
  said.status = 302
  said.headers = { location: `${keysAt}/keys` }
  expect(await ask((await service()).id, mine)).toBe(401)
})

test('an address inside the network is not asked unless the operator opened it', async () => {
  const mine = await pair('mine')
  publish(mine)
  const closed = await startGateway()
  try {
    const app = await addApp(closed.smart.context, {
      client_name: 'Feed',
      grant_types: ['client_credentials'],
      jwks_uri: `${keysAt.replace('http:', 'https:')}/inside`,
      smart_scope: 'system/*.rs',
    })
    expect(await ask(app.client_id, mine, {}, closed)).toBe(401)
    expect(asked).toEqual([])
  } finally {
    await closed.close()
  }
})
