import { expect, test } from 'vitest'
import { utf8 } from '#base/bytes'
import { sha256 } from '#crypto/hash'
import { secp as noble } from './secp-noble.ts'
import { loadSecp } from './secp-node.ts'

test('a machine for which the library is not built signs by noble, and starts', async () => {
  const absent = await loadSecp(() => {
    throw new Error('No native build was found')
  })
  expect(absent).toBe(noble)
  const [key, digest] = [sha256(utf8('key')), sha256(utf8('message'))]
  const built = await loadSecp()
  expect(built).not.toBe(noble)
  expect(absent.secpSign(key, digest)).toEqual(built.secpSign(key, digest))
})
