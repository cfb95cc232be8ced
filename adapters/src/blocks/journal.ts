import { join } from 'node:path'
import type { BlockFile, BlockIo } from './io.ts'
import { sha256 } from './segment.ts'

/** One record to be dropped. The tag names the segment beyond doubt: numbers of compacted segments might come again. */
export type Drop = { readonly segment: number; readonly tag: Uint8Array; readonly offset: number; readonly length: number }

const ENTRY = 20
const HEAD = 36
/** Drops are committed in portions of this many, so that the journal never grows: dropping must work on a full disk. */
export const MAX_DROPS = 512

/**
 * The intention to drop, synced before the first byte is overwritten and redone at the next start: a drop happens whole or not at all.
 * Layout: SHA-256 of the rest | count u32 | (segment u32 | tag[8] | offset u32 | length u32)*
 */
export async function openJournal(io: BlockIo, dir: string) {
  const file: BlockFile = await io.open(join(dir, 'drops'), 'ensure')
  try {
    await setAside(file)
    await io.syncDir(dir)
  } catch (e) {
    await file.close()
    throw e
  }
  return {
    async pending(): Promise<Drop[]> {
      const bytes = Buffer.alloc(HEAD + MAX_DROPS * ENTRY)
      await file.read(bytes, 0)
      const count = bytes.readUInt32BE(32)
      if (count === 0 || count > MAX_DROPS) return []
      const body = bytes.subarray(32, HEAD + count * ENTRY)
      return sha256(body).equals(bytes.subarray(0, 32)) ? decode(body, count) : []
    },
    async record(drops: readonly Drop[]): Promise<void> {
      const body = encode(drops)
      await file.write([sha256(body), body], 0)
      await file.sync()
    },
    /** Needs no sync: redoing a drop that was done changes nothing. */
    async done(): Promise<void> {
      await file.write([Buffer.alloc(HEAD)], 0)
    },
    close: () => file.close(),
  }
}

/** Takes the journal's whole space at once, while there is some. */
async function setAside(file: BlockFile): Promise<void> {
  if ((await file.size()) >= HEAD + MAX_DROPS * ENTRY) return
  await file.write([Buffer.alloc(HEAD + MAX_DROPS * ENTRY)], 0)
  await file.sync()
}

function encode(drops: readonly Drop[]): Buffer {
  const out = Buffer.alloc(4 + drops.length * ENTRY)
  out.writeUInt32BE(drops.length)
  drops.forEach(({ segment, tag, offset, length }, i) => {
    const at = 4 + i * ENTRY
    out.writeUInt32BE(segment, at)
    out.set(tag, at + 4)
    out.writeUInt32BE(offset, at + 12)
    out.writeUInt32BE(length, at + 16)
  })
  return out
}

function decode(body: Buffer, count: number): Drop[] {
  return Array.from({ length: count }, (_, i) => {
    const at = 4 + i * ENTRY
    return {
      segment: body.readUInt32BE(at),
      tag: body.subarray(at + 4, at + 12),
      offset: body.readUInt32BE(at + 12),
      length: body.readUInt32BE(at + 16),
    }
  })
}
export type Journal = Awaited<ReturnType<typeof openJournal>>
