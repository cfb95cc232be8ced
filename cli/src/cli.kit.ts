import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { movedClock } from '@keepwell/daemon/bin/moved-clock.kit'
import { freePort as portThatIsFree } from '@keepwell/daemon/http/free-port'
import type { Io } from './io.ts'
import { run } from './run.ts'

/** For tests: the real executable, in processes of its own. */
export const EXECUTABLE = fileURLToPath(new URL('../bin/keepwell.js', import.meta.url))

export type Ran = { readonly code: number; readonly out: string; readonly err: string }

/** No settings of whoever runs the tests leak into the commands. */
const clean = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).flatMap(([k, v]) =>
      v !== undefined && !k.startsWith('KEEPWELL_') && k !== 'NODE_OPTIONS' ? [[k, v]] : [],
    ),
  )

export type Desk = {
  readonly dir: string
  run(...args: string[]): Promise<Ran>
  /** Runs with --json; fails unless the code is the expected one. Several lines become a list. */
  // biome-ignore lint/suspicious/noExplicitAny: the tests read what they name
  json(...args: string[]): Promise<any>
  /** Starts a server and waits until it listens. */
  serve(...args: string[]): Promise<{ stop(): Promise<number> }>
}

const jsonOf =
  (run: Desk['run']): Desk['json'] =>
  async (...args) => {
    const { code, out, err } = await run(...args, '--json')
    if (code !== 0) throw new Error(`keepwell ${args.join(' ')} ended with ${code}: ${err}`)
    const lines = out.trim().split('\n')
    return lines.length === 1 ? JSON.parse(lines[0]!) : lines.map(l => JSON.parse(l))
  }

/** One person at one home. */
export function desk(dir: string, env: Readonly<Record<string, string>> = {}, node = process.execPath): Desk {
  const start = (args: readonly string[]): ChildProcess =>
    spawn(node, [EXECUTABLE, ...args], { env: { ...clean(), KEEPWELL_HOME: dir, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  const run = (...args: string[]): Promise<Ran> =>
    new Promise((resolve, reject) => {
      const child = start(args)
      const out: Buffer[] = []
      const err: Buffer[] = []
      child.stdout!.on('data', d => out.push(d))
      child.stderr!.on('data', d => err.push(d))
      child.on('error', reject)
      child.on('close', code => resolve({ code: code ?? -1, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() }))
    })
  return {
    dir,
    run,
    json: jsonOf(run),
    serve(...args) {
      const child = start(args)
      const ended = new Promise<number>(resolve => child.on('close', code => resolve(code ?? -1)))
      return new Promise((resolve, reject) => {
        let said = ''
        const hear = (d: Buffer): void => {
          said += d
          if (/listening on|looked after/.test(said))
            resolve({
              stop() {
                child.kill('SIGTERM')
                return ended
              },
            })
        }
        child.stdout!.on('data', hear)
        child.stderr!.on('data', (d: Buffer) => {
          said += d
        })
        void ended.then(code => reject(new Error(`the server ended with ${code}: ${said}`)))
      })
    },
  }
}

/** Runs a command in this process at that home, so many seconds from now: a time lock, or a term of years, is not waited for. */
export async function later(seconds: number, env: Readonly<Record<string, string>>, ...argv: string[]): Promise<Ran> {
  const out: Buffer[] = []
  let err = ''
  const io: Io = {
    env,
    clock: () => Math.floor(Date.now() / 1000) + seconds,
    random: n => new Uint8Array(randomBytes(n)),
    signal: new AbortController().signal,
    terminal: { out: false, ask: false },
    print(line) {
      out.push(Buffer.from(`${line}\n`))
    },
    async write(bytes) {
      out.push(Buffer.from(bytes))
    },
    note(line) {
      err += `${line}\n`
    },
    progress() {},
    ask: async () => '',
    askSecret: async () => '',
    async end() {},
  }
  const code = await run(io, argv)
  return { code, out: Buffer.concat(out).toString(), err }
}

/**
 * The same desk, where what is typed runs in this process: a tenth of the time, and all of the program but its first two lines. Servers are
 * processes of their own still. What is done there is done `ahead` seconds later.
 */
export function seat(dir: string, env: Readonly<Record<string, string>> = {}, ahead = 0): Desk {
  const run = (...argv: string[]) => later(ahead, { KEEPWELL_HOME: dir, ...env }, ...argv)
  return { dir, run, json: jsonOf(run), serve: desk(dir, { ...env, ...(ahead ? movedClock(ahead) : {}) }).serve }
}

export function temporary(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'keepwell-cli-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

export const freePort = portThatIsFree
