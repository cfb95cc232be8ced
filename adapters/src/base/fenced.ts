import { fork } from 'node:child_process'
import { once } from 'node:events'
import { getCompileCacheDir } from 'node:module'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { type ErrorCode, ensure, KeepwellError } from '@keepwell/sdk/base/error'

/** What a fenced thread says (`fenced-thread.ts` writes it): once that it is ready, then its answers. */
export type FencedReply =
  | { readonly ready: true }
  | { readonly ready?: false; readonly value?: unknown; readonly failed?: { readonly code: ErrorCode; readonly message: string } }

export type Fenced<In, Out> = {
  /**
   * One call at a time on each thread; others wait their turn. Throws what the work threw, UNREADABLE when it took too long, too much
   * memory, or fell, and RATE_LIMITED when too many wait. What is asked is copied, so that it outlives a thread that falls.
   */
  run(input: In): Promise<Out>
  /** Calls that ended their thread. */
  readonly counts: { readonly ended: number }
  close(): Promise<void>
}

export type Fence = {
  /** The thread's module; it calls `serveFenced`. */
  readonly module: URL
  /** Of one call, once its turn has come and the thread has loaded what it needs. */
  readonly milliseconds: number
  /** Of a thread's heap; `young` of what is new in it. */
  readonly megabytes: number
  readonly young?: number
  /** At most; each is begun when those before it are busy. Default 1. */
  readonly threads?: number
  /** Calls that may wait; default: as many as come. */
  readonly waiting?: number
  /** In this process, which may fall with it: for whoever reads files of their own, and many. */
  readonly here?: boolean
}

/** A thread, here or in a process of its own. */
type Runner = {
  readonly events: Pick<Worker, 'on' | 'off'>
  post(input: unknown): void
  end(): Promise<unknown>
}

/** A thread's place; empty until it is needed, and again when a call ended it. */
type Place = { worker: Runner | null; ready: boolean }

/** Milliseconds in which a thread has loaded what it needs. */
const BEGINNING = 60_000

/**
 * Work on foreign bytes behind a fence: on threads of their own, each in a process of its own, with a limit of time and memory, ended and begun
 * anew when one passes it. What crashes or loops there costs its own call, not this process.
 */
export function fenced<In, Out>(fence: Fence): Fenced<In, Out> {
  const { module, milliseconds, megabytes, young, threads = 1, waiting = Number.POSITIVE_INFINITY } = fence
  const free: Place[] = Array.from({ length: threads }, () => ({ worker: null, ready: false }))
  const queue: ((place: Place) => void)[] = []
  const running = new Set<Promise<unknown>>()
  const counts = { ended: 0 }
  const resourceLimits = { maxOldGenerationSizeMb: megabytes, ...(young ? { maxYoungGenerationSizeMb: young } : {}) }
  const start = (): Runner => (fence.here ? threadHere(module, resourceLimits) : threadApart(module, resourceLimits))
  const end = async (place: Place): Promise<void> => {
    const old = place.worker
    place.worker = null
    place.ready = false
    await old?.end()
  }
  const enter = (): Promise<Place> => {
    // One that runs already before one that would have to be begun.
    const at = free.findLastIndex(p => p.worker)
    const place = at < 0 ? free.shift() : free.splice(at, 1)[0]
    if (place) return Promise.resolve(place)
    ensure(queue.length < waiting, 'RATE_LIMITED', 'Too much of that kind is being read; retry in a moment.')
    return new Promise(resolve => queue.push(resolve))
  }
  const leave = (place: Place): void => {
    const next = queue.shift()
    if (next) next(place)
    else free.push(place)
  }
  const ask = (place: Place, input: In): Promise<Out> =>
    new Promise((resolve, reject) => {
      place.worker ??= start()
      const mine = place.worker
      const fail = (why: string, cause?: unknown): void => {
        settle()
        counts.ended++
        void end(place).then(() => reject(new KeepwellError('UNREADABLE', why, { cause })))
      }
      const answer = (reply: FencedReply): void => {
        if (reply.ready) {
          place.ready = true
          clearTimeout(timer)
          timer = within(milliseconds)
          return
        }
        settle()
        if (reply.failed) reject(new KeepwellError(reply.failed.code, reply.failed.message))
        else resolve(reply.value as Out)
      }
      const fell = (cause: unknown): void => fail('Reading it ended the thread that did so.', cause)
      const left = (): void => fail('Reading it ended the thread that did so.')
      const within = (limit: number) => setTimeout(() => fail(`Reading it took longer than ${limit / 1000} seconds.`), limit)
      let timer = within(place.ready ? milliseconds : BEGINNING)
      const settle = (): void => {
        clearTimeout(timer)
        mine.events.off('message', answer).off('error', fell).off('exit', left)
      }
      mine.events.on('message', answer).on('error', fell).on('exit', left)
      mine.post(input)
    })
  const turn = async (input: In): Promise<Out> => {
    const place = await enter()
    try {
      return await ask(place, input)
    } finally {
      leave(place)
    }
  }
  return {
    counts,
    run(input) {
      const mine = turn(input)
      const settled = mine.then(
        () => {},
        () => {},
      )
      running.add(settled)
      void settled.then(() => running.delete(settled))
      return mine
    },
    async close() {
      while (running.size) await Promise.all(running)
      await Promise.all(free.map(end))
    },
  }
}

function threadHere(module: URL, resourceLimits: object): Runner {
  const made = new Worker(module, { resourceLimits, stdout: true, stderr: true })
  made.unref()
  // An error after the last answer must not be unhandled.
  made.on('error', () => {})
  // What a library prints may hold what it reads.
  made.stdout.resume()
  made.stderr.resume()
  return { events: made, post: input => made.postMessage(input), end: () => made.terminate() }
}

/** It is given no environment: what secrets stand there are not for whoever reads foreign bytes. */
function threadApart(module: URL, resourceLimits: object): Runner {
  const compiled = getCompileCacheDir()
  const child = fork(fileURLToPath(new URL('./fenced-process.ts', import.meta.url)), [JSON.stringify({ module, resourceLimits })], {
    execArgv: [],
    env: compiled ? { NODE_COMPILE_CACHE: compiled } : {},
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  child.unref()
  child.channel?.unref()
  child.on('error', () => {})
  return {
    events: child as unknown as Runner['events'],
    // One that has just ended says so by its exit.
    post: input => void child.send(input as object, () => {}),
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.ref()
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}
