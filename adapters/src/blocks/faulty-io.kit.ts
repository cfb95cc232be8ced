import { type BlockFile, type BlockIo, nodeIo } from './io.ts'

export type Step = {
  readonly name: 'write' | 'sync' | 'truncate' | 'open' | 'rename' | 'remove' | 'syncDir'
  readonly path: string
  readonly bytes: number
}

export const ioError = (code: 'ENOSPC' | 'EIO'): Error => Object.assign(new Error(`${code}: from the test`), { code })

/**
 * A disk for tests: before each step that changes something `fault` may give an error to throw. A failing write leaves its first half behind,
 * as a real one may.
 */
export function faultyIo(fault: (step: Step) => Error | null): BlockIo {
  const check = (name: Step['name'], path: string, bytes = 0): void => {
    const error = fault({ name, path, bytes })
    if (error) throw error
  }
  const wrap = (path: string, file: BlockFile): BlockFile => ({
    ...file,
    async write(parts, position) {
      const whole = Buffer.concat(parts)
      const error = fault({ name: 'write', path, bytes: whole.length })
      await file.write([error ? whole.subarray(0, whole.length >> 1) : whole], position)
      if (error) throw error
    },
    async sync() {
      check('sync', path)
      await file.sync()
    },
    async truncate(length) {
      check('truncate', path)
      await file.truncate(length)
    },
  })
  return {
    ...nodeIo,
    async open(path, mode) {
      if (mode !== 'write') check('open', path)
      return wrap(path, await nodeIo.open(path, mode))
    },
    async rename(from, to) {
      check('rename', to)
      await nodeIo.rename(from, to)
    },
    async remove(path) {
      check('remove', path)
      await nodeIo.remove(path)
    },
    async syncDir(dir) {
      check('syncDir', dir)
      await nodeIo.syncDir(dir)
    },
  }
}
