import { randomInt } from 'node:crypto'
import { createServer, type Server } from 'node:net'
import { KeepwellError } from '@keepwell/sdk/base/error'

/** Below what a system gives out by itself, to whoever connects or listens at any port: on Linux from 32768, elsewhere from 49152 (RFC 6335). */
const FIRST = 20_000
const LAST = 32_000
/** Each thread gives ports out of a block of its own, whose first it listens at: what one closes and opens again nobody else is given meanwhile. */
const BLOCK = 100
let block: number | null = null
let given = 0
let turn: Promise<unknown> = Promise.resolve()

/**
 * A port that is free, for when the URL must be known before anything listens. Nobody who asks for any port is given it meanwhile. Throws LOCKED
 * when there is none.
 */
export function freePort(host = '127.0.0.1'): Promise<number> {
  const found = turn.then(() => find(host))
  turn = found.catch(() => {})
  return found
}

async function find(host: string): Promise<number> {
  block ??= await ownBlock()
  for (let tried = 1; tried < BLOCK; tried++) {
    const port = block + 1 + (given++ % (BLOCK - 1))
    const probe = await listening(host, port)
    if (!probe) continue
    await new Promise<void>(resolve => probe.close(() => resolve()))
    return port
  }
  throw new KeepwellError('LOCKED', 'No port is free.')
}

async function ownBlock(): Promise<number> {
  const blocks = (LAST - FIRST) / BLOCK
  const some = randomInt(blocks)
  for (let tried = 0; tried < blocks; tried++) {
    const first = FIRST + ((some + tried) % blocks) * BLOCK
    const held = await listening('127.0.0.1', first)
    held?.unref()
    if (held) return first
  }
  throw new KeepwellError('LOCKED', 'No port is free.')
}

const TAKEN = ['EADDRINUSE', 'EACCES']

/** Null where somebody else listens. */
const listening = (host: string, port: number): Promise<Server | null> =>
  new Promise((resolve, reject) => {
    const server = createServer(socket => socket.destroy())
    server.once('error', (e: NodeJS.ErrnoException) => (TAKEN.includes(e.code ?? '') ? resolve(null) : reject(e)))
    server.listen(port, host, () => resolve(server))
  })
