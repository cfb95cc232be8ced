import { expect, test } from 'vitest'
import { concat, equal, utf8 } from '#base/bytes'
import { isKeepwellError } from '#base/error'
import { boundaryOf, mediaType, type PartToWrite, readMultipart, writeMultipart } from './multipart.ts'

let seed = 7
const next = (below: number): number => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
  return (seed >>> 8) % below
}

async function* inChunks(bytes: Uint8Array, size: () => number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + Math.max(1, size()))
    yield bytes.subarray(at, end)
    at = end
  }
}

async function all(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const chunk of stream) parts.push(chunk.slice())
  return concat(...parts)
}

async function parts(bytes: Uint8Array, boundary: string, size: () => number): Promise<Uint8Array[]> {
  const out: Uint8Array[] = []
  for await (const part of readMultipart(inChunks(bytes, size), boundary)) out.push(await all(part.chunks))
  return out
}

const body = (...values: Uint8Array[]): Promise<Uint8Array> =>
  all(
    writeMultipart(
      values.map((v): PartToWrite => ({ headers: [['content-type', 'application/dicom']], body: v })),
      'b-1',
    ),
  )

test('what is written is read again, byte for byte, however the network cuts it', async () => {
  // Near-boundaries and line ends everywhere: what a search that skips too far would miss.
  const tricky = utf8('\r\n--b-2\r\n--b-\r\r\n--\r\n\r\n--b')
  const values = [new Uint8Array(0), tricky, Uint8Array.from({ length: 5000 }, () => [13, 10, 45, 98, next(256)][next(5)]!), utf8('end')]
  const bytes = await body(...values)
  for (let round = 0; round < 60; round++) {
    const read = await parts(bytes, 'b-1', () => next(round < 5 ? 3 : 700) + 1)
    expect(read).toHaveLength(4)
    expect(read.every((r, i) => equal(r, values[i]!))).toBe(true)
  }
})

test('a part that nobody reads is passed over', async () => {
  const seen: (string | undefined)[] = []
  for await (const part of readMultipart(
    inChunks(await body(new Uint8Array(5000), utf8('x')), () => 64),
    'b-1',
  ))
    seen.push(part.headers.get('content-type'))
  expect(seen).toEqual(['application/dicom', 'application/dicom'])
})

test('preamble, blanks after a boundary, folded headers and what follows the end are as RFC 2046 has them', async () => {
  const text =
    'preamble\r\n--b-1 \t\r\nContent-Type: application/dicom;\r\n transfer-syntax=1.2\r\n\r\nA\r\n--b-1\r\n\r\nB\r\n--b-1--\r\nepilogue'
  const read: [string | undefined, string][] = []
  for await (const part of readMultipart(
    inChunks(utf8(text), () => 9),
    'b-1',
  ))
    read.push([part.headers.get('content-type'), String.fromCharCode(...(await all(part.chunks)))])
  expect(read).toEqual([
    ['application/dicom; transfer-syntax=1.2', 'A'],
    [undefined, 'B'],
  ])
})

test.each([
  ['nothing', ''],
  ['no boundary', 'hello'],
  ['no end', '--b-1\r\n\r\nA'],
  ['headers without end', '--b-1\r\nContent-Type: x'],
  ['a boundary that runs on', '--b-1x\r\n\r\nA\r\n--b-1--'],
])('%s is refused', async (_, text) => {
  await expect(parts(utf8(text), 'b-1', () => 5)).rejects.toMatchObject({ code: 'BAD_INPUT' })
})

test('headers have a limit', async () => {
  await expect(parts(utf8(`--b-1\r\nX: ${'y'.repeat(20_000)}`), 'b-1', () => 500)).rejects.toMatchObject({ code: 'TOO_LARGE' })
})

test('bytes changed at random are read or refused with a code', async () => {
  const whole = await body(utf8('one'), utf8('two\r\n--b'), new Uint8Array(300))
  for (let round = 0; round < (process.env.KEEPWELL_DEEP ? 20_000 : 400); round++) {
    const bytes = whole.slice(0, next(5) ? whole.length : next(whole.length))
    for (let n = next(4); n >= 0 && bytes.length; n--) bytes[next(bytes.length)] = [13, 10, 45, next(256)][next(4)]!
    await parts(bytes, 'b-1', () => next(40) + 1).catch(e => {
      if (!isKeepwellError(e)) throw e
    })
  }
})

test('a media type comes apart, quotes and all', () => {
  const { type, parameters } = mediaType('Multipart/Related; type="application/dicom"; boundary="a b;c"; x=1')
  expect([type, parameters.get('type'), parameters.get('boundary'), parameters.get('x')]).toEqual([
    'multipart/related',
    'application/dicom',
    'a b;c',
    '1',
  ])
  expect(() => boundaryOf('multipart/related')).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }))
  expect(() => boundaryOf('multipart/related; boundary="a\nb"')).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }))
})
