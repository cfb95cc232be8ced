import { connect } from 'node:net'
import { performance } from 'node:perf_hooks'

// Load on an HTTP server, over kept connections and plain sockets: a client library costs as much as the servers measured here, and would be
// what is measured. It is a process of its own, with next to nothing in memory and nothing made for a request but what its socket makes: beside
// the sample, V8 would look through all of that now and then, and the answers that waited meanwhile would count as the server's.

export type Work = {
  readonly host: string
  readonly port: number
  /** Whole requests, and the sequence in which they are sent, over and over. */
  readonly requests: readonly Uint8Array[]
  readonly order: Uint16Array
  readonly how: How
}

/** So many who each wait for their answer; or so many a second, waiting for nobody. */
export type How = { readonly seconds: number } & ({ readonly clients: number } | { readonly rate: number })

/** How many were answered; at a rate, milliseconds from when each was due until its answer was there. */
export type Done = { readonly done: number; readonly late: Float64Array }

const END = Buffer.from('\r\n\r\n')

/** Where a body in chunks (RFC 9112 §7.1) ends; null while it is not all there. */
function chunksEnd(held: Buffer, from: number): number | null {
  for (let at = from; ; ) {
    const line = held.indexOf('\r\n', at)
    if (line < 0) return null
    const size = Number.parseInt(held.toString('latin1', at, line), 16)
    at = line + 2 + size + 2
    if (held.length < at) return null
    if (size === 0) return at
  }
}

/** Where an answer ends; null while it is not all there. Throws when its head does not tell. */
function endOf(held: Buffer): number | null {
  const end = held.indexOf(END)
  if (end < 0) return null
  const head = held.toString('latin1', 0, end)
  const from = end + END.length
  if (/\r\ntransfer-encoding: chunked/i.test(head)) return chunksEnd(held, from)
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
  if (length === undefined) throw new Error('An answer does not state its length.')
  return held.length < from + Number(length) ? null : from + Number(length)
}

type Line = { request: number; send(request: Uint8Array): void; close(): void }
type Told = { answered(line: Line, status: number): void; closed(line: Line, error: Error | null): void }

/** One kept connection, one question at a time. */
function openLine({ host, port }: Work, { answered, closed }: Told): Line {
  let held: Buffer = Buffer.alloc(0)
  let failure: Error | null = null
  // One buffer for all that comes: a new one for each answer would be looked for among all others.
  const buffer = Buffer.allocUnsafe(64 << 10)
  const socket = connect({ host, port, noDelay: true, onread: { buffer, callback: arrived } })
  function arrived(length: number): boolean {
    const chunk = buffer.subarray(0, length)
    held = held.length ? Buffer.concat([held, chunk]) : chunk
    try {
      const end = endOf(held)
      if (end === null) {
        // What is not a whole answer waits elsewhere.
        if (held.buffer === buffer.buffer) held = Buffer.from(held)
        return true
      }
      const status = Number(held.toString('latin1', 9, 12))
      held = held.subarray(end)
      answered(line, status)
    } catch (e) {
      socket.destroy(e as Error)
    }
    return true
  }
  socket.on('error', e => {
    failure = e
  })
  socket.on('close', () => closed(line, failure))
  const line: Line = { request: NONE, send: request => void socket.write(request), close: () => void socket.destroy() }
  return line
}

const NONE = -1
const MAX_LINES = 64

/** Lines to the server; another is opened when all carry something. */
function openLines(work: Work, answered: (request: number) => void, failed: (error: Error) => void) {
  const open = new Set<Line>()
  const idle: Line[] = []
  const told: Told = {
    answered(line, status) {
      if (status !== 200 && status !== 201) return failed(new Error(`A request was answered with ${status}.`))
      const { request } = line
      line.request = NONE
      idle.push(line)
      answered(request)
    },
    closed(line, error) {
      open.delete(line)
      // A server ends connections that nobody uses.
      if (line.request === NONE) idle.splice(idle.indexOf(line), 1)
      else failed(error ?? new Error('The connection was closed.'))
    },
  }
  function another(): Line {
    const line = openLine(work, told)
    open.add(line)
    return line
  }
  return {
    free: (): boolean => idle.length > 0 || open.size < MAX_LINES,
    send(request: number): void {
      const line = idle.pop() ?? another()
      line.request = request
      line.send(work.requests[work.order[request % work.order.length]!]!)
    },
    close(): void {
      for (const line of open) line.close()
    },
  }
}

function run(work: Work): Promise<Done> {
  const { how } = work
  const { promise, resolve, reject } = Promise.withResolvers<Done>()
  const started = performance.now()
  const end = started + how.seconds * 1000
  const rate = 'rate' in how ? how.rate : null
  const late = new Float64Array(rate === null ? 0 : Math.floor(rate * how.seconds))
  const dueAt = (request: number): number => started + (request * 1000) / rate!
  let [sent, done] = [0, 0]
  const isDue = (now: number): boolean =>
    rate === null ? now < end && sent - done < (how as { clients: number }).clients : sent < late.length && dueAt(sent) <= now
  const isOver = (now: number): boolean => (rate === null ? now >= end : sent === late.length)
  const lines = openLines(
    work,
    request => {
      const now = performance.now()
      if (rate !== null) late[request] = now - dueAt(request)
      done++
      pump(now)
    },
    reject,
  )
  function pump(now: number): void {
    while (isDue(now) && lines.free()) lines.send(sent++)
    if (isOver(now) && done === sent) resolve({ done, late })
  }
  // A loop that spins would take a core from the servers; up to a millisecond late counts as theirs.
  const timer = setInterval(() => pump(performance.now()), 1)
  return promise.finally(() => {
    clearInterval(timer)
    lines.close()
  })
}

process.on('message', async (work: Work) => {
  process.send?.(await run(work).catch((e: unknown) => ({ error: (e as Error).message })))
})
process.on('disconnect', () => process.exit())
