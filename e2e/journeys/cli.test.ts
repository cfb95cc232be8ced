import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '@keepwell/daemon/http/free-port'
import { sampleBundle } from '@keepwell/sdk/sample/bundle'
import { samplePdf } from '@keepwell/sdk/sample/pdf'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DEEP } from '#e2e/faults/world'

const root = fileURLToPath(new URL('../..', import.meta.url))
const EXECUTABLE = join(root, 'cli', 'bin', 'keepwell.js')

const dir = mkdtempSync(join(tmpdir(), 'keepwell-cli-'))
const running: ChildProcess[] = []
afterAll(async () => {
  await Promise.all(running.map(stopped))
  rmSync(dir, { recursive: true, force: true, maxRetries: 3 })
})

type Ran = { readonly code: number | null; readonly out: string; readonly err: string }

/** One person's machine: a fresh user folder and nothing in the environment but what is needed. */
type Machine = { readonly home: string; readonly env: Record<string, string> }

async function machine(name: string): Promise<Machine> {
  const home = join(dir, name)
  mkdirSync(home)
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: home,
    KEEPWELL_PORT: String(await freePort()),
    KEEPWELL_PASSPHRASE: 'correct horse battery',
  }
  return { home, env }
}

const start = (m: Machine, args: readonly string[]): ChildProcess =>
  spawn(process.execPath, [EXECUTABLE, ...args], { env: m.env, cwd: m.home, stdio: ['ignore', 'pipe', 'pipe'] })

function finished(child: ChildProcess): Promise<Ran> {
  let [out, err] = ['', '']
  child.stdout?.on('data', chunk => {
    out += chunk
  })
  child.stderr?.on('data', chunk => {
    err += chunk
  })
  return new Promise(resolve => child.once('close', code => resolve({ code, out, err })))
}

const run = (m: Machine, ...args: string[]): Promise<Ran> => finished(start(m, args))

async function ok(m: Machine, ...args: string[]): Promise<string> {
  const { code, out, err } = await run(m, ...args)
  expect({ command: args.join(' '), code, said: code ? out + err : '' }).toEqual({ command: args.join(' '), code: 0, said: '' })
  return out
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise(done => child.once('close', done))
  child.kill('SIGTERM')
  await gone
}

/** `keepwell start`, once it listens. */
async function serve(m: Machine): Promise<ChildProcess> {
  const child = start(m, ['start'])
  running.push(child)
  const url = `http://127.0.0.1:${m.env.KEEPWELL_PORT}/health`
  while (child.exitCode === null) {
    if (await fetch(url).then(r => r.ok, () => false)) return child // biome-ignore format: one thing
    await new Promise(done => setTimeout(done, 50))
  }
  throw new Error('keepwell start ended before it listened')
}

/** Whether a command runs until it is stopped. */
const serves = ([name, what = '--']: readonly string[]): boolean => name === 'gateway' && what.startsWith('--')

/** A server, stopped as soon as it listens. */
async function served(m: Machine, args: readonly string[]): Promise<Ran> {
  const child = start(m, args)
  running.push(child)
  child.stdout!.on('data', chunk => {
    if (String(chunk).includes('listening on')) child.kill('SIGTERM')
  })
  return finished(child)
}

