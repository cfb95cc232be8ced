import { Worker } from 'node:worker_threads'
import type { Described, Describer } from '@keepwell/sdk/actions/records/import-describe'
import { KeepwellError } from '@keepwell/sdk/base/error'
import type { Ask } from './describe-thread.ts'

type Reply = { readonly id: number; readonly described?: readonly Described[]; readonly failed?: string }
type Waiting = { readonly resolve: (d: readonly Described[]) => void; readonly reject: (e: unknown) => void }

/** Describes resources on a thread of its own, so that checking them runs beside sealing and storing. Close it when done. */
export function describeElsewhere(base?: string): { describe: Describer; close(): Promise<void> } {
  const worker = new Worker(new URL('./describe-thread.ts', import.meta.url), { resourceLimits: { maxYoungGenerationSizeMb: 16 } })
  const waiting = new Map<number, Waiting>()
  let next = 0
  const fail = (cause: unknown): void => {
    for (const w of waiting.values()) w.reject(new KeepwellError('DEFECT', 'The checking thread stopped.', { cause }))
    waiting.clear()
  }
  worker.on('message', ({ id, described, failed }: Reply) => {
    const w = waiting.get(id)
    waiting.delete(id)
    if (described) w?.resolve(described)
    else w?.reject(new KeepwellError('DEFECT', `A resource could not be described: ${failed}`))
  })
  worker.on('error', fail)
  worker.on('exit', () => fail(null))
  return {
    describe: resources =>
      new Promise((resolve, reject) => {
        const id = next++
        waiting.set(id, { resolve, reject })
        const parts = resources.map(r => ({ bytes: r.bytes, ...(r.fullUrl ? { fullUrl: r.fullUrl } : {}) }))
        worker.postMessage({ id, base, parts } satisfies Ask)
      }),
    async close() {
      await worker.terminate()
    },
  }
}
