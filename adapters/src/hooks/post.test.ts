import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openHooks } from './post.ts'

const CLOSED = [
  ...['127.0.0.1', '127.8.8.8', '0.0.0.0', '10.1.2.3', '100.64.0.1', '169.254.169.254', '172.16.0.1', '172.31.255.255', '192.168.1.1'],
  ...['198.18.0.1', '224.0.0.1', '255.255.255.255', '2130706433', '0x7f000001', '0177.0.0.1'],
  ...[
    '[::1]',
    '[::]',
    '[fe80::1]',
    '[fd00::1]',
    '[ff02::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:a00:1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
  ],
]
const OPEN = ['1.1.1.1', '172.32.0.1', '100.128.0.1', '[2606:4700::1111]', '[::ffff:8.8.8.8]']

test('addresses inside a network are refused in whatever spelling, those of the internet are not', () => {
  const { check } = openHooks()
  for (const host of CLOSED) expect(() => check(`https://${host}/x`), host).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }))
  for (const host of OPEN) expect(() => check(`https://${host}/x`), host).not.toThrow()
})

test('only https is spoken, but to loopback where it is allowed', () => {
  expect(() => openHooks().check('http://hooks.example/x')).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }))
  expect(() => openHooks({ allow: ['10.0.0.0/8'] }).check('http://10.0.0.1/x')).toThrow()
  expect(() => openHooks({ allow: ['10.0.0.0/8'] }).check('https://10.0.0.1/x')).not.toThrow()
  expect(() => openHooks({ allow: ['127.0.0.1'] }).check('http://127.0.0.1/x')).not.toThrow()
  expect(() => openHooks({ allow: ['somewhere'] })).toThrow(expect.objectContaining({ code: 'USAGE' }))
})

test('where the operator names hosts, no other is asked, however it is spelt', () => {
  const { check } = openHooks({ only: ['hooks.example.org', '*.partner.example', '1.1.1.1'] })
  for (const host of ['hooks.example.org', 'HOOKS.example.org.', 'a.partner.example', 'a.b.partner.example', '1.1.1.1'])
    expect(() => check(`https://${host}/x`), host).not.toThrow()
  const others = [
    'example.org',
    'x.hooks.example.org',
    'hooks.example.org.evil.example',
    'partner.example',
    'evilpartner.example',
    '1.0.0.1',
  ]
  for (const host of [...others, '.partner.example', '[2606:4700::1111]'])
    expect(() => check(`https://${host}/x`), host).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }))
  // A name among them that leads inside is refused all the same; so is everything where the list is empty.
  expect(() => openHooks({ only: ['127.0.0.1'] }).check('https://127.0.0.1/x')).toThrow()
  expect(() => openHooks({ only: [] }).check('https://1.1.1.1/x')).toThrow()
})

let server: Server
let asked = 0
const post = { headers: [['x-own', 'yes']] as const, type: 'application/fhir+json', body: '{}', timeout: 5000 }

beforeAll(async () => {
  server = createServer((request, response) => {
    asked++
    if (request.url === '/away') response.writeHead(302, { location: 'http://127.0.0.1/inside' }).end()
    else if (request.url !== '/never') response.writeHead(request.headers['x-own'] === 'yes' ? 204 : 400).end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})
const port = () => (server.address() as AddressInfo).port

test('a name that leads inside is refused when it is connected to, and nothing arrives', async () => {
  const before = asked
  await expect(openHooks().post({ ...post, url: `https://localhost:${port()}/x` })).rejects.toMatchObject({ code: 'BAD_INPUT' })
  expect(asked).toBe(before)
})

test('the status is what comes back; a redirect is not followed, and silence ends in time', async () => {
  const hooks = openHooks({ allow: ['127.0.0.1'] })
  const url = (path: string) => `http://127.0.0.1:${port()}${path}`
  expect(await hooks.post({ ...post, url: url('/x') })).toBe(204)
  expect(await hooks.post({ ...post, url: url('/away') })).toBe(302)
  await expect(hooks.post({ ...post, url: url('/never'), timeout: 100 })).rejects.toMatchObject({ code: 'PEER_FAILED' })
})
