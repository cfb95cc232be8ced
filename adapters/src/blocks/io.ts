import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, unlink } from 'node:fs/promises'

export interface BlockFile {
  /** Fills `into` from `position`; gives the number of bytes there were. */
  read(into: Uint8Array, position: number): Promise<number>
  write(parts: readonly Uint8Array[], position: number): Promise<void>
  sync(): Promise<void>
  truncate(length: number): Promise<void>
  size(): Promise<number>
  close(): Promise<void>
}

/** The file operations of the block store, so that tests can put a failing disk under it. */
export interface BlockIo {
  makeDir(dir: string): Promise<void>
  /** `write` refuses a file that is missing, `create` one that exists, `ensure` neither. */
  open(path: string, mode: 'write' | 'create' | 'ensure'): Promise<BlockFile>
  list(dir: string): Promise<string[]>
  rename(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
  /** Makes creations, renames and removals in `dir` survive power loss. */
  syncDir(dir: string): Promise<void>
}

const FLAGS = {
  write: constants.O_RDWR,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
  ensure: constants.O_RDWR | constants.O_CREAT,
}

export const nodeIo: BlockIo = {
  async makeDir(dir) {
    await mkdir(dir, { recursive: true, mode: 0o700 })
  },
  async open(path, mode) {
    return fileOf(await open(path, FLAGS[mode], 0o600))
  },
  list: dir => readdir(dir),
  rename,
  remove: unlink,
  async syncDir(dir) {
    // Windows cannot open a directory and needs no such call.
    if (process.platform === 'win32') return
    const handle = await open(dir, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  },
}

function fileOf(handle: FileHandle): BlockFile {
  return {
    async read(into, position) {
      let done = 0
      while (done < into.length) {
        const { bytesRead } = await handle.read(into, done, into.length - done, position + done)
        if (bytesRead === 0) break
        done += bytesRead
      }
      return done
    },
    async write(parts, position) {
      const total = parts.reduce((n, part) => n + part.length, 0)
      const { bytesWritten } = await handle.writev(parts as Uint8Array[], position)
      if (bytesWritten === total) return
      // A short write without an error: go on with the rest in one piece; a full disk then says so.
      const rest = Buffer.concat(parts).subarray(bytesWritten)
      for (let done = 0; done < rest.length; )
        done += (await handle.write(rest, done, rest.length - done, position + bytesWritten + done)).bytesWritten
    },
    sync: () => handle.datasync(),
    truncate: length => handle.truncate(length),
    size: async () => (await handle.stat()).size,
    close: () => handle.close(),
  }
}
