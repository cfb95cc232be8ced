import { execFileSync, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pagedRandom } from '@keepwell/adapters/base/random'
import { openSqliteCatalog } from '@keepwell/adapters/catalog/sqlite'
import { openNetwork } from '@keepwell/adapters/relay/network'
import { initRelayHome } from '@keepwell/daemon/bin/home'
import { openRelayHome, type RelayHome } from '@keepwell/daemon/bin/relay'
import { relayFolder } from '@keepwell/daemon/bin/start'
import { readConfig } from '@keepwell/daemon/config/config'
import { freePort } from '@keepwell/daemon/http/free-port'
import { join as answer, invite } from '@keepwell/sdk/actions/access/invite'
import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { createVault } from '@keepwell/sdk/actions/vault/create-vault'
import type { Network } from '@keepwell/sdk/ports/relay'

export const clock = (): number => Math.floor(Date.now() / 1000)
export const random = pagedRandom()

export type BenchHome = {
  readonly dir: string
  readonly url: string
  readonly network: Network
  /** A party with its vault at this home. */
  person(name: string): Promise<Ctx>
  /** Stops, and removes the folder. */
  close(): Promise<void>
  /** Stops, and leaves the folder to whoever removes it. */
  leave(): Promise<{ readonly dir: string; remove(): Promise<void> }>
}

const folder = (): Promise<string> => mkdtemp(join(tmpdir(), 'bench-home-'))

/** A real home in a folder of its own: embedded ledger, blocks, envelopes and log, all on disk, the relay in this process. */
export async function benchHome(env: Env = {}, time = clock): Promise<BenchHome & { readonly home: RelayHome }> {
  const dir = await folder()
  const config = readConfig({ KEEPWELL_HOME: dir, KEEPWELL_PORT: '18787', ...env })
  await initRelayHome({ dir: relayFolder(config), random, clock: time })
  const home = await openRelayHome({ dir: relayFolder(config), config, clock: time })
  const network = openNetwork({ local: { url: home.url, relay: home.relay, ledger: home.ledger } })
  return { ...peopled({ dir, url: home.url, network, time }, () => home.close()), home }
}

/** The same home served over HTTP by a process of its own. `cpu` is what that process used so far, in seconds; NaN beyond Linux. */
export async function servedHome(env: Env = {}): Promise<BenchHome & { readonly pid: number; cpu(): number }> {
  const dir = await folder()
  const server = await serve(dir, env)
  return { ...peopled({ dir, url: server.url, network: openNetwork(), time: clock }, server.stop), pid: server.pid, cpu: server.cpu }
}

type Env = Readonly<Record<string, string>>
/** A benchmark is one caller at one address, and asks more than a person does. */
const UNLIMITED = { KEEPWELL_RATE_PER_ADDRESS: '100000', KEEPWELL_RATE_PER_CALLER: '100000', KEEPWELL_LOG: 'errors' }

/** The command as a person types it, with what its first line gives Node. */
export const KEEPWELL = ((program: string): string[] => {
  const [first = ''] = readFileSync(program, 'utf8').split('\n', 1)
  return [...first.split(' ').filter(word => word.startsWith('--')), program]
})(fileURLToPath(new URL('../cli/bin/keepwell.js', import.meta.url)))

/** `keepwell start` on `dir`, making the home when there is none; ready when its status page came back. */
export async function serve(dir: string, env: Env = {}) {
  const port = String(await freePort())
  const url = `http://127.0.0.1:${port}`
  const child = spawn(process.execPath, [...profiling('relay'), ...KEEPWELL, 'start'], {
    env: { PATH: process.env.PATH, KEEPWELL_HOME: dir, KEEPWELL_PORT: port, ...UNLIMITED, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
  while (!(await fetch(url).catch(() => null))?.ok) {
    if (child.exitCode !== null) throw new Error(`The relay ended with ${child.exitCode}.`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  return {
    url,
    pid: child.pid!,
    cpu: () => processorSeconds(child.pid!),
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** With `BENCH_PROFILE=DIR`, what makes a process write a CPU profile of each of its threads there when it ends. */
export const profiling = (name: string): string[] =>
  process.env.BENCH_PROFILE ? ['--cpu-prof', `--cpu-prof-dir=${process.env.BENCH_PROFILE}/${name}`, '--import', ENDS] : []
/** A process that a signal kills writes no profile. */
const ENDS = 'data:text/javascript,process.once("SIGTERM",()=>process.listenerCount("SIGTERM")||process.exit())'

/** What a process and all its threads used so far, in seconds; NaN beyond Linux. */
export function processorSeconds(pid: number | 'self'): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')
    return (Number(fields[11]) + Number(fields[12])) / 100
  } catch {
    return Number.NaN
  }
}

/** Gives each of some processes, with all its threads, a core of its own; gives what undoes that. Null where it cannot be done. */
export function apart(pids: readonly number[]): (() => void) | null {
  const cores = cpus().length
  const place = (pid: number, on: string): void => void execFileSync('taskset', ['-a', '-c', '-p', on, String(pid)], { stdio: 'ignore' })
  if (cores < pids.length) return null
  try {
    for (const [core, pid] of pids.entries()) place(pid, String(core))
  } catch {
    return null
  }
  return () => {
    for (const pid of pids) place(pid, `0-${cores - 1}`)
  }
}

/** Resident memory in MB, now and at its highest; NaN beyond Linux. */
export function residentMemory(pid: number | 'self'): { now: number; peak: number } {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const of = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1000
    return { now: of('VmRSS'), peak: of('VmHWM') }
  } catch {
    return { now: Number.NaN, peak: Number.NaN }
  }
}

type Place = Pick<BenchHome, 'dir' | 'url' | 'network'> & { readonly time: () => number }

function peopled({ dir, url, network, time }: Place, stop: () => Promise<void>): BenchHome {
  const catalogs: { close(): Promise<void> }[] = []
  const leave = async () => {
    for (const catalog of catalogs) await catalog.close()
    await stop()
    return { dir, remove: () => rm(dir, { recursive: true, force: true }) }
  }
  return {
    dir,
    url,
    network,
    async person(name) {
      const base = { clock: time, random, network }
      const { session } = await createVault(base, { name, relay: url, deviceName: 'bench' })
      const catalog = await openSqliteCatalog({ file: join(dir, `${name}.sqlite`) })
      catalogs.push(catalog)
      return { ...base, catalog, session }
    },
    leave,
    close: async () => (await leave()).remove(),
  }
}

/** Lets two parties know and trust each other. */
export async function introduce(one: Ctx, other: Ctx): Promise<void> {
  await answer(other, await invite(one))
  await receiveMessages(one)
}
