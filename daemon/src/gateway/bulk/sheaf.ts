import { appendFile, open, rm } from 'node:fs/promises'
import { concat, utf8 } from '@keepwell/sdk/base/bytes'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { aeadOpen } from '@keepwell/sdk/crypto/open'
import { aeadSeal } from '@keepwell/sdk/crypto/seal'

/** Some lines of one type, sealed together. `offset` and `length` are of the sealed bytes in the file. */
export type Segment = {
  readonly index: number
  readonly type: string
  readonly lines: number
  readonly offset: number
  readonly length: number
}

/** One patient's lines in one export: a sealed file, whose key stands in memory alone and goes with the patient's consent. */
export type Sheaf = {
  readonly segments: readonly Segment[]
  /** Adds resources of a type, a line each. Throws STORAGE_FULL, STORAGE_FAILED. */
  add(type: string, resources: Iterable<unknown>): Promise<void>
  /** NDJSON. Throws GRANT_ENDED once the sheaf was dropped. */
  read(segment: Segment): Promise<Uint8Array>
  /** Forgets the key, then removes the file: what is left of it on a disk opens never again. */
  drop(): Promise<void>
}

/** Plaintext in memory while it is sealed, characters. */
const SEGMENT = 512 << 10
const NONCE = 12

/** @param key 32 bytes, used for this sheaf and nothing else; overwritten when it is dropped. */
export function newSheaf(file: string, key: Uint8Array): Sheaf {
  const segments: Segment[] = []
  let size = 0
  let dropped = false
  const place = (index: number) => {
    const nonce = new Uint8Array(NONCE)
    new DataView(nonce.buffer).setUint32(NONCE - 4, index)
    return { key, nonce, aad: utf8(`keepwell/v1/bulk/${index}`) }
  }

  async function seal(type: string, lines: readonly string[]): Promise<void> {
    ensure(!dropped, 'GRANT_ENDED', 'The consent for these lines has ended.')
    const index = segments.length
    const sealed = await aeadSeal({ ...place(index), plaintext: utf8(`${lines.join('\n')}\n`) })
    try {
      await appendFile(file, sealed, { mode: 0o600 })
    } catch (cause) {
      const full = (cause as NodeJS.ErrnoException).code === 'ENOSPC'
      throw new KeepwellError(full ? 'STORAGE_FULL' : 'STORAGE_FAILED', 'An export could not be written.', { cause })
    }
    if (dropped) {
      await rm(file, { force: true })
      throw new KeepwellError('GRANT_ENDED', 'The consent for these lines has ended.')
    }
    segments.push({ index, type, lines: lines.length, offset: size, length: sealed.length })
    size += sealed.length
  }

  return {
    segments,
    async add(type, resources) {
      let lines: string[] = []
      let held = 0
      for (const resource of resources) {
        const line = JSON.stringify(resource)
        lines.push(line)
        held += line.length
        if (held < SEGMENT) continue
        await seal(type, lines)
        lines = []
        held = 0
      }
      if (lines.length) await seal(type, lines)
    },
    async read({ index, offset, length }) {
      ensure(!dropped, 'GRANT_ENDED', 'The consent for these lines has ended.')
      return aeadOpen({ ...place(index), ciphertext: await bytesAt(file, offset, length) })
    },
    async drop() {
      dropped = true
      key.fill(0)
      segments.length = 0
      await rm(file, { force: true })
    },
  }
}

async function bytesAt(file: string, offset: number, length: number): Promise<Uint8Array> {
  const handle = await open(file, 'r')
  try {
    const parts: Uint8Array[] = []
    for (let at = 0; at < length; ) {
      const { buffer, bytesRead } = await handle.read(new Uint8Array(length - at), 0, length - at, offset + at)
      ensure(bytesRead > 0, 'STORAGE_CORRUPT', 'A file of an export ends early.')
      parts.push(buffer.subarray(0, bytesRead))
      at += bytesRead
    }
    return parts.length === 1 ? parts[0]! : concat(...parts)
  } finally {
    await handle.close()
  }
}
