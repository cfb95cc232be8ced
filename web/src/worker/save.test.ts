import { isKeepwellError } from '@keepwell/sdk/base/error'
import { describe, expect, test } from 'vitest'
import { piecesOf, save, type Target } from './save.ts'

async function* pieces(count: number, each = 1 << 20): AsyncGenerator<Uint8Array> {
  // The same buffer each time, as a reader of a stream may give it.
  const piece = new Uint8Array(each)
  for (let i = 0; i < count; i++) yield piece.fill(i)
}

const code = (work: Promise<unknown>): Promise<string> => work.then(String, e => (isKeepwellError(e) ? e.code : String(e)))

/** A file as a browser gives it, and what became of it. */
function chosen(fail?: string) {
  const seen: string[] = []
  const writable = {
    async write(chunk: Uint8Array) {
      if (fail) throw Object.assign(new Error('no'), { name: fail })
      seen.push(`wrote ${chunk.length}`)
    },
    close: async () => void seen.push('closed'),
    abort: async () => void seen.push('dropped'),
  }
  return { seen, target: { createWritable: async () => writable } as unknown as Target }
}

describe('what is saved', () => {
  test('comes out as it went in, however large, whole before it is handed over', async () => {
    const wrote: number[] = []
    const { bytes, blob } = await save(pieces(70), { target: null, signal: new AbortController().signal, wrote: n => wrote.push(n) })
    expect([bytes, blob!.size, wrote.at(-1)]).toEqual([70 << 20, 70 << 20, 70 << 20])
    const sample = new Uint8Array(await blob!.slice(33 << 20, (33 << 20) + 4).arrayBuffer())
    expect([...sample]).toEqual([33, 33, 33, 33])
    let read = 0
    for await (const piece of piecesOf(blob!)) read += piece.length
    expect(read).toBe(70 << 20)
  })

  test('is dropped when it is called off, or when the disk is full', async () => {
    const { seen, target } = chosen()
    const control = new AbortController()
    const wrote = (n: number): void => {
      if (n > 2 << 20) control.abort()
    }
    expect(await code(save(pieces(9), { target, signal: control.signal, wrote }))).toBe('CANCELLED')
    expect([seen.at(-1), seen.includes('closed')]).toEqual(['dropped', false])
    const full = chosen('QuotaExceededError')
    const never = new AbortController().signal
    expect(await code(save(pieces(2), { target: full.target, signal: never, wrote: () => {} }))).toBe('STORAGE_FULL')
    expect(full.seen).toEqual(['dropped'])
    const whole = chosen()
    await save(pieces(2), { target: whole.target, signal: never, wrote: () => {} })
    expect(whole.seen.at(-1)).toBe('closed')
  })
})
