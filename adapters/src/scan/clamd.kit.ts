import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

/** A marker that is no malware anywhere but in the test's own signatures. */
export const MARKER = 'KEEPWELL-TEST-MARKER-0f2b61c7-NOT-MALWARE'
export const NAME = 'Keepwell.Test.Marker'

const PROGRAM = ['/usr/sbin/clamd', '/usr/local/sbin/clamd'].find(path => {
  try {
    readFileSync(path)
    return true
  } catch {
    return false
  }
})

export const noClamd: false | string = PROGRAM ? false : 'there is no clamd here (Debian: clamav-daemon)'
if (noClamd) console.warn(`scanning is not tested: ${noClamd}`)

export type Daemon = { readonly socket: string; stop(): Promise<void>; start(): Promise<void>; close(): Promise<void> }

/** ClamAV's own daemon on a socket of its own, with one signature: freshclam would want the network. */
export async function startClamd(): Promise<Daemon> {
  const dir = mkdtempSync(join(tmpdir(), 'keepwell-clamd-'))
  chmodSync(dir, 0o755)
  const socket = join(dir, 'clamd.ctl')
  // Any type of file, at any place, these bytes (ClamAV's extended signature format).
  writeFileSync(join(dir, 'own.ndb'), `${NAME}:0:*:${Buffer.from(MARKER).toString('hex')}\n`)
  const config = [
    'Foreground yes',
    `DatabaseDirectory ${dir}`,
    `LocalSocket ${socket}`,
    'StreamMaxLength 4M',
    'MaxThreads 4',
    'SelfCheck 0',
  ]
  // Whoever runs the tests, for a folder that is theirs.
  config.push(`User ${execFileSync('id', ['-un'], { encoding: 'utf8' }).trim()}`)
  writeFileSync(join(dir, 'clamd.conf'), `${config.join('\n')}\n`)
  let child: ChildProcess
  const ended = (c: ChildProcess): Promise<void> => new Promise(done => (c.exitCode === null ? c.once('exit', () => done()) : done()))
  const start = async (): Promise<void> => {
    child = spawn(PROGRAM!, ['--config-file', join(dir, 'clamd.conf')], { stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    child.stdout!.on('data', data => (said += data))
    child.stderr!.on('data', data => (said += data))
    while (!(await answers(socket))) {
      if (child.exitCode !== null) throw new Error(`clamd ended: ${said}`)
      await pause(50)
    }
  }
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    await ended(child)
  }
  await start()
  return {
    socket,
    start,
    stop,
    async close() {
      await stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

const answers = (path: string): Promise<boolean> =>
  new Promise(done => {
    const socket = connect(path)
    socket.on('error', () => done(false))
    socket.on('data', data => {
      done(data.toString().startsWith('PONG'))
      socket.destroy()
    })
    socket.on('connect', () => socket.write('zPING\0'))
  })
