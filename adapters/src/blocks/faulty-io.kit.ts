import { setImmediate } from 'node:timers/promises'
import { type BlockFile, type BlockIo, nodeIo } from './io.ts'

export type Step = {
  readonly name: 'write' | 'sync' | 'truncate' | 'open' | 'rename' | 'remove' | 'syncDir'
  readonly path: string
  readonly bytes: number
}

export const ioError = (code: 'ENOSPC' | 'EIO'): Error => Object.assign(new Error(`${code}: from the test`), { code })

/** With `still`, a copy of the files as one moment had them: no step is under way meanwhile, and none begins. */
export type FaultyIo = BlockIo & { still(copy: () => void): Promise<void> }

/**
 * A disk for tests: before each step that changes something `fault` may give an error to throw. A failing write leaves its first half behind,
 * as a real one may.
 */
export function faultyIo(fault: (step: Step) => Error | null): FaultyIo {
  let running = 0
  let stopped: Promise<void> | null = null
  const check = (name: Step['name'], path: string, bytes = 0): void => {
    const error = fault({ name, path, bytes })
    if (error) throw error
  }
  const step = async <T>(work: () => Promise<T>): Promise<T> => {
    while (stopped) await stopped
    running++
    try {
      return await work()
    } finally {
      running--
    }
  }
  const wrap = (path: string, file: BlockFile): BlockFile => ({
    ...file,
    write: (parts, position) =>
      step(async () => {
        const whole = Buffer.concat(parts)
        const error = fault({ name: 'write', path, bytes: whole.length })
        await file.write([error ? whole.subarray(0, whole.length >> 1) : whole], position)
        if (error) throw error
      }),
    sync: () =>
      step(async () => {
        check('sync', path)
        await file.sync()
      }),
    truncate: length =>
      step(async () => {
        check('truncate', path)
        await file.truncate(length)
      }),
  })
  return {
    ...nodeIo,
    open: (path, mode) =>
      step(async () => {
        if (mode !== 'write') check('open', path)
        return wrap(path, await nodeIo.open(path, mode))
      }),
    rename: (from, to) =>
      step(async () => {
        check('rename', to)
        await nodeIo.rename(from, to)
      }),
    remove: path =>
      step(async () => {
        check('remove', path)
        await nodeIo.remove(path)
      }),
    syncDir: dir =>
      step(async () => {
        check('syncDir', dir)
        await nodeIo.syncDir(dir)
      }),
    async still(copy) {
      const { promise, resolve } = Promise.withResolvers<void>()
      stopped = promise
      while (running > 0) await setImmediate()
      copy()
      stopped = null
      resolve()
    },
  }
}