/** The commands of the README after `npx keepwell`, as a shell would split them. */
function commands(): string[][] {
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const lines = [...readme.matchAll(/^npx keepwell ([^#\n]*)/gm)].map(([, line]) => line!.trim())
  return lines.map(line => [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!))
}

describe('the README’s commands, as they stand there, on a fresh machine', () => {
  let ada: Machine
  let clinic: Machine
  beforeAll(async () => {
    ;[ada, clinic] = await Promise.all([machine('ada'), machine('clinic')])
    mkdirSync(join(ada.home, 'health'))
    const now = Math.floor(Date.now() / 1000)
    writeFileSync(join(ada.home, 'health', 'hospital.json'), JSON.stringify(sampleBundle('readme', { resources: 120, now })))
    writeFileSync(join(ada.home, 'health', 'letter.pdf'), samplePdf('A letter'))
  })

  test('each works, in the order of the page, with the answers that another person gives in between', async () => {
    const all = commands()
    expect(all.map(c => c[0])).toEqual(expect.arrayContaining(['init', 'import', 'invite', 'share', 'audit', 'help']))
    const outputs = new Map<string, string>()
    let shown = ''
    for (const command of all) {
      const args = command.map(word => word.replace(/^~/, ada.home))
      if (command[0] === 'share') await aReaderComes(outputs.get('invite') ?? '')
      const { code, out, err } = await (serves(command) ? served(ada, args) : run(ada, ...args))
      expect({ args, code, err: code ? err : '' }).toEqual({ args, code: 0, err: '' })
      outputs.set(command[0]!, out)
      if (command[0] === 'init') shown = err
      if (command[0] === 'share') await ok(clinic, 'read', '--person', 'Dr. West', '--all')
    }
    expect(shown.match(/\b\d+ +[a-z]{3,8}\b/g), 'the 24 words are shown, beside the output and not in it').toHaveLength(24)
    expect(outputs.get('audit')).toMatch(/Clinic West/)
    expect(outputs.get('audit')).toMatch(/Dr\. West/)
    await ok(ada, 'verify', '--all')
    await ok(ada, 'doctor')
  })

  /** `they run: keepwell join LINK` */
  async function aReaderComes(invitation: string): Promise<void> {
    const link = /keepwell:invite#\S+/.exec(invitation)?.[0]
    expect(link, 'an invitation is printed').toBeDefined()
    await serve(ada)
    await ok(clinic, 'init', '--name', 'Clinic West')
    await serve(clinic)
    await ok(clinic, 'join', link!)
    await ok(ada, 'sync')
  }
})

test('npm run demo plays the whole story, and every proof holds', async () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
  expect(scripts.demo).toMatch(/cli\/bin\/keepwell\.js demo$/)
  const m = await machine('demo')
  const said = await ok(m, 'demo')
  const checks = said.split('\n').filter(line => line.includes('✓')).length
  expect(checks).toBeGreaterThan(20)
  expect(said).toContain(`All ${checks} checks held`)
})

/** Bytes of the database of the home's own relay. */
const held = (m: Machine): number =>
  ['', '-wal'].reduce((sum, end) => {
    const file = join(m.home, '.keepwell', 'relay', `envelopes.sqlite${end}`)
    return sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0)
  }, 0)

const ROUNDS = DEEP ? 12 : 1

test(
  'an import that is killed at any moment and run again takes everything once',
  async () => {
    const m = await machine('killed')
    await ok(m, 'init', '--name', 'Ada Example')
    const file = join(m.home, 'large.json')
    const resources = 1500
    writeFileSync(file, JSON.stringify(sampleBundle('killed', { resources, now: Math.floor(Date.now() / 1000) })))
    for (let round = 0; round < ROUNDS; round++) {
      const child = start(m, ['import', file])
      const over = finished(child)
      const before = held(m)
      while (held(m) < before + 300_000 && child.exitCode === null) await new Promise(done => setTimeout(done, 1))
      await new Promise(done => setTimeout(done, (710 + round * 430) % 1600))
      child.kill('SIGKILL')
      await over
    }
    const last = await ok(m, 'import', '--json', file)
    const there = Number(/"already-there": ?(\d+)/.exec(last)?.[1])
    console.info(`after ${ROUNDS} kills ${there} of ${resources} were there`)
    expect(there, 'the kills came in the midst').toBeGreaterThan(0)
    const again = await ok(m, 'import', '--json', file)
    expect(again).toMatch(new RegExp(`"already-there": ?${resources}\\b`))
    const { total } = JSON.parse(await ok(m, 'list', '--json')) as { total: number }
    expect(total, 'nothing is lost and nothing is there twice').toBe(resources)
    await ok(m, 'verify')
  },
  300_000 + ROUNDS * 20_000,
)
