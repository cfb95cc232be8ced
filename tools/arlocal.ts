import { spawn } from 'node:child_process'
import { freePort } from '@keepwell/daemon/http/free-port'
import { packageOf } from './npm.ts'

export const hasArlocal = (): boolean => packageOf('arlocal') !== null

export type Arlocal = { readonly origin: string; stop(): Promise<void> }

/**
 * The Arweave gateway of the client's makers for one machine, with its data in `folder`: it checks signatures, ids and data roots, keeps balances, and
 * mines when /mine is asked for. It may not answer at once. Null when it is not here.
 */
export async function startArlocal(folder: string): Promise<Arlocal | null> {
  const program = packageOf('arlocal')
  if (!program) return null
  const port = await freePort()
  const args = [`${program}/bin/index.js`, `${port}`, '--hidelogs', '--dbpath', 'arlocal']
  const server = spawn(process.execPath, args, { cwd: folder, stdio: 'ignore' })
  const ended = new Promise<void>(resolve => server.once('exit', () => resolve()))
  const stop = (): Promise<void> => {
    server.kill('SIGKILL')
    return ended
  }
  return { origin: `http://127.0.0.1:${port}`, stop }
}
