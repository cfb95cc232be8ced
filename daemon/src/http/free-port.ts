import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'
import { KeepwellError } from '@keepwell/sdk/base/error'

/** Below what a system gives out by itself, to whoever connects or listens at any port: on Linux from 32768, elsewhere from 49152 (RFC 6335). */
const FIRST = 20_000
const LAST = 32_000
let next = randomInt(FIRST, LAST)

/**
 * A port that is free, for when the URL must be known before anything listens. Nobody who asks for any port is given it meanwhile. Throws LOCKED
 * when there is none.
 */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  for (let tried = FIRST; tried < LAST; tried++) {
    const port = next
    next = port + 1 < LAST ? port + 1 : FIRST
    if (await isFree(host, port)) return port
  }
  throw new KeepwellError('LOCKED', 'No port is free.')
}

const TAKEN = ['EADDRINUSE', 'EACCES']

const isFree = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (e: NodeJS.ErrnoException) => (TAKEN.includes(e.code ?? '') ? resolve(false) : reject(e)))
    probe.listen(port, host, () => probe.close(() => resolve(true)))
  })
