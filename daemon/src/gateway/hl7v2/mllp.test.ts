import { text, utf8 } from '@keepwell/sdk/base/bytes'
import { expect, test } from 'vitest'
import { frame, frames } from './mllp.ts'

test('messages come out whole, whatever the chunks they came in', () => {
  const stream = new Uint8Array([...frame(utf8('one')), 13, 10, ...frame(utf8('two\x1cthree\rfour')), ...frame(utf8(''))])
  for (const size of [1, 2, 3, 5, 7, 100]) {
    const decoder = frames(100)
    const out: string[] = []
    for (let at = 0; at < stream.length; at += size) out.push(...decoder.push(stream.subarray(at, at + size)).map(text))
    expect(out, `chunks of ${size}`).toEqual(['one', 'two\x1cthree\rfour', ''])
    expect(decoder.held).toBe(0)
  }
})

test('a message beyond the limit is refused before it is whole, and so are bytes between messages', () => {
  const code = (push: () => unknown): unknown => {
    try {
      return push()
    } catch (e) {
      return (e as { code?: unknown }).code
    }
  }
  const long = frames(10)
  expect(code(() => long.push(utf8('\x0b123456')))).toEqual([])
  expect(code(() => long.push(utf8('7890abc')))).toBe('TOO_LARGE')
  expect(code(() => frames(10).push(utf8('MSH|')))).toBe('UNREADABLE')
})
