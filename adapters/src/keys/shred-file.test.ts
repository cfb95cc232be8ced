import { copyFileSync, linkSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { shredKeysSuite } from '@keepwell/sdk/ports/envelopes.suite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { inDirectory, temporaryDirectory } from '#base/temporary.kit'
import { openShredKeys } from './shred-file.ts'

shredKeysSuite(inDirectory(dir => openShredKeys({ dir })))

describe('files of shred keys', () => {
  let home: ReturnType<typeof temporaryDirectory>
  beforeEach(() => {
    home = temporaryDirectory()
  })
  afterEach(() => home.remove())
  const key = (fill: number) => new Uint8Array(32).fill(fill)
  const file = (name: string, kind = 'key') => join(home.path, `${Buffer.from(name).toString('hex')}.${kind}`)
  const foundOnDisk = (bytes: Uint8Array) =>
    readdirSync(home.path).some(name => readFileSync(join(home.path, name)).includes(Buffer.from(bytes)))

  test('a destroyed or replaced key is in no file any more', async () => {
    const keys = await openShredKeys({ dir: home.path })
    await keys.put('a', key(0xa1))
    await keys.put('b', key(0xb1))
    expect(foundOnDisk(key(0xa1))).toBe(true)
    await keys.destroy('a')
    await keys.put('b', key(0xb2))
    expect(readdirSync(home.path)).toHaveLength(1)
    for (const gone of [0xa1, 0xb1]) expect(foundOnDisk(key(gone))).toBe(false)
    expect(foundOnDisk(key(0xb2))).toBe(true)
  })

  test('the bytes themselves are overwritten, not only unlinked: a second name of the file shows zeros', async () => {
    const keys = await openShredKeys({ dir: home.path })
    const other = temporaryDirectory()
    await keys.put('a', key(1))
    linkSync(file('a'), join(other.path, 'destroyed'))
    await keys.destroy('a')
    await keys.put('b', key(2))
    linkSync(file('b'), join(other.path, 'replaced'))
    await keys.put('b', key(3))
    for (const name of ['destroyed', 'replaced']) expect(readFileSync(join(other.path, name)).every(byte => byte === 0)).toBe(true)
    other.remove()
  })

  test('a destruction cut short is finished at the next opening', async () => {
    const keys = await openShredKeys({ dir: home.path })
    await keys.put('a', key(1))
    copyFileSync(file('a'), file('gone', 'dead'))
    const again = await openShredKeys({ dir: home.path })
    expect(await again.get('gone')).toBeNull()
    expect(readdirSync(home.path)).toHaveLength(1)
  })

  test('a replacement cut short leaves the old key or the new one in force, never none', async () => {
    const keys = await openShredKeys({ dir: home.path })
    await keys.put('a', key(1))
    // Before the new key took the name: both names lead to the old key.
    writeFileSync(file('a', 'new'), 'half a key')
    linkSync(file('a'), file('a', 'dead'))
    let again = await openShredKeys({ dir: home.path })
    expect(await again.get('a')).toEqual(key(1))
    // After: the old key has the other name only.
    copyFileSync(file('a'), file('a', 'dead'))
    await again.put('b', key(2))
    copyFileSync(file('b'), file('a'))
    again = await openShredKeys({ dir: home.path })
    expect(await again.get('a')).toEqual(key(2))
    expect(foundOnDisk(key(1))).toBe(false)
    expect(readdirSync(home.path)).toHaveLength(2)
  })

  test('bytes that an earlier failure left behind are overwritten before their name is used again', async () => {
    const keys = await openShredKeys({ dir: home.path })
    for (const change of [() => keys.put('a', key(4)), () => keys.destroy('a')]) {
      await keys.put('a', key(1))
      writeFileSync(file('a', 'dead'), key(7))
      await change()
      expect(foundOnDisk(key(7))).toBe(false)
      expect(readdirSync(home.path).filter(n => n.endsWith('.dead'))).toEqual([])
    }
  })

  test('a damaged file is an error, never a wrong key', async () => {
    const keys = await openShredKeys({ dir: home.path })
    await keys.put('a', key(1))
    const bytes = readFileSync(file('a'))
    bytes[40]! ^= 1
    writeFileSync(file('a'), bytes)
    await expect(keys.get('a')).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
    truncateSync(file('a'), 20)
    await expect(keys.get('a')).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
    await keys.put('a', key(2))
    expect(await keys.get('a')).toEqual(key(2))
  })

  test('only the owner can read them', async () => {
    const keys = await openShredKeys({ dir: join(home.path, 'sub') })
    await keys.put('a', key(1))
    const [name] = readdirSync(join(home.path, 'sub'))
    expect(statSync(join(home.path, 'sub', name!)).mode & 0o077).toBe(0)
    expect(statSync(join(home.path, 'sub')).mode & 0o077).toBe(0)
  })
})
