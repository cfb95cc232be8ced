import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { backupName, backupTime } from '@keepwell/sdk/actions/vault/keep-backups'
import { sampleBundle } from '@keepwell/sdk/sample/bundle'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { hasArlocal, startArlocal } from '../../tools/arlocal.ts'
import { type Desk, freePort, seat, temporary } from './cli.kit.ts'

if (!hasArlocal()) console.warn('SKIPPED: arlocal is not here (.ci/run installs it); copies on Arweave are not tested.')

const place = temporary()
afterAll(() => place.remove())
const at = (...names: string[]): string => join(place.path, ...names)

type Job = { name: string; failed: string | null; warning: string | null; said: string; started: number; succeeded: number }

describe('the agent of a vault', () => {
  let ada: Desk
  const once = async (...more: string[]): Promise<{ code: number; job: (name: string) => Job; err: string }> => {
    const { code, out, err } = await ada.run('vault', '--once', '--backups', at('backups'), '--cold', at('share'), ...more, '--json')
    const jobs = JSON.parse(out).jobs as Job[]
    return { code, err, job: name => jobs.find(j => j.name === name)! }
  }

  beforeAll(async () => {
    ada = seat(at('ada'), { KEEPWELL_PORT: String(await freePort()) })
    await ada.json('init', '--name', 'Ada Example', '--no-passphrase', '--words-file', at('words'))
    mkdirSync(at('files'))
    writeFileSync(at('files', 'hospital.json'), JSON.stringify(sampleBundle('vault', { resources: 20, now: 1_790_000_000 })))
    await ada.json('import', at('files'))
  })

  test('backs up, rehearses a restore, copies; erased records leave the backups and the copies', async () => {
    const first = await once()
    expect([first.code, first.err.includes('CANARY')]).toEqual([0, false])
    expect(first.job('backup').said).toMatch(/read back and compared/)
    expect(first.job('drill').said).toMatch(/restored on an empty machine.*GB a minute.*72 hours/)
    // As if it had been made the day before: of one day the newest stays.
    const [made] = readdirSync(at('backups'))
    const name = backupName(backupTime(made!)! - 86_400)
    renameSync(at('backups', made!), at('backups', name))
    const { records } = await ada.json('list', '--limit', '1')
    const before = (await ada.json('backup', '--check', at('backups', name))).records
    await ada.json('erase', records[0].id, '--yes')
    const second = await once()
    expect(second.job('backup')).toMatchObject({ failed: null, said: expect.stringMatching(/1 cleaned/) })
    for (const file of readdirSync(at('backups')))
      expect(await ada.json('backup', '--check', at('backups', file))).toMatchObject({ records: before - 1, erased: 1 })
    expect(await ada.json('backup', 'drill', at('backups', name), '--words-file', at('words'))).toMatchObject({ missing: 0, kept: true })
    // What it did is told to every device of the vault: this one asks.
    expect(await ada.json('backup', 'status')).toMatchObject({
      made: { place: expect.stringContaining(at('backups')), records: before - 1 },
      tested: { records: before - 1 },
      drilled: { place: at('backups', name), missing: 0 },
      copies: expect.arrayContaining([expect.objectContaining({ place: at('share'), problem: null, lost: 0 })]),
      due: false,
    })
  })

  test('copies that were destroyed are found, mended, and told to the person through the own inbox, once', async () => {
    for (const file of readdirSync(at('share'))) rmSync(at('share', file), { recursive: true })
    const found = await once()
    expect(found.code).toBe(5)
    expect(found.job('copies').warning).toMatch(/lost or damaged and have been mended/)
    const { arrivals } = await ada.json('sync')
    expect(arrivals).toEqual([
      expect.objectContaining({ kind: 'notice', text: found.job('copies').warning, said: expect.objectContaining({ code: 'mended' }) }),
    ])
    expect((await once()).job('copies')).toMatchObject({ warning: null, said: expect.stringMatching(/ 0 mended/) })
    expect((await ada.json('sync')).arrivals).toEqual([])
  })

  test.skipIf(!hasArlocal())(
    'on Arweave: nothing before the owner’s word, the word once, copies when they are final, what is erased stays',
    async () => {
      mkdirSync(at('arlocal'))
      const peer = (await startArlocal(at('arlocal')))!
      try {
        await vi.waitFor(() => fetch(`${peer.origin}/info`), { timeout: 240_000, interval: 50 })
        const get = async (path: string): Promise<string> => (await fetch(`${peer.origin}/${path}`)).text()
        const key = JSON.stringify(generateKeyPairSync('rsa', { modulusLength: 4096 }).privateKey.export({ format: 'jwk' }))
        writeFileSync(at('wallet.json'), key)
        const where = ['--cold-arweave', peer.origin, '--arweave-wallet', at('wallet.json')]
        const unasked = await ada.run('vault', '--once', ...where)
        expect([unasked.code, unasked.err]).toEqual([2, expect.stringMatching(/nothing can be deleted there[\s\S]*--yes/)])
        expect(await get('tx/pending')).toBe('[]')
        const poor = await once(...where, '--yes')
        expect(poor.job('copies').warning).toMatch(/has not enough/)
        const address = /wallet ([\w-]{43})/.exec(poor.err)![1]!
        await get(`mint/${address}/${10n ** 15n}`)
        const taken = await once(...where)
        expect([taken.code, taken.job('copies').said]).toEqual([0, expect.stringMatching(/arweave:.* records taken, not final yet/)])
        const left = await get(`wallet/${address}/balance`)
        await get('mine/20')
        expect((await once(...where)).job('copies').said).toMatch(/arweave:[\w-]+: 299 of \d+ blocks asked, 0 mended/)
        expect(await get(`wallet/${address}/balance`)).toBe(left)
        const { records } = await ada.json('list', '--limit', '1')
        await ada.json('erase', records[0].id, '--yes')
        const after = await once(...where)
        expect(after.job('copies').said).toMatch(/1 erased record left there, unreadable/)
        for (const { out, err } of [unasked, await ada.run('vault', 'status')]) expect(out + err).not.toContain(JSON.parse(key).d)
      } finally {
        await peer.stop()
      }
    },
  )

  test('runs beside a server and other commands, once in a home, and stops when told; its status says so', async () => {
    const server = await ada.serve('start')
    const agent = await ada.serve('vault')
    expect((await ada.run('vault')).code).toBe(6)
    expect((await ada.json('vault', 'status')).running).toBe(true)
    writeFileSync(at('files', 'more.json'), JSON.stringify(sampleBundle('more', { resources: 5, now: 1_790_000_000 })))
    expect((await ada.json('import', at('files', 'more.json'))).at(-1).summary).toMatchObject({ failed: 0 })
    expect(await agent.stop()).toBe(0)
    const { code, out } = await ada.run('vault', 'status')
    expect([code, out]).toEqual([6, expect.stringContaining('NOT running')])
    expect((await ada.json('sync')).received.problems).toEqual([])
    expect(await server.stop()).toBe(0)
  })
})
