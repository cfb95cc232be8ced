import { randomBytes } from 'node:crypto'
import { equal, utf8 } from '@keepwell/sdk/base/bytes'
import { expect, test } from 'vitest'
import { type Drawer, quarantine } from './quarantine.ts'

const random = (n: number) => new Uint8Array(randomBytes(n))

function memoryDrawer(): Drawer & { readonly files: Map<string, Uint8Array> } {
  const files = new Map<string, Uint8Array>()
  return {
    files,
    names: async () => [...files.keys()],
    bytes: async () => [...files.values()].reduce((sum, f) => sum + f.length, 0),
    write: async (name, bytes) => void files.set(name, bytes),
    read: async name => files.get(name) ?? null,
    remove: async name => void files.delete(name),
  }
}

test('what was set aside opens again as it came, with the reason; the drawer holds nothing readable, and one file once', async () => {
  const drawer = memoryDrawer()
  const secret = random(32)
  const held = quarantine(drawer, secret, random)
  const file = utf8('DICM for Ada Lovelace, cut short')
  await held.put(file, 'It ends early.')
  await held.put(file, 'It ends early.')
  const [name, ...more] = await held.names()
  expect(more).toEqual([])
  expect(new TextDecoder().decode(drawer.files.get(name!))).not.toContain('Lovelace')
  const opened = await held.open(name!)
  expect([opened!.reason, equal(opened!.file, file)]).toEqual(['It ends early.', true])
  await expect(quarantine(drawer, random(32), random).open(name!)).rejects.toMatchObject({ code: 'OPEN_FAILED' })
  expect(await held.open('other.sealed')).toBeNull()
  expect(held.counts).toEqual({ put: 2, full: 0 })
  await held.drop(name!)
  expect([await held.open(name!), await held.names()]).toEqual([null, []])
})

test('a full drawer takes no more, and says so', async () => {
  const drawer = memoryDrawer()
  const held = quarantine({ ...drawer, bytes: async () => 5 * 2 ** 30 }, random(32), random)
  await held.put(utf8('x'), 'no')
  expect([drawer.files.size, held.counts]).toEqual([0, { put: 1, full: 1 }])
})
