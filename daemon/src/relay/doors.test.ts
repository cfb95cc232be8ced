import { openHttpRelay } from '@keepwell/adapters/relay/http'
import { toBase64Url } from '@keepwell/sdk/base/bytes'
import { encode } from '@keepwell/sdk/base/cbor'
import type { Call } from '@keepwell/sdk/identity/call'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cborBody, serveMemoryRelay, type TestServer, told } from './serve.kit.ts'
import { enrolVault, type TestVault } from './vault.kit.ts'

let at: TestServer
let vault: TestVault
const OFTEN = { perSecond: 0.001, burst: 8 }

beforeAll(async () => {
  at = await serveMemoryRelay({ relayLimits: { perCaller: OFTEN, streamsPerCaller: 2 } })
  vault = await enrolVault(openHttpRelay({ url: at.url }))
})
afterAll(() => at.close())

const callHeader = (call: Call) => ({ authorization: `Keepwell ${toBase64Url(encode(call))}` })

describe('a single block', () => {
  test('is served whole or in part to who has the capability', async () => {
    const { item, payload } = await vault.file(1000)
    const { capability } = await vault.open([item.id])
    const get = (headers: Record<string, string>) => fetch(`${at.url}/v1/blocks/${payload.cid}`, { headers })
    const authorization = `Keepwell-Capability ${toBase64Url(capability)}`
    const bytes = async (r: Response) => new Uint8Array(await r.arrayBuffer())

    const whole = await get({ authorization })
    expect([whole.status, whole.headers.get('accept-ranges'), whole.headers.get('content-type')]).toEqual([
      200,
      'bytes',
      'application/vnd.ipld.raw',
    ])
    expect(await bytes(whole)).toEqual(payload.bytes)
    const part = await get({ authorization, range: 'bytes=10-19' })
    expect([part.status, part.headers.get('content-range')]).toEqual([206, 'bytes 10-19/1000'])
    expect(await bytes(part)).toEqual(payload.bytes.subarray(10, 20))
    expect((await told(await get({ authorization, range: 'bytes=1000-' }))).code).toBe('BAD_RANGE')

    expect((await told(await get({}))).code).toBe('BAD_INPUT')
    expect((await told(await get({ authorization: 'Keepwell-Capability AAAA' }))).code).toBe('DENIED')
    const other = await fetch(`${at.url}/v1/blocks/bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy`, {
      headers: { authorization },
    })
    expect((await told(other)).code).toBe('DENIED')
  })
})

describe('what one party may take', () => {
  test('streams are counted per caller, and given back', async () => {
    const ends: AbortController[] = []
    const open = async (method = 'GET') => {
      const end = new AbortController()
      ends.push(end)
      const headers = callHeader(vault.sign('events', {}))
      return fetch(`${at.url}/v1/events`, { method, headers, signal: end.signal })
    }
    // Who asks what it would be opens none.
    for (const _ of [1, 2, 3]) expect((await open('HEAD')).status).toBe(200)
    ends.length = 0
    expect([(await open()).status, (await open()).status]).toEqual([200, 200])
    expect((await told(await open())).code).toBe('RATE_LIMITED')
    ends[0]!.abort()
    await expect.poll(async () => (await open()).status).toBe(200)
    for (const end of ends) end.abort()
  })

  test('calls in another’s name use up nobody’s allowance; one’s own do', async () => {
    const victim = await enrolVault(openHttpRelay({ url: at.url }))
    const send = async (call: Call) => told(await fetch(`${at.url}/v1/call/get-state`, cborBody(call)))
    for (let i = 0; i < 20; i++) {
      const { code } = await send({ ...victim.sign('get-state', {}), nonce: new Uint8Array(16).fill(i) })
      expect(code).toBe('BAD_SIGNATURE')
    }
    // Enrolling and the calendar took two of the eight.
    const codes: string[] = []
    for (let i = 0; i < 8; i++)
      codes.push(
        await victim.call('get-state', {}).then(
          () => 'ok',
          e => (e as { code: string }).code,
        ),
      )
    expect(codes).toEqual([...Array(6).fill('ok'), 'RATE_LIMITED', 'RATE_LIMITED'])
  })
})
