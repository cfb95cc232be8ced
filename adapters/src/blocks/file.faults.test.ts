import { cpSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Block } from '@keepwell/sdk/ports/blocks'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { temporaryDirectory } from '#base/temporary.kit'
import { faultyIo, ioError, type Step } from './faulty-io.kit.ts'
import { absent, block, blocks, codeOf, crashImage, found, held, segmentsOf } from './file.kit.ts'
import { openFileBlocks } from './file.ts'

/** Which of the steps fail, each in a run of its own: every third by default, all with KEEPWELL_DEEP=1. */
const EVERY = process.env.KEEPWELL_DEEP ? 1 : 3

let home: ReturnType<typeof temporaryDirectory>
let dir: string
beforeEach(() => {
  home = temporaryDirectory()
  dir = join(home.path, 'blocks')
})
afterEach(() => home.remove())

describe('a failing disk', () => {
  test('when the disk is full nothing of the call counts, and the store goes on once there is space', async () => {
    let full = false
    const io = faultyIo(step => (full && step.name === 'write' ? ioError('ENOSPC') : null))
    const store = await openFileBlocks({ dir, io })
    await store.put(blocks('before', 5))
    full = true
    expect(codeOf(await store.put(blocks('during', 5)).catch(e => e))).toBe('STORAGE_FULL')
    await absent(store, blocks('during', 5))
    await held(store, blocks('before', 5))
    expect(await store.size()).toEqual({ blocks: 5, bytes: 2500 })
    full = false
    await store.put(blocks('after', 5))
    const image = crashImage(dir)
    await store.close()
    for (const path of [dir, image]) {
      const again = await openFileBlocks({ dir: path })
      await held(again, [...blocks('before', 5), ...blocks('after', 5)])
      await absent(again, blocks('during', 5))
      await again.close()
    }
  })

  test('a put too large for the disk takes none of the small ones beside it with it', async () => {
    let budget = 20_000
    const io = faultyIo(step => {
      if (step.name !== 'write') return null
      if (step.bytes > budget) return ioError('ENOSPC')
      budget -= step.bytes
      return null
    })
    const store = await openFileBlocks({ dir, io })
    const results = await Promise.allSettled([store.put([block('a')]), store.put([block('large', 50_000)]), store.put([block('b')])])
    expect(results.map(r => r.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    await held(store, [block('a'), block('b')])
    await absent(store, [block('large', 50_000)])
    await store.close()
  })

  test('a file that could not be synced is never written again', async () => {
    let failing = false
    const touched: string[] = []
    const io = faultyIo(step => {
      if (step.name === 'write' && step.path.endsWith('.seg')) touched.push(step.path)
      return failing && step.name === 'sync' && step.path.endsWith('.seg') ? ioError('EIO') : null
    })
    const store = await openFileBlocks({ dir, io })
    await store.put([block('a')])
    failing = true
    expect(codeOf(await store.put([block('b')]).catch(e => e))).toBe('STORAGE_FAILED')
    failing = false
    const suspect = touched.at(-1)
    touched.length = 0
    await store.put([block('b'), block('c')])
    expect(touched).not.toContain(suspect)
    await store.close()
    const again = await openFileBlocks({ dir })
    await held(again, [block('a'), block('b'), block('c')])
    await again.close()
  })

  test('dropping works on a full disk and gives space back', async () => {
    let full = false
    const growing = (step: Step) =>
      (step.name === 'write' && !step.path.endsWith('drops') && !step.path.endsWith('.seg')) || step.name === 'open'
    const io = faultyIo(step => (full && growing(step) ? ioError('ENOSPC') : null))
    const store = await openFileBlocks({ dir, io, segmentBytes: 4096 })
    await store.put(blocks('a', 40))
    full = true
    const dropped = blocks('a', 40).filter((_, i) => i % 3)
    await store.drop(dropped.map(b => b.cid))
    await absent(store, dropped)
    const image = crashImage(dir)
    await store.close()
    for (const path of [dir, image]) {
      const again = await openFileBlocks({ dir: path })
      await absent(again, dropped)
      await held(
        again,
        blocks('a', 40).filter((_, i) => i % 3 === 0),
      )
      await again.close()
    }
  })

  test('whichever step fails, what was acknowledged holds and what was refused leaves no trace', async () => {
    for (let target = 0; target < 140; target += EVERY) {
      const path = join(home.path, `run ${target}`)
      let step = 0
      const io = faultyIo(() => (step++ === target ? ioError(target % 2 ? 'EIO' : 'ENOSPC') : null))
      const present = new Map<string, Block>()
      const gone = new Map<string, Block>()
      const store = await openFileBlocks({ dir: path, io, segmentBytes: 3000 }).catch(() => null)
      if (!store) continue
      for (let round = 0; round < 4; round++) {
        const fresh = blocks(`r${round}.`, 7, 300)
        await store.put(fresh).then(
          () => fresh.forEach(b => void present.set(b.cid, b)),
          () => fresh.forEach(b => void gone.set(b.cid, b)),
        )
        const victims = [...present.values()].slice(0, 4)
        await store.drop(victims.map(b => b.cid)).then(
          () => victims.forEach(b => void (present.delete(b.cid) && gone.set(b.cid, b))),
          // Neither promised nor refused: a drop whose overwriting failed is finished later.
          () => victims.forEach(b => void present.delete(b.cid)),
        )
      }
      await held(store, [...present.values()])
      await absent(store, [...gone.values()])
      const image = join(home.path, `image ${target}`)
      await io.still(() => cpSync(path, image, { recursive: true }))
      await store.close()
      for (const where of [path, image]) {
        const again = await openFileBlocks({ dir: where })
        await held(again, [...present.values()])
        await again.close()
        rmSync(where, { recursive: true })
      }
    }
  })

  test('a drop whose overwriting failed is finished at the next start', async () => {
    let failing = false
    const io = faultyIo(step => (failing && step.name === 'write' && step.path.endsWith('.seg') ? ioError('EIO') : null))
    const store = await openFileBlocks({ dir, io })
    await store.put([block('secret words '), block('kept')])
    failing = true
    await expect(store.drop([block('secret words ').cid])).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
    await absent(store, [block('secret words ')])
    const image = crashImage(dir)
    await store.close()
    const again = await openFileBlocks({ dir: image })
    await absent(again, [block('secret words ')])
    await held(again, [block('kept')])
    await again.close()
    expect(found(image, 'secret words')).toBe(false)
  })
})

test('a put resolves only when its bytes are synced, and puts that arrive together share one sync', async () => {
  let release = () => {}
  let held: Promise<void> | null = null
  let syncs = 0
  const plain = faultyIo(() => null)
  const io: typeof plain = {
    ...plain,
    async open(path, mode) {
      const file = await plain.open(path, mode)
      if (!path.endsWith('.seg')) return file
      return {
        ...file,
        async sync() {
          syncs++
          await held
          await file.sync()
        },
      }
    },
  }
  const store = await openFileBlocks({ dir, io })
  await store.put([block('first')])
  held = new Promise(resolve => {
    release = resolve
  })
  let resolved = 0
  syncs = 0
  const puts = Array.from({ length: 20 }, async (_, i) => {
    await store.put([block(`together ${i}`)])
    resolved++
  })
  await expect.poll(() => syncs).toBe(1)
  expect([resolved, await store.has(block('together 1').cid), syncs]).toEqual([0, false, 1])
  release()
  await Promise.all(puts)
  expect([resolved, syncs]).toEqual([20, 1])
  await store.close()
})

describe('a crash', () => {
  test('a torn tail costs nothing that was acknowledged, wherever the last write was cut', async () => {
    const store = await openFileBlocks({ dir })
    await store.put(blocks('a', 20))
    const before = statSync(join(dir, segmentsOf(dir)[0]!)).size
    await store.put(blocks('b', 6))
    const image = crashImage(dir)
    await store.close()
    const file = join(image, segmentsOf(image)[0]!)
    const whole = readFileSync(file)
    for (let cut = before; cut < whole.length; cut += 61) {
      writeFileSync(file, whole.subarray(0, cut))
      const again = await openFileBlocks({ dir: image })
      await held(again, blocks('a', 20))
      const there = await Promise.all(blocks('b', 6).map(b => again.has(b.cid)))
      expect(there).toEqual(blocks('b', 6).map((_, i) => before + (i + 1) * 548 <= cut))
      await again.put([block(`after ${cut}`)])
      await held(again, [block(`after ${cut}`)])
      await again.close()
      for (const name of readdirSync(image)) if (name !== segmentsOf(image)[0]) rmSync(join(image, name))
    }
  })

  test('pages of the last write that never reached the disk cost nothing that was acknowledged', async () => {
    const store = await openFileBlocks({ dir })
    await store.put(blocks('a', 20))
    const before = statSync(join(dir, segmentsOf(dir)[0]!)).size
    await store.put(blocks('b', 20))
    const image = crashImage(dir)
    await store.close()
    const file = join(image, segmentsOf(image)[0]!)
    const whole = readFileSync(file)
    whole.fill(0, before + 1000, before + 3000)
    writeFileSync(file, whole)
    const again = await openFileBlocks({ dir: image })
    await held(again, blocks('a', 20))
    for (const b of blocks('b', 20)) expect([null, b.bytes]).toContainEqual(await again.get(b.cid))
    await again.put(blocks('b', 20))
    await again.close()
    const once = await openFileBlocks({ dir: image })
    await held(once, [...blocks('a', 20), ...blocks('b', 20)])
    await once.close()
  })

  test('a file cut at any byte opens, serves all that lies before the cut, and never gives wrong bytes', async () => {
    const store = await openFileBlocks({ dir })
    for (let i = 0; i < 10; i++) await store.put([block(`c${i}`)])
    const image = crashImage(dir)
    await store.close()
    const file = join(image, segmentsOf(image)[0]!)
    const whole = readFileSync(file)
    for (let cut = 0; cut < whole.length; cut += 37) {
      for (const name of readdirSync(image)) rmSync(join(image, name))
      writeFileSync(file, whole)
      truncateSync(file, cut)
      const again = await openFileBlocks({ dir: image })
      for (let i = 0; i < 10; i++)
        expect(await again.get(block(`c${i}`).cid)).toEqual(32 + (i + 1) * 548 <= cut ? block(`c${i}`).bytes : null)
      await again.close()
    }
  })

  test('a block dropped after a clean start is still dropped after a crash', async () => {
    const first = await openFileBlocks({ dir })
    await first.put([block('a'), block('b')])
    await first.close()
    const store = await openFileBlocks({ dir })
    await store.drop([block('a').cid])
    const image = crashImage(dir)
    await store.close()
    const again = await openFileBlocks({ dir: image })
    await absent(again, [block('a')])
    await held(again, [block('b')])
    await again.close()
  })

  test('of two copies that a cut compaction left, the older never comes to life again', async () => {
    const [one, two] = [join(home.path, 'one'), join(home.path, 'two')]
    for (const [path, list] of [
      [one, [block('a'), block('b')]],
      [two, [block('a')]],
    ] as const) {
      const store = await openFileBlocks({ dir: path })
      await store.put(list)
      await store.close()
    }
    cpSync(join(two, '00000001.seg'), join(one, '00000002.seg'))
    const store = await openFileBlocks({ dir: one })
    expect(await store.size()).toEqual({ blocks: 2, bytes: 1000 })
    await store.drop([block('a').cid])
    await store.close()
    const again = await openFileBlocks({ dir: one })
    await absent(again, [block('a')])
    await held(again, [block('b')])
    await again.close()
  })

  test('hints that are missing, torn or of another length only cost a reading', async () => {
    const store = await openFileBlocks({ dir, segmentBytes: 4096 })
    await store.put(blocks('a', 40))
    await store.drop([block('a3').cid])
    await store.close()
    for (const name of readdirSync(dir).filter(n => n.endsWith('.hint'))) {
      const image = crashImage(dir, `without ${name}`)
      const bytes = readFileSync(join(image, name))
      writeFileSync(join(image, name), bytes.subarray(0, bytes.length - 7))
      const again = await openFileBlocks({ dir: image })
      await held(
        again,
        blocks('a', 40).filter((_, i) => i !== 3),
      )
      await absent(again, [block('a3')])
      await again.close()
      rmSync(image, { recursive: true })
    }
  })
})

test('a hint that outlived its segment says nothing about another of the same number', async () => {
  const store = await openFileBlocks({ dir })
  await store.put([block('old')])
  await store.close()
  const [hint] = readdirSync(dir).filter(n => n.endsWith('.hint'))
  const old = readFileSync(join(dir, hint!))
  rmSync(dir, { recursive: true })
  const other = await openFileBlocks({ dir })
  await other.put([block('new')])
  await other.close()
  writeFileSync(join(dir, hint!), old)
  const again = await openFileBlocks({ dir })
  await held(again, [block('new')])
  await absent(again, [block('old')])
  await again.close()
})

test('a directory has one writer', async () => {
  const store = await openFileBlocks({ dir })
  await expect(openFileBlocks({ dir })).rejects.toMatchObject({ code: 'LOCKED' })
  await store.close()
  await (await openFileBlocks({ dir })).close()
})

test('a closed store refuses instead of losing', async () => {
  const store = await openFileBlocks({ dir })
  await store.close()
  await expect(store.put([block('a')])).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
})
