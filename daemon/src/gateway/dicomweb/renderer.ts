import { Worker } from 'node:worker_threads'
import { type ErrorCode, ensure, KeepwellError } from '@keepwell/sdk/base/error'
import type { Task } from './render-task.ts'
import type { Reply } from './render-worker.ts'

export type Renderer = {
  /** Throws UNREADABLE (also when decoding took too long), NOT_SUPPORTED, TOO_LARGE, RATE_LIMITED when too many wait. */
  run(task: Task): Promise<Uint8Array>
  close(): Promise<void>
}

export type RenderLimits = { readonly seconds: number; readonly megabytes: number; readonly waiting: number }
export const RENDER_LIMITS: RenderLimits = { seconds: 20, megabytes: 1024, waiting: 64 }

/** One thread, made when it is first needed and made anew when a task broke it. Tasks run one after another. */
export function renderer(limits: RenderLimits = RENDER_LIMITS, script: URL = new URL('./render-worker.ts', import.meta.url)): Renderer {
  let worker: Worker | null = null
  let last: Promise<unknown> = Promise.resolve()
  let waiting = 0

  const start = (): Worker => {
    const made = new Worker(script, { resourceLimits: { maxOldGenerationSizeMb: limits.megabytes }, execArgv: [] })
    made.unref()
    // A thread that dies while nothing is asked of it has nobody to tell.
    made.on('error', () => {})
    return made
  }

  const once = (task: Task): Promise<Uint8Array> =>
    new Promise((resolve, reject) => {
      const mine = worker ?? start()
      worker = mine
      const settle = (outcome: () => void, broken: boolean) => {
        clearTimeout(timer)
        mine.off('message', told)
        mine.off('error', failed)
        mine.off('exit', failed)
        if (broken) {
          worker = null
          void mine.terminate()
        }
        outcome()
      }
      const fail = (message: string) => settle(() => reject(new KeepwellError('UNREADABLE', message)), true)
      const failed = () => fail('The pixel data cannot be decoded.')
      const told = (reply: Reply) =>
        settle(() => ('bytes' in reply ? resolve(reply.bytes) : reject(new KeepwellError(reply.code as ErrorCode, reply.message))), false)
      const timer = setTimeout(() => fail('Decoding the pixel data took too long.'), limits.seconds * 1000)
      mine.on('error', failed)
      mine.on('exit', failed)
      mine.on('message', told)
      mine.postMessage(task)
    })

  return {
    async run(task) {
      ensure(waiting < limits.waiting, 'RATE_LIMITED', 'Too many images are being drawn; retry in a moment.')
      waiting++
      const mine = last.then(() => once(task))
      last = mine.catch(() => {})
      try {
        return await mine
      } finally {
        waiting--
      }
    },
    async close() {
      const old = worker
      worker = null
      await old?.terminate()
    },
  }
}
