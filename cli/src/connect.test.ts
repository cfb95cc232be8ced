import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Desk, EXECUTABLE, freePort, seat, temporary } from './cli.kit.ts'
import { fill, type Hospital, observation, openHospital } from './hospital.kit.ts'

const place = temporary()
let ada: Desk
let west: Hospital
let port: string
beforeAll(async () => {
  port = String(await freePort())
  ada = seat(join(place.path, 'ada'), { KEEPWELL_PORT: port })
  west = await openHospital({ page: 50 })
  fill(west, 600)
  await ada.json('init', '--name', 'Ada Example', '--no-passphrase', '--words-file', join(place.path, 'words'))
})
afterAll(async () => {
  await west?.close()
  place.remove()
})

type Running = { readonly child: ChildProcess; readonly said: () => string; readonly ended: Promise<number | null> }

/** The command, and a browser that goes where it says. */
async function loggingIn(...args: string[]): Promise<Running> {
  const env = { ...process.env, KEEPWELL_HOME: ada.dir, KEEPWELL_PORT: port }
  const child = spawn(process.execPath, [EXECUTABLE, 'connect', ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise<number | null>(resolve => child.on('close', resolve))
  let text = ''
  const url = await new Promise<string>((resolve, reject) => {
    const hear = (d: Buffer): void => {
      text += d
      const [found] = /^http\S+\/auth\/authorize\?\S+$/m.exec(text) ?? []
      if (found) resolve(found)
    }
    child.stdout!.on('data', hear)
    child.stderr!.on('data', hear)
    void ended.then(code => reject(new Error(`ended with ${code}: ${text}`)))
  })
  const redirect = new URL(new URL(url).searchParams.get('redirect_uri')!)
  // Somebody else's visit to the waiting port is not the answer.
  expect((await fetch(`${redirect}?code=forged&state=guessed`)).status).toBe(404)
  const page = await fetch(url)
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('You can close this page')])
  return { child, said: () => text, ended }
}

test('a login, a pull that is killed in the middle, and the next that goes on: every record once; then only what changed', async () => {
  let reached = (): void => {}
  const middle = new Promise<void>(resolve => {
    reached = resolve
  })
  west.rules.push((_, q) => {
    if (q.get('offset') !== '450') return null
    west.hold.until = new Promise(() => {})
    reached()
    return { status: 500 }
  })
  const first = await loggingIn(west.base, '--name', 'Hospital West')
  await middle
  first.child.kill('SIGKILL')
  await first.ended
  west.rules.pop()
  west.hold.until = null

  const before = west.asked.length
  const second = await ada.json('connect', 'pull', 'hospital')
  const [told] = second.connections
  expect(told).toMatchObject({ name: 'Hospital West', stopped: null, filed: { DocumentReference: { fresh: 1 } } })
  const resumed = west.asked.slice(before).find(a => a.path === '/fhir/Observation')!
  expect(Number(resumed.query.get('offset'))).toBeGreaterThanOrEqual(150)
  const { total } = await ada.json('list')
  // Patient, Practitioner, Condition, DocumentReference, its document, Provenance.
  expect(total).toBe(600 + 6)

  west.clock.now += 3600_000
  west.put(observation(7, 'laboratory', 41))
  west.always.set('/fhir/Condition', { status: 403 })
  const third = await ada.run('connect', 'pull')
  expect([third.code, third.err]).toEqual([0, ''])
  expect(third.out).toMatch(/^Hospital West, the record of .*Example.*: 0 new records, 1 changed/m)
  expect(third.out).toContain('Condition: the hospital refused to show them (403)')
  expect(third.out).toMatch(/Goal.*: this server does not offer them/)

  const listed = await ada.run('connect', 'list')
  expect(listed.out).toContain(`Hospital West  ${west.base}`)
  expect(listed.out).toContain('the hospital refused to show them')
  expect((await ada.json('connect', 'remove', 'hospital west', '--yes')).revoked).toBe(true)
  const all = first.said() + JSON.stringify(second) + third.out + listed.out
  for (const token of [...west.tokens.keys(), ...west.refreshes.keys()]) expect(all.includes(token)).toBe(false)
})
