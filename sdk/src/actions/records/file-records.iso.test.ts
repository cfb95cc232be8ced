import { expect, test } from 'vitest'
import type { Block } from '#ports/blocks'
import { uploader } from './file-records.ts'

const block = (): Block => ({ cid: 'x', bytes: new Uint8Array(8 << 20) })

/** Writes that stand until they are let go, in turn. */
function gated() {
  const begun: PromiseWithResolvers<void>[] = []
  const put = (): Promise<void> => {
    const gate = Promise.withResolvers<void>()
    begun.push(gate)
    return gate.promise
  }
  return { begun, put }
}

test('while one write is under way the next blocks are gathered, and no more than those', async () => {
  const { begun, put } = gated()
  const upload = uploader(put)
  await upload.add([block()])
  let second = false
  const adding = upload.add([block()]).then(() => {
    second = true
  })
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
  expect([begun.length, second]).toEqual([1, false])
  begun[0]!.resolve()
  await adding
  expect([begun.length, second]).toEqual([2, true])
  let flushed = false
  const flushing = upload.flush().then(() => {
    flushed = true
  })
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
  expect(flushed).toBe(false)
  begun[1]!.resolve()
  await flushing
})

test('blocks are let go when they were written, and not before', async () => {
  const { begun, put } = gated()
  const upload = uploader(put)
  const one = block()
  await upload.add([one])
  expect(one.bytes.length).toBe(8 << 20)
  begun[0]!.resolve()
  await upload.flush()
  expect(one.bytes.length).toBe(0)
})

test('a write that failed is told by the next, and by the flush, so that nothing is filed whose blocks are not there', async () => {
  const { begun, put } = gated()
  const upload = uploader(put)
  await upload.add([block()])
  begun[0]!.reject(new Error('disk full'))
  await expect(upload.add([block()])).rejects.toThrow('disk full')
  await expect(upload.flush()).rejects.toThrow('disk full')
  expect(begun.length).toBe(1)
})
