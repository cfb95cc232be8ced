import { execFile } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '@keepwell/daemon/http/free-port'

const run = promisify(execFile)
const INSTALLED = '/usr/lib/postgresql'

/** Folder of a PostgreSQL server's programs, newest first, or null: `KEEPWELL_POSTGRES_BIN`, Debian's place, or the PATH. */
export function postgresBin(): string | null {
  const versions = existsSync(INSTALLED) ? readdirSync(INSTALLED).sort((a, b) => Number(b) - Number(a)) : []
  const places = [
    process.env.KEEPWELL_POSTGRES_BIN ?? '',
    ...versions.map(v => join(INSTALLED, v, 'bin')),
    ...(process.env.PATH ?? '').split(':'),
  ]
  return places.find(dir => dir && existsSync(join(dir, 'initdb')) && existsSync(join(dir, 'pg_ctl'))) ?? null
}

export type Postgres = {
  readonly url: string
  /** Where all its files are. */
  readonly dir: string
  /** Ends the server as a power cut would, and starts it again. */
  crash(): Promise<void>
  stop(): Promise<void>
}

/**
 * A throwaway PostgreSQL cluster in a temporary directory, on a free loopback port, gone after `stop`. Throws when no server is installed.
 * The server refuses to run as root; then it runs as the user `postgres`.
 */
export async function startPostgres(): Promise<Postgres> {
  const bin = postgresBin()
  if (!bin) throw new Error('No PostgreSQL server is installed: apt-get install postgresql, or set KEEPWELL_POSTGRES_BIN.')
  const dir = mkdtempSync(join(tmpdir(), 'keepwell-postgres-'))
  const asRoot = process.getuid?.() === 0
  const as = (program: string, args: string[]) =>
    asRoot
      ? run('runuser', ['-u', 'postgres', '--', join(bin, program), ...args], { cwd: dir })
      : run(join(bin, program), args, { cwd: dir })
  if (asRoot) chownSync(dir, ...(await idsOf('postgres')))
  const data = join(dir, 'data')
  await as('initdb', ['-D', data, '-U', 'keepwell', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'])
  const port = await freePort()
  const options = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${dir} -c shared_buffers=32MB -c max_connections=60`
  const start = () => as('pg_ctl', ['-D', data, '-w', '-l', join(dir, 'log'), '-o', options, 'start'])
  await start()
  return {
    url: `postgres://keepwell@127.0.0.1:${port}/postgres`,
    dir,
    async crash() {
      await as('pg_ctl', ['-D', data, '-w', '-m', 'immediate', 'stop'])
      await start()
    },
    async stop() {
      await as('pg_ctl', ['-D', data, '-w', '-m', 'fast', 'stop']).catch(() => {})
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** Runs `work` with a server of its own. */
export async function withPostgres<T>(work: (url: string) => Promise<T>): Promise<T> {
  const server = await startPostgres()
  try {
    return await work(server.url)
  } finally {
    await server.stop()
  }
}

async function idsOf(user: string): Promise<[number, number]> {
  const [uid, gid] = await Promise.all([run('id', ['-u', user]), run('id', ['-g', user])])
  return [Number(uid.stdout), Number(gid.stdout)]
}
