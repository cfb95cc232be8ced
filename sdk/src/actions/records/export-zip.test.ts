import { crc32 } from 'node:zlib'
import { expect, test } from 'vitest'
import { utf8 } from '#base/bytes'
import { zip } from './export-zip.ts'

async function archived(count: number, body: (i: number) => Uint8Array[]): Promise<Buffer> {
  const files = (async function* () {
    for (let i = 0; i < count; i++)
      yield {
        name: `records/Größe ${i}`,
        time: 1_790_000_000,
        chunks: async function* () {
          yield* body(i)
        },
      }
  })()
  const parts: Uint8Array[] = []
  for await (const part of zip(files)) parts.push(part)
  return Buffer.concat(parts)
}

const signature = (kind: string): Buffer => Buffer.from(`PK${kind}`, 'latin1')

test('each file stands in the archive as it is, with its name, its length and the CRC-32 that others compute', async () => {
  const bodies = [new Uint8Array(0), utf8('a letter'), new Uint8Array(100_000).map((_, i) => (i * 31) & 255)]
  const archive = await archived(3, i => [bodies[i]!.subarray(0, 3), bodies[i]!.subarray(3)])
  let at = archive.readUInt32LE(archive.lastIndexOf(signature('\x05\x06')) + 16)
  for (const [i, body] of bodies.entries()) {
    const [crc, packed, size, name] = [
      archive.readUInt32LE(at + 16),
      archive.readUInt32LE(at + 20),
      archive.readUInt32LE(at + 24),
      archive.readUInt16LE(at + 28),
    ]
    expect([crc, packed, size]).toEqual([crc32(body), body.length, body.length])
    expect(archive.subarray(at + 46, at + 46 + name).toString('utf8')).toBe(`records/Größe ${i}`)
    const local = archive.readUInt32LE(at + 42)
    const begins = local + 30 + archive.readUInt16LE(local + 26)
    expect(archive.subarray(begins, begins + size).equals(body)).toBe(true)
    at += 46 + name
  }
})

test('more files than 65,535 are counted by ZIP64', async () => {
  const archive = await archived(70_000, () => [utf8('x')])
  const wide = archive.lastIndexOf(signature('\x06\x06'))
  const place = archive.lastIndexOf(signature('\x06\x07'))
  expect(Number(archive.readBigUInt64LE(place + 8))).toBe(wide)
  expect([archive.readBigUInt64LE(wide + 24), archive.readBigUInt64LE(wide + 32)]).toEqual([70_000n, 70_000n])
  expect(Number(archive.readBigUInt64LE(wide + 40) + archive.readBigUInt64LE(wide + 48))).toBe(wide)
  expect(archive.readUInt16LE(archive.lastIndexOf(signature('\x05\x06')) + 10)).toBe(65_535)
})
