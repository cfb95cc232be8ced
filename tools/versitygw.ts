import { spawn } from 'node:child_process'
import { freePort } from '@keepwell/daemon/http/free-port'
import { findGoProgram, provideGoProgram } from './go.ts'

/** An S3 server over a folder, by others: the version our tests were written against. */
const SOURCE = 'github.com/versity/versitygw/cmd/versitygw@v1.8.0'

export const findVersitygw = (): string | null => findGoProgram(SOURCE)
export const provideVersitygw = (): string | null => provideGoProgram(SOURCE)

export type S3Keys = { readonly accessKeyId: string; readonly secretAccessKey: string }
export type Versitygw = { readonly origin: string; stop(): Promise<void> }

/** Serves a folder on loopback: a bucket is a folder in it. It may not answer at once. Null when there is no such server here. */
export async function startVersitygw(folder: string, keys: S3Keys): Promise<Versitygw | null> {
  const program = findVersitygw()
  if (!program) return null
  const address = `127.0.0.1:${await freePort()}`
  const access = ['--access', keys.accessKeyId, '--secret', keys.secretAccessKey]
  const server = spawn(program, [...access, '--port', address, '--quiet', 'posix', folder], { stdio: 'ignore' })
  const ended = new Promise<void>(resolve => server.once('exit', () => resolve()))
  const stop = (): Promise<void> => {
    server.kill()
    return ended
  }
  return { origin: `http://${address}`, stop }
}
