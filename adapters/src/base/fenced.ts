import { Worker } from 'node:worker_threads'
import { type ErrorCode, KeepwellError } from '@keepwell/sdk/base/error'

/** What a fenced thread answers (`fenced-thread.ts` writes it). */
export type FencedReply = { readonly value?: unknown; readonly failed?: { readonly code: ErrorCode; readonly message: string } }

export type Fenced<In, Out> = {
  /** One call at a time; others wait their turn. Throws what the work threw, or UNREADABLE when it took too long, too much memory, or fell. */
  run(input: In): Promise<Out>
  close(): Promise<void>
}

export type Fence = {
  /** The thread's module; it calls `serveFenced`. */
  readonly module: URL
  readonly milliseconds: number
  readonly megabytes: number
}

/**
 * Work on foreign bytes behind a fence: on a thread of its own, with a limit of time and memory, ended and begun anew when it passes one.
 * What crashes or loops there costs its own call, not the process.
 */
export function fenced<In, Out>({ module, milliseconds, megabytes }: Fence): Fenced<In, Out> {
  let worker: Worker | null = null
  let turn: Promise<unknown> = Promise.resolve()
  const start = (): Worker => {
    const made = new Worker(module, { resourceLimits: { maxOldGenerationSizeMb: megabytes }, stdout: true, stderr: true })
    made.unref()
    // An error after the last answer must not be unhandled.
    made.on('error', () => {})
    // What a library prints may hold what it reads.
    made.stdout.resume()
    made.stderr.resume()
    return made
  }
  const end = async (): Promise<void> => {
    const old = worker
    worker = null
    await old?.terminate()
  }
  const ask = (input: In): Promise<Out> =>
    new Promise((resolve, reject) => {
      worker ??= start()
      const mine = worker
      const fail = (why: string, cause?: unknown): void => {
        settle()
        void end().then(() => reject(new KeepwellError('UNREADABLE', why, { cause })))
      }
      const answer = ({ value, failed }: FencedReply): void => {
        settle()
        if (failed) reject(new KeepwellError(failed.code, failed.message))
        else resolve(value as Out)
      }
      const fell = (cause: unknown): void => fail('Reading it ended the thread that did so.', cause)
      const left = (): void => fail('Reading it ended the thread that did so.')
      const timer = setTimeout(() => fail(`Reading it took longer than ${milliseconds / 1000} seconds.`), milliseconds)
      const settle = (): void => {
        clearTimeout(timer)
        mine.off('message', answer).off('error', fell).off('exit', left)
      }
      mine.on('message', answer).on('error', fell).on('exit', left)
      mine.postMessage(input)
    })
  return {
    run(input) {
      const mine = turn.then(() => ask(input))
      turn = mine.catch(() => {})
      return mine
    },
    async close() {
      await turn
      await end()
    },
  }
}
