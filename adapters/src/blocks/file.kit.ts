import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { rawCid } from '@keepwell/sdk/base/cid'
import { isKeepwellError } from '@keepwell/sdk/base/error'
import type { Block, BlockStore } from '@keepwell/sdk/ports/blocks'
import { expect } from 'vitest'
import { sha256 } from './segment.ts'

/** A block of `length` bytes that repeat its name, so that it can be searched for in files. */
export const block = (name: string, length = 500): Block => {
  const bytes = new Uint8Array(length)
  const text = Buffer.from(`${name};`)
  for (let at = 0; at < length; at += text.length) bytes.set(text.subarray(0, length - at), at)
  return { cid: rawCid(sha256(bytes)), bytes }
}

export const blocks = (prefix: string, n: number, length?: number) => Array.from({ length: n }, (_, i) => block(`${prefix}${i}`, length))

export const codeOf = (e: unknown): string => (isKeepwellError(e) ? e.code : String(e))

export const held = async (store: BlockStore, list: readonly Block[]) => {
  for (const { cid, bytes } of list) expect(await store.get(cid)).toEqual(bytes)
}

export const absent = async (store: BlockStore, list: readonly Block[]) => {
  for (const { cid } of list) expect([await store.has(cid), await store.get(cid)]).toEqual([false, null])
}

/** What a crash leaves: the files as they are while the store is open. */
export const crashImage = (dir: string, name = 'image'): string => {
  const to = join(dir, '..', name)
  cpSync(dir, to, { recursive: true })
  return to
}

export const segmentsOf = (dir: string): string[] =>
  readdirSync(dir)
    .filter(name => name.endsWith('.seg'))
    .sort()

/** Whether any file of a directory holds these words. */
export const found = (dir: string, words: string): boolean => readdirSync(dir).some(name => readFileSync(join(dir, name)).includes(words))
