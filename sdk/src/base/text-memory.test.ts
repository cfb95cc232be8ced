import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

/** Bytes of memory for each of 20,000 texts that are kept, of 64 letters. */
const KEEPS = (make: string) => `
import { toHex } from ${JSON.stringify(new URL('./bytes.ts', import.meta.url).href)}
import { decode, encode } from ${JSON.stringify(new URL('./cbor.ts', import.meta.url).href)}
const bytes = i => new Uint8Array(32).fill(i & 255).fill(i >> 8, 16)
const encoded = Array.from({ length: 20000 }, (_, i) => encode(i.toString(16).padStart(64, 'x')))
const make = ${make}
const kept = new Array(20000).fill('')
for (let i = 0; i < 2000; i++) make(i)
gc()
const before = process.memoryUsage().heapUsed
for (let i = 0; i < kept.length; i++) kept[i] = make(i)
gc()
console.log((process.memoryUsage().heapUsed - before) / kept.length, kept.length + encoded.length)
`

test.each([
  ['hexadecimal digits', 'i => toHex(bytes(i))'],
  ['text out of CBOR', 'i => decode(encoded[i])'],
])('%s: kept as one text, not as a chain of letters', async (_, make) => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', '--input-type=module', '-e', KEEPS(make)])
  const each = Number(stdout.split(' ')[0])
  expect(each).toBeGreaterThan(60)
  expect(each).toBeLessThan(200)
})
