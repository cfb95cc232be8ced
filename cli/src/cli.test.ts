import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sampleBundle } from '@keepwell/sdk/sample/bundle'
import { sampleDicom } from '@keepwell/sdk/sample/dicom'
import { samplePdf } from '@keepwell/sdk/sample/pdf'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Desk, desk, EXECUTABLE, freePort, seat, temporary } from './cli.kit.ts'

const place = temporary()
afterAll(() => place.remove())
const at = (...names: string[]): string => join(place.path, ...names)

describe('one person at home, with the real executable', () => {
  let ada: Desk
  /** At the same home, where no process is started for each question. */
  let asked: Desk

  beforeAll(async () => {
    mkdirSync(at('files', 'scans'), { recursive: true })
    writeFileSync(at('files', 'hospital.json'), JSON.stringify(sampleBundle('cli', { resources: 150, now: 1_790_000_000 })))
    writeFileSync(at('files', 'scans', 'scan.dcm'), sampleDicom('cli'))
    writeFileSync(at('files', 'letter.pdf'), samplePdf('A letter'))
    const port = await freePort()
    ada = desk(at('ada'), { KEEPWELL_PORT: String(port) })
    asked = seat(at('ada'), { KEEPWELL_PORT: String(port) })
    const made = await ada.json('init', '--name', 'Ada Example', '--no-passphrase', '--words-file', at('ada.words'))
    expect(made).toMatchObject({ name: 'Ada Example', relay: `http://127.0.0.1:${port}` })
  })

  test('a home is private, its keyring names no words, and the words are in their file alone', () => {
    expect(statSync(ada.dir).mode & 0o077).toBe(0)
    const words = readFileSync(at('ada.words'), 'utf8').trim()
    expect(words.split(' ')).toHaveLength(24)
    for (const file of readdirSync(ada.dir, { recursive: true, withFileTypes: true }))
      if (file.isFile()) expect(readFileSync(join(file.parentPath, file.name)).includes(words.slice(0, 30))).toBe(false)
  })

  test('import takes folders, says what became of each record, and takes nothing twice', async () => {
    const told = await ada.json('import', at('files'))
    expect(told).toHaveLength(153)
    expect(told.at(-1).summary).toMatchObject({ taken: 152, failed: 0, 'already-there': 0 })
    expect((await asked.json('import', at('files'))).at(-1).summary).toMatchObject({ taken: 0, 'already-there': 152 })
    const spoken = await asked.run('import', at('files'))
    expect([spoken.code, spoken.out]).toEqual([0, expect.stringContaining('152 already there')])
  })

  test('list, timeline and show find what was taken; show --raw gives the bytes as they came', async () => {
    const { total, records } = await asked.json('list', '--kind', 'dicom')
    expect(total).toBe(1)
    expect((await asked.run('list', '--search', 'no such words')).out).toContain('0 records')
    const years = (await asked.json('timeline', '--type', 'Encounter')).years
    expect(years.length).toBeGreaterThan(0)
    expect(years.map((y: { year: string }) => y.year)).toEqual([...years.map((y: { year: string }) => y.year)].sort().reverse())
    expect((await asked.json('show', records[0].id.slice(0, 8))).attributes.file).toBe('scans/scan.dcm')
    expect((await asked.run('show', records[0].id.slice(0, 8), '--out', at('out.dcm'))).code).toBe(0)
    expect(readFileSync(at('out.dcm')).equals(sampleDicom('cli'))).toBe(true)
    const observation = (await asked.json('list', '--type', 'Observation', '--limit', '1')).records[0]
    expect(JSON.parse((await ada.run('show', observation.id, '--raw')).out)).toMatchObject({ resourceType: 'Observation' })
  })

  const writeNote = (name: string): string => {
    writeFileSync(at(`${name}.txt`), `A note: written on ${name}`)
    return at(`${name}.txt`)
  }

  test('two commands at once in one home wait for each other', async () => {
    const [a, b] = await Promise.all([ada.json('import', writeNote('first')), ada.json('import', writeNote('second'))])
    expect([a.at(-1).summary.taken, b.at(-1).summary.taken]).toEqual([1, 1])
    expect(await asked.json('verify')).toMatchObject({ ok: true })
  })
})

describe('what goes wrong is said in one sentence, with an exit code of its own', () => {
  test('usage, homes and files', async () => {
    const d = seat(at('nowhere'))
    const codeAt = async (where: Desk, ...args: string[]) => {
      const { code: c, out, err } = await where.run(...args)
      expect([out, err.trim().split('\n').length]).toEqual(['', 1])
      return c
    }
    const code = (...args: string[]) => codeAt(d, ...args)
    // Once by the process's own exit.
    expect(await codeAt(desk(at('nowhere')), 'nonsense')).toBe(2)
    expect(await code('list', '--nonsense')).toBe(2)
    expect(await code('list')).toBe(2)
    expect(await code('join', 'x', 'y', '--json')).toBe(2)
    expect(await code('init', '--no-passphrase')).toBe(2)
    expect(await code('init', '--name', 'X')).toBe(2)
    expect(existsSync(at('nowhere', 'device.cbor'))).toBe(false)
    const failure = JSON.parse((await d.run('list', '--json')).err)
    expect(failure.error).toMatchObject({ code: 'NO_HOME', message: expect.stringContaining('keepwell init') })
  })

  test('a passphrase protects the key of the machine', async () => {
    const secret = { KEEPWELL_PASSPHRASE: 'correct horse', KEEPWELL_PORT: String(await freePort()) }
    const d = seat(at('sealed'), secret)
    await d.json('init', '--name', 'Ada', '--words-file', at('sealed.words'))
    expect((await d.json('list')).total).toBe(0)
    expect((await seat(at('sealed'), { ...secret, KEEPWELL_PASSPHRASE: 'wrong horse' }).run('list')).code).toBe(4)
    expect((await seat(at('sealed')).run('list')).code).toBe(2)
    writeFileSync(at('phrase'), 'correct horse\n')
    expect((await desk(at('sealed'), {}).run('list', '--passphrase-file', at('phrase'))).code).toBe(0)
    expect((await d.run('init', '--name', 'Again')).code).toBe(2)
    expect((await d.run('import', at('no such file'))).code).toBe(3)
  })

  test('help needs no home and shows every option', async () => {
    const d = seat(at('nowhere'))
    expect((await d.run('help')).out).toContain('share')
    expect((await d.run('share', '--help')).out).toContain('--until')
    expect((await d.run('help', 'share')).out).toBe((await d.run('share', '--help')).out)
  })

  test('a command that ran once finds its sources compiled', async () => {
    const told = desk(at('nobody'), { NODE_DEBUG_NATIVE: 'COMPILE_CACHE', NODE_COMPILE_CACHE: '' })
    await told.run('list')
    expect((await told.run('list')).err).toMatch(/V8 code cache for ESM \S+cli\/src\/run\.ts was accepted/)
  })

  test('an older Node starts the pinned one', async ({ skip }) => {
    const old = ['/usr/bin/node', '/usr/local/bin/node', '/opt/node20/bin/node'].find(path => {
      try {
        return Number(execFileSync(path, ['-p', 'process.versions.node.split(".")[0]']).toString()) < 24
      } catch {
        return false
      }
    })
    if (!old) return skip('there is no Node older than 24 on this machine')
    const ran = await desk(at('nowhere'), {}, old).run('help')
    expect([ran.code, ran.err]).toEqual([0, ''])
    expect(readFileSync(EXECUTABLE, 'utf8')).toMatch(/^#!\/usr\/bin\/env -S node/)
  })
})
