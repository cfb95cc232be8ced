import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { temporaryDirectory } from '#base/temporary.kit'
import { faultyIo, ioError } from './faulty-io.kit.ts'
import { absent, block, blocks, codeOf, crashImage, found, held, segmentsOf } from './file.kit.ts'
import { openFileBlocks } from './file.ts'

let home: ReturnType<typeof temporaryDirectory>
let dir: string
beforeEach(() => {
  home = temporaryDirectory()
  dir = join(home.path, 'blocks')
})
afterEach(() => home.remove())

describe('damage', () => {
  const flip = (path: string, words: string) => {
    for (const name of segmentsOf(path)) {
      const bytes = readFileSync(join(path, name))
      const at = bytes.indexOf(words)
      if (at < 0) continue
      bytes[at + 3]! ^= 1
      writeFileSync(join(path, name), bytes)
      return
    }
    throw new Error(`${words} is in no segment`)
  }

  test.each(['with', 'without'])('a flipped bit is an error, never a wrong block, and a new copy repairs it (%s hints)', async hints => {
    const store = await openFileBlocks({ dir })
    for (let i = 0; i < 5; i++) await store.put([block(`d${i}`)])
    await store.close()
    flip(dir, 'd2;d2;')
    if (hints === 'without') for (const name of readdirSync(dir).filter(n => n.endsWith('.hint'))) rmSync(join(dir, name))
    const again = await openFileBlocks({ dir })
    for (let i = 0; i < 2; i++) await expect(again.get(block('d2').cid)).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
    expect(await again.has(block('d2').cid)).toBe(false)
    await held(
      again,
      [0, 1, 3, 4].map(i => block(`d${i}`)),
    )
    await again.close()
    const third = await openFileBlocks({ dir })
    await expect(third.get(block('d2').cid)).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
    await third.put([block('d2')])
    await held(third, blocks('d', 5))
    await third.drop([block('d2').cid])
    await third.close()
    const fourth = await openFileBlocks({ dir })
    await absent(fourth, [block('d2')])
    await held(
      fourth,
      [0, 1, 3, 4].map(i => block(`d${i}`)),
    )
    await fourth.close()
  })

  test('a dropped record whose length is bent does not swallow the one behind it', async () => {
    const store = await openFileBlocks({ dir })
    for (let i = 0; i < 3; i++) await store.put([block(`f${i}`, 200)])
    await store.drop([block('f0', 200).cid])
    const image = crashImage(dir)
    await store.close()
    const file = join(image, segmentsOf(image)[0]!)
    const bent = readFileSync(file)
    bent.writeUInt32BE(200 + 248, 32 + 12)
    writeFileSync(file, bent)
    const again = await openFileBlocks({ dir: image })
    await held(again, [block('f1', 200), block('f2', 200)])
    await again.close()
  })

  test('any single flipped byte anywhere in a segment costs at most the block it lies in', async () => {
    const store = await openFileBlocks({ dir })
    for (let i = 0; i < 6; i++) await store.put([block(`e${i}`, 200)])
    // A dropped record must not swallow its neighbours when its length is bent.
    await store.drop([block('e2', 200).cid])
    const image = crashImage(dir)
    await store.close()
    const name = segmentsOf(image)[0]!
    const whole = readFileSync(join(image, name))
    for (let at = 0; at < whole.length; at += 5) {
      for (const n of readdirSync(image)) rmSync(join(image, n))
      const bent = Buffer.from(whole)
      bent[at]! ^= 0x55
      writeFileSync(join(image, name), bent)
      const again = await openFileBlocks({ dir: image })
      const lost: number[] = []
      for (const i of [0, 1, 3, 4, 5]) {
        const got = await again.get(block(`e${i}`, 200).cid).catch(codeOf)
        if (got === null || got === 'STORAGE_CORRUPT') lost.push(i)
        else expect(got).toEqual(block(`e${i}`, 200).bytes)
      }
      const hit = Math.floor((at - 32) / 248)
      expect([[], [hit]], `byte ${at}`).toContainEqual(lost)
      await again.close()
    }
  })
})

describe('space', () => {
  test('dropped bytes are in no file any more', async () => {
    const store = await openFileBlocks({ dir })
    await store.put([block('the secret words '), block('other words ')])
    expect(found(dir, 'the secret words')).toBe(true)
    await store.drop([block('the secret words ').cid])
    expect(found(dir, 'the secret words')).toBe(false)
    expect(found(dir, 'other words')).toBe(true)
    await store.close()
  })

  test('segments that are mostly dead are compacted away, and the living move', async () => {
    const store = await openFileBlocks({ dir, segmentBytes: 20_000 })
    const all = blocks('f', 400)
    for (let i = 0; i < 400; i += 20) await store.put(all.slice(i, i + 20))
    // One that is compacted away between being listed and being looked at is gone.
    const bytes = () => segmentsOf(dir).reduce((n, name) => n + (statSync(join(dir, name), { throwIfNoEntry: false })?.size ?? 0), 0)
    const before = bytes()
    const kept = all.filter((_, i) => i % 10 === 0)
    const dropping = store.drop(all.filter((_, i) => i % 10).map(b => b.cid))
    const reading = Promise.all(kept.map(async b => expect(await store.get(b.cid)).toEqual(b.bytes)))
    await Promise.all([dropping, reading])
    // Compaction comes after the drop and before whatever is asked next.
    await store.put([block('last')])
    while (bytes() > before / 4) await new Promise(resolve => setTimeout(resolve, 5))
    await held(store, [...kept, block('last')])
    await store.close()
    const again = await openFileBlocks({ dir })
    await held(again, [...kept, block('last')])
    expect(await again.size()).toEqual({ blocks: 41, bytes: 41 * 500 })
    await again.close()
  })

  test('a compaction cut short leaves every block once, and a dropped one stays dropped', async () => {
    for (let target = 0; target < 25; target++) {
      const path = join(home.path, `compaction ${target}`)
      let counting = false
      let step = 0
      const io = faultyIo(() => (counting && step++ >= target ? ioError('EIO') : null))
      const store = await openFileBlocks({ dir: path, io, segmentBytes: 6000 })
      const all = blocks('g', 30)
      await store.put(all)
      const [kept, gone] = [all.filter((_, i) => i % 6 === 0), all.filter((_, i) => i % 6)]
      await store.drop(gone.slice(1).map(b => b.cid))
      counting = true
      await store.drop([gone[0]!.cid]).catch(() => {})
      const image = join(home.path, `compaction image ${target}`)
      cpSync(path, image, { recursive: true })
      await store.close().catch(() => {})
      for (let start = 0; start < 2; start++) {
        const again = await openFileBlocks({ dir: image })
        await held(again, kept)
        await absent(again, gone.slice(1))
        await again.drop([kept[0]!.cid])
        await again.close()
        const third = await openFileBlocks({ dir: image })
        await absent(third, [kept[0]!])
        await third.put([kept[0]!])
        await third.close()
      }
    }
  })
})
