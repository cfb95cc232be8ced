import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { certificate, hasOpenssl } from '@keepwell/daemon/bin/certificate.kit'
import { readConfig } from '@keepwell/daemon/config/config'
import { codeOf } from '@keepwell/sdk/base/code.kit'
import { afterAll, describe, expect, test } from 'vitest'
import { type Desk, desk, freePort, temporary } from './cli.kit.ts'
import { reachRelay } from './home.ts'
import type { Io } from './io.ts'

if (!hasOpenssl()) console.warn('SKIPPED: relays inside a network need the openssl program to make a certificate.')

const place = temporary()
afterAll(place.remove)
const at = (name: string): string => join(place.path, name)

/** Whoever connects there is counted, and gets no answer. */
async function watched(port: number) {
  let seen = 0
  const server = createServer(socket => {
    seen++
    socket.destroy()
  })
  await new Promise<void>(done => server.listen(port, done))
  return { seen: () => seen, close: () => new Promise<void>(done => server.close(() => done())) }
}

test('of addresses inside a home asks its own, what its settings open and what its command names, and no others', async () => {
  const port = await freePort()
  const inside = await watched(port)
  const [here, named] = [`http://127.0.0.1:${port}`, `https://localhost:${port}`]
  const network = (env: Record<string, string>, more: Partial<Parameters<typeof reachRelay>[1]> = {}) => {
    const config = readConfig({ HOME: place.path, ...env })
    return reachRelay({} as Io, { dir: place.path, config, url: 'https://clinic.example', relay: undefined, embedded: false, ...more })
      .network
  }
  const asked = async (of: ReturnType<typeof network>, url: string): Promise<unknown> => {
    const before = inside.seen()
    const code = await codeOf(async () => (await of.relay(url)).info())
    return [code, inside.seen() > before]
  }
  const REFUSED = ['RELAY_NOT_FOLLOWED', false]
  const ASKED = ['RELAY_UNREACHABLE', true]
  try {
    for (const url of [here, named]) expect(await asked(network({}), url)).toEqual(REFUSED)
    expect(await asked(network({}, { url: named }), named)).toEqual(ASKED)
    expect(await asked(network({}, { chosen: [named] }), named)).toEqual(ASKED)
    const behind = network({}, { relay: here })
    expect(await asked(behind, 'https://clinic.example')).toEqual(ASKED)
    expect(await asked(behind, named)).toEqual(REFUSED)
    // A home on this machine, as in the README.
    for (const url of [here, `http://localhost:${port}`])
      expect(await asked(network({}, { url: 'http://127.0.0.1:1' }), url)).toEqual(ASKED)

    const opened = { KEEPWELL_RELAYS_INSIDE: '10.1.0.0/16,127.0.0.1,::1' }
    expect(await asked(network(opened), named)).toEqual(ASKED)
    expect(await asked(network({ ...opened, KEEPWELL_RELAYS_ONLY: 'localhost,*.example' }), named)).toEqual(ASKED)
    expect(await asked(network({ ...opened, KEEPWELL_RELAYS_ONLY: '*.example' }), named)).toEqual(REFUSED)
    expect(await asked(network({ KEEPWELL_RELAYS_ONLY: 'localhost' }), named)).toEqual(REFUSED)
  } finally {
    await inside.close()
  }
})

describe.skipIf(!hasOpenssl())('two relays of one hospital', () => {
  test('a gateway follows the other once its operator opened it; before and after, who gives a consent there makes it connect nowhere', {
    timeout: 300_000,
  }, async () => {
    const { cert, key } = certificate(place.path, 'hospital')
    const [one, two, door] = [await freePort(), await freePort(), await freePort()]
    const settings = { KEEPWELL_TLS_CERT: cert, KEEPWELL_TLS_KEY: key, KEEPWELL_CA: cert }
    const open = { KEEPWELL_RELAYS_INSIDE: '127.0.0.0/8,::1' }
    const home = (name: string, port: number, more: Record<string, string>): Desk =>
      desk(at(name), { ...settings, KEEPWELL_PORT: String(port), KEEPWELL_URL: `https://localhost:${port}`, ...more })
    const ada = home('ada', one, open)
    const [clinic, opened] = [home('clinic', two, {}), home('clinic', two, open)]
    for (const [who, name] of [
      [ada, 'Ada Example'],
      [clinic, 'Clinic West'],
    ] as const)
      await who.json('init', '--name', name, '--no-passphrase', '--words-file', `${who.dir}.words`)
    const { link } = await ada.json('invite')

    const before = await watched(one)
    const refused = await clinic.run('join', link)
    expect([refused.code, refused.err]).toEqual([4, expect.stringContaining('inside a network')])
    expect(before.seen()).toBe(0)
    await before.close()

    const relay = await ada.serve('start')
    const own = await clinic.serve('start')
    try {
      await opened.json('join', link)
      await ada.json('sync')
      await ada.json('share', '--to', 'Clinic West', '--compartment', 'laboratory', '--purpose', 'treatment', '--until', '30d')
      const { key } = await opened.json('gateway', 'key', 'add', '--name', 'Ward system')
      const through = async (seat: Desk, path: string): Promise<Answer> => {
        const gateway = await seat.serve('gateway', '--port', String(door))
        try {
          return await ask(`https://localhost:${door}/fhir/${path}`, { authorization: `Bearer ${key}` }, cert)
        } finally {
          await gateway.stop()
        }
      }
      const { entry } = JSON.parse((await through(opened, 'Patient')).body)
      const results = `Observation?patient=${entry[0].resource.id}`
      expect(await through(opened, results)).toMatchObject({ status: 200 })
      await relay.stop()
      const after = await watched(one)
      expect(await through(clinic, results)).toEqual({ status: 403, body: expect.stringContaining('inside a network') })
      expect(after.seen()).toBe(0)
      expect(await through(opened, results)).toMatchObject({ status: 503 })
      expect(after.seen()).toBeGreaterThan(0)
      await after.close()
    } finally {
      await relay.stop()
      await own.stop()
    }
  })
})

type Answer = { readonly status: number; readonly body: string }

const ask = (url: string, headers: Record<string, string>, cert: string): Promise<Answer> =>
  new Promise((done, fail) => {
    request(url, { headers, ca: readFileSync(cert), agent: false }, async r => done({ status: r.statusCode ?? 0, body: await text(r) }))
      .on('error', fail)
      .end()
  })
