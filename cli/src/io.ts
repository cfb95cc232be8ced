import { createInterface } from 'node:readline/promises'
import { pagedRandom } from '@keepwell/adapters/base/random'
import type { RandomBytes } from '@keepwell/sdk/base/bytes'
import { KeepwellError } from '@keepwell/sdk/base/error'
import type { Clock } from '@keepwell/sdk/ports/clock'

/** Everything a command may touch of its process. */
export type Io = {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly random: RandomBytes
  /** Aborts when the person presses Ctrl-C or the process is told to stop. */
  readonly signal: AbortSignal
  /** Whether a person reads standard output, and whether one can be asked. */
  readonly terminal: { readonly out: boolean; readonly ask: boolean }
  print(line: string): void
  write(bytes: Uint8Array): Promise<void>
  /** To standard error: notes and progress, never results. */
  note(line: string): void
  /** Replaces the progress line; shown on terminals only. Empty clears it. */
  progress(line: string): void
  ask(question: string): Promise<string>
  askSecret(question: string): Promise<string>
  end(): Promise<void>
}

export function processIo(): Io {
  const { stdin, stdout, stderr } = process
  const stopping = new AbortController()
  const stop = (): void => {
    // The second Ctrl-C ends the process at once.
    if (stopping.signal.aborted) process.exit(130)
    stopping.abort()
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  // A reader that went away (`| head`) ends the command, without a trace of errors.
  stdout.on('error', e => process.exit((e as NodeJS.ErrnoException).code === 'EPIPE' ? 0 : 7))
  let shown = false
  const clear = (): void => {
    if (shown) stderr.write('\r\x1b[K')
    shown = false
  }
  const write = (bytes: Uint8Array | string): Promise<void> =>
    new Promise((resolve, reject) => stdout.write(bytes, e => (e ? reject(e) : resolve())))
  return {
    env: process.env,
    clock: () => Math.floor(Date.now() / 1000),
    random: pagedRandom(),
    signal: stopping.signal,
    terminal: { out: stdout.isTTY === true, ask: stdin.isTTY === true && stderr.isTTY === true },
    print(line) {
      clear()
      stdout.write(`${line}\n`)
    },
    write,
    note(line) {
      clear()
      stderr.write(`${line}\n`)
    },
    progress(line) {
      if (!stderr.isTTY) return
      clear()
      if (!line) return
      stderr.write(line.slice(0, (stderr.columns ?? 80) - 1))
      shown = true
    },
    ask: question => askLine(question, stopping.signal),
    askSecret: question => askHidden(question),
    async end() {
      clear()
      process.off('SIGINT', stop)
      process.off('SIGTERM', stop)
      await write('')
    },
  }
}

async function askLine(question: string, signal: AbortSignal): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return (await lines.question(question, { signal })).trim()
  } catch (cause) {
    throw new KeepwellError('CANCELLED', 'Nothing was answered.', { cause })
  } finally {
    lines.close()
  }
}

const ENTER = new Set(['\r', '\n', '\x04'])
const BACK = new Set(['\x7f', '\b'])

/** Reads one line without showing it. */
function askHidden(question: string): Promise<string> {
  const { stdin, stderr } = process
  stderr.write(question)
  stdin.setRawMode(true)
  stdin.resume()
  stdin.setEncoding('utf8')
  return new Promise((resolve, reject) => {
    let typed = ''
    const done = (): void => {
      stdin.off('data', take)
      stdin.setRawMode(false)
      stdin.pause()
      stderr.write('\n')
    }
    const take = (text: string): void => {
      for (const c of text) {
        if (c === '\x03') {
          done()
          reject(new KeepwellError('CANCELLED', 'Nothing was answered.'))
          return
        }
        if (ENTER.has(c)) {
          done()
          resolve(typed)
          return
        }
        typed = BACK.has(c) ? typed.slice(0, -1) : typed + c
      }
    }
    stdin.on('data', take)
  })
}
