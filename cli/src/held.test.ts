import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { dicomDrawer } from '@keepwell/daemon/bin/gateway'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Desk, freePort, seat, temporary } from './cli.kit.ts'

const place = temporary()
afterAll(() => place.remove())
const at = (...names: string[]): string => join(place.path, ...names)
const LETTER = `A letter from the archive. ${'Nothing else. '.repeat(2000)}`

let ada: Desk
let clinic: Desk
let port: string
const stops: (() => Promise<number>)[] = []
beforeAll(async () => {
  const home = String(await freePort())
  port = String(await freePort())
  ada = seat(at('ada'), { KEEPWELL_PORT: home })
  clinic = seat(at('clinic'))
  await ada.json('init', '--name', 'Ada Example', '--no-passphrase', '--words-file', at('ada.words'))
  stops.push((await ada.serve('start')).stop)
  const init = ['init', '--name', 'Clinic West', '--no-passphrase', '--relay', `http://127.0.0.1:${home}`]
  await clinic.json(...init, '--words-file', at('clinic.words'))
  await clinic.json('join', (await ada.json('invite')).link)
  await ada.json('sync')
  await ada.json('share', '--to', 'Clinic West', '--level', 'write', '--compartment', 'general', '--purpose', 'treatment', '--until', '30d')
})
afterAll(async () => {
  for (const stop of stops) await stop()
})

test('a folder that stays at the clinic is attached, opened by the patient, detached with a notice to them, and attached again', async () => {
  mkdirSync(at('archive'))
  writeFileSync(at('archive', 'letter.txt'), LETTER)
  const where = ['--patient', 'Ada Example', '--folder', at('archive')]
  const attach = ['gateway', 'attach', ...where, '--url', `http://127.0.0.1:${port}`]
  expect((await clinic.run('gateway', 'attach', ...where, '--url', 'http://clinic.example')).code).not.toBe(0)
  expect(await clinic.json(...attach)).toMatchObject([{ item: 'letter.txt', outcome: 'taken' }, { summary: { taken: 1 } }])
  const gateway = await clinic.serve('gateway', '--port', port)
  stops.unshift(gateway.stop)
  await ada.json('sync')
  const [{ id }] = (await ada.json('list')).records
  const open = async () => {
    rmSync(at('out.txt'), { force: true })
    return ada.run('show', id, '--out', at('out.txt'))
  }
  expect([(await open()).code, readFileSync(at('out.txt'), 'utf8')]).toEqual([0, LETTER])

  expect(await clinic.json('gateway', 'detach', ...where)).toEqual({ detached: 1 })
  const refused = await open()
  expect([refused.code, refused.err]).toEqual([6, expect.stringContaining('no longer has it')])
  expect(JSON.stringify(await ada.json('sync'))).toContain('Clinic West no longer gives out 1 file')

  expect((await clinic.json(...attach))[0]).toMatchObject({ outcome: 'already-there' })
  expect([(await open()).code, readFileSync(at('out.txt'), 'utf8')]).toEqual([0, LETTER])
})

test('who registers keys as they are is reminded that they change', async () => {
  writeFileSync(at('keys.json'), JSON.stringify({ keys: [{ kty: 'EC', crv: 'P-384', x: 'x', y: 'y', kid: 'k1' }] }))
  const added = await clinic.run('gateway', 'app', 'add', '--name', 'Feed', '--keys', at('keys.json'), '--scope', 'system/*.rs')
  expect([added.code, added.out]).toEqual([0, expect.stringContaining('whenever they change')])
})

test('groups and what is in quarantine are kept by name, also while the gateway runs', async () => {
  const { id } = await clinic.json('gateway', 'group', 'add', '--name', 'Register')
  expect(await clinic.json('gateway', 'group', 'join', '--id', id, '--patient', 'Ada Example')).toEqual({ id, members: 1 })
  expect(await clinic.json('gateway', 'group')).toEqual([{ id, name: 'Register', members: ['Ada Example'] }])
  await (await dicomDrawer(clinic.dir)).write('0123456789abcdef.sealed', new Uint8Array(8))
  expect(await clinic.json('gateway', 'quarantine')).toEqual([{ id: '0123456789ab', bytes: null, reason: 'cannot be opened' }])
  expect(await clinic.json('gateway', 'quarantine', 'drop', '--id', '0123')).toEqual({ dropped: ['0123456789ab'] })
  expect(await clinic.json('gateway', 'quarantine')).toEqual([])
})
