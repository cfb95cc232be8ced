import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Desk, freePort, seat, temporary } from './cli.kit.ts'

const folder = temporary()
afterAll(() => folder.remove())
let ada: Desk
let clinic: Desk
let home: string
let me: string

beforeAll(async () => {
  const port = String(await freePort())
  const [dir, theirs] = ['ada', 'clinic'].map(name => join(folder.path, name)) as [string, string]
  ada = seat(dir, { KEEPWELL_PORT: port })
  clinic = seat(theirs)
  me = (await ada.json('init', '--name', 'Ada Example', '--no-passphrase', '--words-file', join(folder.path, 'ada.words'))).did
  home = `http://127.0.0.1:${port}`
})

test('an organisation is led from its keys to its first patient, who sees who vouches for it', { timeout: 400_000 }, async () => {
  let server = await ada.serve('start')
  const { did } = await clinic.json(
    'init',
    '--name',
    'The Clinic',
    '--no-passphrase',
    '--relay',
    home,
    '--words-file',
    join(folder.path, 'clinic.words'),
  )
  type Steps = { steps: { step: string; done: boolean }[]; ready: boolean }
  const undone = async () => ((await clinic.json('gateway', 'onboard')) as Steps).steps.filter(s => !s.done).map(s => s.step)
  expect(await undone()).toEqual(['Credential', 'Systems', 'First consent'])
  // Whom the ledger's administrator accredits vouches, and nobody else; also while its server runs.
  const about = ['credential', 'issue', '--to', me, '--name', 'Joy Nurse', '--role', 'NURSE'] as const
  expect((await clinic.run(...about)).code).toBe(5)
  const { account } = (await clinic.json('credential')).vouches
  await ada.json('credential', 'accredit', account)
  expect((await clinic.json('credential')).vouches.state).toBe('accredited')
  const theirs = (await clinic.json(...about)).credential
  await ada.json('credential', 'add', theirs)
  const held = async () => (await ada.json('credential')).credentials[0]
  expect(await held()).toMatchObject({ issuer: account, role: 'NURSE', state: 'live' })
  expect((await ada.run('credential', 'revoke', theirs)).code).toBe(5)
  await clinic.json('credential', 'suspend', theirs)
  expect((await held()).state).toBe('ended')
  await clinic.json('credential', 'reinstate', theirs)
  expect((await held()).state).toBe('live')
  await ada.json('credential', 'stop', account)
  expect((await held()).state).toBe('ended')
  const { credential } = await ada.json('credential', 'issue', '--to', did, '--name', 'Clinic West', '--role', 'HOSPITAL')

  expect((await ada.run('credential', 'add', credential)).code).toBe(4)
  await clinic.json('credential', 'add', credential)
  await clinic.json('gateway', 'key', 'add', '--name', 'Ward system')
  expect(await undone()).toEqual(['First consent'])

  await clinic.json('request', '--from', me, '--compartment', 'laboratory', '--purpose', 'treatment', '--for', '90d')
  const [asked] = (await ada.json('requests')).requests
  expect(asked).toMatchObject({ name: 'Clinic West', verified: true, request: { credential: { role: 'HOSPITAL' } } })
  const share = ['share', '--to', 'Clinic West', '--compartment', 'laboratory', '--purpose', 'treatment', '--until', '90d']
  expect((await ada.run(...share)).code).toBe(4)
  await ada.json('requests', '--trust', asked.id.slice(0, 12))
  const { grant } = await ada.json(...share, '--while-vouched')
  expect(await undone()).toEqual([])
  expect((await ada.run('shares')).out).toContain('while their credential is live')
  await clinic.json('read', '--grant', grant.slice(0, 12))

  // What the issuer takes back counts no more at the next look; whoever holds it cannot put it back.
  await ada.json('credential', 'suspend', credential)
  expect((await clinic.run('credential', 'reinstate', credential)).code).toBe(5)
  await server.stop()
  // Who may vouch is for the registry's administrator to say, and there is no such issuer yet to stop.
  expect((await ada.run('credential', 'stop', `0x${'5'.repeat(40)}`)).code).toBe(5)
  await ada.json('credential', 'accredit', `0x${'5'.repeat(40)}`)
  expect((await clinic.run('credential', 'accredit', `0x${'5'.repeat(40)}`)).code).toBe(6)
  server = await ada.serve('start')
  await clinic.json('request', '--from', me, '--compartment', 'medications', '--purpose', 'treatment', '--for', '90d')
  const last = (await ada.json('requests')).requests.at(-1)
  expect([last.request.compartments, (await clinic.json('credential')).credentials[0].state]).toEqual([['medications'], 'ended'])
  // And what was given while they were vouched for is refused from now on.
  expect((await clinic.run('read', '--grant', grant.slice(0, 12))).code).toBe(4)
  await server.stop()
})
