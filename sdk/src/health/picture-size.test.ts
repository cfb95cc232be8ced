import { expect, test } from 'vitest'
import { fromHex } from '#base/bytes'
import { pictureSize } from './picture-size.ts'

const ascii = (text: string): Uint8Array => Uint8Array.from(text, c => c.charCodeAt(0))
const joined = (...parts: readonly (Uint8Array | string)[]): Uint8Array =>
  Uint8Array.from(parts.flatMap(p => [...(typeof p === 'string' ? fromHex(p) : p)]))

test.each([
  ['PNG', joined('89504e470d0a1a0a0000000d', ascii('IHDR'), '0000ea600000ea60'), { width: 60_000, height: 60_000 }],
  ['GIF', joined(ascii('GIF89a'), '8002e001'), { width: 640, height: 480 }],
  ['JPEG with a header before its frame', joined('ffd8ffe000040000ffc0001108010002000301'), { width: 512, height: 256 }],
  ['JPEG-LS', joined('ffd8fff7000b080100020001011100'), { width: 512, height: 256 }],
  ['JPEG 2000', joined('ff4fff51002f0000', '00000400', '00000300', '00000000', '00000000'), { width: 1024, height: 768 }],
  [
    'WebP, extended',
    joined(ascii('RIFF'), '00000000', ascii('WEBPVP8X'), '0a000000', '00000000', 'ff0300', 'ff0200'),
    { width: 1024, height: 768 },
  ],
])('%s states its size before anything is unfolded', (_, bytes, size) => {
  expect(pictureSize(bytes)).toEqual(size)
})

test('what states no size has none, however short', () => {
  for (let n = 0; n < 30; n++) expect(pictureSize(new Uint8Array(n))).toBeNull()
  expect(pictureSize(joined('ffd8ffe0'))).toBeNull()
})
