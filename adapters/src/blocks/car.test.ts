import { CarReader, CarWriter } from '@ipld/car'
import { concat } from '@keepwell/sdk/base/bytes'
import { cidBytes, rawCid } from '@keepwell/sdk/base/cid'
import { sha256 } from '@keepwell/sdk/crypto/hash'
import type { Block } from '@keepwell/sdk/ports/blocks'
import { CID } from 'multiformats/cid'
import { describe, expect, test } from 'vitest'
import { carParts, readCar, writeCar } from './car.ts'

const block = (length: number, fill: number): Block => {
  const bytes = new Uint8Array(length).fill(fill)
  return { cid: rawCid(sha256(bytes)), bytes }
}
const BLOCKS = [block(0, 0), block(1, 1), block(91, 2), block(92, 3), block(20_000, 4), block(1 << 20, 5)]

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = []
  for await (const item of items) out.push(item)
  return out
}

function* pieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

describe('CAR', () => {
  test('what is written is read back, however the stream is cut', async () => {
    const car = concat(...(await all(writeCar(BLOCKS))))
    expect(concat(...carParts(BLOCKS))).toEqual(car)
    for (const size of [1000, 4096, car.length]) expect(await all(readCar(pieces(car, size)))).toEqual(BLOCKS)
    const small = concat(...carParts(BLOCKS.slice(0, 4)))
    expect(await all(readCar(pieces(small, 1)))).toEqual(BLOCKS.slice(0, 4))
  })

  test('the stock library reads what is written', async () => {
    const reader = await CarReader.fromBytes(concat(...carParts(BLOCKS)))
    const found = []
    for await (const { cid, bytes } of reader.blocks()) found.push({ cid: cid.toString(), bytes })
    expect(found).toEqual(BLOCKS)
  })

  test('a CAR of the stock library, with a root, is read', async () => {
    const root = CID.decode(cidBytes(BLOCKS[2]!.cid))
    const { writer, out } = CarWriter.create([root])
    const written = all(out)
    for (const { cid, bytes } of BLOCKS) await writer.put({ cid: CID.decode(cidBytes(cid)), bytes })
    await writer.close()
    expect(await all(readCar(await written))).toEqual(BLOCKS)
  })

  test('a CAR cut anywhere but between sections is refused', async () => {
    const car = concat(...carParts(BLOCKS.slice(0, 4)))
    const ends = new Set<number>()
    let at = 0
    for await (const chunk of writeCar(BLOCKS.slice(0, 4))) {
      at += chunk.length
      ends.add(at)
    }
    for (let length = 1; length < car.length; length++) {
      if (ends.has(length)) continue
      await expect(all(readCar([car.subarray(0, length)]))).rejects.toMatchObject({ code: 'TRUNCATED' })
    }
    await expect(all(readCar([]))).rejects.toMatchObject({ code: 'UNREADABLE' })
  })

  test('a length beyond the largest block is refused before anything is set aside for it', async () => {
    const [header] = carParts([])
    const refused = (bytes: number[], code: string) =>
      expect(all(readCar([concat(header!, Uint8Array.from(bytes))]))).rejects.toMatchObject({ code })
    await refused([0xff, 0xff, 0xff, 0xff, 0x0f], 'TOO_LARGE')
    await refused([0xff, 0xff, 0x7f], 'TOO_LARGE')
    await refused([0], 'UNREADABLE')
    await refused([3, 1, 2, 3], 'BAD_CID')
  })

  test('a stream that is no CAR is refused', async () => {
    await expect(all(readCar([new TextEncoder().encode('<html>hello</html>')]))).rejects.toMatchObject({ code: 'TRUNCATED' })
    await expect(all(readCar([concat(Uint8Array.of(60), new Uint8Array(60))]))).rejects.toMatchObject({ code: 'UNREADABLE' })
  })
})
