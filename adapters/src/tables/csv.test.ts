import { utf8 } from '@keepwell/sdk/base/bytes'
import { expect, test } from 'vitest'
import { readCsv } from './csv.ts'

async function rows(bytes: Uint8Array, options = { delimiter: ',', encoding: 'utf-8' }, size = 7) {
  const out = []
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
  }
  for await (const row of readCsv(chunks(), options)) out.push(row)
  return out
}

test('rows by the names of the header: quotes, line breaks in them, byte order mark, any line ends, chunks anywhere', async () => {
  expect(await rows(utf8('\uFEFFa, b\r\n1,"two, ""2"""\n"line\nbreak",Zoë\r\n\r\n'))).toEqual([
    { number: 1, values: { a: '1', b: 'two, "2"' } },
    { number: 2, values: { a: 'line\nbreak', b: 'Zoë' } },
  ])
  expect(
    await rows(
      Uint8Array.from('n;v\nM\xfcller;1', c => c.charCodeAt(0)),
      { delimiter: ';', encoding: 'windows-1252' },
    ),
  ).toEqual([{ number: 1, values: { n: 'Müller', v: '1' } }])
})

test('a row of another width is a fault at its number, and the rows after it are read', async () => {
  expect(await rows(utf8('a,b\n1,2\n3\n4,5\n6,7,8\n'))).toEqual([
    { number: 1, values: { a: '1', b: '2' } },
    { number: 2, fault: 'it has another number of columns than the header' },
    { number: 3, values: { a: '4', b: '5' } },
    { number: 4, fault: 'it has another number of columns than the header' },
  ])
})

test('a quote that never closes does not fill the memory', async () => {
  const endless = utf8(`a,b\n"${'x'.repeat(3 << 20)}`)
  await expect(rows(endless, undefined, 1 << 16)).rejects.toMatchObject({ code: 'UNREADABLE' })
  await expect(rows(utf8('a'), { delimiter: ',', encoding: 'klingon' })).rejects.toMatchObject({ code: 'BAD_INPUT' })
})
